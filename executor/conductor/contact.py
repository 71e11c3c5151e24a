"""`Contact`: all that a drive asks of its server, each request on a thread of its own.

Polls do not wait on the server: one that waits there looks again only every 100 ms, one that does
not costs 6 ms. So after each thing that moves the execution on they come quickly, then less and
less often. What writes goes one after the other: the server decides an execution under one lock,
and a request that waits there gives up and leaves the decision to a later one.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping

from dagwright.exceptions import DagwrightError, Unreachable
from executor.conductor.client import REMEDY, ConductorClient, TaskView, WorkflowView
from executor.conductor.native import Answer
from executor.conductor.news import Answered, News, Polled, PollFailed, Read
from executor.engine.threads import Threads

QUICK = 0.01
"""Seconds until a poll or the read for the end is made again after the first that brought nothing; then doubled."""

POLL_SECONDS = 0.25
"""The longest time between two polls for a task that should be there."""

NUDGE_SECONDS = 1.0
"""How often an execution is nudged and read; the server's own sweeps come minutes apart."""

EAGER_SECONDS = 0.25
"""The same while the server is expected to do something."""

OUTAGE_SECONDS = 60.0
"""How long the server may be away in the middle of a run."""


class Contact:
    """One execution on a server. Called by the deciding thread alone; what comes back goes into `news`."""

    def __init__(
        self, client: ConductorClient, execution: tuple[str, str], threads: Threads, news: queue.SimpleQueue[News]
    ) -> None:
        """`execution` is its id and the domain of its tasks."""
        self._client, self._threads, self._news = client, threads, news
        self._id, self._domain = execution
        self._polling: set[str] = set()
        self._polls: dict[str, tuple[float, float]] = {}
        """Of each type whose last poll brought nothing: when the next is due, and how long that was put off."""
        self._reading = False
        self._next_read = 0.0
        self._read_wait = QUICK
        self._sent: dict[str, tuple[float, Answer]] = {}
        self._answering = 0
        self._away_since: float | None = None
        self._writing = threading.Lock()

    @property
    def answering(self) -> int:
        """How many answers are on their way."""
        return self._answering

    def ask(self, wanted: Mapping[str, int]) -> float:
        """Starts the polls and the read that are due; gives the seconds until the next is."""
        now = time.monotonic()
        upcoming = [now + NUDGE_SECONDS]
        for name, count in wanted.items():
            due = self._polls.get(name, (now, 0.0))[0]
            if name not in self._polling and due <= now:
                self._poll(name, count)
            elif name not in self._polling:
                upcoming.append(due)
        if not self._reading and self._next_read <= now:
            self._reading = True
            self._threads.submit(self._read)
        elif not self._reading:
            upcoming.append(self._next_read)
        return max(0.0, min(upcoming) - now)

    def answer(self, task: TaskView, answer: Answer) -> None:
        """Tells the server how an attempt ended."""
        self._sent[task.task_id] = (time.monotonic(), answer)
        self._answering += 1

        def job() -> None:
            error: DagwrightError | None = None
            try:
                with self._writing:
                    self._client.update(task, answer.status, output=answer.output, reason=answer.reason)
            except DagwrightError as failure:
                error = failure
            self._news.put(Answered(error))

        self._threads.submit(job)

    def answered(self) -> None:
        """Takes note that an answer has arrived: what follows from it can be there at once."""
        self._answering -= 1
        self._polls.clear()
        self._read_wait = QUICK
        self._next_read = min(self._next_read, time.monotonic() + EAGER_SECONDS)

    def sent(self, task: TaskView) -> tuple[float, Answer] | None:
        """Gives when this attempt was last answered, and how; None if it was not."""
        return self._sent.get(task.task_id)

    def extend(self, task: TaskView) -> None:
        """Starts the response time-out of an attempt anew."""
        self._client.extend(task)

    def polled(self, name: str, *, found: bool) -> None:
        """Takes note that a poll has come back."""
        self._reached()
        self._polling.discard(name)
        if found:
            self._polls.pop(name, None)
        else:
            wait = min(POLL_SECONDS, 2 * self._polls.get(name, (0.0, QUICK / 2))[1])
            self._polls[name] = (time.monotonic() + wait, wait)

    def read(self, *, eager: bool, ending: bool) -> None:
        """Takes note that the execution was read; says what is expected of the server now."""
        self._reached()
        self._reading = False
        wait = EAGER_SECONDS if eager else NUDGE_SECONDS
        if ending:
            wait, self._read_wait = min(wait, self._read_wait), 2 * self._read_wait
        self._next_read = time.monotonic() + wait

    def read_soon(self) -> None:
        """Makes the next read come at once: only the execution's end is missing."""
        self._next_read = 0.0

    def poll_failed(self, name: str, error: DagwrightError) -> None:
        """Takes note that a poll got no answer.

        Raises:
            Unreachable: that has been so for too long.
        """
        self._polling.discard(name)
        self._polls[name] = (time.monotonic() + NUDGE_SECONDS, POLL_SECONDS)
        self.missed(error)

    def read_failed(self, error: DagwrightError) -> None:
        """Takes note that a read got no answer.

        Raises:
            Unreachable: that has been so for too long.
        """
        self._reading = False
        self._next_read = time.monotonic() + NUDGE_SECONDS
        self.missed(error)

    def missed(self, error: DagwrightError) -> None:
        """Takes note that a request got no answer.

        Raises:
            Unreachable: that has been so for too long.
        """
        self._away_since = self._away_since or time.monotonic()
        if time.monotonic() - self._away_since > OUTAGE_SECONDS:
            raise Unreachable("the Conductor server", f"away for {OUTAGE_SECONDS:.0f} s: {error}", remedy=REMEDY)

    def end(self, reason: str) -> None:
        """Ends the execution on the server where it has not ended."""
        if self._client.workflow(self._id, tasks=False).status in ("RUNNING", "PAUSED"):
            self._client.terminate(self._id, reason)

    def _reached(self) -> None:
        self._away_since = None

    def _poll(self, name: str, count: int) -> None:
        self._polling.add(name)

        def job() -> None:
            try:
                tasks = self._client.poll(name, self._domain, "dagwright", count=count, milliseconds=0)
            except DagwrightError as error:
                self._news.put(PollFailed(name, error))
            else:
                self._news.put(Polled(name, tasks))

        self._threads.submit(job)

    def _read(self) -> None:
        try:
            whole, *inside = self._views(self._id)
            tasks = (*whole.tasks, *(task for view in inside for task in view.tasks))
            self._news.put(Read(whole.model_copy(update={"tasks": tasks})))
        except DagwrightError as error:
            self._news.put(Read(error=error))

    def _views(self, outermost: str) -> Iterator[WorkflowView]:
        """Nudges and reads an execution, then those of its sub-workflows that run, as deep as they go."""
        waiting = deque([outermost])
        while waiting:
            one = waiting.popleft()
            with self._writing:
                self._client.decide(one)
            view = self._client.workflow(one)
            waiting.extend(task.sub_workflow_id for task in view.tasks if task.sub_workflow_id and _runs(task))
            yield view


def _runs(task: TaskView) -> bool:
    return task.status == "IN_PROGRESS" and task.task_type == "SUB_WORKFLOW"
