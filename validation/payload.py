"""`Sizes`: how many bytes of canonical JSON the values of a schema have, as an interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from pydantic import JsonValue

from dagwright.canonical import canonical_json
from dagwright.model import JsonSchema
from validation.contract import Contract
from validation.types.schema import constants, named_schemas, subschema, subschemas, types_of, words


class Size(NamedTuple):
    """Bytes at the least and at the most."""

    low: int
    high: int | None
    """None where nothing bounds it."""


ANY: Final = Size(1, None)
"""Of any value at all."""

_DEPTH = 24
_COUNTED = 10_000  # items of an array that are added up one by one
_CHARACTER = 6  # bytes of the longest: \u001f
_PLAIN = 16  # digits up to which a whole float is written without an exponent
_FLOAT = 24  # bytes of the longest float: -1.2345678901234567e+300
_FIXED = {"null": Size(4, 4), "boolean": Size(4, 5), "number": ANY, "integer": ANY}
_FORMATS = {"date": Size(12, 12), "uuid": Size(38, 38)}


class Sizes:
    """Sizes of schemas; each schema object is looked into once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Size, JsonSchema]] = {}

    def of_arguments(
        self,
        arguments: Mapping[str, JsonSchema],
        literals: Mapping[str, JsonValue],
        contract: Contract | None,
    ) -> Size:
        """Gives the size of a call's arguments as a worker completes them.

        Args:
            arguments: schemas of those that are given.
            literals: values of those that are constants.
            contract: whose defaults stand for those that are absent; where that is null, a null that is given is
                left out.
        """
        defaults, known = (contract.defaults, contract.filled_in) if contract else ({}, {})
        filled_in = {name: value for name, value in known.items() if name not in arguments}
        members = {name: self.of(schema) for name, schema in arguments.items()}
        members |= {name: _exact(value) for name, value in {**literals, **filled_in}.items()}
        always = {name: size for name, size in members.items() if not _may_be_left_out(name, literals, defaults)}
        return Size(_object(always).low, _object(members).high)

    def of(self, schema: JsonSchema, depth: int = 0) -> Size:
        """Gives the size of the values that a schema allows: never too narrow, `ANY` where it can't be told."""
        found = self._known.get(id(schema))
        if found is None:
            size = ANY if depth > _DEPTH else self._measured(schema, depth)
            # The schema is kept, so that its id stays its own.
            found = self._known[id(schema)] = (size, schema)
        return found[0]

    def _measured(self, schema: JsonSchema, depth: int) -> Size:
        values = constants(schema)
        if values:
            return _either(map(_constant, values))
        for keyword in ("anyOf", "oneOf"):
            options = subschemas(schema.get(keyword))
            if options:
                return _either(self.of(option, depth + 1) for option in options)
        types = types_of(schema)
        return _either(self._typed(kind, schema, depth) for kind in types) if types else ANY

    def _typed(self, kind: str, schema: JsonSchema, depth: int) -> Size:
        if kind == "string":
            most = _whole(schema, "maxLength")
            bounded = Size(2 + (_whole(schema, "minLength") or 0), None if most is None else 2 + _CHARACTER * most)
            return _FORMATS.get(str(schema.get("format")), bounded)
        if kind == "array":
            return self._array(schema, depth)
        if kind == "object":
            return self._members(schema, depth)
        return _number(schema) if kind == "integer" else _FIXED.get(kind, ANY)

    def _array(self, schema: JsonSchema, depth: int) -> Size:
        least, most = _whole(schema, "minItems") or 0, _whole(schema, "maxItems")
        first = subschemas(schema.get("prefixItems"))
        if schema.get("items") is False:
            most = len(first)
        if most is None or most > _COUNTED or least > _COUNTED:
            return Size(2 + 2 * max(0, least - 1) + min(1, least), None)
        rest = subschema(schema.get("items", True))
        sizes = [self.of(item, depth + 1) for item in first[:most]]
        other = self.of(rest, depth + 1) if most > len(sizes) else ANY
        sizes.extend([other] * (most - len(sizes)))
        return Size(_list(sizes[:least]).low, _list(sizes).high)

    def _members(self, schema: JsonSchema, depth: int) -> Size:
        members = {name: self.of(part, depth + 1) for name, part in named_schemas(schema, "properties").items()}
        least = _object({name: members.get(name, ANY) for name in words(schema.get("required"))}).low
        closed = schema.get("additionalProperties") is False and not schema.get("patternProperties")
        return Size(least, _object(members).high if closed else None)


def _exact(value: JsonValue) -> Size:
    try:
        size = len(canonical_json(value))
    except (ValueError, TypeError, RecursionError):
        return ANY
    return Size(size, size)


def _may_be_left_out(name: str, literals: Mapping[str, JsonValue], defaults: Mapping[str, JsonValue]) -> bool:
    return name in defaults and defaults[name] is None and literals.get(name) is None


def _constant(value: JsonValue) -> Size:
    """Gives the size of what equals a constant: a whole number may be written with or without a fraction."""
    if isinstance(value, list):
        return _list([_constant(item) for item in value])
    if isinstance(value, dict):
        return _object({name: _constant(item) for name, item in value.items()})
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return _exact(value)
    return _either((_exact(int(value)), _whole_float(int(value))))


def _whole_float(value: int) -> Size:
    """Gives the size of a whole number that is written as a float; zero may have a sign."""
    try:
        return _exact(float(value) if value else -0.0)
    except OverflowError:
        return _exact(value)


def _either(sizes: Iterable[Size]) -> Size:
    listed = list(sizes)
    highs = [size.high for size in listed if size.high is not None]
    return Size(min(size.low for size in listed), max(highs) if len(highs) == len(listed) else None)


def _list(sizes: Sequence[Size]) -> Size:
    around = 2 + max(0, len(sizes) - 1)
    highs = [size.high for size in sizes if size.high is not None]
    high = around + sum(highs) if len(highs) == len(sizes) else None
    return Size(around + sum(size.low for size in sizes), high)


def _object(members: Mapping[str, Size]) -> Size:
    names = sum(_exact(name).low + 1 for name in members)
    low, high = _list(tuple(members.values()))
    return Size(low + names, None if high is None else high + names)


def _number(schema: JsonSchema) -> Size:
    """Gives the size of an integer: bounded where it has both a minimum and a maximum."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if not isinstance(low, int) or not isinstance(high, int):
        return ANY
    digits = max(len(str(low)), len(str(high)))
    return Size(1, max(digits + 3, _FLOAT if digits > _PLAIN else 0))  # 5 may be written 5.0, and 0 as -0.0


def _whole(schema: JsonSchema, keyword: str) -> int | None:
    value = schema.get(keyword)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
