"""`Drive`: one run on a Conductor server, from here: polls, runs attempts, supervises, keeps the archive.

The server decides what runs. A mirror of its decisions (`decide.Execution`, fed with what is
archived) says which task types can have something for this run at all, so only those are polled.
The order of writing is archive first, server second: an answer that the server drops because it
came too late is not lost, the next attempt is answered from the archive.

The server's own sweeps come minutes apart, so every second the execution is nudged and read:
time-outs, ends, answers that did not arrive and attempts that nobody holds are found there.
A tool's time-out is shorter than its task's response time-out, so attempts need no heartbeat; one
that is taken over from a process that died gets its response time-out anew.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Container
from dataclasses import dataclass

from dagwright.exceptions import ContentError, DagwrightError, TransportError, Unreachable
from executor.archive import Archive
from executor.conductor.client import REMEDY, ConductorClient, TaskView, WorkflowView
from executor.conductor.native import Answer, answer_of, archived_answer
from executor.decide import Cancel, Command, Completed, Execution, Failed, Finish, Schedule, Stopped, TimedOut
from executor.engine import EngineResult, Progress, ProgressState, StepResult
from executor.history import History
from executor.threads import Threads
from executor.workflow import WorkflowDef

POLL_MILLISECONDS = 100
"""How long the server may hold a poll that finds nothing; it looks again only every 100 ms."""

NUDGE_SECONDS = 1.0
"""How often an execution is nudged and read."""

EAGER_SECONDS = 0.25
"""The same while a step can be expected to be handed out, or the execution to end."""

EAGER_FOR = 3.0
"""How long that is expected after an attempt has ended; a retry's delay may be longer."""

TICK = 0.05
"""Seconds within which a request to stop is noticed."""

OUTAGE_SECONDS = 60.0
"""How long the server may be away in the middle of a run."""

GRACE = 2.0
"""Seconds that cancelled attempts get to come to an end."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be run, where, and with what."""

    client: ConductorClient
    workflow: WorkflowDef
    execution: Execution
    history: History
    archive: Archive
    begin: Callable[[], tuple[str, str]]
    """Starts or finds the execution: its id and the domain of its tasks."""
    call: Callable[[str, int, threading.Event], StepResult]
    on_progress: Callable[[Progress], None]
    workers: int


@dataclass(frozen=True, slots=True)
class _Held:
    """An attempt that runs here."""

    step: str
    attempt: int
    task: TaskView
    stop: threading.Event


@dataclass(frozen=True, slots=True)
class _Polled:
    name: str
    tasks: list[TaskView]


@dataclass(frozen=True, slots=True)
class _Ended:
    held: _Held
    result: StepResult | Exception


@dataclass(frozen=True, slots=True)
class _Answered:
    """An answer was sent, or given up."""


@dataclass(frozen=True, slots=True)
class _Away:
    """A request got no answer."""

    error: DagwrightError
    name: str | None = None
    """The type that was polled; empty for an answer, None for a read."""


_News = _Polled | _Ended | _Answered | _Away | WorkflowView


