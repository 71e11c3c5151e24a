"""`Attempts`: the attempts that run here, and what the archive learns of them.

A mirror of the server's decisions (`decide.Execution`, fed with what is archived) says which steps
can be handed out for this run at all, and which attempt at them is due.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

from executor.archive.archive import Archive
from executor.conductor.client import TaskView
from executor.conductor.native import Answer, Answers, every_task, instance_of
from executor.conductor.news import Ended, Held, News
from executor.engine.decide import (
    Cancel,
    Command,
    Completed,
    Execution,
    Failed,
    Schedule,
    Skip,
    TimedOut,
    retry_delay,
    unregistered,
)
from executor.engine.engine import Progress, ProgressState, StepResult
from executor.engine.history import History, outstanding
from executor.engine.threads import Threads
from executor.workflow.compile import GRACE_SECONDS
from executor.workflow.definition import WorkflowDef
from executor.workflow.instance import Instance, parts_of


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is run, and with what."""

    workflow: WorkflowDef
    execution: Execution
    history: History
    archive: Archive
    answers: Answers
    call: Callable[[Instance, int, threading.Event], StepResult]
    on_progress: Callable[[Progress], None]
    workers: int
    """How many attempts run at a time."""


class Attempts:
    """Those of one run. Called by the deciding thread alone."""

    def __init__(self, run: Run, threads: Threads, news: queue.SimpleQueue[News]) -> None:
        self._run, self._threads, self._news = run, threads, news
        self._execution, self._history = run.execution, run.history
        self._held: dict[Instance, Held] = {}
        self._owed: set[Instance] = set()
        self._names = _names(run.workflow)
        self._definitions = {item.name: item for item in run.workflow.task_defs}

    @property
    def running(self) -> tuple[Held, ...]:
        """Those that run here."""
        return tuple(self._held.values())

    def resume(self) -> None:
        """Folds over what the archive knows, as the embedded engine does."""
        known = self._history.scheduled()
        commands = outstanding(self._execution, self._history)
        steps = set(self._execution.steps)
        self._owed = {step for step in self._history.finished() if parts_of(step)[0] in steps}
        with self._run.archive.batch():
            self._obey(commands, known)

    def wanted(self, answering: int) -> Mapping[str, int]:
        """Gives how many tasks of each type are to be asked for, while so many answers are on their way.

        The time of a task runs until its answer has arrived: who asks faster than the server takes
        answers makes tasks late that are done.
        """
        free = self._run.workers - len(self._held) - answering
        if free <= 0:
            return {}
        steps = (self._execution.running.keys() - self._held.keys()) | self._owed
        return {
            name: min(count, free) for name, count in Counter(self._names[parts_of(step)[0]] for step in steps).items()
        }

    def idle(self) -> bool:
        """Tells whether a step is due that the server has not handed out."""
        return bool(self._execution.running.keys() - self._held.keys())

    def is_step(self, task: TaskView) -> bool:
        """Tells whether a task is a step's, not one for control."""
        return parts_of(instance_of(task))[0] in self._names

    def holds(self, task: TaskView) -> Held | None:
        """Gives the attempt that runs here for this very task."""
        held = self._held.get(instance_of(task))
        return held if held is not None and held.task.task_id == task.task_id else None

    def supersede(self, task: TaskView) -> list[Callable[[], None]]:
        """Gives up the attempt at the same step that the server replaced by this one."""
        held = self._held.get(instance_of(task))
        return [] if held is None else self.time_out(held)

    def owe(self, task: TaskView) -> None:
        """Takes note that the server schedules a step that has ended here: its answer came too late, or elsewhere."""
        step = instance_of(task)
        if step not in self._execution.running and self._has_ended(step):
            self._owed.add(step)

    def finished(self, task: TaskView) -> Answer | None:
        """Gives the answer for a task's step if it has ended before; the server is owed it no longer."""
        step = instance_of(task)
        if not self._has_ended(step):
            return None
        self._owed.discard(step)
        output = self._history.output(step)
        if output is None:
            return self._run.answers.given_up(step)
        return self._run.answers.archived(step, output, self._history.choice(step))

    def _has_ended(self, step: Instance) -> bool:
        return step in self._execution.failed or self._history.output(step) is not None

    def begin(self, task: TaskView) -> list[Callable[[], None]]:
        """Begins the attempt that is due; gives what is to be done once that is on disk."""
        step = instance_of(task)
        attempt = self._execution.running.get(step)
        if attempt is None:
            return []
        self._history.record("task.started", step, attempt)
        held = self._held[step] = Held(step, attempt, task, threading.Event())
        return [lambda: self._launch(held)]

    def end(self, item: Ended) -> Answer | None:
        """Archives how an attempt ended and gives the server's answer; None for one that was given up."""
        held, result = item.held, item.result
        if self._held.get(held.step) is not held:
            return None
        if isinstance(result, Exception):
            raise result
        del self._held[held.step]
        self._history.record_result(held.step, held.attempt, result)
        completed = result.status == "completed"
        self._tell(held.step, "completed" if completed else "failed", held.attempt)
        if completed:
            self._obey(self._execution.advance(Completed(held.step, held.attempt, result.choice)))
        else:
            for_good = result.status == "failed_for_good"
            self._obey(self._execution.advance(Failed(held.step, held.attempt, for_good)))
        return self._run.answers.of(held.step, result)

    def time_out(self, held: Held) -> list[Callable[[], None]]:
        """Archives that the server gave an attempt up; gives what is to be done once that is on disk."""
        del self._held[held.step]
        self._history.record("task.timed_out", held.step, held.attempt)
        self._tell(held.step, "failed", held.attempt)
        self._obey(self._execution.advance(TimedOut(held.step, held.attempt)))
        return [held.stop.set]

    def cancel(self, held: Held) -> None:
        """Archives that an attempt was stopped."""
        del self._held[held.step]
        self._history.record("task.cancelled", held.step, held.attempt)
        self._tell(held.step, "cancelled", held.attempt)

    def stop(self) -> None:
        """Asks all that run to stop."""
        for held in self._held.values():
            held.stop.set()

    def _launch(self, held: Held) -> None:
        self._tell(held.step, "running", held.attempt)

        def job() -> None:
            begun = time.monotonic()
            try:
                result: StepResult | Exception = self._run.call(held.step, held.attempt, held.stop)
                held.stop.wait(self._held_back(held, result, time.monotonic() - begun))
            except Exception as error:  # noqa: BLE001 - raised again by the deciding thread
                result = error
            self._news.put(Ended(held, result))

        self._threads.submit(job)

    def _held_back(self, held: Held, result: StepResult, seconds: float) -> float:
        """Gives how long the end of an attempt that took some seconds is kept back: within its own time.

        The server counts the delay of retries itself; so another attempt does not come while it would be refused.
        """
        name = self._names[parts_of(held.step)[0]]
        definition = self._definitions.get(name) or unregistered(name)
        missing = result.retry_after - retry_delay(definition, held.attempt)
        return max(0.0, min(missing, definition.response_timeout_seconds - GRACE_SECONDS - seconds))

    def _obey(self, commands: Sequence[Command], known: Container[tuple[str, int]] = ()) -> None:
        for command in commands:
            if isinstance(command, Skip):
                self._tell(command.step, "skipped", 1)
            if isinstance(command, Cancel) and self._execution.ended is None:
                self._give_up(command)
            if not isinstance(command, Schedule):
                continue
            if (command.step, command.attempt) not in known:
                self._history.record("task.scheduled", command.step, command.attempt)
            self._tell(command.step, "scheduled" if command.attempt == 1 else "retrying", command.attempt)

    def _give_up(self, command: Cancel) -> None:
        """Stops an attempt while the run goes on: its optional block has failed."""
        held = self._held.get(command.step)
        if held is not None:
            held.stop.set()
            self.cancel(held)
        else:
            self._history.record("task.cancelled", command.step, command.attempt)
            self._tell(command.step, "cancelled", command.attempt)

    def _tell(self, step: str, state: ProgressState, attempt: int) -> None:
        self._run.on_progress(Progress(step=step, state=state, attempt=attempt))


def _names(workflow: WorkflowDef) -> dict[str, str]:
    """Gives the task type by step."""
    return {task.task_reference_name: task.name for task in every_task(workflow) if task.type == "SIMPLE"}
