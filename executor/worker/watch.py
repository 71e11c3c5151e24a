"""`Watch`: notices tools that do not end, so that their attempts can go on without them.

A tool runs in its attempt's own thread. Where its time is up, or it does not end after it was told to
stop, the attempt is taken from that thread: what is left to do is done in another one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from dagwright.exceptions import Cancelled, TimedOut, TransportError
from executor.bindings.runner import ToolContext

POLL_SECONDS = 0.1
"""Within what time a request to stop reaches a tool, and a tool that is late is noticed."""

STOP_SECONDS = 1.0
"""What a tool gets to come to an end after it was told to stop."""

IDLE_POLLS = 20
"""How often nothing is found before the thread ends."""


@dataclass(eq=False, slots=True)
class Watched:
    """A tool that runs."""

    context: ToolContext
    stopped: threading.Event
    """Set when its attempt is to stop."""
    late: Callable[[TransportError | Cancelled], None]
    """Called at most once, when the tool is left behind; must not block."""
    stop_by: float | None = None
    """When it is left behind after it was told to stop, on the clock of `time.monotonic()`."""

    def overdue(self, now: float) -> TimedOut | Cancelled | None:
        """Gives why it is left behind now; passes a request to stop on to the tool."""
        if self.stopped.is_set():
            self.context.cancelled.set()
            self.stop_by = self.stop_by or now + STOP_SECONDS
            return Cancelled(f"step {self.context.step!r} was stopped") if now >= self.stop_by else None
        if now < self.context.deadline:
            return None
        self.context.cancelled.set()
        return TimedOut(f"step {self.context.step!r} did not end within its time")


class Watch:
    """Those of one worker. Thread-safe; its thread is there only while tools run, and soon after.

    What runs is a dictionary of which each access is one operation; the lock is for the thread's beginning and end.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._running: dict[Watched, None] = {}
        self._has_thread = False

    def begin(self, watched: Watched) -> None:
        """Watches a tool from now on."""
        self._running[watched] = None
        if not self._has_thread:
            self._start()

    def end(self, watched: Watched) -> bool:
        """Tells whether a tool that has ended is still waited for; False where it was left behind."""
        return self._running.pop(watched, watched) is None

    def _start(self) -> None:
        with self._guard:
            start, self._has_thread = not self._has_thread, True
        if start:
            threading.Thread(target=self._work, name="watch", daemon=True).start()

    def _work(self) -> None:
        idle = 0
        while idle < IDLE_POLLS or not self._retires():
            time.sleep(POLL_SECONDS)
            idle = 0 if self._look(time.monotonic()) else idle + 1

    def _look(self, now: float) -> bool:
        """Leaves behind what is overdue; tells whether anything runs."""
        running = list(self._running)
        for watched in running:
            error = watched.overdue(now)
            if error is not None and self.end(watched):
                watched.late(error)
        return bool(running)

    def _retires(self) -> bool:
        with self._guard:
            self._has_thread = False  # before the look, so that what begins after it asks for a thread
            self._has_thread = bool(self._running)
            return not self._has_thread
