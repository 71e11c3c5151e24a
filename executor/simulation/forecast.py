"""`forecast`: how a program would end if attempts fail now and then. Monte Carlo on a virtual clock.

What is drawn: the passes of blocks, evenly between their bounds (a condition holds in half of the runs); the time
and the price of each attempt, evenly between the bounds that its contract states; and whether it fails.
What is not drawn is as in a real run: the engine's core, retries with back-off and jitter, rate limits, circuit
breakers, time-outs, the deadline. A failure is one of transport that did nothing, so it is retried; a time-out of
an effect that must not be repeated leaves its outcome unknown, and a person would be asked. Nothing is replanned.

Each draw depends on seed, run, step and attempt alone (common random numbers), so that forecasts of variants of a
plan differ by what differs in the plan.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from hashlib import blake2b
from random import Random
from statistics import fmean, median
from typing import Literal, NamedTuple

from pydantic import Field

from dagwright.exceptions import InputError
from dagwright.interval import wilson
from dagwright.limit import ceiling
from dagwright.model import Frozen, Interval
from dagwright.program import Program
from dagwright.tool import ControlBinding, ToolSpec
from executor.engine.decide import Completed, Execution, Failed, Finish, Occurrence, Schedule, Stopped
from executor.engine.jitter import jittered
from executor.simulation.simulate import denied, unknown_of
from executor.simulation.virtual import Choices, VirtualLimits, VirtualRun, passes_of
from executor.worker.breaker import Breaker, Breakers
from executor.workflow.block import Role
from executor.workflow.definition import WorkflowDef
from executor.workflow.instance import parts_of
from executor.workflow.order import graph_of
from validation.demand import PARALLEL

MAX_RUNS = 1_000_000
"""Runs of one forecast."""

Ending = Literal["done", "over_budget", "late", "failed", "unknown"]
"""`over_budget`: it finishes, but costs more or calls more often than it may; `late`: stopped at its deadline;
`unknown`: an effect that must not be repeated may have happened."""


class FaultRate(Frozen):
    """How often attempts at some operations go wrong."""

    tools: str = "*"
    """Glob over `tool.operation`."""
    rate: float = Field(ge=0, le=1)
    """Probability per attempt."""


class Faults(Frozen):
    """What goes wrong how often. For each operation the first rate whose glob matches counts; without one, none."""

    failures: tuple[FaultRate, ...] = ()
    """Failures of transport that did nothing."""
    timeouts: tuple[FaultRate, ...] = ()
    """Attempts that take all their time and give no answer."""


class Share(Frozen):
    """A share of runs with its 95 % score interval (Wilson, 1927)."""

    value: float
    low: float
    high: float


class Distribution(Frozen):
    """What a quantity came to over runs."""

    mean: float
    median: float
    low: float
    """5 % of the runs are at or below."""
    high: float
    """95 % of the runs are at or below."""


class Forecast(Frozen):
    """How many runs of a program ended how, and what they took."""

    runs: int
    """Runs that were drawn."""
    seed: int
    """The same seed gives the same forecast."""
    faults: Faults
    """What it assumes."""
    finishing: Share
    """The probability of finishing: in time and within the budgets."""
    endings: dict[Ending, int]
    """Runs by how they ended."""
    makespan: Distribution | None
    """Seconds of the runs that came to their end; None where there are none, or a latency is unknown."""
    cost: Distribution | None
    """US dollars of all runs; None where a cost is unknown."""
    calls: Distribution
    """Tool calls of all runs, retries included."""
    failed_at: dict[str, int]
    """Runs that failed, by the step that they failed at, the most frequent first."""
    unknown: tuple[str, ...] = ()
    """Operations without stated latency or cost: they count as taking no time and costing nothing."""


class Sample(NamedTuple):
    """One run."""

    ending: Ending
    seconds: float
    cost: float
    calls: int
    failed_at: str | None


def forecast(
    program: Program,
    workflow: WorkflowDef,
    faults: Faults,
    *,
    runs: int = 1_000,
    seed: int = 0,
    workers: int = PARALLEL,
) -> Forecast:
    """Gives how a compiled program would end in so many runs, with at most `workers` attempts at a time.

    Raises:
        InputError: a rate fits no operation of the program, two rates come to more than 1, or `runs` is none.
    """
    if not 1 <= runs <= MAX_RUNS:
        raise InputError(f"a forecast needs 1 to {MAX_RUNS:,} runs, not {runs:,}")
    world = _World(program, workflow, faults, seed, workers)
    samples = [_Run(world, number).sample() for number in range(runs)]
    endings: Counter[Ending] = Counter(sample.ending for sample in samples)
    low, high = wilson(endings["done"], runs)
    specs = [item.spec for item in program.steps]
    ended = [sample.seconds for sample in samples if sample.ending in ("done", "over_budget")]
    return Forecast(
        runs=runs,
        seed=seed,
        faults=faults,
        finishing=Share(value=endings["done"] / runs, low=low, high=high),
        endings=dict(endings),
        makespan=_distribution(ended) if ended and all(spec.latency for spec in specs) else None,
        cost=_distribution([sample.cost for sample in samples]) if all(spec.cost for spec in specs) else None,
        calls=_distribution([sample.calls for sample in samples]),
        failed_at=dict(Counter(sample.failed_at for sample in samples if sample.failed_at).most_common()),
        unknown=unknown_of(program),
    )


def _distribution(values: Sequence[float]) -> Distribution:
    ordered = sorted(values)
    last = len(ordered) - 1
    return Distribution(
        mean=fmean(ordered), median=median(ordered), low=ordered[round(0.05 * last)], high=ordered[round(0.95 * last)]
    )


class _World:
    """What all runs have in common."""

    def __init__(self, program: Program, workflow: WorkflowDef, faults: Faults, seed: int, workers: int) -> None:
        self.program, self.workflow, self.seed, self.workers = program, workflow, seed, workers
        self.graph = graph_of(workflow)
        self.times = passes_of(program)
        self.rates = _rates((item.spec for item in program.steps), faults)
        self.denied = {item.step.step_id for item in program.steps if denied(program, item)}
        goal, budget = program.proposal.goal.constraints, program.policy.budget
        self.max_cost = ceiling(goal.max_cost, budget.max_cost)
        self.max_calls = ceiling(goal.max_calls, budget.max_calls)

    def drawn(self, *key: object) -> tuple[float, float, float]:
        """Gives three numbers in [0, 1), always the same for the same key."""
        digest = blake2b(repr((self.seed, key)).encode("utf-8", "replace"), digest_size=24).digest()
        first, second, third = struct.unpack("<3Q", digest)
        return first / _RANGE, second / _RANGE, third / _RANGE


_RANGE = 2.0**64


def _rates(specs: Iterable[ToolSpec], faults: Faults) -> Mapping[str, tuple[float, float]]:
    """Gives the probability of a failure, and of a failure or a time-out, of an attempt by operation."""
    names = sorted({spec.name for spec in specs if not isinstance(spec.binding, ControlBinding)})
    for rate in (*faults.failures, *faults.timeouts):
        if rate.tools != "*" and not any(fnmatchcase(name, rate.tools) for name in names):
            raise InputError(f"no operation of the plan is called {rate.tools!r}; it has {', '.join(names)}")
    found: dict[str, tuple[float, float]] = {}
    for name in names:
        fails, late = _rate(name, faults.failures), _rate(name, faults.timeouts)
        if fails + late > 1:
            raise InputError(f"{name} would fail at a rate of {fails} and time out at one of {late}: more than 1")
        found[name] = fails, fails + late
    return found


def _rate(name: str, rates: Sequence[FaultRate]) -> float:
    return next((rate.rate for rate in rates if fnmatchcase(name, rate.tools)), 0.0)


class _Run:
    """One run: what its attempts come to."""

    def __init__(self, world: _World, number: int) -> None:
        self._world, self._number = world, number
        self._limits = VirtualLimits()
        self._breakers = Breakers(clock=lambda: self._clock.now, random=Random(world.seed + number))  # noqa: S311
        self._calling: dict[tuple[str, int], Breaker] = {}
        self._choices = Choices(world.program, self._passes)
        self._doubtful: set[str] = set()
        self._pauses: dict[tuple[str, int], float] = {}
        """By step and attempt that was refused: the seconds after which another one is not."""
        self._cost, self._calls = 0.0, 0
        execution = Execution(world.workflow, graph=world.graph)
        self._clock = VirtualRun(execution, self._attempt, workers=world.workers, delay=self._delay, on_end=self._ended)

    def sample(self) -> Sample:
        """Gives how the run ends."""
        finish = self._clock.to_end(self._world.workflow.timeout_seconds or None)
        failed_at = parts_of(finish.failed_step)[0] if finish.failed_step else None
        return Sample(self._ending(finish), self._clock.now, self._cost, self._calls, failed_at)

    def _ending(self, finish: Finish) -> Ending:
        if finish.status == "completed":
            world = self._world
            return "over_budget" if self._cost > world.max_cost or self._calls > world.max_calls else "done"
        if finish.status == "timed_out":
            return "late"
        return "unknown" if finish.failed_step in self._doubtful else "failed"

    def _delay(self, schedule: Schedule) -> float:
        """Gives the back-off as the embedded engine keeps it; pauses are exact."""
        if schedule.attempt == 1:
            return schedule.delay
        delay = jittered(schedule.delay, self._world.seed, self._number, schedule.step, schedule.attempt)
        return max(delay, self._pauses.pop((schedule.step, schedule.attempt - 1), 0.0))

    def _passes(self, task: str, role: Role) -> int:
        drawn = self._world.drawn(self._number, task, role)[0]
        if role == "when":
            return int(drawn * 2)
        times = self._world.times[task]
        low = max(1, int(times.low)) if role == "until" else int(times.low)
        return low + int(drawn * (int(times.high) - low + 1))

    # ------------------------------------------------------------------------------- attempts

    def _attempt(self, schedule: Schedule, now: float) -> tuple[float, Occurrence]:
        step, number = parts_of(schedule.step)
        spec = self._world.program.by_id[step].spec
        if isinstance(spec.binding, ControlBinding):
            return 0.0, Completed(schedule.step, schedule.attempt, self._choices(step, number))
        if step in self._world.denied:
            return 0.0, Failed(schedule.step, schedule.attempt, for_good=True)
        pause = self._limits.pause(spec, now)
        if pause > spec.timeout:
            return 0.0, self._refused(schedule, pause)
        self._limits.note(spec, now + pause)
        breaker = self._breakers.of(spec, self._world.program.policy)
        shut = breaker.admit(now + pause)
        if shut:
            return pause, self._refused(schedule, shut)
        self._calling[schedule.step, schedule.attempt] = breaker
        return self._called(spec, schedule, pause)

    def _refused(self, schedule: Schedule, pause: float) -> Failed:
        self._pauses[schedule.step, schedule.attempt] = pause
        return Failed(schedule.step, schedule.attempt, for_good=False)

    def _called(self, spec: ToolSpec, schedule: Schedule, pause: float) -> tuple[float, Occurrence]:
        """Gives the seconds of an attempt that waited `pause` seconds first, and how it ends."""
        fault, length, price = self._world.drawn(self._number, schedule.step, schedule.attempt)
        fails, stops = self._world.rates[spec.name]
        self._cost += _between(spec.cost, price)
        self._calls += 1
        seconds = pause + _between(spec.latency, length)
        if seconds > spec.timeout or fails <= fault < stops:
            once = spec.effect != "read" and not spec.idempotent
            self._doubtful |= {schedule.step} if once else set()
            return spec.timeout, Failed(schedule.step, schedule.attempt, for_good=once)
        if fault < fails:
            return seconds, Failed(schedule.step, schedule.attempt, for_good=False)
        return seconds, Completed(schedule.step, schedule.attempt)

    def _ended(self, end: Occurrence, now: float) -> None:
        breaker = None if isinstance(end, Stopped) else self._calling.pop((end.step, end.attempt), None)
        if breaker is not None:
            breaker.note(now, good=isinstance(end, Completed))


def _between(interval: Interval | None, share: float) -> float:
    return interval.low + share * (interval.high - interval.low) if interval else 0.0
