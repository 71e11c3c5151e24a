"""`Drive`: one run on a Conductor server, from here: polls, runs attempts, supervises, keeps the archive.

The server decides what runs. The order of writing is archive first, server second: an answer that
the server drops because it came too late is not lost, the next attempt is answered from the archive.

The execution is nudged and read about every second: time-outs, ends, answers that did not arrive
and attempts that nobody holds are found there. A tool's time-out is shorter than its task's
response time-out, so attempts need no heartbeat; one that is taken over from a process that died
gets its response time-out anew.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from dagwright.exceptions import ContentError, TransportError
from executor.conductor.attempts import Attempts, Run
from executor.conductor.client import ConductorClient, TaskView, WorkflowView
from executor.conductor.contact import NUDGE_SECONDS, Contact
from executor.conductor.news import Answered, Ended, News, Polled, PollFailed, Read
from executor.engine.decide import Finish, Stopped, outputs_of
from executor.engine.engine import EngineResult
from executor.engine.threads import Threads

EAGER_FOR = 3.0
"""For how long after an attempt has ended the server is expected to go on; a retry's delay may be longer."""

TICK = 0.05
"""Seconds within which a request to stop is noticed."""

GRACE = 2.0
"""Seconds that cancelled attempts get to come to an end."""

STILL_SECONDS = 45.0
"""How long an execution may stand still on a server that answers.

A server that is killed while it starts a sub-workflow or looks at a join has reserved that for an hour.
"""

MISSED_SECONDS = 10.0
"""Seconds between two looks at an execution after which nothing is known of the time between them."""

Actions = list[Callable[[], None]]


class ServerFailed(TransportError):
    """Raised when a server ended an execution in which nothing had failed, or forgot it, as one can that was killed."""


