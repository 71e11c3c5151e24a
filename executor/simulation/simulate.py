"""`simulate`: a dry run. The same workflow and the same core on a virtual clock; no tool is called."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, JsonValue

from dagwright.binding import WorkerBinding
from dagwright.canonical import to_json
from dagwright.exceptions import GuardViolation
from dagwright.model import Frozen, Interval
from dagwright.policy import Action
from dagwright.program import Program, ProgramStep
from dagwright.reach import destinations
from dagwright.tool import BindingKind, ControlBinding, Effect, HttpBinding, ToolSpec
from dagwright.value import StepReference, leaves
from executor.engine.decide import Completed, Execution, Failed, Occurrence, Schedule
from executor.simulation.virtual import Choices, VirtualLimits, VirtualRun, passes_of
from executor.worker.guard import action_for, check_places, resources
from executor.worker.resolve import filled, resolve
from executor.workflow.definition import WorkflowDef
from executor.workflow.instance import parts_of
from executor.workflow.order import graph_of
from validation.demand import PARALLEL
from validation.resource import demand_of_program

_ASKED: Mapping[BindingKind, tuple[str, ...]] = {"llm": ("model",), "human": ("person",)}


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
    """Hosts and resources that it reaches, as far as known; `model` and `person` for whom it asks."""
    arguments: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """What it would be called with, defaults included, as far as known."""
    pending: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """The arguments that only running gives: references, as in the proposal."""
    credential: str | None = None
    """Name of the credential that is sent along."""


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


def simulate(program: Program, workflow: WorkflowDef, *, workers: int = PARALLEL) -> Simulation:
    """Runs a compiled program on a virtual clock with at most `workers` attempts at a time.

    Raises:
        InputError: the workflow is not one that can end.
    """
    walk = _Walk(program, workflow, workers)
    soonest, latest = walk.times(latest=False), walk.times(latest=True)
    rows = [_row(program, item, soonest, latest, walk.tries[item.spec.name]) for item in program.steps]
    bounds = demand_of_program(program, parallel=workers).bounds()
    return Simulation(
        makespan=bounds.makespan,
        cost=bounds.cost,
        calls=bounds.calls,
        tokens=bounds.tokens,
        concurrency=bounds.concurrency,
        payload=program.bounds.payload,
        steps=tuple(sorted(rows, key=lambda row: (row.begins.low, row.step))),
        unknown=unknown_of(program),
    )


def unknown_of(program: Program) -> tuple[str, ...]:
    """Gives the operations of a program without stated latency or cost, by name."""
    specs = {item.spec.name: item.spec for item in program.steps}
    return tuple(sorted(name for name, spec in specs.items() if spec.latency is None or spec.cost is None))


class _Walk:
    """The runs of a program in which all goes as fast, or as slowly, as it may."""

    def __init__(self, program: Program, workflow: WorkflowDef, workers: int) -> None:
        self._program, self._workflow, self._workers = program, workflow, workers
        self._graph = graph_of(workflow)
        self._counts = passes_of(program)
        retries = {definition.name: definition.retry_count for definition in workflow.task_defs}
        self.tries = {item.spec.name: 1 + retries.get(item.spec.name, 0) for item in program.steps}
        """Attempts at a step, by its operation."""

    def times(self, *, latest: bool) -> dict[str, tuple[float, float]]:
        """Gives begin and end by step, over all its passes; one that is skipped has the time when that is decided."""
        limits = VirtualLimits()
        choices = Choices(self._program, lambda task, role: self._passes(task, latest=latest))

        def attempt(schedule: Schedule, now: float) -> tuple[float, Occurrence]:
            step, number = parts_of(schedule.step)
            spec = self._program.by_id[step].spec
            begun = now + limits.pause(spec, now)
            limits.note(spec, begun)
            seconds = begun - now + _seconds(spec, latest=latest)
            if latest and schedule.attempt < self.tries[spec.name]:
                return seconds, Failed(schedule.step, schedule.attempt, for_good=False)
            return seconds, Completed(schedule.step, schedule.attempt, choices(step, number))

        run = VirtualRun(Execution(self._workflow, graph=self._graph), attempt, workers=self._workers)
        run.to_end()
        return run.times

    def _passes(self, task: str, *, latest: bool) -> int:
        return int(self._counts[task].high if latest else self._counts[task].low)


def _seconds(spec: ToolSpec, *, latest: bool) -> float:
    if spec.latency is None:
        return 0.0
    return spec.latency.high if latest else spec.latency.low


def _row(
    program: Program,
    item: ProgramStep,
    soonest: Mapping[str, tuple[float, float]],
    latest: Mapping[str, tuple[float, float]],
    tries: int,
) -> SimulatedStep:
    step, spec = item.step.step_id, item.spec
    known, pending = _arguments(program, item)
    action, reason = _policy(program, item, known, decided=not pending)
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
        decided=not pending or isinstance(spec.binding, ControlBinding),
        places=_places(spec, known),
        arguments=known,
        pending=pending,
        credential=spec.binding.credential if isinstance(spec.binding, HttpBinding | WorkerBinding) else None,
    )


def _cost(once: Interval | None, times: Interval, tries: int) -> Interval | None:
    return Interval(low=once.low * times.low, high=once.high * times.high * tries) if once else None


def _arguments(program: Program, item: ProgramStep) -> tuple[dict[str, JsonValue], dict[str, JsonValue]]:
    """Gives a step's arguments that are known before anything runs, and the others as references."""
    given = item.step.tool_intent.required_inputs
    pending = {
        name: to_json(value)
        for name, value in given.items()
        if any(isinstance(leaf, StepReference) for _, leaf in leaves(value))
    }
    inputs = program.proposal.goal.inputs
    known = {name: resolve(value, _nothing, inputs) for name, value in given.items() if name not in pending}
    complete = filled({**known, **pending}, item.spec.input_schema)
    return {name: value for name, value in complete.items() if name not in pending}, pending


def denied(program: Program, item: ProgramStep) -> bool:
    """Whether the worker's guard would refuse a step, as far as values are known before anything runs."""
    known, pending = _arguments(program, item)
    return _policy(program, item, known, decided=not pending)[0] == "deny"


def _policy(
    program: Program, item: ProgramStep, known: Mapping[str, JsonValue], *, decided: bool
) -> tuple[Action, str]:
    """Gives what the worker's guard would say, as far as values are known before anything runs, and why."""
    spec = item.spec
    if isinstance(spec.binding, ControlBinding):
        return "allow", "controls a block"
    action, reason = action_for(spec, known, program.policy) if decided else ("allow", "certified")
    try:
        check_places(spec, known, program.policy)
    except GuardViolation as error:
        return "deny", str(error)
    return "ask" if item.needs_approval and action == "allow" else action, reason


def _places(spec: ToolSpec, known: Mapping[str, JsonValue]) -> tuple[str, ...]:
    if isinstance(spec.binding, ControlBinding):
        return ()
    reached = tuple(f"{found.kind}:{found}" for found in destinations(spec.binding))
    return reached + _ASKED.get(spec.binding.kind, ()) + resources((*spec.reads, *spec.writes), known)


def _nothing(step: str) -> JsonValue:
    raise GuardViolation(f"step {step!r} has not run", code="missing_reference")
