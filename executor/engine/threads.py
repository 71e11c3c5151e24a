"""`Threads`: threads that are used again, and that may be left behind when what they run hangs."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

Job = Callable[[], None]


class Threads:
    """Runs each job at once: on an idle thread, or on a new one where none is idle.

    The caller bounds how many jobs run at a time. A job that hangs occupies a daemon thread,
    which keeps neither other jobs nor the end of the process waiting. Jobs must not raise.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._idle = 0
        self._closed = False

    def submit(self, job: Job) -> None:
        """Starts a job."""
        with self._guard:
            reuse = self._idle > 0
            if reuse:
                self._idle -= 1
        if reuse:
            self._jobs.put(job)
        else:
            threading.Thread(target=self._work, args=(job,), name=self._name, daemon=True).start()

    def close(self) -> None:
        """Ends idle threads now and busy ones when their job ends."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, 0
        for _ in range(idle):
            self._jobs.put(None)

    def _work(self, job: Job | None) -> None:
        while job is not None:
            job()
            job = None  # what it holds is not kept while idle
            with self._guard:
                if self._closed:
                    return
                self._idle += 1
            job = self._jobs.get()
