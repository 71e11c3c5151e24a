"""Semantic level: tools, arguments, documents, expected outputs (M201-M212)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue

from dagwright.finding import Finding
from dagwright.predicate import OutputPredicate, Predicate
from dagwright.tool import ToolSpec
from validation.context import Context, PlacedStep, is_declared
from validation.contract import Contract
from validation.naming import Names
from validation.notes import Fix, add, finding, remove, replace
from validation.patch import at
from validation.predicates import predicate_path_problem, predicate_problem
from validation.types import assignable, resolve
from validation.types.memo import compiled, without_nullable
from validation.types.schema import pointer_of, standalone

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

_LISTED = 40
_DIGITS = 40
_CODE_OF = {"enum": "M206", "const": "M206", "format": "M207"}


def semantic_findings(context: Context) -> Iterator[Finding]:
    """Gives what is wrong between each step and the operation that it names."""
    # Most steps have nothing wrong: each is first looked at as a whole, and taken apart only where need be.
    for step in context.steps:
        contract, intent = step.contract, step.step.tool_intent
        if contract is None:
            yield _unknown(context, step)
            continue
        if not _takes(contract, intent.required_inputs.keys()):
            yield from _inputs(step, contract)
        if step.literals:
            yield from _literals(step, contract)
        if _is_dated(contract.spec):
            yield from _validity(context, step, contract.spec)
        if not contract.documents.issuperset(step.step.documentation_references):
            yield from _references(context, step, contract)
        if intent.expected_outputs:
            yield from _expectations(context, step)
        if intent.validation_criteria or step.step.postconditions or step.step.preconditions:
            yield from _criteria(context, step)
    yield from _capabilities(context)


# ----------------------------------------------------------------------------------- M201, M202


def _unknown(context: Context, step: PlacedStep) -> Finding:
    intent = step.step.tool_intent
    operations = context.operations.get(intent.tool_name)
    named = partial(finding, task=step.task_id, step=step.step_id, fix=_meant(context, step))
    if operations:
        hint = operations.hint(intent.operation)
        message = f"tool {intent.tool_name!r} has no operation {intent.operation!r}; {hint}"
        return named("M202", f"{step.path}/tool_intent/operation", message)
    hint = context.operation_names.hint(intent.operation_name)
    message = f"the catalogue has no tool {intent.tool_name!r} (wanted for {intent.operation_name!r}); {hint}"
    return named("M201", f"{step.path}/tool_intent/tool_name", message)


def _meant(context: Context, step: PlacedStep) -> Fix | None:
    """Gives the fix that names the operation that is surely meant: like in name, fit for the arguments given."""
    meant = _operation_meant(context, step)
    if meant is None or not _accepts(meant, step):
        return None
    place = f"{step.path}/tool_intent"
    fix = (*replace(f"{place}/tool_name", meant.tool_name), *replace(f"{place}/operation", meant.operation))
    references = step.step.documentation_references
    if any(reference not in meant.documents for reference in references):
        fix = (*fix, *replace(f"{step.path}/documentation_references", [f"tool:{meant.name}"]))
    return fix


def _operation_meant(context: Context, step: PlacedStep) -> ToolSpec | None:
    intent = step.step.tool_intent
    siblings = context.operations.get(intent.tool_name)
    if siblings:
        operation = siblings.certain(intent.operation)
        return context.catalogue.get(f"{intent.tool_name}.{operation}")
    by_operation = context.namesakes.get(intent.operation, [])
    if len(by_operation) == 1:
        return by_operation[0]
    return context.catalogue.get(context.operation_names.certain(intent.operation_name) or "")


def _accepts(spec: ToolSpec, step: PlacedStep) -> bool:
    contract = Contract(spec)
    given = step.step.tool_intent.required_inputs.keys()
    return contract.required <= given and (given <= contract.properties.keys() or not contract.closed)


# ----------------------------------------------------------------------------------- M203, M204


def _takes(contract: Contract, given: Set[str]) -> bool:
    """Whether an operation declares all arguments given and needs no other."""
    return given <= contract.properties.keys() and contract.required <= given


def _inputs(step: PlacedStep, contract: Contract) -> Iterator[Finding]:
    given = step.step.tool_intent.required_inputs
    named = partial(finding, task=step.task_id, step=step.step_id)
    unknown = [name for name in given if name not in contract.properties] if contract.closed else []
    missing = [name for name in sorted(contract.required) if name not in given]
    place = f"{step.path}/tool_intent/required_inputs"
    for name in missing:
        renamed = [other for other in unknown if Names((name,)).certain(other)]
        fix = None
        if name in contract.defaults:
            fix = add(f"{place}{pointer_of(name)}", {"literal": contract.defaults[name]})
        message = f"{step.operation!r} needs argument {name!r}, which is not given"
        if renamed:
            message += f"; {renamed[0]!r} is given, which it doesn't know"
        yield named("M203", place, message, fix=fix, argument=name)
    for name in unknown:
        free = Names(other for other in contract.properties if other not in given)
        message = f"{step.operation!r} has no argument {name!r}; it has {_shown(contract.properties)}"
        fix = None if missing and free.certain(name) else remove(step.argument_path(name))
        yield named("M204", step.argument_path(name), message, fix=fix, argument=name)


# ----------------------------------------------------------------------------------- M205-M207


def _literals(step: PlacedStep, contract: Contract) -> Iterator[Finding]:
    known = step.literals
    if contract.closed and not known.keys() <= contract.properties.keys():
        known = {name: value for name, value in known.items() if name in contract.properties}
    if not contract.literals.is_valid(known):
        for error in contract.literals.iter_errors(known):
            yield _misfit(step, contract, error)
    elif contract.combined is not None and step.literals.keys() == step.step.tool_intent.required_inputs.keys():
        for error in contract.combined.iter_errors(known):
            if len(error.instance_path) == 0 and not _about_presence(error):
                yield _misfit(step, contract, error)


def _about_presence(error: ValidationError) -> bool:
    """Whether an error is one that M203 and M204 speak of."""
    return list(error.schema_path)[:1] in (["required"], ["additionalProperties"])


def _misfit(step: PlacedStep, contract: Contract, error: ValidationError) -> Finding:
    keyword = str(list(error.schema_path)[-1]) if error.schema_path else ""
    code = _CODE_OF.get(keyword, "M205")
    place, inside = _place(step, list(error.instance_path))
    schema = _schema_at(contract, list(error.schema_path))
    fix = None
    if place is not None:
        wanted = _converted(cast("JsonValue", error.instance), schema)
        fix = replace(place, wanted) if wanted is not None else None
    path = place or f"{step.path}/tool_intent/required_inputs"
    where = f"argument {inside!r} of {step.operation!r}" if step.controls is None else step.title
    message = f"{where}: {_said(error, schema)}"
    return finding(code, path, message, task=step.task_id, step=step.step_id, fix=fix, keyword=keyword)


def _said(error: ValidationError, schema: dict[str, Any]) -> str:
    allowed = schema.get("enum")
    if isinstance(allowed, list) and isinstance(error.instance, str):
        words = [item for item in cast("list[Any]", allowed) if isinstance(item, str)]
        return f"{error.instance!r} is none of {_shown(words)}"
    return error.message if len(error.message) <= 300 else f"{error.message[:297]}…"


def _place(step: PlacedStep, instance_path: list[str | int]) -> tuple[str | None, str]:
    """Gives the place of an error in the proposal (None where no single literal holds it) and in words."""
    if not instance_path:
        return None, ""
    inside = "/".join(map(str, instance_path))
    name = str(instance_path[0])
    value = step.step.tool_intent.required_inputs.get(name)
    if value is None or not hasattr(value, "literal"):
        return step.argument_path(name), inside
    return f"{step.argument_path(name)}/literal{pointer_of(*instance_path[1:])}", inside


def _schema_at(contract: Contract, schema_path: list[str | int]) -> dict[str, Any]:
    """Gives the subschema whose keyword failed, with its definitions; `{}` where the way there isn't plain."""
    try:
        found = at(contract.spec.input_schema, pointer_of(*schema_path[:-1]))
    except LookupError:
        return {}
    return standalone(found, contract.spec.input_schema) if isinstance(found, dict) else {}


