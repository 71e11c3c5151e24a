"""`Threads`: threads that are used again, and that may be left behind when what they run hangs."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable

Job = Callable[[], None]


class Threads:
    """Runs each job at once: on an idle thread, or on a new one where none is idle.

    The caller bounds how many jobs run at a time. A job that hangs occupies a daemon thread,
    which keeps neither other jobs nor the end of the process waiting. Jobs must not raise.

    No lock is held between threads: each idle one has put a token down, and whoever takes it owes that thread a job.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._idle: deque[None] = deque()
        self._closed = False

    def submit(self, job: Job) -> None:
        """Starts a job."""
        if self._takes_token():
            self._jobs.put(job)
        else:
            threading.Thread(target=self._work, args=(job,), name=self._name, daemon=True).start()

    def close(self) -> None:
        """Ends idle threads now and busy ones when their job ends."""
        self._closed = True
        while self._takes_token():
            self._jobs.put(None)

    def _work(self, job: Job | None) -> None:
        while job is not None:
            job()
            job = None  # what it holds is not kept while idle
            self._idle.append(None)
            if self._closed and self._takes_token():
                return
            job = self._jobs.get()

    def _takes_token(self) -> bool:
        try:
            self._idle.pop()
        except IndexError:
            return False
        return True
