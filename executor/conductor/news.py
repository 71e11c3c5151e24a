"""What the threads of a drive tell the one that decides."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from dagwright.exceptions import DagwrightError
from executor.conductor.client import TaskView, WorkflowView
from executor.engine.engine import StepResult


@dataclass(frozen=True, slots=True)
class Held:
    """An attempt that runs here."""

    step: str
    attempt: int
    task: TaskView
    stop: threading.Event
    """Set when it is to stop."""


@dataclass(frozen=True, slots=True)
class Polled:
    """A poll came back, perhaps with nothing."""

    name: str
    tasks: list[TaskView]


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt's worker came back."""

    held: Held
    result: StepResult | Exception


@dataclass(frozen=True, slots=True)
class Answered:
    """The server was told how an attempt ended; with an error, it may not know."""

    error: DagwrightError | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """The execution was nudged and read; with an error instead of a view, it was not."""

    view: WorkflowView | None = None
    error: DagwrightError | None = None


@dataclass(frozen=True, slots=True)
class PollFailed:
    """A poll got no answer."""

    name: str
    error: DagwrightError


News = Polled | PollFailed | Ended | Answered | Read