def _converted(value: JsonValue, schema: dict[str, Any]) -> JsonValue:
    """Gives `value` as what a schema surely wants: a number written as text, a word in other case; else None."""
    validator = compiled(without_nullable(schema))
    if validator is None:  # a part that refers to what only the whole schema has, other than definitions
        return None
    return next(
        (found for found in _candidates(value, schema) if found is not None and validator.is_valid(found)), None
    )


def _candidates(value: JsonValue, schema: dict[str, Any]) -> Iterator[JsonValue]:
    allowed = schema.get("enum")
    if isinstance(value, str) and isinstance(allowed, list):
        words = [item for item in cast("list[Any]", allowed) if isinstance(item, str)]
        yield Names(words).certain(value)
    wanted = schema.get("type")
    types: list[Any] = cast("list[Any]", wanted) if isinstance(wanted, list) else [wanted]
    if isinstance(value, str):
        yield from _read_as(value.strip(), types)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if "integer" in types and (isinstance(value, int) or value.is_integer()):
            yield int(value)
        if "string" in types:
            yield str(value)
    if types == ["array"] and not isinstance(value, list | dict):
        yield [value]


def _read_as(text: str, types: Iterable[Any]) -> Iterator[JsonValue]:
    for kind in types:
        try:
            if kind == "integer":
                yield int(text) if len(text) <= _DIGITS else None
            elif kind == "number":
                number = float(text)
                yield number if abs(number) < 1e300 else None
            elif kind == "boolean" and text.lower() in ("true", "false"):
                yield text.lower() == "true"
        except ValueError:
            continue


