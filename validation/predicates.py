"""Predicates over outputs: what each operator means, whether a schema allows it, and evaluation.

All operators are false where the path leads nowhere; `*` in a path makes a list (`dagwright.value.part`).
Comparisons never convert: a number and a text are neither equal nor ordered. Texts compare by code
point, which orders ISO 8601 dates and times of one form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from dagwright.model import JsonSchema
from dagwright.predicate import Operator, OutputPredicate
from dagwright.value import part
from validation.types.pointer import Resolved, resolve
from validation.types.schema import json_equal, referred, standalone, type_of, types_of

_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
_ORDERED = frozenset(("integer", "number", "string"))
_SIZED = frozenset(("string", "array", "object"))
_HOLDING = frozenset(("string", "array", "object"))
_REFERENCES = 32


@dataclass(frozen=True, slots=True)
class OperatorRule:
    """One operator: its meaning, what it is applied to, what it compares with, and its test."""

    meaning: str
    """When it holds, in words."""
    applies_to: frozenset[str] | None
    """Types of output values for which it can hold; None for all."""
    takes: str
    """What its `value` must be, in words; empty where it takes none."""
    is_value: Callable[[JsonValue], bool]
    """Whether something can be its `value`."""
    holds: Callable[[JsonValue, JsonValue], bool]
    """Whether it holds of an output value (first) and the predicate's `value` (second)."""


def _is_anything(_: JsonValue) -> bool:
    return True


def _is_orderable(value: JsonValue) -> bool:
    return type_of(value) in _ORDERED


def _is_size(value: JsonValue) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_list(value: JsonValue) -> bool:
    return isinstance(value, list)


def _is_type_name(value: JsonValue) -> bool:
    return isinstance(value, str) and value in _TYPES


def _less(left: JsonValue, right: JsonValue) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return False
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left < right
    return isinstance(left, str) and isinstance(right, str) and left < right


def _same(left: JsonValue, right: JsonValue) -> bool:
    return type_of(left) in _ORDERED and json_equal(left, right)


def _length(value: JsonValue) -> int | None:
    return len(value) if isinstance(value, str | list | dict) else None


def _at_least_long(found: JsonValue, size: JsonValue) -> bool:
    length = _length(found)
    return length is not None and isinstance(size, int) and length >= size


def _at_most_long(found: JsonValue, size: JsonValue) -> bool:
    length = _length(found)
    return length is not None and isinstance(size, int) and length <= size


def _one_of(found: JsonValue, allowed: JsonValue) -> bool:
    return isinstance(allowed, list) and any(json_equal(found, item) for item in allowed)


def _has_member(found: JsonValue, wanted: JsonValue) -> bool:
    if isinstance(found, list):
        return any(json_equal(item, wanted) for item in found)
    return isinstance(found, dict | str) and isinstance(wanted, str) and wanted in found


def _matches_type(found: JsonValue, name: JsonValue) -> bool:
    kind = type_of(found)
    return kind == name or (kind == "integer" and name == "number")


OPERATORS: Mapping[Operator, OperatorRule] = {
    "exists": OperatorRule("there is a value (null counts)", None, "", _is_anything, lambda _found, _value: True),
    "equals": OperatorRule("the value equals `value` as JSON", None, "anything", _is_anything, json_equal),
    "not_equals": OperatorRule(
        "the value is there and doesn't equal `value`",
        None,
        "anything",
        _is_anything,
        lambda found, value: not json_equal(found, value),
    ),
    "less": OperatorRule("the value is less", _ORDERED, "a number or a text", _is_orderable, _less),
    "less_or_equal": OperatorRule(
        "the value is less or equal",
        _ORDERED,
        "a number or a text",
        _is_orderable,
        lambda found, value: _less(found, value) or _same(found, value),
    ),
    "greater": OperatorRule(
        "the value is greater", _ORDERED, "a number or a text", _is_orderable, lambda found, value: _less(value, found)
    ),
    "greater_or_equal": OperatorRule(
        "the value is greater or equal",
        _ORDERED,
        "a number or a text",
        _is_orderable,
        lambda found, value: _less(value, found) or _same(found, value),
    ),
    "min_length": OperatorRule(
        "a text has at least so many characters, a list items, an object members",
        _SIZED,
        "a whole number from 0",
        _is_size,
        _at_least_long,
    ),
    "max_length": OperatorRule(
        "a text has at most so many characters, a list items, an object members",
        _SIZED,
        "a whole number from 0",
        _is_size,
        _at_most_long,
    ),
    "one_of": OperatorRule("the value equals an item of `value`", None, "a list", _is_list, _one_of),
    "has_member": OperatorRule(
        "a list has an item equal to `value`, an object a member of that name, a text that part",
        _HOLDING,
        "anything; for objects and texts a text",
        _is_anything,
        _has_member,
    ),
    "matches_type": OperatorRule(
        "the value is of the JSON type named (integers are numbers)",
        None,
        f"one of {', '.join(_TYPES)}",
        _is_type_name,
        _matches_type,
    ),
}
"""The closed set of operators of output predicates, each with its meaning."""


