"""Blocks: what may stand in them, who may refer to what they give, and that they end (S101, M212, D305, D314, R506)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final, NamedTuple

from pydantic import JsonValue

from dagwright.control import Control
from dagwright.finding import Finding
from dagwright.predicate import OutputPredicate
from dagwright.value import CoalesceValue, ListValue, ObjectValue, StepReference, Value
from validation.blocks import written
from validation.context import Context, PlacedStep, references_of
from validation.notes import Fix, add, finding, replace
from validation.passes import length_of, may_be_absent
from validation.predicates import evaluate, predicate_path_problem, predicate_problem
from validation.types import assignable, constant_schema, pointer_of
from validation.types.schema import constants

MAX_PASSES: Final = 1_000
"""Passes of a block where policy sets no limit of its own (`budget.max_passes`)."""


def control_findings(context: Context) -> Iterator[Finding]:
    """Gives what is wrong with the blocks of a proposal, and with references to what they may not give."""
    if not context.controls:
        return
    for block in context.parsed.groups:
        if block.control is not None:
            yield from _form(block.control, block.path, block.task_id)
            if f"control-{block.task_id}" not in context.parsed.broken:
                yield from _bounds(context, block.control, block.path, block.task_id)
    for step in context.steps:
        if step.controls is not None:
            yield from _conditions(context, step)
    absent = {task: control for task, control in context.controls.items() if may_be_absent(control)}
    for user in _users(context):
        yield from _out_of_scope(context, user)
        if absent:
            yield from _absent(context, user, absent)


def _form(control: Control, path: str, task: str) -> Iterator[Finding]:
    if control.each is not None and control.repeat is not None:
        message = f"task {task!r} has both 'each' and 'repeat'; a block is run once per item or repeatedly, not both"
        remedy = "Remove one of them, or put one into a task of its own."
        yield finding("S101", f"{path}/control", message, task=task, remedy=remedy)


# ----------------------------------------------------------------------------------------- R506


def _bounds(context: Context, control: Control, path: str, task: str) -> Iterator[Finding]:
    limit = context.policy.budget.max_passes or MAX_PASSES
    loops = {
        "each": control.each.at_most if control.each else 0,
        "repeat": control.repeat.at_most if control.repeat else 0,
    }
    for kind, at_most in loops.items():
        if at_most is not None and at_most <= limit:
            continue
        place = f"{path}/control/{kind}"
        what = "items" if kind == "each" else "passes"
        fix = _stated_bound(context, control, place, limit) if kind == "each" else None
        named = partial(finding, "R506", task=task, fix=fix)
        if at_most is None:
            yield named(place, f"nothing bounds the {what} of task {task!r}; say at_most, up to {limit:,}")
        else:
            message = f"task {task!r} may have {at_most:,} {what}; policy allows {limit:,}"
            yield named(f"{place}/at_most", message, at_most=at_most, limit=limit)


def _stated_bound(context: Context, control: Control, place: str, limit: int) -> Fix | None:
    """Gives the fix that writes down how long the type of the list lets it be."""
    items = context.items_of(control)
    most = length_of(items)[1] if items else None
    return add(f"{place}/at_most", max(1, most)) if most is not None and most <= limit else None


# ----------------------------------------------------------------------------------------- M212


def _conditions(context: Context, step: PlacedStep) -> Iterator[Finding]:
    """Gives the comparisons that can't hold, whatever is compared."""
    assert step.controls is not None
    schemas = context.types.arguments.get(step.step_id, {})
    given = step.step.tool_intent.required_inputs
    for name, comparison in zip(given, step.controls.comparisons, strict=False):
        predicate = OutputPredicate(path="", op=comparison.op, value=comparison.to)
        schema = schemas.get(name, {})
        problem = predicate_problem(predicate) or predicate_path_problem(predicate, schema)
        values = constants(schema)
        if problem is None and values is not None and not any(evaluate(predicate, value) for value in values):
            problem = f"none of the values that there can be is such ({comparison.op!r})"
        if problem is not None:
            path = step.argument_path(name).removesuffix("/value")
            message = f"a comparison of {step.title} can't hold: {problem}"
            yield finding("M212", path, message, task=step.task_id, step=step.step_id)


# ----------------------------------------------------------------------------------- D305, D314


class _User(NamedTuple):
    """A value that refers to steps: an argument, something that a block is decided by, or a part of the answer."""

    value: Value
    path: str
    task: str | None
    step: PlacedStep | None
    argument: str = ""

    @property
    def title(self) -> str:
        return self.step.title if self.step is not None else "the answer"


def _users(context: Context) -> Iterator[_User]:
    for step in context.steps:
        if step.references:
            for name, value in step.step.tool_intent.required_inputs.items():
                yield _User(value, step.argument_path(name), step.task_id, step, name)
    for part in context.outside_answer.values():
        yield _User(part.value, part.path, None, None)


