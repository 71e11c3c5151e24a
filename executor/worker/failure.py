"""How an attempt that went wrong is told: typed, so that engines know whether to retry and planners why."""

from __future__ import annotations

import time

from dagwright.exceptions import (
    Cancelled,
    ContentError,
    GuardViolation,
    TimedOut,
    ToolRejected,
    ToolUnavailable,
    TransportError,
)
from dagwright.feedback import ErrorKind, ErrorRecord, Feedback, Performance
from executor.engine.engine import Activation, StepResult


class UnknownOutcome(Exception):
    """Raised inside the worker when an effect that must not be repeated may have happened."""


class Unmet(Exception):
    """Raised inside the worker when criteria do not hold: what they say, and the place in the outputs."""

    def __init__(self, criteria: list[tuple[str, str]]) -> None:
        self.criteria = criteria
        super().__init__("; ".join(text for text, _ in criteria))


def failure_of(error: Exception, activation: Activation, begun: float, *, replaced: bool = False) -> StepResult:
    """Gives the result of an attempt that ended in an error; `replaced` is one that something else follows."""
    retryable = isinstance(error, TransportError) and not replaced
    return StepResult(
        status="failed" if retryable else "failed_for_good",
        feedback=Feedback(
            step_id=activation.instance,
            execution_status="failure",
            errors=tuple(_records(error)),
            performance_metrics=performance_of(activation, begun),
            requires_replan=not isinstance(error, Cancelled),
        ),
        retry_after=error.retry_after if isinstance(error, ToolUnavailable) and retryable else 0.0,
    )


def _records(error: Exception) -> list[ErrorRecord]:
    if isinstance(error, Unmet):
        return [
            ErrorRecord(kind="criterion", code="criterion_unmet", message=text, path=path)
            for text, path in error.criteria
        ]
    kind, code = _kind(error)
    message = str(error)[:2_000].encode("utf-8", "replace").decode()  # a lone surrogate is no JSON
    return [ErrorRecord(kind=kind, code=code, message=message)]


def _kind(error: Exception) -> tuple[ErrorKind, str]:
    """Gives the kind and the stable code of an error."""
    if isinstance(error, ToolUnavailable):
        return "transport", error.code
    if isinstance(error, TimedOut):
        return "timeout", "timed_out"
    if isinstance(error, TransportError):
        return "transport", "unreachable"
    if isinstance(error, GuardViolation):
        return "guard", error.code
    if isinstance(error, ToolRejected):
        return "content", error.code
    if isinstance(error, UnknownOutcome):
        return "unknown_outcome", "unknown_outcome"
    if isinstance(error, Cancelled):
        return "cancelled", "cancelled"
    return "content", "rejected" if isinstance(error, ContentError) else "tool_crashed"


def performance_of(activation: Activation, begun: float) -> Performance:
    """Gives what an attempt has taken since `begun`, on the clock of `time.monotonic()`."""
    elapsed = round((time.monotonic() - begun) * 1000)
    return Performance(duration_ms=elapsed, resources_used={"attempt": activation.attempt})