@dataclass(frozen=True, slots=True)
class _Missing:
    """Stands where a path leads nowhere, because null is a value."""


_MISSING = _Missing()


def evaluate(predicate: OutputPredicate, outputs: JsonValue) -> bool:
    """Says whether a predicate holds of a step's outputs. Never raises, whatever the outputs are."""
    found = _value_at(outputs, predicate.path)
    return not isinstance(found, _Missing) and OPERATORS[predicate.op].holds(found, predicate.value)


def _value_at(value: JsonValue, pointer: str) -> JsonValue | _Missing:
    try:
        return part(value, pointer)
    except LookupError:
        return _MISSING


def predicate_problem(predicate: OutputPredicate) -> str | None:
    """Gives what is wrong with a predicate by itself (a `value` that its operator can't take), else None."""
    rule = OPERATORS[predicate.op]
    if rule.is_value(predicate.value):
        return None
    return f"operator {predicate.op!r} takes {rule.takes}, not {type_of(predicate.value)}"


def predicate_path_problem(predicate: OutputPredicate, output_schema: JsonSchema) -> str | None:
    """Gives why a predicate can't hold of outputs with this schema, else None.

    Reported are a path that the outputs certainly don't have, and an operator that can't hold of
    any value that may stand there. What the schema leaves open is no problem.
    """
    found = resolve(output_schema, predicate.path)
    if found.answer == "absent":
        return _absent(predicate, found)
    rule, types = OPERATORS[predicate.op], types_of(_followed(found.schema))
    if types is None or found.answer == "unknown":
        return None
    if rule.applies_to is not None and types.isdisjoint(rule.applies_to):
        applicable = ", ".join(sorted(rule.applies_to))
        return f"operator {predicate.op!r} applies to {applicable}; {_named(predicate)} is {_listed(types)}"
    if not _comparable(predicate, types):
        compared = type_of(predicate.value)
        return f"{_named(predicate)} is {_listed(types)} and can't be compared with a value of type {compared}"
    return None


def _followed(schema: JsonSchema) -> JsonSchema:
    """Gives the definition that a schema refers to; `{}` where it can't be followed."""
    for _ in range(_REFERENCES):
        if "$ref" not in schema:
            return schema
        schema = standalone(referred(schema["$ref"], schema) or {}, schema)
    return {}


def _absent(predicate: OutputPredicate, found: Resolved) -> str:
    possible = ", ".join(map(repr, found.possible)) or "nothing"
    return f"the outputs have nothing at {predicate.path!r}: at {found.at!r} there can be {possible}"


def _named(predicate: OutputPredicate) -> str:
    return repr(predicate.path) if predicate.path else "the value"


def _comparable(predicate: OutputPredicate, types: frozenset[str]) -> bool:
    wanted = type_of(predicate.value)
    if predicate.op in ("less", "less_or_equal", "greater", "greater_or_equal", "equals"):
        numbers = frozenset(("integer", "number"))
        return wanted in types or (wanted in numbers and not types.isdisjoint(numbers))
    return True


def _listed(types: frozenset[str]) -> str:
    return " or ".join(sorted(types))
