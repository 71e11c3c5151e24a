"""`Goal`: what a person wants, with the inputs and limits that come along."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field, JsonValue, SerializerFunctionWrapHandler, model_serializer

from dagwright.label import TRUSTED, Label
from dagwright.model import Frozen, Identifier, JsonSchema


class GoalInput(Frozen):
    """One named input of a goal.

    A file is an object `{path, sha256, bytes, media_type}`, `path` relative to the run's folder,
    and its schema carries what was read from it beforehand: `x-content` (the schema of its
    content, for a CSV an array of row objects) or `x-contents` (such a schema per table name). In a table's
    schema `x-keys` names the columns that tell all of its rows apart, and that of a numeric column has its least
    and its greatest value in `x-range`.
    """

    value: JsonValue
    """The value itself, or the description of the file."""
    schema_: JsonSchema = Field(alias="schema")
    """JSON Schema of the value."""
    label: Label = TRUSTED
    """Where it comes from."""
    description: str = ""
    """In words, for the planner."""

    @model_serializer(mode="wrap")
    def _with_null(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"value": None, **handler(self)}  # null is a value here, not an absence


class Constraints(Frozen):
    """What a run may use up. None means that no limit is set here; policy may set one."""

    max_cost: float | None = Field(default=None, ge=0)
    """US dollars."""
    deadline: float | None = Field(default=None, gt=0)
    """Seconds of wall time."""
    max_calls: int | None = Field(default=None, ge=0)
    """Tool calls, retries included."""
    max_tokens: int | None = Field(default=None, ge=0)
    """Tokens of all language model calls together."""
    max_replans: int = Field(default=2, ge=0, le=10)
    """How many new plan versions a run may make."""
    denied_tools: tuple[str, ...] = ()
    """Globs over `tool.operation` that a plan for this goal must not use."""


class Goal(Frozen):
    """What is wanted. The text and the inputs come from the user and are trusted."""

    goal_id: Identifier
    """Unique name."""
    text: str = Field(min_length=1, max_length=20_000)
    """The wish in words."""
    inputs: dict[Identifier, GoalInput] = Field(default_factory=dict[Identifier, GoalInput])
    """Named inputs."""
    constraints: Constraints = Constraints()
    """Limits."""
    created_at: datetime | None = None
    """When it was stated (UTC)."""
