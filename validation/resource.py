"""Resource level: cost, time, calls, tokens and workers (R501-R503, R507, R508)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from dagwright.finding import Finding
from dagwright.model import Interval
from dagwright.program import Bounds
from dagwright.tool import LlmBinding, ToolSpec
from validation.context import Context, PlacedStep
from validation.notes import finding

_LISTED = 8


def resource_findings(context: Context) -> Iterator[Finding]:
    """Gives what a run would lack: money, time, calls, tokens, workers."""
    yield from _cost(context)
    yield from _time(context)
    yield from _calls(context)
    yield from _tokens(context)
    yield from _workers(context)


# --------------------------------------------------------------------------------------- bounds


def bounds_of(context: Context) -> Bounds:
    """Gives what running a proposal can take: one attempt a step at the least, all retries at the most."""
    specs = [step.contract.spec for step in context.steps if step.contract]
    return Bounds(
        cost=_sum(specs),
        makespan=_critical_path(context),
        calls=Interval(low=len(specs), high=sum(spec.retry.attempts for spec in specs)),
    )


def _sum(specs: Iterable[ToolSpec]) -> Interval | None:
    low = high = 0.0
    for spec in specs:
        if spec.cost is None:
            return None
        low += spec.cost.low
        high += spec.cost.high * spec.retry.attempts
    return Interval(low=low, high=high)


def _critical_path(context: Context) -> Interval | None:
    specs = {step.step_id: step.contract.spec for step in context.steps if step.contract}
    if any(spec.latency is None for spec in specs.values()):
        return None
    return Interval(low=_longest(context, _quickest), high=_longest(context, _slowest))


def _quickest(spec: ToolSpec) -> float:
    return spec.latency.low if spec.latency else 0.0


def _slowest(spec: ToolSpec) -> float:
    """Seconds that a step takes at most: all attempts, each up to its latency's upper bound, and the delays."""
    retry = spec.retry
    delays = (min(retry.delay * retry.factor**attempt, retry.max_delay) for attempt in range(retry.attempts - 1))
    return (spec.latency.high if spec.latency else 0.0) * retry.attempts + sum(delays)


def _longest(context: Context, seconds: Callable[[ToolSpec], float]) -> float:
    """Gives the seconds of the longest way through the tasks."""
    durations: dict[str, float] = {}
    done: dict[int, float] = {}
    for task in context.order.sequence:
        own = 0.0
        for step in context.task_steps.get(task, ()):
            if step.contract is not None:
                name = step.contract.spec.name
                if name not in durations:
                    durations[name] = seconds(step.contract.spec)
                own += durations[name]
        done[task] = own + max((done[dependency] for dependency in context.order.dependencies[task]), default=0.0)
    return max(done.values(), default=0.0)


# ----------------------------------------------------------------------------------- R501, R502


def _least(*limits: float | None) -> float | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _cost(context: Context) -> Iterator[Finding]:
    budget = _least(context.parsed.constraints.max_cost, context.policy.budget.max_cost)
    if budget is None:
        return
    specs = [step.contract.spec for step in context.steps if step.contract]
    unknown = sorted({spec.name for spec in specs if spec.cost is None})
    once = sum(spec.cost.high for spec in specs if spec.cost)
    retried = sum(spec.cost.high * spec.retry.attempts for spec in specs if spec.cost)
    place = "/goal/constraints/max_cost"
    if once > budget:
        yield finding("R501", place, f"the plan can cost {once:g} US dollars; the budget is {budget:g}", bound=once)
    elif retried > budget:
        message = f"with all retries the plan can cost {retried:g} US dollars; the budget is {budget:g}"
        yield finding("R501", place, message, softer=True, bound=retried)
    if unknown:
        message = f"the budget is {budget:g} US dollars, but the cost of {_shown(unknown)} is unknown"
        yield finding("R501", place, message, softer=True)


def _time(context: Context) -> Iterator[Finding]:
    deadline = _least(context.parsed.constraints.deadline, context.policy.budget.max_seconds)
    if deadline is None:
        return
    place = "/goal/constraints/deadline"
    low, high = _longest(context, _quickest), _longest(context, _slowest)
    unknown = sorted({step.operation for step in context.steps if step.contract and step.contract.spec.latency is None})
    if low > deadline:
        message = f"the critical path takes at least {low:g} seconds; the deadline is {deadline:g}"
        yield finding("R502", place, message, bound=low)
    elif high > deadline:
        message = f"the critical path can take {high:g} seconds with all retries; the deadline is {deadline:g}"
        yield finding("R502", place, message, softer=True, bound=high)
    if unknown:
        message = f"the deadline is {deadline:g} seconds, but how long {_shown(unknown)} takes is unknown"
        yield finding("R502", place, message, softer=True)


def _shown(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(map(repr, names[:_LISTED])) + more


# ----------------------------------------------------------------------------------- R503-R508


def _calls(context: Context) -> Iterator[Finding]:
    most = _least(context.parsed.constraints.max_calls, context.policy.budget.max_calls)
    if most is not None and len(context.steps) > most:
        message = f"the plan makes {len(context.steps)} calls; at most {most:g} are allowed"
        yield finding("R503", "/goal/constraints/max_calls", message)
    counts = Counter(step.operation for step in context.steps if step.contract)
    for operation, count in counts.items():
        quota = context.catalogue.by_name[operation].quota
        if quota is not None and count > quota:
            message = f"the plan calls {operation!r} {count} times; {quota} calls are left"
            yield finding("R503", "/decompositions", message, operation=operation)


def _tokens(context: Context) -> Iterator[Finding]:
    most = _least(context.parsed.constraints.max_tokens, context.policy.budget.max_tokens)
    if most is None:
        return
    bindings = [step.contract.spec.binding for step in context.steps if step.contract]
    tokens = sum(binding.max_tokens for binding in bindings if isinstance(binding, LlmBinding))
    if tokens > most:
        message = f"the answers of the language model steps may take {tokens} tokens; at most {most:g} are allowed"
        yield finding("R508", "/goal/constraints/max_tokens", message)


def _workers(context: Context) -> Iterator[Finding]:
    for step in context.steps:
        if step.contract is not None and step.contract.spec.binding.kind not in context.workers:
            yield _no_worker(context, step, step.contract.spec.binding.kind)


def _no_worker(context: Context, step: PlacedStep, kind: str) -> Finding:
    there = ", ".join(map(repr, sorted(context.workers))) or "none"
    message = f"step {step.step_id!r} calls {step.operation!r}, of kind {kind!r}; there are workers of kind {there}"
    return finding("R507", f"{step.path}/tool_intent", message, task=step.task_id, step=step.step_id)
