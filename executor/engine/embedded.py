"""`EmbeddedEngine`: runs a workflow in this process; its history is the run's archive.

A thin driver around `decide.Execution`: it keeps the time, hands attempts to threads and writes
events before it acts on them: what ended, with its outputs, and what follows in one transaction.
They are synced to the disk every few milliseconds; effects wait for a sync of their own (`ledger`),
which takes everything before them along.
"""

from __future__ import annotations

import heapq
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Container, Sequence

from executor.archive.archive import Archive
from executor.engine.decide import (
    Cancel,
    Command,
    Completed,
    Execution,
    Failed,
    Finish,
    Occurrence,
    Schedule,
    Skip,
    Stopped,
    TimedOut,
    outputs_of,
)
from executor.engine.engine import (
    Activation,
    BeginningWorker,
    EngineResult,
    Progress,
    ProgressState,
    StepResult,
    Worker,
)
from executor.engine.history import History, outstanding
from executor.engine.jitter import jittered
from executor.engine.threads import Threads
from executor.workflow.definition import WorkflowDef
from executor.workflow.instance import parts_of

TICK = 0.05
"""Seconds within which a request to stop is noticed."""

SYNC = 0.01
"""Seconds of history that a loss of power may take; what it takes is done again, effects excepted."""

SLOWEST_SYNC = 0.1
"""The same, on disks that are slow to sync: a tenth of the time is spent on it, and no more."""

GRACE = 2.0
"""Seconds that cancelled attempts get to come to an end."""


class EmbeddedEngine:
    """The engine that needs no server."""

    name = "embedded"

    def __init__(self, *, workers: int = 32) -> None:
        """Runs at most `workers` attempts at a time."""
        if workers < 1:
            raise ValueError(f"an engine needs at least 1 worker, not {workers}")
        self._workers = workers

    def run(
        self,
        workflow: WorkflowDef,
        *,
        run: str,
        program: str,
        worker: Worker,
        archive: Archive,
        cancelled: threading.Event,
        on_progress: Callable[[Progress], None],
    ) -> EngineResult:
        """Runs the workflow to its end, going on where an earlier call stopped.

        Raises:
            InputError: the workflow is not one that can end.
            ArchiveError: the disk is full or broken.
        """
        begin = worker.begin if isinstance(worker, BeginningWorker) else _beginning(worker)

        def call(step: str, attempt: int, stop: threading.Event, ended: _Ended) -> None:
            name, number = parts_of(step)
            begin(
                Activation(run=run, program=program, step=name, number=number, attempt=attempt, cancelled=stop), ended
            )

        drive = _Drive(workflow, History.shared(archive, program), archive, call, on_progress, self._workers)
        return drive.to_end(cancelled)


_Ended = Callable[[StepResult | Exception], None]
_Call = Callable[[str, int, threading.Event, _Ended], None]


def _beginning(worker: Worker) -> Callable[[Activation, _Ended], None]:
    def begin(activation: Activation, ended: _Ended) -> None:
        try:
            outcome: StepResult | Exception = worker(activation)
        except Exception as error:  # noqa: BLE001 - raised again by the driver's thread
            outcome = error
        ended(outcome)

    return begin