def _shown(names: Iterable[str]) -> str:
    listed = list(names)
    shown = ", ".join(map(repr, listed[:_LISTED]))
    return f"{shown} and {len(listed) - _LISTED} more" if len(listed) > _LISTED else shown or "none"


# ----------------------------------------------------------------------------------- M208-M210


def _is_dated(spec: ToolSpec) -> bool:
    return spec.deprecated or spec.valid_from is not None or spec.valid_to is not None


def _validity(context: Context, step: PlacedStep, spec: ToolSpec) -> Iterator[Finding]:
    named = partial(finding, "M208", f"{step.path}/tool_intent/operation", task=step.task_id, step=step.step_id)
    instead = f"; use {spec.replaced_by!r}" if spec.replaced_by else ""
    day = context.at
    if day is not None and spec.valid_from is not None and day < spec.valid_from:
        yield named(f"{spec.name!r} may be used from {spec.valid_from}, not on {day}{instead}")
    if day is not None and spec.valid_to is not None and day >= spec.valid_to:
        yield named(f"{spec.name!r} may be used before {spec.valid_to}, not on {day}{instead}")
    if spec.deprecated:
        yield named(f"{spec.name!r} is deprecated{instead}", softer=True)


def _references(context: Context, step: PlacedStep, contract: Contract) -> Iterator[Finding]:
    own = f"tool:{contract.spec.name}"
    references = step.step.documentation_references
    for index, reference in enumerate(references):
        if reference in contract.documents:
            continue
        others = context.documents.get(reference)
        what = f"it documents {_shown(others)}" if others else "there is no such document"
        message = (
            f"{reference!r} doesn't document {contract.spec.name!r}: {what}; use {_shown(contract.spec.documents)}"
        )
        path = f"{step.path}/documentation_references/{index}"
        fix = remove(path) if len(references) > 1 else replace(path, own)
        yield finding("M210", path, message, task=step.task_id, step=step.step_id, fix=fix, reference=reference)


def _capabilities(context: Context) -> Iterator[Finding]:
    for number, part in enumerate(context.parsed.tasks):
        required = part.value.required_capabilities
        contracts = [step.contract for step in context.task_steps.get(number, ())] if required else []
        if not contracts or None in contracts:
            continue
        had = {name for contract in contracts if contract for name in contract.spec.capabilities}
        for index, capability in enumerate(required):
            if capability not in had:
                name = part.value.task_id
                message = f"task {name!r} requires capability {capability!r}; its tools have {_shown(sorted(had))}"
                yield finding("M209", f"{part.path}/required_capabilities/{index}", message, task=name)


# ----------------------------------------------------------------------------------- M211, M212


def _expectations(context: Context, step: PlacedStep) -> Iterator[Finding]:
    outputs = context.types.scope.steps.get(step.step_id, {})
    for name, expected in step.step.tool_intent.expected_outputs.items():
        if not expected and is_declared(outputs, f"/{name}"):
            continue
        found = resolve(outputs, pointer_of(name))
        path = f"{step.path}/tool_intent/expected_outputs{pointer_of(name)}"
        named = partial(finding, "M211", path, task=step.task_id, step=step.step_id, fix=remove(path))
        if found.answer == "absent":
            yield named(f"{step.operation!r} gives no output {name!r}; it gives {_shown(found.possible)}")
        elif found.answer == "found" and isinstance(expected, dict) and expected:
            verdict = assignable(found.schema, expected)
            if verdict.answer == "no":
                yield named(f"output {name!r} of {step.operation!r} isn't what is expected: {verdict.reason}")


def _criteria(context: Context, step: PlacedStep) -> Iterator[Finding]:
    outputs = context.types.scope.steps.get(step.step_id, {})
    for place, predicates in (
        ("tool_intent/validation_criteria", step.step.tool_intent.validation_criteria),
        ("postconditions", step.step.postconditions),
        ("preconditions", step.step.preconditions),
    ):
        for index, predicate in enumerate(predicates):
            message = _too_early(predicate) if place == "preconditions" else _unfounded(predicate, outputs)
            if message:
                path = f"{step.path}/{place}/{index}"
                yield finding("M212", path, message, task=step.task_id, step=step.step_id)


def _too_early(predicate: Predicate) -> str | None:
    """Gives why a precondition over outputs can't hold: before a step runs, it has none."""
    if not isinstance(predicate, OutputPredicate):
        return None
    instead = "state it as a criterion of the step that gives them, or name a fact"
    return f"precondition over {predicate.path!r} can't hold: before a step runs, it has no outputs; {instead}"


def _unfounded(predicate: Predicate, outputs: dict[str, JsonValue]) -> str | None:
    if not isinstance(predicate, OutputPredicate):
        return None
    if predicate.op == "exists" and is_declared(outputs, predicate.path):
        return None
    problem = predicate_problem(predicate) or predicate_path_problem(predicate, outputs)
    return f"criterion over {predicate.path!r} can't hold: {problem}" if problem else None
