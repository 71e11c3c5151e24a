"""A workflow on a virtual clock: the engine's own core, with attempts that only say how they end."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterable

from dagwright.model import Interval
from dagwright.program import Program
from dagwright.tool import ToolSpec
from executor.engine.decide import Cancel, Command, Execution, Finish, Occurrence, Schedule, Skip, Stopped
from executor.workflow.block import Role, role_of
from executor.workflow.instance import Choice, parts_of

Attempt = Callable[[Schedule, float], tuple[float, Occurrence]]
"""Gives how many seconds an attempt takes that begins at a time (seconds after the start), and how it ends."""

_Item = Schedule | Occurrence


class VirtualRun:
    """One run of a workflow, with at most `workers` attempts at a time."""

    def __init__(
        self,
        execution: Execution,
        attempt: Attempt,
        *,
        workers: int,
        delay: Callable[[Schedule], float] = lambda schedule: schedule.delay,
        on_end: Callable[[Occurrence, float], None] = lambda end, now: None,
    ) -> None:
        """`delay` says how many seconds pass before a scheduled attempt is ready; `on_end` is told of each end."""
        self._execution, self._attempt, self._delay, self._on_end = execution, attempt, delay, on_end
        self._workers = workers
        self._ready: deque[Schedule] = deque()
        self._active: set[tuple[str, int]] = set()
        self._agenda: list[tuple[float, float, _Item]] = []
        self._count = 0
        self.now = 0.0
        """Seconds after the start."""
        self.times: dict[str, tuple[float, float]] = {}
        """When each step began and ended, over all its passes; where it was skipped, when that was decided."""

    def to_end(self, deadline: float | None = None) -> Finish:
        """Gives how it ends; after `deadline` seconds it is stopped, as engines do."""
        if deadline is not None:
            heapq.heappush(self._agenda, (deadline, math.inf, Stopped("timed_out")))  # what ends just then has ended
        self._obey(self._execution.start())
        while self._execution.ended is None:
            self._begin()
            self.now, _, item = heapq.heappop(self._agenda)
            if isinstance(item, Schedule):
                self._ready.append(item)
            else:
                self._obey(self._ended(item))
        return self._execution.ended

    def _begin(self) -> None:
        while self._ready and len(self._active) < self._workers:
            schedule = self._ready.popleft()
            if self._execution.running.get(schedule.step) != schedule.attempt:
                continue  # its block was given up
            seconds, end = self._attempt(schedule, self.now)
            self._active.add((schedule.step, schedule.attempt))
            step, ends = parts_of(schedule.step)[0], self.now + seconds
            first, last = self.times.get(step, (self.now, ends))
            self.times[step] = first, max(last, ends)
            self._at(ends, end)

    def _ended(self, item: Occurrence) -> Iterable[Command]:
        if not isinstance(item, Stopped) and (item.step, item.attempt) in self._active:
            self._active.remove((item.step, item.attempt))
            self._on_end(item, self.now)
        return self._execution.advance(item)

    def _obey(self, commands: Iterable[Command]) -> None:
        for command in commands:
            if isinstance(command, Schedule):
                self._at(self.now + self._delay(command), command)
            elif isinstance(command, Skip):
                self.times.setdefault(parts_of(command.step)[0], (self.now, self.now))
            elif isinstance(command, Cancel):
                self._active.discard((command.step, command.attempt))

    def _at(self, time: float, item: _Item) -> None:
        self._count += 1  # breaks ties: items have no order
        heapq.heappush(self._agenda, (time, self._count, item))


class VirtualLimits:
    """The rate limits of operations on a virtual clock."""

    def __init__(self) -> None:
        self._calls: dict[str, list[float]] = {}

    def pause(self, spec: ToolSpec, now: float) -> float:
        """Gives the seconds until an operation may be called."""
        limit, calls = spec.rate_limit, self._calls.get(spec.name, ())
        if limit is None or len(calls) < limit.calls:
            return 0.0
        return max(0.0, calls[-limit.calls] + limit.seconds - now)

    def note(self, spec: ToolSpec, now: float) -> None:
        """Takes in that an operation is called."""
        if spec.rate_limit is not None:
            self._calls.setdefault(spec.name, []).append(now)


def passes_of(program: Program) -> dict[str, Interval]:
    """Gives, by task, how often its steps are run."""
    return {item.task_id: item.times for item in program.steps if role_of(item) == "step"}


Passes = Callable[[str, Role], int]
"""Gives how often the block of a task is run (for `when`: whether, as 0 or more) by the role of who decides."""


class Choices:
    """What control steps decide."""

    def __init__(self, program: Program, passes: Passes) -> None:
        self._steps, self._passes = program.by_id, passes

    def __call__(self, step: str, number: int | None) -> Choice:
        """Gives what a step decides in a pass; nothing for one that controls no block."""
        item = self._steps[step]
        role = role_of(item)
        if role in ("step", "collect"):
            return None
        count = self._passes(item.task_id, role)
        if role == "when":
            return "yes" if count else "no"
        return count if role == "each" else ("again" if (number or 1) < count else "done")
