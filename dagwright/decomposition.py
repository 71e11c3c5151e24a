"""`Decomposition`: one task as declarative tool intents. Untrusted, because a language model wrote it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from dagwright.control import Control
from dagwright.model import Frozen, Identifier
from dagwright.predicate import Predicate
from dagwright.value import Value

RollbackStrategy = Literal["none", "retry", "compensate", "manual"]


class ToolIntent(Frozen):
    """What is to be called with what; a declaration, not a command."""

    tool_name: str
    """Name of a tool in the catalogue."""
    operation: str
    """Name of one of its operations."""
    required_inputs: dict[str, Value] = Field(default_factory=dict[str, Value])
    """Arguments by name."""
    expected_outputs: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """JSON Schema (possibly empty) per expected output name."""
    validation_criteria: tuple[Predicate, ...] = ()
    """What must hold of the outputs."""

    @property
    def operation_name(self) -> str:
        """The full name, `tool.operation`."""
        return f"{self.tool_name}.{self.operation}"


class Caller(Frozen):
    """A step that called a sub-program."""

    step: Identifier
    """The step, as the plan or the sub-program that it is of calls it."""
    operation: str
    """The sub-program, `tool.operation`."""


class Step(Frozen):
    """One tool intent with what surrounds it."""

    step_id: Identifier
    """Unique in the proposal."""
    action: str = Field(max_length=4_000)
    """What it does, in words."""
    tool_intent: ToolIntent
    """The declaration."""
    documentation_references: tuple[str, ...] = ()
    """Documents that ground it."""
    preconditions: tuple[Predicate, ...] = ()
    """What must hold before it."""
    postconditions: tuple[Predicate, ...] = ()
    """What holds after it."""
    rollback_strategy: RollbackStrategy = "none"
    """What undoes it."""
    called_by: tuple[Caller, ...] | None = None
    """The calls that it was written out for, the outermost first; none where it is the plan's own."""


class Decomposition(Frozen):
    """A task's steps, in the order in which they run."""

    task_id: Identifier
    """The task."""
    steps: tuple[Step, ...]
    """At least one step."""
    control: Control | None = None
    """How they are run as one block; None runs them once, come what may."""
