"""Syntactic level: the form of the proposal as a whole (S104, S105, S107, S108), beside what parsing found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dagwright.finding import Finding
from validation.context import Context
from validation.notes import finding

MAX_TASKS: Final = 20_000
"""Tasks that a proposal may have."""
MAX_STEPS: Final = 20_000
"""Steps that a proposal may have."""


def syntactic_findings(context: Context) -> Iterator[Finding]:
    """Gives what is wrong with the proposal's form."""
    yield from context.parsed.findings
    yield from _duplicate_tasks(context)
    yield from _duplicate_steps(context)
    yield from _empty(context)
    yield from _too_large(context)


def _duplicate_tasks(context: Context) -> Iterator[Finding]:
    for number, part in enumerate(context.parsed.tasks):
        name = part.value.task_id
        first = context.task_numbers[name]
        if first != number:
            other = context.parsed.tasks[first].path
            yield finding("S104", part.path, f"task {name!r} is defined twice, first at {other!r}", task=name)
    seen: dict[str, str] = {}
    for group in context.parsed.groups:
        other = seen.setdefault(group.task_id, group.path)
        if other != group.path:
            message = f"task {group.task_id!r} is decomposed twice, first at {other!r}"
            yield finding("S104", group.path, message, task=group.task_id)


def _duplicate_steps(context: Context) -> Iterator[Finding]:
    for step in context.steps:
        first = context.by_id[step.step_id]
        if first is not step and (step.controls is None or step.controls.decides == "each"):
            message = f"{step.title} is defined twice, first at {first.path!r}"
            yield finding("S105", step.path, message, task=step.task_id, step=step.step_id)


def _empty(context: Context) -> Iterator[Finding]:
    if not context.tasks and context.parsed.order_known:
        yield finding("S107", "/plan/nodes", "the plan has no task")
    decomposed = {group.task_id for group in context.parsed.groups}
    for part in context.parsed.tasks:
        name = part.value.task_id
        if name not in decomposed:
            yield finding("S107", part.path, f"task {name!r} has no decomposition", task=name)
    for group in context.parsed.groups:
        if group.listed == 0:
            yield finding("S107", f"{group.path}/steps", f"task {group.task_id!r} has no step", task=group.task_id)


def _too_large(context: Context) -> Iterator[Finding]:
    for what, path, count, most in (
        ("tasks", "/plan/nodes", len(context.tasks), MAX_TASKS),
        ("steps", "/decompositions", len(context.steps), MAX_STEPS),
    ):
        if count > most:
            yield finding("S108", path, f"the proposal has {count} {what}; at most {most} are allowed")
