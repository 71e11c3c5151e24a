"""`Demand`: what running a partial order of calls takes, as intervals. The one source of such numbers.

The lower bounds have each step succeed at its first attempt in its shortest time; the upper ones have each
step fail as often as it may, take its longest time at each attempt, and wait for its rate limit as long as
it may have to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Final

from dagwright.model import Interval
from dagwright.program import Bounds
from dagwright.tool import LlmBinding, ToolSpec
from validation.antichain import heaviest_antichain, largest_antichain
from validation.passes import Passes

PARALLEL: Final = 32
"""Attempts that an engine runs at a time."""


class Demand:
    """The calls of a plan or of a program, and what they take."""

    def __init__(
        self,
        specs: Sequence[ToolSpec],
        before: Sequence[Sequence[int]],
        *,
        parallel: int = PARALLEL,
        blocks: Sequence[tuple[range, Passes]] = (),
    ) -> None:
        """Takes the operation of each step and its direct predecessors by index, in a topological order.

        `parallel` is the number of attempts that may run at a time. `blocks` are the steps that are not run just
        once: by index, each a chain of neighbours, with how often they are.
        """
        self.specs = specs
        self._before = before
        self._parallel = parallel
        self._blocks = [(steps, passes) for steps, passes in blocks if steps]
        self._passes = {index: passes for steps, passes in self._blocks for index in steps}

    def bounds(self, *, payload: Interval | None = None) -> Bounds:
        """Gives all bounds; `payload` is for the caller to know, because it depends on the values."""
        return Bounds(
            cost=self.cost if self.unpriced == () else None,
            makespan=self.makespan if self.untimed == () else None,
            calls=self.calls,
            tokens=self.tokens,
            concurrency=self.concurrency,
            payload=payload,
        )

    # ---------------------------------------------------------------------------------- sums

    @cached_property
    def counts(self) -> Mapping[str, tuple[ToolSpec, int]]:
        """Operations by name, each with the number of its calls if no attempt fails: at the most."""
        return self._counted(lambda passes: passes.high)

    @cached_property
    def least(self) -> Mapping[str, tuple[ToolSpec, int]]:
        """The same at the least."""
        return self._counted(lambda passes: passes.low) if self._passes else self.counts

    def _counted(self, of: Callable[[Passes], int]) -> Mapping[str, tuple[ToolSpec, int]]:
        counted = Counter(spec.name for spec in self.specs)
        for index, passes in self._passes.items():
            counted[self.specs[index].name] += of(passes) - 1
        named = {spec.name: spec for spec in self.specs}
        return {name: (named[name], count) for name, count in counted.items()}

    @cached_property
    def unpriced(self) -> tuple[str, ...]:
        """Operations whose cost is unknown, by name."""
        return tuple(sorted(name for name, (spec, _) in self.counts.items() if spec.cost is None))

    @cached_property
    def untimed(self) -> tuple[str, ...]:
        """Operations whose latency is unknown, by name."""
        return tuple(sorted(name for name, (spec, _) in self.counts.items() if spec.latency is None))

    @property
    def calls(self) -> Interval:
        """Tool calls."""
        return Interval(low=self._sum(_one, self.least), high=self._sum(lambda spec: spec.retry.attempts))

    @property
    def calls_once(self) -> int:
        """Tool calls at the most if no attempt fails."""
        return int(self._sum(_one))

    @property
    def cost(self) -> Interval:
        """US dollars, without the operations whose cost is unknown."""
        low = self._sum(lambda spec: spec.cost.low if spec.cost else 0.0, self.least)
        return Interval(low=low, high=self._sum(lambda spec: _dearest(spec) * spec.retry.attempts))

    @property
    def cost_once(self) -> float:
        """US dollars at the most if no attempt fails, without the operations whose cost is unknown."""
        return self._sum(_dearest)

    @property
    def tokens(self) -> Interval:
        """Tokens of the answers of the language model steps."""
        return Interval(low=0, high=self._sum(lambda spec: _answer(spec) * spec.retry.attempts))

    @property
    def tokens_once(self) -> float:
        """Tokens of the answers at the most if no attempt fails."""
        return self._sum(_answer)

    def _sum(self, of: Callable[[ToolSpec], float], counts: Mapping[str, tuple[ToolSpec, int]] | None = None) -> float:
        return sum(of(spec) * count for spec, count in (self.counts if counts is None else counts).values())

    # ----------------------------------------------------------------------------- order and time

    @property
    def concurrency(self) -> Interval:
        """Steps at a time, were there as many workers."""
        return Interval(low=min(1, self.calls.low), high=self._widest)

    @cached_property
    def _widest(self) -> int:
        if not self._passes:
            return largest_antichain(self._before).most
        weights = [1] * len(self.specs)
        for index, passes in self._passes.items():
            weights[index] = passes.side_by_side(passes.high)
        return heaviest_antichain(self._before, weights).most

    @cached_property
    def makespan(self) -> Interval:
        """Seconds from the first start to the last end; operations whose latency is unknown count as 0."""
        work = self._sum(_quickest, self.least)
        low = max(self._longest(_quickest, of=lambda passes: passes.low), work / self._parallel, *self._rated(), 0.0)
        return Interval(low=low, high=max(low, self._latest()))

    def _latest(self) -> float:
        """Gives the upper bound: the critical path where there are workers for all, else Graham's bound (1969).

        While some worker is free and nobody waits for a rate limit, the steps of a path make progress; while
        none is, the work gets less by all of them.
        """
        limited = sum(
            (_windows(spec, count * spec.retry.attempts) - 1) * spec.rate_limit.seconds
            for spec, count in self.counts.values()
            if spec.rate_limit
        )
        few = len(self.specs) <= self._parallel and not self._passes
        if few or self.concurrency.high <= self._parallel:
            return limited + self._longest(lambda spec: _working(spec) + _waiting(spec))
        share = 1 - 1 / self._parallel
        path = self._longest(lambda spec: _working(spec) * share + _waiting(spec))
        return limited + path + self._sum(_working) / self._parallel

    def _longest(
        self, seconds: Callable[[ToolSpec], float], of: Callable[[Passes], int] = lambda passes: passes.high
    ) -> float:
        """Gives the seconds of the longest path; passes that run side by side take as long as one."""
        durations = {name: seconds(spec) for name, (spec, _) in self.counts.items()}
        taken = {index: passes.in_a_row(of(passes)) for index, passes in self._passes.items()}
        waits = {steps[-1]: passes.wait * max(0, of(passes) - 1) for steps, passes in self._blocks}
        ends: list[float] = []
        for index, (spec, before) in enumerate(zip(self.specs, self._before, strict=True)):
            duration = durations[spec.name] * taken.get(index, 1) + waits.get(index, 0)
            ends.append(duration + max((ends[other] for other in before), default=0.0))
        return max(ends, default=0.0)

    def _rated(self) -> list[float]:
        """Gives the seconds that each rate limit spreads its operation's calls over, at the least."""
        return [
            (_windows(spec, count) - 1) * spec.rate_limit.seconds + _quickest(spec)
            for spec, count in self.least.values()
            if spec.rate_limit and count
        ]


def _one(_: ToolSpec) -> int:
    return 1


def longest_wait(spec: ToolSpec, at_once: int) -> float:
    """Gives the seconds that the last of so many calls waits for the rate limit if all begin at once."""
    return (_windows(spec, at_once) - 1) * spec.rate_limit.seconds if spec.rate_limit else 0.0


def _windows(spec: ToolSpec, calls: int) -> int:
    """Gives the windows of the rate limit that so many calls fill, at least one."""
    return max(1, -(-calls // spec.rate_limit.calls)) if spec.rate_limit else 1


def _dearest(spec: ToolSpec) -> float:
    return spec.cost.high if spec.cost else 0.0


def _answer(spec: ToolSpec) -> int:
    return spec.binding.max_tokens if isinstance(spec.binding, LlmBinding) else 0


def _quickest(spec: ToolSpec) -> float:
    return spec.latency.low if spec.latency else 0.0


def _working(spec: ToolSpec) -> float:
    """Seconds that the attempts at a step occupy a worker, at the most."""
    return (spec.latency.high if spec.latency else 0.0) * spec.retry.attempts


def _waiting(spec: ToolSpec) -> float:
    """Seconds between the attempts at a step, at the most."""
    return float(sum(spec.retry.waits))