def _out_of_scope(context: Context, user: _User) -> Iterator[Finding]:
    for inside, reference in references_of(user.value):
        head = context.by_id.get(reference.from_) if isinstance(reference, StepReference) else None
        if head is not None and is_out_of_scope(head, user.task):
            message = f"{user.title} uses {head.step_id!r}, which stands for an item inside task {head.task_id!r} only"
            remedy = "Use what a step of that task gives, or the list itself."
            step = user.step.step_id if user.step else None
            yield finding("D305", f"{user.path}{inside}", message, task=user.task, step=step, remedy=remedy)


def is_out_of_scope(producer: PlacedStep, task: str | None) -> bool:
    """Whether a producer is the item of a loop of another task."""
    return _is_head(producer) and producer.task_id != task


def _is_head(producer: PlacedStep) -> bool:
    return producer.controls is not None and producer.controls.decides == "each"


class _Exposed(NamedTuple):
    """A reference to what may not be there, for which nothing else stands in."""

    reference: StepReference
    inside: str
    coalesce: str | None
    """Place of the nearest list of alternatives that it is directly one of."""
    is_whole: bool
    """Whether it, or that list, is the whole value."""


def _absent(context: Context, user: _User, absent: Mapping[str, Control]) -> Iterator[Finding]:
    walk = _Walk(context, absent, user.task)
    for item in walk.exposed(user.value):
        producer = context.by_id[item.reference.from_]
        control = absent[producer.task_id]
        happens = "be skipped" if control.when and not control.optional else "fail while the plan goes on"
        message = f"{user.title} uses {producer.title}, but task {producer.task_id!r} may {happens}"
        step = user.step.step_id if user.step else None
        fix = _stand_in(user, item)
        yield finding("D314", f"{user.path}{item.inside}", message, task=user.task, step=step, fix=fix)


class _Walk:
    """Looks for references to blocks that may give nothing."""

    def __init__(self, context: Context, absent: Mapping[str, Control], own: str | None) -> None:
        self._context, self._absent, self._own = context, absent, own

    def exposed(
        self, value: Value, inside: str = "", coalesce: str | None = None, *, whole: bool = True
    ) -> Iterator[_Exposed]:
        """Gives the references in a value that nothing stands in for."""
        if isinstance(value, StepReference):
            if not self._is_there(value):
                yield _Exposed(value, inside, coalesce, whole)
        elif isinstance(value, ListValue):
            for index, item in enumerate(value.list):
                yield from self.exposed(item, f"{inside}/list/{index}", whole=False)
        elif isinstance(value, ObjectValue):
            for name, item in value.object.items():
                yield from self.exposed(item, f"{inside}/object{pointer_of(name)}", whole=False)
        elif isinstance(value, CoalesceValue):
            last = max((n for n, item in enumerate(value.coalesce) if self._is_there(item)), default=-1)
            for index, item in enumerate(value.coalesce):
                if index > last:
                    yield from self.exposed(item, f"{inside}/coalesce/{index}", inside, whole=whole)

    def _is_there(self, value: Value) -> bool:
        if isinstance(value, StepReference):
            producer = self._context.by_id.get(value.from_)
            if producer is None or producer.task_id == self._own:
                return True
            return producer.task_id not in self._absent or _is_head(producer)
        if isinstance(value, ListValue):
            return all(map(self._is_there, value.list))
        if isinstance(value, ObjectValue):
            return all(map(self._is_there, value.object.values()))
        return not isinstance(value, CoalesceValue) or any(map(self._is_there, value.coalesce))


def _stand_in(user: _User, item: _Exposed) -> Fix | None:
    """Gives the fix that lets null, or no items, stand in for what may not be there, where that is surely accepted."""
    instead = _accepted(user, item) if user.step is not None else [None]
    if not instead:
        return None
    literal: JsonValue = {"literal": instead[0]}
    if item.coalesce is not None:
        return add(f"{user.path}{item.coalesce}/coalesce/-", literal)
    return replace(f"{user.path}{item.inside}", {"coalesce": [written(item.reference), literal]})


def _accepted(user: _User, item: _Exposed) -> list[JsonValue]:
    """Gives what an argument accepts in the place of what may not be there; a loop may have no items."""
    step = user.step
    if step is None or step.contract is None or not item.is_whole:
        return []
    wanted = step.contract.argument_schema(user.argument)
    if wanted is None or (step.controls is not None and step.controls.decides != "each"):
        return []
    nothing: JsonValue = [] if step.controls is not None else None
    return [nothing] if assignable(constant_schema(nothing), wanted).answer == "yes" else []
