"""Dependency level: the order of tasks and where references lead (D301-D306); columns that are named (D307)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dagwright.finding import Finding
from dagwright.plan import Task
from dagwright.value import InputReference, StepReference
from validation.blocks import listed_id
from validation.context import Context, PlacedStep, Reference, is_declared
from validation.contract import Contract
from validation.control import is_out_of_scope
from validation.fitting import Relation, named_source
from validation.naming import Names
from validation.notes import Fix, add, finding, remove, replace
from validation.types import Resolved, assignable, resolve
from validation.types.column_check import ColumnProblem, column_problems
from validation.types.schema import pointer_of

_LISTED = 12


def dependency_findings(context: Context) -> Iterator[Finding]:
    """Gives what is wrong between tasks and between steps."""
    yield from _dependencies(context)
    yield from _circles(context)
    relation = Relation(context)
    columns = ColumnNames(context)
    for step in context.steps:
        for argument, path, reference in step.references:
            if not _is_sound(context, step, reference):
                for item in _reference(context, step, path, reference):
                    if item.code != "D305":  # what it gives is known, whenever it runs
                        relation.without(step, argument)
                    yield item
        if step.contract is not None and context.by_id[step.step_id] is step:
            yield from columns.findings(step, step.contract)
            if step.references:
                yield from relation.findings(step, step.contract)
    for _, path, reference in context.answer_references:
        yield from _existence(context, None, path, reference)


# ----------------------------------------------------------------------------------- D301-D303


def _dependencies(context: Context) -> Iterator[Finding]:
    known = Names(context.task_numbers)
    for part in context.parsed.tasks:
        task = part.value
        if _is_plain(context, task):
            continue
        seen: set[str] = set()
        for index, name in enumerate(task.dependencies):
            path = f"{part.path}/dependencies/{index}"
            named = partial(finding, task=task.task_id, fix=remove(path))
            if name == task.task_id:
                yield named("D303", path, f"task {name!r} depends on itself")
            elif name in seen:
                yield named("D310", path, f"task {task.task_id!r} names dependency {name!r} twice")
            elif name not in context.task_numbers and name not in context.parsed.broken:
                hint = known.hint(name)
                yield named(
                    "D302", path, f"task {task.task_id!r} depends on {name!r}, which the plan doesn't have; {hint}"
                )
            seen.add(name)
    for group in context.parsed.groups:
        if context.parsed.order_known and group.task_id not in context.task_numbers:
            message = f"a decomposition is of task {group.task_id!r}, which the plan doesn't have"
            yield finding("D302", group.path, f"{message}; {known.hint(group.task_id)}", task=group.task_id)


def _is_plain(context: Context, task: Task) -> bool:
    """Whether a task depends on other tasks of the plan, on each once."""
    distinct = set(task.dependencies)
    repeated = len(distinct) < len(task.dependencies)
    return not repeated and task.task_id not in distinct and distinct <= context.task_numbers.keys()


def _circles(context: Context) -> Iterator[Finding]:
    for circle in context.order.circles():
        names = [context.tasks[number].task_id for number in (*circle, circle[0])]
        start = min(range(len(circle)), key=lambda at: names[at])
        turned = [*names[start:-1], *names[: start + 1]]
        path = context.parsed.tasks[circle[start]].path
        message = f"tasks wait for each other: {' needs '.join(map(repr, turned[: _LISTED + 1]))}"
        yield finding("D301", path, message, task=turned[0], circle=list(turned))


# ----------------------------------------------------------------------------------- D304-D306


def _is_sound(context: Context, step: PlacedStep, reference: Reference) -> bool:
    """Whether a reference plainly points at a declared output of a step before this one, or at a whole input."""
    if isinstance(reference, StepReference):
        producer = context.by_id.get(reference.from_)
        outputs = context.types.scope.steps.get(reference.from_)
        if producer is None or outputs is None or not context.upstream(producer, step):
            return False
        return not reference.path or is_declared(outputs, reference.path)
    return not reference.path and reference.input in context.parsed.inputs


def _reference(context: Context, step: PlacedStep, path: str, reference: Reference) -> Iterator[Finding]:
    yield from _existence(context, step, path, reference)
    if isinstance(reference, StepReference):
        producer = context.by_id.get(reference.from_)
        judged = context.parsed.order_known or (producer is not None and producer.task_id == step.task_id)
        scoped = producer is not None and is_out_of_scope(producer, step.task_id)  # which is reported elsewhere
        if producer is not None and judged and not scoped and not context.upstream(producer, step):
            yield _not_upstream(context, producer, step, path)


def _existence(context: Context, step: PlacedStep | None, path: str, reference: Reference) -> Iterator[Finding]:
    target = context.types.scope.target(reference)
    if target is not None and (not reference.path or is_declared(target, reference.path)):
        return
    named = partial(finding, task=step.task_id if step else None, step=step.step_id if step else None)
    found = context.types.scope.resolved(reference)
    if found is None:
        name = reference.from_ if isinstance(reference, StepReference) else reference.input
        known = context.parsed.inputs_known or isinstance(reference, StepReference)
        if known and name not in context.parsed.broken:
            yield _nothing(context, path, reference, named)
    elif found.answer == "absent" and (passed := _of_all_passes(context, step, path, reference)):
        yield passed
    elif found.answer == "absent":
        source = named_source(context, reference.model_copy(update={"path": ""}))
        message = f"{source} has nothing at {reference.path!r}: no {found.at!r}; {_offered(found)}"
        yield named("D306", path, message, fix=_nearest_path(found, path, reference))


def _of_all_passes(context: Context, step: PlacedStep | None, path: str, reference: Reference) -> Finding | None:
    """Gives the finding about a path that forgets that the step it leads to is run once per item."""
    collected = context.by_id.get(reference.from_) if isinstance(reference, StepReference) else None
    if collected is None or collected.controls is None or reference.path.startswith("/items"):
        return None
    name = listed_id(collected.step_id)
    once = resolve(context.types.outputs.get(name, {}), reference.path)
    if once.answer == "absent":
        return None
    right = f"/items/*{reference.path}"
    message = (
        f"step {name!r} is run once per item: what its passes have at {reference.path!r} lies "
        f"at {right!r}, as a list, outside task {collected.task_id!r}"
    )
    fits = once.answer == "found" and _fits_as(context, step, path, reference, right)
    fix = replace(f"{path}/path", right) if fits else None
    remedy = f"Write the path {right!r}, and use it where a list fits."
    task, user = (step.task_id, step.step_id) if step else (None, None)
    return finding("D306", path, message, task=task, step=user, fix=fix, remedy=remedy)


def _fits_as(context: Context, step: PlacedStep | None, path: str, reference: Reference, right: str) -> bool:
    """Whether a reference surely fits its argument with another path."""
    if step is None:
        return True
    argument = next(name for name, place, _ in step.references if place == path)
    wanted = step.contract.argument_schema(argument) if step.contract else None
    found = context.types.scope.resolved(reference.model_copy(update={"path": right}))
    if wanted is None or found is None or not found.certain or path != step.argument_path(argument):
        return False
    return assignable(found.schema, wanted).answer == "yes"


def _nothing(context: Context, path: str, reference: Reference, named: partial[Finding]) -> Finding:
    if isinstance(reference, InputReference):
        known = Names(context.parsed.inputs)
        name, field, what = reference.input, "input", "goal has no input"
    else:
        known = context.step_names
        name, field, what = reference.from_, "from", "there is no step"
    meant = known.certain(name, least=1)
    fix = replace(f"{path}/{field}", meant) if meant else None
    return named("D304", path, f"{what} {name!r}; {known.hint(name)}", fix=fix)


def _offered(found: Resolved) -> str:
    names = ", ".join(map(repr, found.possible[:_LISTED]))
    return f"there are {names}" if names else "nothing lies inside it"


def _nearest_path(found: Resolved, path: str, reference: Reference) -> Fix | None:
    meant = Names(found.possible).certain(found.at or "")
    wrong = pointer_of(found.at or "")
    if meant is None or reference.path.count(wrong) != 1:
        return None
    return replace(f"{path}/path", reference.path.replace(wrong, pointer_of(meant)))


def _not_upstream(context: Context, producer: PlacedStep, step: PlacedStep, path: str) -> Finding:
    named = partial(finding, "D305", path, task=step.task_id, step=step.step_id)
    if producer is step:
        return named(f"{step.title} uses its own output")
    if step.controls is not None and producer.task == step.task:
        return named(f"{step.title} is decided before {producer.title} is run")
    if producer.task == step.task:
        return named(f"step {step.step_id!r} uses {producer.step_id!r}, which stands after it in task {step.task_id!r}")
    message = (
        f"{step.title} uses {listed_id(producer.step_id)!r}, but task {step.task_id!r} "
        f"doesn't wait for task {producer.task_id!r}"
    )
    order = context.order
    if step.task < 0 or producer.task < 0 or order.precedes(step.task, producer.task):
        return named(message)
    ordered = step.task in order.rank and producer.task in order.rank
    fix = waits_for(context, step.task, producer.task_id) if ordered else None
    return named(message, fix=fix, remedy=f"Add {producer.task_id!r} to the dependencies of task {step.task_id!r}.")


def waits_for(context: Context, number: int, name: str) -> Fix:
    """Gives the fix that lets the task of that number wait for the one called `name`."""
    part = context.parsed.tasks[number]
    if "dependencies" in part.value.model_fields_set:
        return add(f"{part.path}/dependencies/-", name)
    return add(f"{part.path}/dependencies", [name])


class ColumnNames:
    """Whether the columns that arguments name are in their tables; the same names in the same table only once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._right: set[tuple[object, ...]] = set()

    def findings(self, step: PlacedStep, contract: Contract) -> Iterator[Finding]:
        """Gives the names that are not in their table, or are of columns of the wrong type."""
        named = contract.named_columns
        arguments = self._context.types.arguments.get(step.step_id)
        if named is None or arguments is None:
            return
        (names, tables), literals = named, step.literals
        # Schemas live as long as the context does, so that their ids stay theirs.
        key = (
            id(contract),
            *[id(arguments.get(table)) for table in tables],
            *[repr(literals[name]) if name in literals else name in arguments for name in names],
        )
        if key in self._right:
            return
        problems = column_problems(contract.spec, arguments, literals)
        if not problems and all(name in literals or name not in arguments for name in names):
            self._right.add(key)
        yield from (_column(step, problem) for problem in problems)


def _column(step: PlacedStep, problem: ColumnProblem) -> Finding:
    place = _literal_place(step, problem)
    return finding(
        "D307" if problem.reason == "type" else "D306",
        place,
        f"argument {problem.argument!r} of {step.operation!r}: {problem.message}",
        task=step.task_id,
        step=step.step_id,
        remedy=f"Use one of {', '.join(map(repr, problem.possible[:_LISTED]))}." if problem.possible else None,
        fix=_nearest_column(step, problem, place),
        name=problem.name,
    )


def _literal_place(step: PlacedStep, problem: ColumnProblem) -> str:
    value = step.step.tool_intent.required_inputs[problem.argument]
    base = step.argument_path(problem.argument)
    return f"{base}/literal{problem.path}" if hasattr(value, "literal") else base


def _nearest_column(step: PlacedStep, problem: ColumnProblem, place: str) -> Fix | None:
    given = step.literals.get(problem.argument)
    if problem.reason == "type" or isinstance(given, dict) or "/literal" not in place[len(step.path) :]:
        return None
    meant = Names(problem.possible).certain(problem.name)
    if meant is None or (isinstance(given, list) and meant in given):
        return None
    return replace(place, meant)
