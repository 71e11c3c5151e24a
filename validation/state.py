"""Dependency level: resources and facts that steps share beside their data (D311-D313)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dagwright.finding import Finding
from dagwright.predicate import FactPredicate
from validation.context import Context, PlacedStep
from validation.contract import filled
from validation.notes import finding

Access = tuple[PlacedStep, bool]
"""A step that uses a resource, and whether it writes it."""


def state_findings(context: Context) -> Iterator[Finding]:
    """Gives conflicts over resources, and facts that don't hold."""
    yield from _conflicts(context)
    yield from _facts(context)


# ----------------------------------------------------------------------------------------- D311


def _conflicts(context: Context) -> Iterator[Finding]:
    accesses: dict[str, list[Access]] = {}
    for step in context.sequence:
        spec = step.contract.spec if step.contract else None
        if step.contract is not None and spec is not None and (spec.reads or spec.writes):
            for name, _, written in step.contract.resources(step.literals):
                if name is not None:
                    accesses.setdefault(name, []).append((step, written))
    for name, listed in accesses.items():
        if len(listed) > 1 and any(written for _, written in listed):
            yield from _unordered(context, name, listed)


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


# ----------------------------------------------------------------------------------- D312, D313


def _facts(context: Context) -> Iterator[Finding]:
    wanted = [step for step in context.steps if step.step.preconditions]
    established = _established(context) if wanted else {}
    for step in wanted:
        for index, predicate in enumerate(step.step.preconditions):
            if isinstance(predicate, FactPredicate) and not predicate.negated:
                givers = established.get(predicate.fact, ())
                if not any(context.upstream(giver, step) for giver in givers):
                    yield _never(context, step, index, predicate.fact, bool(givers))
    for step in context.steps:
        if step.step.postconditions and step.contract is not None:
            yield from _contradictions(step)


def _never(context: Context, step: PlacedStep, index: int, fact: str, elsewhere: bool) -> Finding:
    why = "only steps that need not have run before do" if elsewhere else "no step does"
    message = f"step {step.step_id!r} needs fact {fact!r}, which nothing before it establishes ({why})"
    path = f"{step.path}/preconditions/{index}"
    return finding("D312", path, message, task=step.task_id, step=step.step_id, fact=fact)


def _established(context: Context) -> dict[str, list[PlacedStep]]:
    found: dict[str, list[PlacedStep]] = {}
    for step in context.steps:
        facts = {item.fact for item in step.step.postconditions if isinstance(item, FactPredicate) and not item.negated}
        for fact in facts | _changed(step)[0]:
            found.setdefault(fact, []).append(step)
    return found


def _changed(step: PlacedStep) -> tuple[set[str], set[str]]:
    """Gives the facts that a step's operation establishes and those that it ends."""
    contract = step.contract
    if contract is None:
        return set(), set()
    fill = partial(filled, arguments=step.literals, defaults=contract.defaults)
    added = {fact for template in contract.spec.facts_added if (fact := fill(template)) is not None}
    ended = {fact for template in contract.spec.facts_removed if (fact := fill(template)) is not None}
    return added, ended


def _contradictions(step: PlacedStep) -> Iterator[Finding]:
    added, ended = _changed(step)
    for index, predicate in enumerate(step.step.postconditions):
        if isinstance(predicate, FactPredicate) and predicate.fact in (added if predicate.negated else ended):
            does = "establishes" if predicate.negated else "ends"
            message = f"step {step.step_id!r} promises the opposite: {step.operation!r} {does} fact {predicate.fact!r}"
            path = f"{step.path}/postconditions/{index}"
            yield finding("D313", path, message, task=step.task_id, step=step.step_id, fact=predicate.fact)
