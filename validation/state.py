"""Dependency level: resources that steps share beside their data (D311)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Set

from pydantic import JsonValue

from dagwright.finding import Finding
from dagwright.value import StepReference
from validation.context import Context, PlacedStep, Reference
from validation.contract import fields_of
from validation.known import known_arguments
from validation.notes import finding

Access = tuple[PlacedStep, bool]
"""A step that uses a resource, and whether it writes it."""


def state_findings(context: Context) -> Iterator[Finding]:
    """Gives the steps that use one resource side by side, at least one of them writing it.

    What two names decided by different references stand for can't be known beforehand; such
    resources count as different.
    """
    if not context.parsed.order_known:
        return
    if context.controls:
        yield from _raced_by_passes(context)
    accesses: dict[str, list[Access]] = {}
    for step in context.sequence:
        spec = step.contract.spec if step.contract else None
        if spec is not None and (spec.reads or spec.writes):
            for name, written in _resources(context, step):
                accesses.setdefault(name, []).append((step, written))
    shared = {
        name: listed for name, listed in accesses.items() if len(listed) > 1 and any(written for _, written in listed)
    }
    if shared:
        place = _places(context)
        for name, listed in shared.items():
            listed.sort(key=lambda access: place[access[0].step_id])
            yield from _unordered(context, name, listed)


def _resources(context: Context, step: PlacedStep, without: Set[str] = frozenset()) -> Iterator[tuple[str, bool]]:
    """Gives each resource that a step uses and some arguments don't name, and whether it writes it."""
    assert step.contract is not None
    known = {**known_arguments(context, step), **_produced(step)} if step.references else step.literals
    for name, template, written in step.contract.resources(known):
        if name is not None and without.isdisjoint(fields_of(template)):
            kind, colon, path = name.partition(":")
            yield (f"file:{posixpath.normpath(path)}" if colon and kind == "file" else name), written


def _raced_by_passes(context: Context) -> Iterator[Finding]:
    """Gives the steps that write one resource in each of the passes of a loop, which run side by side.

    What an output of the loop itself names is counted as another one in each pass.
    """
    for step in context.sequence:
        control, contract = context.controls.get(step.task_id), step.contract
        if control is None or control.each is None or contract is None or context.passes[step.task_id].high < 2:
            continue
        inside = {name for name, _, reference in step.references if _is_made_inside(context, step, reference)}
        for name, written in _resources(context, step, without=inside):
            if written:
                message = (
                    f"step {step.step_id!r} writes {name!r} in each pass of the loop over {control.each.name!r}, "
                    f"and passes run side by side"
                )
                remedy = f"Name the resource after the item ({control.each.name!r}), or write it after the loop."
                yield finding(
                    "D311", step.path, message, task=step.task_id, step=step.step_id, remedy=remedy, resource=name
                )


def _is_made_inside(context: Context, step: PlacedStep, reference: Reference) -> bool:
    producer = context.by_id.get(reference.from_) if isinstance(reference, StepReference) else None
    return producer is not None and producer.task_id == step.task_id


def _produced(step: PlacedStep) -> dict[str, JsonValue]:
    """Gives a name for each argument that is an output: two references to one output give one value."""
    return {
        argument: f"<{reference.from_}{reference.path}>"
        for argument, path, reference in step.references
        if isinstance(reference, StepReference) and path == step.argument_path(argument)
    }


def _places(context: Context) -> dict[str, tuple[int, str, int]]:
    """Gives each step a place in an order that extends the plan's and doesn't depend on how it is written."""
    depth = context.order.depth
    return {step.step_id: (depth[step.task], step.task_id, step.position) for step in context.sequence}


def _unordered(context: Context, name: str, listed: list[Access]) -> Iterator[Finding]:
    """Compares each access with the write before it, and each write with the reads since then.

    That is enough: where all these pairs are ordered, so are all others.
    """
    writer: PlacedStep | None = None
    readers: list[PlacedStep] = []
    for step, written in listed:
        earlier = [*readers, *((writer,) if writer else ())] if written else [writer] if writer else []
        for other in earlier:
            if other is not step and not context.upstream(other, step):
                yield _conflict(name, other, step)
        if written:
            writer, readers = step, []
        else:
            readers.append(step)


def _conflict(name: str, one: PlacedStep, other: PlacedStep) -> Finding:
    first, second = sorted((one, other), key=lambda step: step.step_id)
    both = f"steps {first.step_id!r} and {second.step_id!r}"
    message = f"{both} use {name!r}, one writes it, and neither waits for the other"
    return finding("D311", second.path, message, task=second.task_id, step=second.step_id, resource=name)
