"""Dependency level: steps that nobody needs, dependencies that carry nothing (D309, D310)."""

from __future__ import annotations

from collections.abc import Iterator

from dagwright.finding import Finding, PatchOperation
from dagwright.predicate import FactPredicate
from dagwright.value import StepReference
from validation.context import Context, PlacedStep
from validation.notes import Fix, finding, remove, replace

_COMPARED = 200_000


def usefulness_findings(context: Context) -> Iterator[Finding]:
    """Gives the steps and dependencies that could be left out; none where a part that may need them can't be read."""
    if context.parsed.uses_known:
        yield from _unused(context)
        yield from _idle(context)


# ----------------------------------------------------------------------------------------- D309


def _unused(context: Context) -> Iterator[Finding]:
    needed = _needed(context)
    unneeded = [step for step in context.steps if step.step_id not in needed and step.controls is None]
    used = {source for step in context.steps for source in step.sources} if unneeded else set[str]()
    for step in unneeded:
        removable = bool(needed) and step.step_id not in used
        message = f"nothing uses the result of step {step.step_id!r}, it has no effect and the answer doesn't name it"
        fix = _removal(context, step) if removable else None
        yield finding("D309", step.path, message, task=step.task_id, step=step.step_id, fix=fix)


def _needed(context: Context) -> set[str]:
    """Gives the steps that an effect, a fact or the answer needs, directly or through others."""
    waiting = [reference.from_ for _, _, reference in context.answer_references if isinstance(reference, StepReference)]
    waiting.extend(step.step_id for step in context.steps if _matters(step))
    needed: set[str] = set()
    while waiting:
        step_id = waiting.pop()
        step = context.by_id.get(step_id)
        if step is None or step_id in needed:
            continue
        needed.add(step_id)
        waiting.extend(step.sources)
        # What decides about a block matters where the block does.
        waiting.extend(control.step_id for control in context.control_steps.get(step.task_id, ()))
    return needed


def _matters(step: PlacedStep) -> bool:
    """Whether a step changes something, establishes or ends a fact, or can't be judged."""
    if step.contract is None or step.contract.has_effect:
        return True
    if step.contract.spec.facts_added or step.contract.spec.facts_removed:
        return True
    promised = step.step.postconditions
    return bool(promised) and any(isinstance(item, FactPredicate) for item in promised)


def _removal(context: Context, step: PlacedStep) -> Fix | None:
    """Gives the fix that takes a step out; the order between the tasks around it stays."""
    group, *others = context.groups[step.task_id]
    if step.task < 0 or others:
        return None
    if group.listed > 1:
        return remove(step.path) if not _lost_capabilities(context, step) else None
    task = context.tasks[step.task]
    edits: list[PatchOperation] = []
    for number in context.order.successors[step.task]:
        part = context.parsed.tasks[number]
        kept = [name for name in part.value.dependencies if name != task.task_id]
        joined = dict.fromkeys((*kept, *(name for name in task.dependencies if name != part.value.task_id)))
        edits.extend(replace(f"{part.path}/dependencies", list(joined)))
    return (*edits, *remove(group.path), *remove(context.parsed.tasks[step.task].path))


def _lost_capabilities(context: Context, step: PlacedStep) -> bool:
    required = set(context.tasks[step.task].required_capabilities)
    others = (other.contract for other in context.task_steps[step.task] if other is not step)
    kept = {name for contract in others if contract for name in contract.spec.capabilities}
    return bool(step.contract and required & set(step.contract.spec.capabilities) - kept)


# ----------------------------------------------------------------------------------------- D310


def _idle(context: Context) -> Iterator[Finding]:
    sources = _sources(context)
    effects = {number for number, steps in context.task_steps.items() if any(map(_matters, steps))}
    order = context.order
    idle = [
        (number, dependency)
        for number, needed in enumerate(order.dependencies)
        if number not in effects and number in order.rank
        for dependency in needed
        if dependency not in effects and dependency not in sources.get(number, ())
    ]
    idle = [pair for pair in idle if not _spread(context, *pair)]
    if not idle:
        return
    distant = [
        (source, number)
        for number, found in sources.items()
        for source in found
        if source not in order.dependencies[number]
    ]
    if len(idle) * (len(distant) + 1) > _COMPARED:
        return
    for number, dependency in idle:
        if not any(_leads(context, source, dependency, number, user) for source, user in distant):
            yield _carries_nothing(context, number, dependency)


def _spread(context: Context, number: int, dependency: int) -> bool:
    """Whether two tasks call one operation that takes a limited number of calls at a time."""
    one, other = (
        {step.operation for step in context.task_steps.get(task, ()) if step.contract and step.contract.is_limited}
        for task in (number, dependency)
    )
    return not one.isdisjoint(other)


def _sources(context: Context) -> dict[int, set[int]]:
    """Gives the tasks whose results each task uses, other than itself."""
    found: dict[int, set[int]] = {}
    for step in context.steps:
        for source in step.sources:
            producer = context.by_id.get(source)
            if producer is not None and producer.task >= 0 and step.task >= 0 and producer.task != step.task:
                found.setdefault(step.task, set()).add(producer.task)
    return found


def _leads(context: Context, source: int, start: int, end: int, user: int) -> bool:
    """Whether the dependency from `start` to `end` lies on a way from `source` to `user`."""
    order = context.order
    before = source == start or order.precedes(source, start)
    return before and (end == user or order.precedes(end, user))


def _carries_nothing(context: Context, number: int, dependency: int) -> Finding:
    part = context.parsed.tasks[number]
    name = context.tasks[dependency].task_id
    index = part.value.dependencies.index(name)
    message = f"task {part.value.task_id!r} waits for {name!r} but uses nothing from it, and neither has an effect"
    return finding("D310", f"{part.path}/dependencies/{index}", message, task=part.value.task_id)
