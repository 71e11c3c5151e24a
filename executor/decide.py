"""The embedded engine's core: what to do next, given what happened. No clock, no thread, no disk.

`Execution` is a state machine over a workflow's JSON: `start` and `advance` turn events into
commands. The durable driver, the simulator and replay feed it; the same events always give the
same commands, so state is a fold over the archive's events and nothing else.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

from executor.order import graph_of
from executor.workflow import TaskDef, WorkflowDef

EndStatus = Literal["completed", "failed", "timed_out", "cancelled"]


@dataclass(frozen=True, slots=True)
class Completed:
    """An attempt at a step succeeded."""

    step: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt at a step failed."""

    step: str
    attempt: int
    for_good: bool
    """True where another attempt would fail in the same way."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """An attempt at a step did not end within its time."""

    step: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The run as a whole is to stop."""

    status: Literal["cancelled", "timed_out"]


Occurrence = Completed | Failed | TimedOut | Stopped
"""What a driver tells the core."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Begin an attempt at a step, as soon as a worker is free."""

    step: str
    attempt: int
    delay: float
    """Seconds to wait first."""
    timeout: float
    """Seconds that the attempt may take."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop an attempt that was scheduled."""

    step: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The workflow has ended."""

    status: EndStatus
    failed_step: str | None = None


Command = Schedule | Cancel | Finish
"""What the core tells a driver."""


class Execution:
    """One execution of a workflow. Give it every event exactly once, in the order in which they happened."""

    def __init__(self, workflow: WorkflowDef) -> None:
        self._nodes = graph_of(workflow).nodes
        self._defs = {found.name: found for found in workflow.task_defs}
        self._missing = {name: len(set(node.before)) for name, node in self._nodes.items()}
        self._after: dict[str, list[str]] = {name: [] for name in self._nodes}
        for name, node in self._nodes.items():
            for before in set(node.before):
                self._after[before].append(name)
        self._left = len(self._nodes)
        self._finished: Container[str] = ()
        self.running: dict[str, int] = {}
        """Number of the attempt by step, for each step that is scheduled and has not ended."""
        self.ended: Finish | None = None
        """How the workflow ended; None while it runs."""

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps of the workflow, in an order in which they can run."""
        return tuple(name for name, node in self._nodes.items() if node.task.type == "SIMPLE")

    def start(self, finished: Container[str] = ()) -> list[Command]:
        """Gives the first commands; steps in `finished` count as completed when their turn comes."""
        self._finished = finished
        commands: list[Command] = []
        self._enter([name for name, count in self._missing.items() if not count], commands)
        return commands

    def advance(self, event: Occurrence) -> list[Command]:
        """Gives the commands that follow from an event; none for one that comes too late."""
        if self.ended is not None:
            return []
        if isinstance(event, Stopped):
            return self._finish(Finish(event.status))
        if self.running.get(event.step) != event.attempt:
            return []
        if isinstance(event, Completed):
            return self._pass(event.step)
        return self._fail(event)

    def _enter(self, ready: list[str], commands: list[Command]) -> None:
        """Begins the tasks that wait for nothing more; control tasks end at once."""
        for name in ready:  # grows while it is walked
            if self._nodes[name].task.type == "SIMPLE" and name not in self._finished:
                self.running[name] = 1
                commands.append(Schedule(name, 1, 0.0, _seconds(self._definition(name))))
            else:
                self._left -= 1
                ready.extend(self._released(name))
        if not self._left and self.ended is None:
            commands.extend(self._finish(Finish("completed")))

    def _released(self, name: str) -> list[str]:
        found: list[str] = []
        for later in self._after[name]:
            self._missing[later] -= 1
            if not self._missing[later]:
                found.append(later)
        return found

    def _pass(self, step: str) -> list[Command]:
        del self.running[step]
        self._left -= 1
        commands: list[Command] = []
        self._enter(self._released(step), commands)
        return commands

    def _fail(self, event: Failed | TimedOut) -> list[Command]:
        definition = self._definition(event.step)
        late = isinstance(event, TimedOut)
        for_good = definition.timeout_policy == "TIME_OUT_WF" if late else event.for_good
        if not for_good and event.attempt <= definition.retry_count:
            attempt = self.running[event.step] = event.attempt + 1
            return [Schedule(event.step, attempt, retry_delay(definition, event.attempt), _seconds(definition))]
        if self._nodes[event.step].task.optional:
            return self._pass(event.step)
        del self.running[event.step]
        return self._finish(Finish("timed_out" if late else "failed", event.step))

    def _finish(self, finish: Finish) -> list[Command]:
        self.ended = finish
        cancelled = [Cancel(step, attempt) for step, attempt in self.running.items()]
        self.running.clear()
        return [*cancelled, finish]

    def _definition(self, step: str) -> TaskDef:
        name = self._nodes[step].task.name
        return self._defs.get(name) or unregistered(name)


def retry_delay(definition: TaskDef, failed_attempt: int) -> float:
    """Gives the seconds between a failed attempt and the next one, as Conductor counts them."""
    delay = float(definition.retry_delay_seconds)
    if definition.retry_logic == "EXPONENTIAL_BACKOFF":
        return delay * 2.0 ** (failed_attempt - 1)
    if definition.retry_logic == "LINEAR_BACKOFF":
        return delay * definition.backoff_scale_factor * failed_attempt
    return delay


def unregistered(name: str) -> TaskDef:
    """Gives how a task without a TaskDef is run: once, within an hour."""
    return TaskDef(
        name=name, retry_count=0, timeout_seconds=3_600, response_timeout_seconds=3_599, poll_timeout_seconds=3_600
    )


def _seconds(definition: TaskDef) -> float:
    return float(min(definition.timeout_seconds, definition.response_timeout_seconds) or definition.timeout_seconds)