class _Drive:
    """One call of `run`: the clock, the threads and the archive around one `Execution`."""

    def __init__(
        self,
        workflow: WorkflowDef,
        history: History,
        archive: Archive,
        call: _Call,
        on_progress: Callable[[Progress], None],
        workers: int,
    ) -> None:
        self._workflow, self._history, self._archive = workflow, history, archive
        self._call, self._on_progress, self._workers = call, on_progress, workers
        self._execution = Execution(workflow)
        self._threads = Threads("step")
        self._results: queue.SimpleQueue[tuple[Schedule, threading.Event, StepResult | Exception]] = queue.SimpleQueue()
        self._ready: deque[Schedule] = deque()
        self._active: dict[tuple[str, int], threading.Event] = {}
        self._timers: list[tuple[float, int, Schedule | Occurrence]] = []
        self._count = 0
        self._unsynced, self._synced, self._pace = False, time.monotonic(), SYNC
        self._news: list[Progress] = []

    def to_end(self, cancelled: threading.Event) -> EngineResult:
        try:
            self._resume()
            while self._execution.ended is None:
                if cancelled.is_set():
                    self._round([(Stopped("cancelled"), None)])
                else:
                    self._round(self._due() or self._wait())
            end = self._execution.ended
            self._wind_down(end)
        finally:
            for stop in self._active.values():
                stop.set()
            self._threads.close()
        return EngineResult(
            status=end.status,
            outputs=outputs_of(self._execution, self._history.finished()),
            feedback=self._history.feedback(),
            failed_step=end.failed_step,
        )

    def _resume(self) -> None:
        """Folds over what the archive knows, then begins what is outstanding."""
        known = self._history.scheduled()
        commands = outstanding(self._execution, self._history)
        with self._archive.batch(durable=False):
            self._obey(commands, known)
        if self._workflow.timeout_seconds:
            self._at(self._workflow.timeout_seconds, Stopped("timed_out"))
        self._round([])

    def _round(self, happened: list[tuple[Occurrence, StepResult | None]]) -> None:
        """Writes what happened and what follows in one transaction, then starts what may start."""
        begun: list[Schedule] = []
        if happened or self._ready:
            self._unsynced = True
        with self._archive.batch(durable=False):
            for occurrence, result in happened:
                self._record(occurrence, result)
                self._obey(self._execution.advance(occurrence), pause=result.retry_after if result else 0.0)
            while self._ready and len(self._active) + len(begun) < self._workers:
                begun.append(self._ready.popleft())
                self._history.record("task.started", begun[-1].step, begun[-1].attempt)
        for schedule in begun:
            self._launch(schedule)
        if self._unsynced and time.monotonic() > self._synced + self._pace:
            self._sync()
        news, self._news = self._news, []
        for progress in news:
            self._on_progress(progress)

    def _sync(self) -> None:
        begun = time.monotonic()
        self._archive.sync()
        self._unsynced, self._synced = False, time.monotonic()
        self._pace = min(SLOWEST_SYNC, max(SYNC, 10 * (self._synced - begun)))

    def _record(self, occurrence: Occurrence, result: StepResult | None) -> None:
        if isinstance(occurrence, Stopped):
            return
        step, attempt = occurrence.step, occurrence.attempt
        if result is not None:
            self._history.record_result(step, attempt, result)
        else:
            self._history.record("task.timed_out", step, attempt)
            self._active.pop((step, attempt)).set()
        self._tell(step, "completed" if isinstance(occurrence, Completed) else "failed", attempt)

    def _obey(self, commands: Sequence[Command], known: Container[tuple[str, int]] = (), *, pause: float = 0.0) -> None:
        """Does what the core says; another attempt is made after `pause` seconds at the earliest."""
        for command in commands:
            if isinstance(command, Schedule):
                if (command.step, command.attempt) not in known:
                    self._history.record("task.scheduled", command.step, command.attempt)
                self._tell(command.step, "scheduled" if command.attempt == 1 else "retrying", command.attempt)
                delay = max(_delay(command, self._archive.run), pause if command.attempt > 1 else 0.0)
                if delay:
                    self._at(delay, command)
                else:
                    self._ready.append(command)
            elif isinstance(command, Skip):
                self._tell(command.step, "skipped", 1)
            elif isinstance(command, Finish):
                self._ready.clear()
            elif not self._execution.ended:
                self._give_up(command)

    def _give_up(self, command: Cancel) -> None:
        """Stops an attempt while the run goes on: its optional block has failed."""
        self._ready = deque(item for item in self._ready if item.step != command.step)
        stop = self._active.pop((command.step, command.attempt), None)
        if stop is not None:
            stop.set()
        self._cancelled(command.step, command.attempt)

    def _launch(self, schedule: Schedule) -> None:
        stop = self._active[schedule.step, schedule.attempt] = threading.Event()
        self._at(schedule.timeout, TimedOut(schedule.step, schedule.attempt))
        self._tell(schedule.step, "running", schedule.attempt)

        def ended(outcome: StepResult | Exception) -> None:
            self._results.put((schedule, stop, outcome))

        self._threads.submit(lambda: self._call(schedule.step, schedule.attempt, stop, ended))

    def _due(self) -> list[tuple[Occurrence, StepResult | None]]:
        """Gives the time-outs that are due; delayed attempts that are due become ready."""
        due: list[tuple[Occurrence, StepResult | None]] = []
        woken = False
        while self._timers and self._timers[0][0] <= time.monotonic():
            item = heapq.heappop(self._timers)[2]
            if isinstance(item, Schedule):
                self._ready.append(item)
                woken = True
            elif isinstance(item, Stopped) or (item.step, item.attempt) in self._active:
                due.append((item, None))
        return due or self._drain() if woken else due

    def _wait(self) -> list[tuple[Occurrence, StepResult | None]]:
        """Gives what attempts have ended; waits a tick at most for the first."""
        until = self._timers[0][0] - time.monotonic() if self._timers else TICK
        longest = self._pace if self._unsynced else TICK
        try:
            first = self._results.get(timeout=max(0.0, min(longest, until)))
        except queue.Empty:
            return []
        return self._accept(first) + self._drain()

    def _drain(self) -> list[tuple[Occurrence, StepResult | None]]:
        found: list[tuple[Occurrence, StepResult | None]] = []
        while not self._results.empty():
            found += self._accept(self._results.get())
        return found

    def _accept(
        self, item: tuple[Schedule, threading.Event, StepResult | Exception]
    ) -> list[tuple[Occurrence, StepResult | None]]:
        schedule, stop, outcome = item
        step, attempt = schedule.step, schedule.attempt
        if self._active.get((step, attempt)) is not stop:
            return []  # it was given up
        if isinstance(outcome, Exception):
            raise outcome
        del self._active[step, attempt]
        if outcome.status == "completed":
            return [(Completed(step, attempt, outcome.choice), outcome)]
        return [(Failed(step, attempt, outcome.status == "failed_for_good"), outcome)]

    def _wind_down(self, end: Finish) -> None:
        """Stops what still runs, keeps what it finished meanwhile, and writes the end."""
        for stop in self._active.values():
            stop.set()
        until = time.monotonic() + GRACE
        ended: list[tuple[Occurrence, StepResult | None]] = []
        while self._active and time.monotonic() < until:
            ended += self._wait()
        with self._archive.batch():
            for occurrence, result in ended:
                if isinstance(occurrence, Completed):
                    self._record(occurrence, result)
                elif not isinstance(occurrence, Stopped):
                    self._cancelled(occurrence.step, occurrence.attempt)
            for step, attempt in self._active:
                self._cancelled(step, attempt)
            self._history.record_end(end)
        for progress in self._news:
            self._on_progress(progress)

    def _cancelled(self, step: str, attempt: int) -> None:
        self._history.record("task.cancelled", step, attempt)
        self._tell(step, "cancelled", attempt)

    def _at(self, delay: float, item: Schedule | Occurrence) -> None:
        self._count += 1  # breaks ties: items have no order
        heapq.heappush(self._timers, (time.monotonic() + delay, self._count, item))

    def _tell(self, step: str, state: ProgressState, attempt: int) -> None:
        self._news.append(Progress(step=step, state=state, attempt=attempt))


def _delay(command: Schedule, run: str) -> float:
    """Gives the seconds until an attempt: retries are spread, always the same for the same run; pauses are exact."""
    return jittered(command.delay, run, command.step, command.attempt) if command.attempt > 1 else command.delay
