"""`Runner`: the way from a guarded step to its effect. One implementation per kind of binding."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from pydantic import JsonValue

from dagwright.exceptions import DiskError, GuardViolation, ToolRejected, ToolUnavailable
from dagwright.policy import Policy
from dagwright.tool import BindingKind, ToolSpec


@dataclass(frozen=True, kw_only=True)
class ToolContext:
    """What a runner may use besides the arguments, for one attempt at one step."""

    run: str
    """The run."""
    step: str
    """The step."""
    attempt: int
    """1 for the first."""
    idempotency_key: str
    """The same for all attempts at this step with these arguments; 64 hexadecimal digits."""
    files: Path
    """The run's folder for everything that tools write; nothing outside it may be written."""
    inputs: Path
    """The run's folder with the goal's files, read only."""
    policy: Policy
    """The policy that the program was certified under."""
    secrets: Callable[[str], str | None]
    """Gives the value of a credential by its name; None where there is none."""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Columns of the arguments that are tables without rows, as far as the plan knows them."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set when the attempt is to stop; long work looks at it."""
    deadline: float
    """When the attempt is abandoned, on the clock of `time.monotonic()` (seconds)."""
    tenant: str = "default"
    """For whom the run is; what workers of several tenants are told."""

    @property
    def remaining(self) -> float:
        """Seconds left until the deadline, at least 0."""
        return max(0.0, self.deadline - time.monotonic())


class Runner(Protocol):
    """Runs operations of one kind of binding."""

    def __call__(self, spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> dict[str, JsonValue]:
        """Runs one operation and gives its outputs by name.

        Arguments are complete (references resolved, defaults filled in) and fit the input schema;
        the guarded worker checks the outputs against the output schema afterwards.

        Raises:
            ToolUnavailable: it could not answer this time; may be tried again.
            ToolRejected: it refuses these arguments for good.
            TransportError: no answer (`TimedOut`, `Unreachable`).

        Where `may_have_acted` holds for what was raised, an operation that is not idempotent is
        not tried again.
        """
        ...


@runtime_checkable
class Closing(Protocol):
    """A runner that keeps something open between calls."""

    def close(self) -> None:
        """Ends it; a later call opens it again."""
        ...


Runners = Mapping[BindingKind, Runner]
"""The runner of each kind of binding."""

_UNSURE = frozenset(
    (
        "tool_failed",
        "http_timeout",
        "http_broken",
        "bad_answer",
        "too_large",
        "too_many_redirects",
        "redirect_failed",
        "unknown_outcome",
        "mcp_broken",
        "kafka_broken",
        "exit_status",
        *("time_limit", "cpu_limit", "memory_limit", "process_limit", "file_limit", "disk_limit", "output_limit"),
    )
)


def may_have_acted(error: Exception) -> bool:
    """Whether a tool may have done something before this error.

    No for a refusal or an absence that says so itself (a missing column, a 404, a 429, a 503) and for
    a file that had no room; yes for an answer that never came or cannot be used, for other errors of a
    server, and for a crash.
    """
    if isinstance(error, DiskError) or (isinstance(error, GuardViolation) and error.code == "sandbox_too_weak"):
        return False
    if not isinstance(error, ToolRejected | ToolUnavailable):
        return True
    failed_inside = error.code.startswith("http_5") and error.code != "http_503"
    return failed_inside or error.code in _UNSURE
