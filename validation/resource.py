"""Resource level: cost, time, calls, tokens and workers (R501-R503, R507, R508)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from dagwright.finding import Finding
from dagwright.limit import least
from dagwright.model import Interval
from dagwright.program import Bounds, Program
from dagwright.tool import ControlBinding, ToolSpec
from validation.context import Context, PlacedStep
from validation.demand import PARALLEL, Demand
from validation.notes import finding
from validation.passes import ONCE, Passes
from validation.payload import Size, Sizes

_LISTED = 8


def resource_findings(context: Context) -> Iterator[Finding]:
    """Gives what a run would lack: money, time, calls, tokens, workers."""
    limits = _Limits(context)
    yield from _cost(limits)
    yield from _time(limits)
    yield from _calls(limits)
    yield from _tokens(limits)
    yield from _workers(context)


def bounds_of(context: Context) -> Bounds:
    """Gives what running a proposal can take: one attempt a step at the least, all retries at the most."""
    return demand_of(context).bounds(payload=_largest_payload(context))


def demand_of(context: Context) -> Demand:
    """Gives the calls of a proposal with their order; steps that have none for want of a plan come last."""
    specs: list[ToolSpec] = []
    before: list[tuple[int, ...]] = []
    ends: dict[int, tuple[int, ...]] = {}
    blocks: list[tuple[range, Passes]] = []
    for task in context.order.sequence:
        end = tuple(dict.fromkeys(index for needed in context.order.dependencies[task] for index in ends[needed]))
        first = len(specs)
        for step in context.task_steps.get(task, ()):
            if step.contract is not None and step.controls is None:
                before.append(end)
                end = (len(specs),)
                specs.append(step.contract.spec)
        ends[task] = end
        passes = context.passes.get(context.tasks[task].task_id)
        if passes is not None:
            blocks.append((range(first, len(specs)), passes))
    for step in context.steps:
        if step.task not in ends and step.contract is not None and step.controls is None:
            before.append(())
            specs.append(step.contract.spec)
    return Demand(specs, before, blocks=blocks)


def demand_of_program(program: Program, *, parallel: int = PARALLEL) -> Demand:
    """Gives the calls of a program with their order, for an engine that runs so many attempts at a time."""
    waits = {item.task_id: item.control.repeat for item in program.proposal.decompositions if item.control}
    each = {item.task_id for item in program.proposal.decompositions if item.control and item.control.each}
    places: dict[str, tuple[int, ...]] = {}
    specs: list[ToolSpec] = []
    before: list[tuple[int, ...]] = []
    chains: dict[str, tuple[range, Passes]] = {}
    for item in program.steps:
        earlier = tuple(dict.fromkeys(place for name in item.after for place in places[name]))
        if isinstance(item.spec.binding, ControlBinding):
            places[item.step.step_id] = earlier
            continue
        index = len(specs)
        places[item.step.step_id] = (index,)
        specs.append(item.spec)
        before.append(earlier)
        repeat = waits.get(item.task_id)
        passes = Passes(
            int(item.times.low), int(item.times.high), item.task_id not in each, repeat.wait if repeat else 0
        )
        if passes != ONCE:
            first = chains[item.task_id][0].start if item.task_id in chains else index
            chains[item.task_id] = (range(first, index + 1), passes)
    return Demand(specs, before, parallel=parallel, blocks=tuple(chains.values()))


def payloads(context: Context) -> Iterator[tuple[PlacedStep, Size]]:
    """Gives the bytes of each step's arguments."""
    sizes = Sizes()
    for step in context.steps:
        if context.by_id[step.step_id] is step and step.controls is None:
            yield step, sizes.of_arguments(context.types.arguments[step.step_id], step.literals, step.contract)


def _largest_payload(context: Context) -> Interval | None:
    found = [size for _, size in payloads(context)]
    highs = [size.high for size in found if size.high is not None]
    if len(highs) < len(found):
        return None
    return Interval(low=max((size.low for size in found), default=0), high=max(highs, default=0))


class _Limits:
    """The limits of goal and policy, and what the plan takes of them; worked out when first asked for."""

    def __init__(self, context: Context) -> None:
        goal, budget = context.parsed.constraints, context.policy.budget
        self.context = context
        self.cost = least(goal.max_cost, budget.max_cost)
        self.seconds = least(goal.deadline, budget.max_seconds)
        self.calls = least(goal.max_calls, budget.max_calls)
        self.tokens = least(goal.max_tokens, budget.max_tokens)

    @cached_property
    def demand(self) -> Demand:
        return demand_of(self.context)


