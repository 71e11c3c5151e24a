"""Resource level: what a provider takes at a time and in one call (R504, R505)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from dagwright.finding import Finding
from dagwright.tool import ToolSpec
from validation.antichain import Antichain, heaviest_antichain, largest_antichain
from validation.context import Context, PlacedStep
from validation.demand import PARALLEL, longest_wait
from validation.dependency import waits_for
from validation.notes import Fix, finding
from validation.passes import ONCE, Passes
from validation.payload import Size
from validation.resource import payloads

_LISTED = 6
_ADDED = 200  # dependencies that a fix may add


def capacity_findings(context: Context) -> Iterator[Finding]:
    """Gives the operations that would be called too often at a time, and the calls that would carry too much."""
    if context.parsed.order_known:
        yield from _at_once(context)
    yield from _too_large(context)


# ----------------------------------------------------------------------------------------- R504


def _at_once(context: Context) -> Iterator[Finding]:
    limited: dict[str, list[PlacedStep]] = {}
    for step in context.steps:
        if step.contract is not None and step.contract.is_limited and step.task >= 0:
            limited.setdefault(step.operation, []).append(step)
    layers = _Layers(context)
    for steps in limited.values():
        assert steps[0].contract is not None
        spec = steps[0].contract.spec
        tasks = {step.task for step in steps if step.task in context.order.rank}
        if sum(map(layers.most_calls, tasks)) > _harmless(spec):
            yield from _crowded(context, layers, spec, tasks)


def _harmless(spec: ToolSpec) -> int:
    """Gives how many calls can begin at once without a finding."""
    if spec.concurrency is not None:
        return spec.concurrency
    assert spec.rate_limit is not None
    return spec.rate_limit.calls


def _crowded(context: Context, layers: _Layers, spec: ToolSpec, tasks: set[int]) -> Iterator[Finding]:
    widest = layers.widest(tasks)
    count, limit = len(widest.members), spec.concurrency
    named = list(dict.fromkeys(layers.tasks_of(widest)))
    shown = ", ".join(repr(context.tasks[task].task_id) for task in named[:_LISTED])
    more = f" and {len(named) - _LISTED} more" if len(named) > _LISTED else ""
    if limit is not None and widest.most > limit:
        surely = (count if layers.are_plain(tasks) else len(layers.widest(tasks, surely=True).members)) > limit
        what = f"{count} calls of {spec.name!r} can run" if surely else f"up to {widest.most} calls may run"
        message = f"{what} at a time (tasks {shown}{more}); its provider takes {limit}"
        fix = layers.in_turn(tasks, limit) if surely and layers.are_plain(tasks) else None
        yield finding("R504", "/plan/nodes", message, softer=not surely, fix=fix, operation=spec.name, limit=limit)
    wait = longest_wait(spec, min(count, PARALLEL))
    if spec.rate_limit is not None and wait > spec.timeout:
        rate = f"{spec.rate_limit.calls} calls in {spec.rate_limit.seconds:g} seconds"
        message = (
            f"{count} calls of {spec.name!r} can begin at a time (tasks {shown}{more}); at {rate} the last "
            f"may wait {wait:g} seconds, and an attempt has {spec.timeout:g}"
        )
        yield finding("R504", "/plan/nodes", message, softer=True, operation=spec.name, wait=wait)


class _Layers:
    """The tasks of a plan in an order that doesn't depend on how it is written: by depth, then by id."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @cached_property
    def _sequence(self) -> list[int]:
        depth = self._context.order.depth
        return sorted(depth, key=lambda task: (depth[task], self._context.tasks[task].task_id))

    @cached_property
    def _index(self) -> dict[int, int]:
        return {task: index for index, task in enumerate(self._sequence)}

    @cached_property
    def _before(self) -> list[list[int]]:
        dependencies = self._context.order.dependencies
        return [[self._index[needed] for needed in dependencies[task]] for task in self._sequence]

    def widest(self, tasks: set[int], *, surely: bool = False) -> Antichain:
        """Gives the most tasks among some that no dependency orders, each as often as its passes run side by side.

        `surely`: only the passes that there are in every run.
        """
        if self.are_plain(tasks):
            return largest_antichain(self._before, {self._index[task] for task in tasks})
        weights = [0] * len(self._sequence)
        for task in tasks:
            weights[self._index[task]] = self._side_by_side(task, surely=surely)
        return heaviest_antichain(self._before, weights)

    def are_plain(self, tasks: set[int]) -> bool:
        """Whether each of some tasks is run just once."""
        return not self._context.controls or all(self._passes(task) == ONCE for task in tasks)

    def most_calls(self, task: int) -> int:
        """Gives how many passes of a task may run side by side."""
        return self._side_by_side(task, surely=False)

    def _side_by_side(self, task: int, *, surely: bool) -> int:
        passes = self._passes(task)
        return passes.side_by_side(passes.low if surely else passes.high)

    def _passes(self, task: int) -> Passes:
        return self._context.passes.get(self._context.tasks[task].task_id, ONCE)

    def tasks_of(self, antichain: Antichain) -> list[int]:
        """Gives the tasks of an antichain."""
        return [self._sequence[index] for index in antichain.members]

    def in_turn(self, tasks: set[int], limit: int) -> Fix | None:
        """Gives the fix that lets each task wait for the one `limit` places before it: `limit` chains cover them."""
        context = self._context
        if context.parsed.constraints.deadline is not None or len(tasks) - limit > _ADDED:
            return None
        listed = sorted(tasks, key=self._index.__getitem__)
        added: dict[int, str] = {}
        for earlier, later in zip(listed, listed[limit:], strict=False):
            if not context.order.precedes(earlier, later):
                added[later] = context.tasks[earlier].task_id
        return tuple(operation for later, name in added.items() for operation in waits_for(context, later, name))


# ----------------------------------------------------------------------------------------- R505


def _too_large(context: Context) -> Iterator[Finding]:
    general = context.policy.budget.max_payload
    specs = {id(step.contract): step.contract.spec for step in context.steps if step.contract}
    if general is None and all(spec.max_payload is None for spec in specs.values()):
        return
    for step, size in payloads(context):
        own = step.contract.spec.max_payload if step.contract else None
        limits = [limit for limit in (general, own) if limit is not None]
        if limits and step.contract is not None and (size.high is None or size.high > min(limits)):
            yield _heavy(step, size, min(limits), "its provider takes" if min(limits) == own else "policy allows")


def _heavy(step: PlacedStep, size: Size, limit: int, who: str) -> Finding:
    surely = size.low > limit
    if surely:
        carries = f"carries at least {size.low:,} bytes"
    else:
        carries = "may carry any number of bytes" if size.high is None else f"may carry {size.high:,} bytes"
    message = f"the call of {step.operation!r} by step {step.step_id!r} {carries}; {who} {limit:,}"
    path = f"{step.path}/tool_intent/required_inputs"
    return finding(
        "R505", path, message, task=step.task_id, step=step.step_id, softer=not surely, low=size.low, high=size.high
    )
