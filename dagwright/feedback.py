"""`Feedback`: what a planner may learn of a step that ran, and `Outcome`, how a run ended."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from dagwright.canonical import Sha256
from dagwright.model import Frozen

ErrorKind = Literal["content", "transport", "timeout", "criterion", "guard", "cancelled", "unknown_outcome"]
"""`unknown_outcome`: it may have happened; it is never silently repeated unless idempotent."""

ExecutionStatus = Literal["success", "failure", "partial"]


class ErrorRecord(Frozen):
    """One error, typed. The message is for people; a planner sees code, kind and path only."""

    kind: ErrorKind
    """What sort of thing went wrong."""
    code: str
    """Stable word, e.g. `missing_column`, `http_404`."""
    message: str = ""
    """In words."""
    path: str = ""
    """Which argument or output, as JSON Pointer."""


class Performance(Frozen):
    """What a step took."""

    duration_ms: int = Field(ge=0)
    """Milliseconds, all attempts together."""
    resources_used: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """Further measures, such as attempts, tokens, bytes."""


class Feedback(Frozen):
    """What happened to one step."""

    step_id: str
    """The step."""
    execution_status: ExecutionStatus
    """How it went."""
    outputs: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """Typed summary of the outputs (types, sizes, small scalars), never raw text."""
    errors: tuple[ErrorRecord, ...] = ()
    """What went wrong, the last attempt last."""
    performance_metrics: Performance = Performance(duration_ms=0)
    """What it took."""
    side_effects: tuple[str, ...] = ()
    """Resources written, e.g. `file:report.md`."""
    requires_replan: bool = False
    """Whether the plan cannot go on as it is."""


OutcomeStatus = Literal["done", "rejected", "failed", "waiting", "cancelled"]


class Outcome(Frozen):
    """How a run ended."""

    run: str
    """The run's id."""
    status: OutcomeStatus
    """How."""
    answer: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """The named answers."""
    reason: str = ""
    """Why it is not done, in words."""
    replans: int = 0
    """How many new plan versions were made."""
    files: tuple[str, ...] = ()
    """Files written, relative to the run's folder."""
    digests: dict[str, Sha256] = Field(default_factory=dict[str, Sha256])
    """SHA-256 of each of them as the run left it."""
    undone: tuple[str, ...] = ()
    """Effects that were undone after it had failed, a line each."""
    not_undone: tuple[str, ...] = ()
    """Effects that still stand although they should not, with what to do about each, a line each."""
    tokens: int = 0
    """Language model tokens, prompt and answer."""
    cost: float | None = None
    """US dollars; None is unknown."""
    seconds: float = 0.0
    """Wall time."""