# ----------------------------------------------------------------------------------- R501, R502


def _cost(limits: _Limits) -> Iterator[Finding]:
    budget, place = limits.cost, "/goal/constraints/max_cost"
    if budget is None:
        return
    once, most = limits.demand.cost_once, limits.demand.cost.high
    if once > budget:
        yield finding("R501", place, f"the plan can cost {once:g} US dollars; the budget is {budget:g}", bound=once)
    elif most > budget:
        message = f"with all retries the plan can cost {most:g} US dollars; the budget is {budget:g}"
        yield finding("R501", place, message, softer=True, bound=most)
    if limits.demand.unpriced:
        message = f"the budget is {budget:g} US dollars, but the cost of {_shown(limits.demand.unpriced)} is unknown"
        yield finding("R501", place, message, softer=True)


def _time(limits: _Limits) -> Iterator[Finding]:
    deadline, place = limits.seconds, "/goal/constraints/deadline"
    if deadline is None:
        return
    span = limits.demand.makespan
    if span.low > deadline:
        message = f"the critical path takes at least {span.low:g} seconds; the deadline is {deadline:g}"
        yield finding("R502", place, message, bound=span.low)
    elif span.high > deadline:
        message = f"with all retries the plan can take {span.high:g} seconds; the deadline is {deadline:g}"
        yield finding("R502", place, message, softer=True, bound=span.high)
    if limits.demand.untimed:
        message = f"the deadline is {deadline:g} seconds, but how long {_shown(limits.demand.untimed)} takes is unknown"
        yield finding("R502", place, message, softer=True)


def _shown(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(map(repr, names[:_LISTED])) + more


# ----------------------------------------------------------------------------------- R503-R508


def _calls(limits: _Limits) -> Iterator[Finding]:
    most, place = limits.calls, "/goal/constraints/max_calls"
    steps = limits.demand.calls_once if most is not None else 0
    if most is not None and steps > most:
        makes = "makes" if limits.demand.calls.low == steps else "can make"
        yield finding("R503", place, f"the plan {makes} {steps} calls; at most {most:g} are allowed", bound=steps)
    elif most is not None and limits.demand.calls.high > most:
        bound = limits.demand.calls.high
        message = f"with all retries the plan can make {bound:g} calls; at most {most:g} are allowed"
        yield finding("R503", place, message, softer=True, bound=bound)
    if not any(step.contract and step.contract.spec.quota is not None for step in limits.context.steps):
        return
    for name, (spec, count) in limits.demand.counts.items():
        if spec.quota is not None and count > spec.quota:
            calls = "calls" if limits.demand.least[name][1] == count else "can call"
            message = f"the plan {calls} {name!r} {count} times; {spec.quota} calls are left"
            yield finding("R503", "/decompositions", message, operation=name)
        elif spec.quota is not None and count * spec.retry.attempts > spec.quota:
            message = f"with all retries the plan can call {name!r} {count * spec.retry.attempts} times; "
            yield finding("R503", "/decompositions", f"{message}{spec.quota} are left", softer=True, operation=name)


def _tokens(limits: _Limits) -> Iterator[Finding]:
    most, place = limits.tokens, "/goal/constraints/max_tokens"
    if most is None:
        return
    once, bound = limits.demand.tokens_once, limits.demand.tokens.high
    may = "the answers of the language model steps may take"
    if once > most:
        yield finding("R508", place, f"{may} {once:g} tokens; at most {most:g} are allowed", bound=once)
    elif bound > most:
        message = f"with all retries {may} {bound:g} tokens; at most {most:g} are allowed"
        yield finding("R508", place, message, softer=True, bound=bound)


def _workers(context: Context) -> Iterator[Finding]:
    for step in context.steps:
        kind = step.contract.spec.binding.kind if step.contract is not None and step.controls is None else None
        if kind is not None and kind not in context.workers:
            yield _no_worker(context, step, kind)


def _no_worker(context: Context, step: PlacedStep, kind: str) -> Finding:
    there = ", ".join(map(repr, sorted(context.workers))) or "none"
    message = f"step {step.step_id!r} calls {step.operation!r}, of kind {kind!r}; there are workers of kind {there}"
    return finding("R507", f"{step.path}/tool_intent", message, task=step.task_id, step=step.step_id)
