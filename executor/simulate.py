"""`simulate`: a dry run. The same workflow and the same core on a virtual clock; no tool is called."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Mapping

from pydantic import JsonValue

from dagwright.exceptions import GuardViolation
from dagwright.model import Frozen, Interval
from dagwright.policy import Action
from dagwright.program import Program, ProgramStep
from dagwright.reach import destinations
from dagwright.tool import ControlBinding, Effect, ToolSpec
from dagwright.value import StepReference, leaves
from executor.block import role_of
from executor.decide import Command, Completed, Execution, Failed, Schedule, Skip
from executor.guard import action_for, check_places, resources
from executor.instance import Choice, parts_of
from executor.resolve import filled, resolve
from executor.workflow import WorkflowDef
from validation.demand import PARALLEL
from validation.resource import demand_of_program


class SimulatedStep(Frozen):
    """What would be called, when and where."""

    step: str
    operation: str
    effect: Effect
    begins: Interval
    """Seconds after the start; a lower bound where latencies before it are unknown."""
    ends: Interval
    """Seconds after the start, likewise."""
    cost: Interval | None
    """US dollars, retries included in the upper bound; None is unknown."""
    action: Action
    """What policy says; `ask` waits for a person."""
    reason: str = ""
    """Why."""
    decided: bool = True
    """False where policy depends on values that only running gives, and the worker decides."""
    times: Interval = Interval(low=1, high=1)
    """How often it is run: the passes of its block; 0 where it may be skipped."""
    places: tuple[str, ...] = ()
    """Hosts and resources that it reaches, as far as known."""


class Simulation(Frozen):
    """What running a program would take, if every step ends as its contract says.

    The bounds are those that validation judges by; the steps' times are those of one schedule within them.
    """

    makespan: Interval | None
    """Seconds; the upper bound has each step fail as often as it may. None is unknown."""
    cost: Interval | None
    """US dollars; None is unknown."""
    calls: Interval
    """Tool calls, retries included in the upper bound."""
    tokens: Interval | None = None
    """Tokens of the answers of its language model steps, likewise."""
    concurrency: Interval | None = None
    """Steps at a time."""
    payload: Interval | None = None
    """Bytes of the largest call's arguments; None is unknown."""
    steps: tuple[SimulatedStep, ...]
    """In the order in which they would begin."""
    unknown: tuple[str, ...] = ()
    """Operations without stated latency or cost."""

    def as_json(self) -> JsonValue:
        """Gives it as JSON."""
        return self.model_dump(mode="json")


def simulate(program: Program, workflow: WorkflowDef, *, workers: int = PARALLEL) -> Simulation:
    """Runs a compiled program on a virtual clock with at most `workers` attempts at a time.

    Raises:
        InputError: the workflow is not one that can end.
    """
    specs = {item.step.step_id: item.spec for item in program.steps}
    retries = {definition.name: definition.retry_count for definition in workflow.task_defs}
    latency = {step: spec.latency or Interval(low=0, high=0) for step, spec in specs.items()}
    tries = {step: 1 + retries.get(spec.name, 0) for step, spec in specs.items()}
    few, many = _Choices(program, fewest=True), _Choices(program, fewest=False)
    soonest = _times(workflow, specs, lambda step, attempt: (latency[step].low, True), few, workers)
    latest = _times(workflow, specs, lambda step, attempt: (latency[step].high, attempt == tries[step]), many, workers)
    rows = [_row(program, item, soonest, latest, tries[item.step.step_id]) for item in program.steps]
    bounds = demand_of_program(program, parallel=workers).bounds()
    return Simulation(
        makespan=bounds.makespan,
        cost=bounds.cost,
        calls=bounds.calls,
        tokens=bounds.tokens,
        concurrency=bounds.concurrency,
        payload=program.bounds.payload,
        steps=tuple(sorted(rows, key=lambda row: (row.begins.low, row.step))),
        unknown=tuple(sorted({s.name for s in specs.values() if s.latency is None or s.cost is None})),
    )


class _Choices:
    """What control steps decide where blocks run as seldom, or as often, as they may."""

    def __init__(self, program: Program, *, fewest: bool) -> None:
        self._steps, self._fewest = program.by_id, fewest
        self._times: dict[str, Interval] = {
            item.task_id: item.times for item in program.steps if role_of(item) == "step"
        }

    def __call__(self, step: str, number: int | None) -> Choice:
        """Gives what a step decides in a pass; nothing for one that controls no block."""
        item = self._steps[step]
        times = self._times[item.task_id]
        count = int(times.low if self._fewest else times.high)
        role = role_of(item)
        if role == "when":
            return "yes" if count else "no"
        if role == "each":
            return count
        return ("again" if (number or 1) < count else "done") if role == "until" else None


