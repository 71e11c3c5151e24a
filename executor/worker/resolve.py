"""From the values of an intent to the arguments of a call: references looked up, defaults filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import JsonValue

from dagwright.exceptions import GuardViolation
from dagwright.goal import GoalInput
from dagwright.model import JsonSchema
from dagwright.value import CoalesceValue, ListValue, LiteralValue, ObjectValue, StepReference, Value, part
from executor.worker.absence import Absent

Outputs = Callable[[str], JsonValue]
"""Gives the outputs of a finished step by its id; raises `Absent` for one that has given nothing."""


def resolve(value: Value, outputs: Outputs, inputs: Mapping[str, GoalInput]) -> JsonValue:
    """Gives the JSON that a value stands for.

    Raises:
        GuardViolation: a reference leads nowhere; says at which part of its path.
        Absent: a step has given nothing, and no alternative is stated.
    """
    if isinstance(value, LiteralValue):
        return value.literal
    if isinstance(value, ListValue):
        return [resolve(item, outputs, inputs) for item in value.list]
    if isinstance(value, ObjectValue):
        return {name: resolve(item, outputs, inputs) for name, item in value.object.items()}
    if isinstance(value, StepReference):
        return follow(outputs(value.from_), value.path, what=f"outputs of step {value.from_!r}")
    if isinstance(value, CoalesceValue):
        return _first(value, outputs, inputs)
    if value.input not in inputs:
        raise GuardViolation(f"the goal has no input {value.input!r}", code="missing_reference")
    return follow(inputs[value.input].value, value.path, what=f"input {value.input!r}")


def _first(value: CoalesceValue, outputs: Outputs, inputs: Mapping[str, GoalInput]) -> JsonValue:
    """Gives the first alternative whose steps have given something; what they gave must have the path."""
    missing: list[str] = []
    for item in value.coalesce:
        try:
            return resolve(item, outputs, inputs)
        except Absent as error:
            missing.append(error.step)
    raise Absent(", ".join(missing))


def follow(value: JsonValue, pointer: str, *, what: str) -> JsonValue:
    """Gives what lies at a path (`dagwright.value.part`).

    Raises:
        GuardViolation: there is nothing.
    """
    try:
        return part(value, pointer)
    except LookupError as error:
        token = error.args[0]
        message = f"{what} have nothing at {pointer!r}: {token!r} is missing"
        raise GuardViolation(message, code="missing_reference") from None


def filled(arguments: dict[str, JsonValue], schema: JsonSchema) -> dict[str, JsonValue]:
    """Gives the arguments with the schema's defaults for those that are absent.

    A null where null is the default means absent: many contracts say so without allowing null.
    """
    properties = schema.get("properties")
    complete = dict(arguments)
    for name, definition in (properties if isinstance(properties, dict) else {}).items():
        if not isinstance(definition, dict) or "default" not in definition:
            continue
        default = definition["default"]
        if default is None and complete.get(name) is None:
            complete.pop(name, None)
        elif name not in complete:
            complete[name] = default
    return complete