class Drive:
    """One call of `ConductorEngine.run`. One thread decides and writes; others poll, work and read."""

    def __init__(self, job: Job) -> None:
        self._job, self._client, self._history = job, job.client, job.history
        self._execution = job.execution
        self._threads = Threads("conductor")
        self._news: queue.SimpleQueue[_News] = queue.SimpleQueue()
        self._held: dict[str, _Held] = {}
        self._owed: set[str] = set()
        self._names = _names(job.workflow)
        self._polling: set[str] = set()
        self._orphans: set[str] = set()
        self._answers: dict[str, tuple[float, Answer]] = {}
        self._answering = 0
        self._reading = False
        self._next_read = 0.0
        self._moved = time.monotonic()
        self._away_since: float | None = None
        self._server_ended = False
        self._done = threading.Event()
        self._writing = threading.Lock()  # the server decides one at a time; who waits there, waits longer

    def to_end(self, cancelled: threading.Event) -> EngineResult:
        """Runs until the server says that the execution has ended."""
        try:
            self._resume()
            if self._execution.ended is None:
                self._id, self._domain = self._job.begin()
                self._follow(cancelled)
            end = self._execution.ended
            assert end is not None
        finally:
            self._done.set()
            for held in self._held.values():
                held.stop.set()
            self._threads.close()
        finished, steps = self._history.finished(), self._execution.steps
        return EngineResult(
            status=end.status,
            outputs={step: finished[step] for step in steps if step in finished},
            feedback=self._history.feedback(),
            failed_step=end.failed_step,
        )

    def _resume(self) -> None:
        """Folds over what the archive knows, as the embedded engine does."""
        known = self._history.scheduled()
        commands = self._execution.start(self._history.inherited())
        for occurrence in self._history.occurrences():
            commands += self._execution.advance(occurrence)
        self._owed = set(self._history.finished()) & set(self._execution.steps)
        running = self._execution.running
        with self._job.archive.batch():
            self._obey([c for c in commands if isinstance(c, Schedule) and running.get(c.step) == c.attempt], known)

    def _follow(self, cancelled: threading.Event) -> None:
        while not self._server_ended:
            if cancelled.is_set() and self._execution.ended is None:
                self._execution.advance(Stopped("cancelled"))
            end = self._execution.ended
            if end is not None and end.status != "completed":
                break
            self._ask()
            self._take(TICK)
        end = self._execution.ended
        assert end is not None
        self._wind_down(end)
        if not self._server_ended and self._client.workflow(self._id, tasks=False).status in ("RUNNING", "PAUSED"):
            self._client.terminate(self._id, f"dagwright: {end.status}")

    def _ask(self) -> None:
        """Starts the polls that can bring something, and the read that is due."""
        free = self._job.workers - len(self._held)
        wanted = Counter(
            self._names[step] for step in (self._execution.running.keys() - self._held.keys()) | self._owed
        )
        for name, count in wanted.items():
            if name not in self._polling and free > 0:
                self._polling.add(name)
                self._threads.submit(self._poll(name, min(count, free)))
        if not self._reading and time.monotonic() >= self._next_read:
            self._reading = True
            self._threads.submit(self._read)

    def _poll(self, name: str, count: int) -> Callable[[], None]:
        def job() -> None:
            try:
                tasks = self._client.poll(name, self._domain, "dagwright", count=count, milliseconds=POLL_MILLISECONDS)
                self._news.put(_Polled(name, tasks))
            except DagwrightError as error:
                self._done.wait(NUDGE_SECONDS)
                self._news.put(_Away(error, name))

        return job

    def _read(self) -> None:
        try:
            with self._writing:
                self._client.decide(self._id)
            self._news.put(self._client.workflow(self._id))
        except DagwrightError as error:
            self._news.put(_Away(error))

    def _take(self, seconds: float) -> None:
        """Takes in what has come, in one transaction; waits that long for the first."""
        try:
            news = [self._news.get(timeout=seconds)]
        except queue.Empty:
            return
        while not self._news.empty():
            news.append(self._news.get())
        after: list[Callable[[], None]] = []
        with self._job.archive.batch():
            for item in news:
                after += self._accept(item)
        for action in after:
            action()

    def _accept(self, item: _News) -> list[Callable[[], None]]:
        """Gives what is to be done once that is on disk."""
        if isinstance(item, _Away):
            return self._missed(item)
        if isinstance(item, _Ended):
            return self._ended(item)
        if isinstance(item, _Answered):
            self._answering -= 1
            return []
        self._away_since = None
        if isinstance(item, _Polled):
            self._polling.discard(item.name)
            return [action for task in item.tasks for action in self._assign(task)]
        self._reading = False
        self._next_read = time.monotonic() + (EAGER_SECONDS if self._expecting() else NUDGE_SECONDS)
        return self._observe(item)

    def _missed(self, away: _Away) -> list[Callable[[], None]]:
        if away.name is not None:
            self._polling.discard(away.name)  # no type is called ""
        else:
            self._reading = False
            self._next_read = time.monotonic() + NUDGE_SECONDS
        if isinstance(away.error, ContentError):
            if away.name == "":  # an answer to an attempt that the server no longer knows; the next read tells
                return []
            raise away.error
        self._away_since = self._away_since or time.monotonic()
        if time.monotonic() - self._away_since > OUTAGE_SECONDS:
            raise Unreachable("the Conductor server", f"away for {OUTAGE_SECONDS:.0f} s: {away.error}", remedy=REMEDY)
        return []

    def _assign(self, task: TaskView) -> list[Callable[[], None]]:
        """Begins an attempt that the server handed out, or answers it from the archive."""
        step = task.reference_task_name
        if self._execution.ended is not None and self._execution.ended.status != "completed":
            return []
        held = self._held.get(step)
        if held is not None and held.task.task_id == task.task_id:
            return []
        after: list[Callable[[], None]] = []
        if held is not None:
            after += self._time_out(held)  # the server has given it up and schedules the next
        output = self._history.output(step)
        if output is not None:
            self._owed.discard(step)
            return [*after, lambda: self._answer(task, archived_answer(step, output))]
        attempt = self._execution.running.get(step)
        if attempt is None:
            return after
        self._history.record("task.started", step, attempt)
        begun = self._held[step] = _Held(step, attempt, task, threading.Event())
        return [*after, lambda: self._launch(begun)]

    def _launch(self, held: _Held) -> None:
        self._tell(held.step, "running", held.attempt)

        def job() -> None:
            try:
                result: StepResult | Exception = self._job.call(held.step, held.attempt, held.stop)
            except Exception as error:  # noqa: BLE001 - raised again by the deciding thread
                result = error
            self._news.put(_Ended(held, result))

        self._threads.submit(job)

    def _ended(self, item: _Ended) -> list[Callable[[], None]]:
        """Archives how an attempt ended; the server learns of it afterwards."""
        held = item.held
        if self._held.get(held.step) is not held:
            return []  # it was given up
        if isinstance(item.result, Exception):
            raise item.result
        del self._held[held.step]
        self._moved = time.monotonic()
        self._next_read = min(self._next_read, self._moved + EAGER_SECONDS)
        self._history.record_result(held.step, held.attempt, item.result)
        completed = item.result.status == "completed"
        self._tell(held.step, "completed" if completed else "failed", held.attempt)
        if completed:
            self._obey(self._execution.advance(Completed(held.step, held.attempt)))
        else:
            for_good = item.result.status == "failed_for_good"
            self._obey(self._execution.advance(Failed(held.step, held.attempt, for_good)))
        answer = answer_of(held.step, item.result)
        return [lambda: self._answer(held.task, answer)]

    def _answer(self, task: TaskView, answer: Answer) -> None:
        self._answers[task.task_id] = (time.monotonic(), answer)
        self._answering += 1

        def job() -> None:
            try:
                with self._writing:
                    self._client.update(task, answer.status, output=answer.output, reason=answer.reason)
            except DagwrightError as error:
                self._news.put(_Away(error, ""))
            finally:
                self._news.put(_Answered())

        self._threads.submit(job)

    def _expecting(self) -> bool:
        """Tells whether the server should have had time to do something, but has not yet."""
        if self._execution.ended is not None:
            return True
        idle = self._execution.running.keys() - self._held.keys()
        return bool(idle) and time.monotonic() < self._moved + EAGER_FOR

    def _observe(self, view: WorkflowView) -> list[Callable[[], None]]:
        """Compares what the server knows with what is known here."""
        after: list[Callable[[], None]] = []
        orphans: set[str] = set()
        for task in view.tasks:
            held = self._held.get(task.reference_task_name)
            if held is not None and held.task.task_id == task.task_id:
                if task.status == "TIMED_OUT":
                    after += self._time_out(held)
            elif task.status == "IN_PROGRESS" and task.reference_task_name in self._names:
                after += self._unheld(task, orphans)
        self._orphans = orphans
        if view.status not in ("RUNNING", "PAUSED"):
            self._server_ended = True
            self._conclude(view)
        return after

    def _unheld(self, task: TaskView, orphans: set[str]) -> list[Callable[[], None]]:
        """An attempt is open on the server that nobody runs: its answer was lost, or its process died."""
        sent = self._answers.get(task.task_id)
        if sent is not None:
            if time.monotonic() < sent[0] + NUDGE_SECONDS:
                return []
            return [lambda: self._answer(task, sent[1])]
        if task.task_id not in self._orphans:  # a poll's answer may just be on its way
            orphans.add(task.task_id)
            return []
        return [*self._assign(task), lambda: self._client.extend(task)]

    def _time_out(self, held: _Held) -> list[Callable[[], None]]:
        del self._held[held.step]
        self._history.record("task.timed_out", held.step, held.attempt)
        self._tell(held.step, "failed", held.attempt)
        self._obey(self._execution.advance(TimedOut(held.step, held.attempt)))
        return [held.stop.set]

    def _conclude(self, view: WorkflowView) -> None:
        """Makes the server's end ours where the two differ."""
        if self._execution.ended is not None:
            return
        if view.status == "COMPLETED":
            raise TransportError(
                f"Conductor completed {view.workflow_id} while {list(self._execution.running)} had not"
            )
        if view.status == "TERMINATED":
            self._execution.advance(Stopped("cancelled"))
        elif view.status == "TIMED_OUT":
            self._execution.advance(Stopped("timed_out"))
        else:
            raise TransportError(f"Conductor failed {view.workflow_id}: {view.reason_for_incompletion}")

    def _wind_down(self, end: Finish) -> None:
        """Stops what still runs, keeps what it finished meanwhile, and writes the end."""
        for held in self._held.values():
            held.stop.set()
        until = time.monotonic() + GRACE
        while (self._held or self._answering) and time.monotonic() < until:
            self._settle(TICK)
        with self._job.archive.batch():
            for held in self._held.values():
                self._cancel(held)
            self._held.clear()
            self._history.record_end(end)

    def _settle(self, seconds: float) -> None:
        try:
            item = self._news.get(timeout=seconds)
        except queue.Empty:
            return
        if isinstance(item, _Answered):
            self._answering -= 1
        if isinstance(item, _Ended) and self._held.get(item.held.step) is item.held:
            if not isinstance(item.result, Exception) and item.result.status == "completed":
                with self._job.archive.batch():
                    self._ended(item)
            else:
                self._cancel(item.held)
                del self._held[item.held.step]

    def _cancel(self, held: _Held) -> None:
        self._history.record("task.cancelled", held.step, held.attempt)
        self._tell(held.step, "cancelled", held.attempt)

    def _obey(self, commands: list[Command], known: Container[tuple[str, int]] = ()) -> None:
        for command in commands:
            if isinstance(command, Cancel | Finish):
                continue
            if (command.step, command.attempt) not in known:
                self._history.record("task.scheduled", command.step, command.attempt)
            self._tell(command.step, "scheduled" if command.attempt == 1 else "retrying", command.attempt)

    def _tell(self, step: str, state: ProgressState, attempt: int) -> None:
        self._job.on_progress(Progress(step=step, state=state, attempt=attempt))


def _names(workflow: WorkflowDef) -> dict[str, str]:
    """Gives the task type by step."""
    found: dict[str, str] = {}
    waiting = list(workflow.tasks)
    while waiting:
        task = waiting.pop()
        if task.type == "SIMPLE":
            found[task.task_reference_name] = task.name
        for branch in task.fork_tasks:
            waiting.extend(branch)
    return found