def _times(
    workflow: WorkflowDef,
    specs: Mapping[str, ToolSpec],
    ends: Callable[[str, int], tuple[float, bool]],
    choices: _Choices,
    workers: int,
) -> dict[str, tuple[float, float]]:
    """Gives begin and end by step, over all its passes; `ends` says how long an attempt takes and whether it succeeds.

    A step that is skipped begins and ends when that is decided.
    """
    execution, now, count, busy = Execution(workflow), 0.0, 0, 0
    called: dict[str, list[float]] = {}
    ready: deque[Schedule] = deque()
    agenda: list[tuple[float, int, Schedule | Completed | Failed]] = []
    times: dict[str, tuple[float, float]] = {}
    commands: list[Command] = execution.start()
    while True:
        for command in commands:
            if isinstance(command, Schedule):
                count += 1
                heapq.heappush(agenda, (now + command.delay, count, command))
            elif isinstance(command, Skip):
                times.setdefault(parts_of(command.step)[0], (now, now))
        while ready and busy < workers:
            begun = ready.popleft()
            step, number = parts_of(begun.step)
            seconds, good = ends(step, begun.attempt)
            seconds += _pause(specs[step], called, now)
            first, last = times.get(step, (now, now))
            times[step] = first, max(last, now + seconds)
            ended = (
                Completed(begun.step, begun.attempt, choices(step, number))
                if good
                else Failed(begun.step, begun.attempt, for_good=False)
            )
            count, busy = count + 1, busy + 1
            heapq.heappush(agenda, (now + seconds, count, ended))
        if not agenda:
            return times
        now, _, item = heapq.heappop(agenda)
        commands = []
        if isinstance(item, Schedule):
            ready.append(item)
        else:
            busy -= 1
            commands = execution.advance(item)


def _pause(spec: ToolSpec, called: dict[str, list[float]], now: float) -> float:
    """Gives the seconds that an attempt waits for its operation's rate limit, and notes its call."""
    limit = spec.rate_limit
    if limit is None:
        return 0.0
    times = called.setdefault(spec.name, [])
    earliest = times[-limit.calls] + limit.seconds if len(times) >= limit.calls else now
    times.append(max(now, earliest))
    return times[-1] - now


def _row(
    program: Program,
    item: ProgramStep,
    soonest: Mapping[str, tuple[float, float]],
    latest: Mapping[str, tuple[float, float]],
    tries: int,
) -> SimulatedStep:
    step, spec = item.step.step_id, item.spec
    action, reason, decided, places = _policy(program, item)
    return SimulatedStep(
        step=step,
        operation=spec.name,
        effect=spec.effect,
        begins=Interval(low=soonest[step][0], high=latest[step][0]),
        ends=Interval(low=soonest[step][1], high=latest[step][1]),
        cost=_cost(spec.cost, item.times, tries),
        times=item.times,
        action=action,
        reason=reason,
        decided=decided,
        places=places,
    )


def _cost(once: Interval | None, times: Interval, tries: int) -> Interval | None:
    return Interval(low=once.low * times.low, high=once.high * times.high * tries) if once else None


def _policy(program: Program, item: ProgramStep) -> tuple[Action, str, bool, tuple[str, ...]]:
    """Gives what the worker's guard would say, as far as values are known before anything runs."""
    spec, inputs = item.spec, program.proposal.goal.inputs
    if isinstance(spec.binding, ControlBinding):
        return "allow", "controls a block", True, ()
    reached = tuple(f"{found.kind}:{found}" for found in destinations(spec.binding))
    known = {
        name: value
        for name, value in item.step.tool_intent.required_inputs.items()
        if not any(isinstance(leaf, StepReference) for _, leaf in leaves(value))
    }
    decided = len(known) == len(item.step.tool_intent.required_inputs)
    given = {name: resolve(value, _nothing, inputs) for name, value in known.items()}
    arguments = filled(given, spec.input_schema)
    places = reached + resources((*spec.reads, *spec.writes), arguments)
    action, reason = action_for(spec, arguments, program.policy) if decided else ("allow", "certified")
    try:
        check_places(spec, arguments, program.policy)
    except GuardViolation as error:
        return "deny", str(error), decided, places
    return "ask" if item.needs_approval and action == "allow" else action, reason, decided, places


def _nothing(step: str) -> JsonValue:
    raise GuardViolation(f"step {step!r} has not run", code="missing_reference")