class Drive:
    """One call of `ConductorEngine.run`. One thread decides and writes; others poll, work and read."""

    def __init__(self, run: Run, client: ConductorClient, begin: Callable[[], tuple[str, str]]) -> None:
        """`begin` starts or finds the execution and gives its id and the domain of its tasks."""
        self._run, self._client, self._begin = run, client, begin
        self._execution = run.execution
        self._threads = Threads("conductor")
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._attempts = Attempts(run, self._threads, self._news)
        self._orphans: set[str] = set()
        self._moved = self._looked = self._stood = time.monotonic()
        self._server_ended = False

    def to_end(self, cancelled: threading.Event) -> EngineResult:
        """Runs until the server says that the execution has ended.

        Raises:
            ServerFailed: it ended for a reason of the server's own; a new one goes on with what is archived.
        """
        try:
            self._attempts.resume()
            if self._execution.ended is None:
                self._contact = Contact(self._client, self._begin(), self._threads, self._news)
                self._wind_down(self._followed(cancelled))
            end = self._execution.ended
            assert end is not None
        finally:
            self._attempts.stop()
            self._threads.close()
        return EngineResult(
            status=end.status,
            outputs=outputs_of(self._execution, self._run.history.finished()),
            feedback=self._run.history.feedback(),
            failed_step=end.failed_step,
        )

    def _followed(self, cancelled: threading.Event) -> Finish:
        """Gives how the execution ended; where the server failed it, what runs here comes to its end before."""
        try:
            return self._follow(cancelled)
        except ServerFailed:
            while self._attempts.running and not cancelled.is_set():
                self._settle(TICK)
            raise

    def _follow(self, cancelled: threading.Event) -> Finish:
        """Gives how the execution ended, as soon as that is certain."""
        while not self._server_ended:
            if cancelled.is_set() and self._execution.ended is None:
                self._execution.advance(Stopped("cancelled"))
            end = self._execution.ended
            if end is not None and end.status != "completed":
                break
            self._take(min(TICK, self._contact.ask(self._attempts.wanted(self._contact.answering))))
            if self._looked > self._stood + STILL_SECONDS:
                self._leave()
        assert self._execution.ended is not None
        return self._execution.ended

    def _take(self, seconds: float) -> None:
        """Takes in what has come, in one transaction; waits that long for the first."""
        try:
            news = [self._news.get(timeout=seconds)]
        except queue.Empty:
            return
        while not self._news.empty():
            news.append(self._news.get())
        after: Actions = []
        with self._run.archive.batch():
            for item in news:
                after += self._accept(item)
        for action in after:
            action()

    def _accept(self, item: News) -> Actions:
        """Gives what is to be done once that is on disk."""
        match item:
            case Polled(name, tasks):
                self._contact.polled(name, found=bool(tasks))
                return [action for task in tasks for action in self._assign(task)]
            case Ended():
                return self._ended(item)
            case Answered(error):
                self._answered(error)
                return []
            case Read(view, error) if view is not None:
                return self._observe(view)
            case Read(_, error):
                assert error is not None
                self._contact.read_failed(_passing(error))
                return []
            case PollFailed(name, error):
                self._contact.poll_failed(name, _passing(error))
                return []

    def _assign(self, task: TaskView) -> Actions:
        """Begins an attempt that the server handed out, or answers it from the archive."""
        end = self._execution.ended
        known = self._attempts.holds(task) or self._contact.sent(task)  # a poll's answer that came late
        if known or (end is not None and end.status != "completed"):
            return []
        after = self._attempts.supersede(task)
        answer = self._attempts.finished(task)
        if answer is None:
            return after + self._attempts.begin(task)
        return [*after, lambda: self._contact.answer(task, answer)]

    def _ended(self, item: Ended) -> Actions:
        answer = self._attempts.end(item)
        if answer is None:
            return []
        self._moved = time.monotonic()
        return [lambda: self._contact.answer(item.held.task, answer)]

    def _answered(self, error: Exception | None) -> None:
        self._contact.answered()
        if error is None:
            if self._execution.ended is not None and not self._contact.answering:
                self._contact.read_soon()
        elif not isinstance(error, ContentError):  # refused: the server no longer knows the attempt, a read tells
            self._contact.missed(_passing(error))

    def _observe(self, view: WorkflowView) -> Actions:
        """Compares what the server knows with what is known here."""
        ending = self._execution.ended is not None
        expecting = ending or (self._attempts.idle() and time.monotonic() < self._moved + EAGER_FOR)
        self._contact.read(eager=expecting, ending=ending)
        after: Actions = []
        orphans: set[str] = set()
        for task in view.tasks:
            held = self._attempts.holds(task)
            if held is not None:
                after += self._attempts.time_out(held) if task.status == "TIMED_OUT" else []
            elif task.status == "IN_PROGRESS" and self._attempts.is_step(task):
                after += self._unheld(task, orphans)
            elif task.status == "SCHEDULED" and self._attempts.is_step(task):
                self._attempts.owe(task)
        self._orphans = orphans
        self._note(view)
        if view.status not in ("RUNNING", "PAUSED"):
            self._server_ended = True
            self._conclude(view)
        return after

    def _note(self, view: WorkflowView) -> None:
        """Notes since when the server, which answers, has had nothing in hand of what is due."""
        now = time.monotonic()
        busy = view.status == "PAUSED" or self._attempts.running or self._contact.answering
        if busy or now > self._looked + MISSED_SECONDS or any(map(self._in_hand, view.tasks)):
            self._stood = now
        self._looked = now

    def _in_hand(self, task: TaskView) -> bool:
        waits = self._attempts.is_step(task) or task.task_type == "WAIT"
        return waits and task.status in ("SCHEDULED", "IN_PROGRESS")

    def _leave(self) -> None:
        """Ends an execution that stands still: what is archived is not lost by it.

        Raises:
            ServerFailed: where there was more to do; a new execution does it.
        """
        why = f"it stood still for {STILL_SECONDS:.0f} s"
        try:
            self._contact.end(f"dagwright: {why}")
        except TransportError as error:  # as in any outage
            self._stood = time.monotonic()
            return self._contact.missed(error)
        self._server_ended = True
        if self._execution.ended is None:
            raise ServerFailed(f"Conductor gave nothing to do for a run that is not done: {why}")
        return None

    def _unheld(self, task: TaskView, orphans: set[str]) -> Actions:
        """An attempt is open on the server that nobody runs: its answer was lost, or its process died."""
        sent = self._contact.sent(task)
        if sent is not None:
            at, answer = sent
            return [] if time.monotonic() < at + NUDGE_SECONDS else [lambda: self._contact.answer(task, answer)]
        if task.task_id not in self._orphans:  # a poll's answer may just be on its way
            orphans.add(task.task_id)
            return []
        return [*self._assign(task), lambda: self._contact.extend(task)]

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
        elif view.status == "TIMED_OUT" and self._run.workflow.timeout_seconds:
            self._execution.advance(Stopped("timed_out"))
        else:  # or an attempt's time was up while no process was there to know, and it had no retry left
            raise ServerFailed(f"Conductor failed {view.workflow_id}: {view.reason_for_incompletion}")

    def _wind_down(self, end: Finish) -> None:
        """Stops what still runs, keeps what it finished meanwhile, and writes the end."""
        self._attempts.stop()
        until = time.monotonic() + GRACE
        while (self._attempts.running or self._contact.answering) and time.monotonic() < until:
            self._settle(TICK)
        with self._run.archive.batch():
            for held in self._attempts.running:
                self._attempts.cancel(held)
            self._run.history.record_end(end)
        if not self._server_ended:
            self._contact.end(f"dagwright: {end.status}")

    def _settle(self, seconds: float) -> None:
        try:
            item = self._news.get(timeout=seconds)
        except queue.Empty:
            return
        if isinstance(item, Answered):
            self._contact.answered()
        if isinstance(item, Ended) and item.held in self._attempts.running:
            with self._run.archive.batch():
                if isinstance(item.result, Exception) or item.result.status != "completed":
                    self._attempts.cancel(item.held)
                else:
                    self._attempts.end(item)


def _passing(error: Exception) -> TransportError:
    """Gives an error that may pass; raises any other: the server refused a request that must be right."""
    if isinstance(error, TransportError):
        return error
    raise error
