"""`RateLimits`: a provider's limits on calls, kept by the worker because engines do not keep them."""

from __future__ import annotations

import threading
import time
from collections import deque

from dagwright.exceptions import Cancelled, ToolUnavailable
from dagwright.tool import ToolSpec


class RateLimits:
    """Counts the calls of each operation within its window. Thread-safe."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._calls: dict[str, deque[float]] = {}

    def wait(self, spec: ToolSpec, *, deadline: float, cancelled: threading.Event) -> None:
        """Waits until the operation may be called and counts the call.

        Raises:
            ToolUnavailable: that would be after the deadline (`time.monotonic()`, seconds).
            Cancelled: the attempt was stopped meanwhile.
        """
        while (pause := self._pause(spec)) > 0:
            if time.monotonic() + pause > deadline:
                message = f"{spec.name} may be called again in {pause:.1f} s, after its time is up"
                raise ToolUnavailable(message, code="rate_limited", retry_after=pause)
            if cancelled.wait(pause):
                raise Cancelled(f"{spec.name} was stopped while it waited for its rate limit")

    def _pause(self, spec: ToolSpec) -> float:
        """Gives the seconds to wait; 0 counts the call."""
        limit = spec.rate_limit
        if limit is None:
            return 0.0
        with self._guard:
            calls, now = self._calls.setdefault(spec.name, deque()), time.monotonic()
            while calls and calls[0] <= now - limit.seconds:
                calls.popleft()
            if len(calls) < limit.calls:
                calls.append(now)
                return 0.0
            return calls[0] + limit.seconds - now
