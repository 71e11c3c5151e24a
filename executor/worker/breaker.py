"""`Breakers`: operations that fail again and again in transport are no longer called for a while.

One breaker per operation and host. `closed`: calls go through, and their failures are counted;
`open`: calls are refused at once; after a delay one call goes through as a probe (`half-open`),
and what becomes of it closes the breaker or opens it for twice as long (Nygard, Release It!, 2007).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from random import Random
from typing import Literal

from dagwright.exceptions import Cancelled, ToolUnavailable, TransportError
from dagwright.policy import BreakerRule, Policy
from dagwright.reach import destinations
from dagwright.tool import ToolSpec
from executor.worker.failure import UnknownOutcome

BreakerState = Literal["closed", "open", "half_open"]

JITTER = 0.2
"""Share by which an open breaker's delay is drawn longer or shorter, so that many do not probe at once."""

LONGEST = 10
"""How many times its first delay an open breaker waits at most."""

MAX_LATEST = 1_024
"""Operations whose breaker is found by the identity of their contract."""

BUSY = frozenset({"rate_limited", "circuit_open", "http_429"})
"""Codes of calls that were not made, or that a provider put off: they say nothing about the way to it."""

_BY_DEFAULT = BreakerRule()


class Breaker:
    """The breaker of one operation at one host. Not thread-safe; `Breakers` guards it."""

    def __init__(self, rule: BreakerRule, random: Random) -> None:
        self.rule = rule
        self.state: BreakerState = "closed"
        self._random = random
        self._calls: deque[tuple[float, bool]] = deque()
        self._in_a_row = 0
        self._delay = rule.delay
        self._until = 0.0

    def admit(self, now: float) -> float:
        """Gives 0 where a call may be made, else the seconds until one may be."""
        if self.state == "closed":
            return 0.0
        if now < self._until:
            return max(self._until - now, 0.001)
        self.state, self._until = "half_open", now + self.rule.delay  # a probe may never say what became of it
        return 0.0

    def note(self, now: float, *, good: bool) -> None:
        """Takes in how a call ended."""
        if self.state == "half_open":
            self._close() if good else self._open(now, min(self._delay * 2, LONGEST * self.rule.delay))
            return
        if self.state == "open":
            return  # it began before the breaker opened
        self._calls.append((now, good))
        while self._calls[0][0] <= now - self.rule.window:
            self._calls.popleft()
        self._in_a_row = 0 if good else self._in_a_row + 1
        if not good and (self._in_a_row >= self.rule.failures or self._is_failing()):
            self._open(now, self.rule.delay)

    def forget_probe(self) -> None:
        """A probe was stopped before it said anything: the next call is one."""
        if self.state == "half_open":
            self.state, self._until = "open", 0.0

    def _is_failing(self) -> bool:
        failed = sum(not good for _, good in self._calls)
        return len(self._calls) >= self.rule.calls and failed >= self.rule.rate * len(self._calls)

    def _open(self, now: float, delay: float) -> None:
        self.state, self._delay = "open", delay
        self._until = now + delay * (1 + JITTER * (2 * self._random.random() - 1))
        self._calls.clear()
        self._in_a_row = 0

    def _close(self) -> None:
        self.state, self._delay = "closed", self.rule.delay
        self._calls.clear()
        self._in_a_row = 0


class Breakers:
    """All breakers of a process, or of whatever shares them. Thread-safe."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, random: Random | None = None) -> None:
        self._clock, self._random = clock, random or Random()  # noqa: S311 - spreads probes, guards nothing
        self._guard = threading.Lock()
        self._known: dict[tuple[str, str, BreakerRule], Breaker] = {}
        self._latest: dict[int, tuple[ToolSpec, Policy, Breaker]] = {}

    @contextmanager
    def call(self, spec: ToolSpec, policy: Policy) -> Generator[None]:
        """Surrounds one call: refuses it where the breaker is open, and notes how it ended.

        Only transport counts against an operation: a refusal is an answer. A call that was stopped,
        or that its provider put off, counts neither way.

        Raises:
            ToolUnavailable: `circuit_open`; nothing was called.
        """
        breaker = self.of(spec, policy)
        with self._guard:
            pause = breaker.admit(self._clock())
        if pause:
            message = f"{spec.name} keeps failing; tried again in {pause:.1f} s"
            raise ToolUnavailable(message, code="circuit_open", retry_after=pause)
        try:
            yield
        except Exception as error:
            self._note(breaker, error)
            raise
        except BaseException:
            with self._guard:
                breaker.forget_probe()
            raise
        self._note(breaker, None)

    def of(self, spec: ToolSpec, policy: Policy) -> Breaker:
        """Gives the breaker of an operation under a policy."""
        latest = self._latest.get(id(spec))
        if latest is not None and latest[0] is spec and latest[1] is policy:
            return latest[2]
        if len(self._latest) >= MAX_LATEST:
            self._latest = {}
        found = self._of(spec, policy)
        self._latest[id(spec)] = spec, policy, found
        return found

    def _of(self, spec: ToolSpec, policy: Policy) -> Breaker:
        rule = rule_of(spec, policy)
        host = ",".join(map(str, destinations(spec.binding)))
        key = (spec.name, host, rule)
        with self._guard:
            return self._known.get(key) or self._known.setdefault(key, Breaker(rule, self._random))

    def _note(self, breaker: Breaker, raised: Exception | None) -> None:
        error = raised.__cause__ if isinstance(raised, UnknownOutcome) else raised
        with self._guard:
            if isinstance(error, Cancelled) or (isinstance(error, ToolUnavailable) and error.code in BUSY):
                breaker.forget_probe()
            else:
                breaker.note(self._clock(), good=not isinstance(error, TransportError))


def rule_of(spec: ToolSpec, policy: Policy) -> BreakerRule:
    """Gives the limits that hold for an operation."""
    return next((rule for rule in policy.breakers or () if fnmatchcase(spec.name, rule.tools)), _BY_DEFAULT)


PROCESS = Breakers()
"""Those that all runs of this process share."""
