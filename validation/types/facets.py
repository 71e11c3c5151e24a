"""Bounds of numbers and texts: what a producer's shape says against one keyword of a consumer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from pydantic import JsonValue

from dagwright.model import JsonSchema
from validation.types.schema import json_equal
from validation.types.shape import Shape
from validation.types.verdict import YES, Verdict, no, unknown

_APART = frozenset(("date", "date-time", "time", "ipv4", "uuid", "email"))
"""Formats of which no text has two."""

_WIDER: dict[str, frozenset[str]] = {
    "uri": frozenset(("uri-reference", "iri", "iri-reference")),
    "iri": frozenset(("iri-reference",)),
    "uri-reference": frozenset(("iri-reference",)),
}
"""Formats that every text of a format has too."""

_ASSERTED = frozenset(
    (
        *("date", "date-time", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6"),
        *("uri", "uri-reference", "iri", "iri-reference", "uri-template", "uuid", "json-pointer"),
        *("relative-json-pointer", "regex", "run-path"),
    )
)
"""Formats that are checked: those of JSON Schema 2020-12, and paths in the run's folder. Others are annotations."""


class Bound(NamedTuple):
    """The end of a range."""

    value: int | float
    is_exclusive: bool


def lower_bound(shape: Shape) -> Bound | None:
    """Gives the highest lower bound of a shape's numbers; for integers the lowest integer itself."""
    found = [Bound(value, False) for value in shape.numbers("minimum")]
    found += [Bound(value, True) for value in shape.numbers("exclusiveMinimum")]
    if not found:
        return None
    highest = max(found)
    if shape.kind != "integer":
        return highest
    floor = math.floor(highest.value) + 1 if highest.is_exclusive else math.ceil(highest.value)
    return Bound(floor, False)


def upper_bound(shape: Shape) -> Bound | None:
    """Gives the lowest upper bound of a shape's numbers; for integers the highest integer itself."""
    found = [Bound(value, False) for value in shape.numbers("maximum")]
    found += [Bound(value, True) for value in shape.numbers("exclusiveMaximum")]
    if not found:
        return None
    lowest = min(found, key=lambda bound: (bound.value, not bound.is_exclusive))
    if shape.kind != "integer":
        return lowest
    ceiling = math.ceil(lowest.value) - 1 if lowest.is_exclusive else math.floor(lowest.value)
    return Bound(ceiling, False)


def _at_least(shape: Shape, limit: JsonValue, *, exclusive: bool) -> Verdict:
    if not isinstance(limit, int | float):
        return unknown("its lower bound isn't a number")
    low, high = lower_bound(shape), upper_bound(shape)
    if low is not None and (low.value > limit or (low.value == limit and (not exclusive or low.is_exclusive))):
        return YES
    if high is not None and (high.value < limit or (high.value == limit and (exclusive or high.is_exclusive))):
        return no(f"it is at most {high.value}, and {'more than' if exclusive else 'at least'} {limit} is wanted")
    return unknown(f"it may be less than {limit}" if not exclusive else f"it may be {limit} or less")


def _at_most(shape: Shape, limit: JsonValue, *, exclusive: bool) -> Verdict:
    if not isinstance(limit, int | float):
        return unknown("its upper bound isn't a number")
    low, high = lower_bound(shape), upper_bound(shape)
    if high is not None and (high.value < limit or (high.value == limit and (not exclusive or high.is_exclusive))):
        return YES
    if low is not None and (low.value > limit or (low.value == limit and (exclusive or low.is_exclusive))):
        return no(f"it is at least {low.value}, and {'less than' if exclusive else 'at most'} {limit} is wanted")
    return unknown(f"it may be more than {limit}" if not exclusive else f"it may be {limit} or more")


def minimum(shape: Shape, consumer: JsonSchema) -> Verdict:
    """Compares with `minimum`; OpenAPI 3.0's `exclusiveMinimum: true` counts."""
    return _at_least(shape, consumer["minimum"], exclusive=consumer.get("exclusiveMinimum") is True)


def maximum(shape: Shape, consumer: JsonSchema) -> Verdict:
    """Compares with `maximum`; OpenAPI 3.0's `exclusiveMaximum: true` counts."""
    return _at_most(shape, consumer["maximum"], exclusive=consumer.get("exclusiveMaximum") is True)


def exclusive_minimum(shape: Shape, consumer: JsonSchema) -> Verdict:
    """Compares with `exclusiveMinimum` where that is a number."""
    limit = consumer["exclusiveMinimum"]
    return YES if isinstance(limit, bool) else _at_least(shape, limit, exclusive=True)


def exclusive_maximum(shape: Shape, consumer: JsonSchema) -> Verdict:
    """Compares with `exclusiveMaximum` where that is a number."""
    limit = consumer["exclusiveMaximum"]
    return YES if isinstance(limit, bool) else _at_most(shape, limit, exclusive=True)


def is_integral(shape: Shape) -> bool:
    """Whether all numbers of a shape are integers."""
    return shape.kind == "integer" or any(_whole(step) for step in shape.numbers("multipleOf"))


def _whole(value: int | float) -> bool:
    return 0 < value < 2**53 and value == int(value)


def multiple_of(shape: Shape, consumer: JsonSchema) -> Verdict:
    """Compares with `multipleOf`, over whole steps only."""
    wanted = consumer["multipleOf"]
    if isinstance(wanted, int | float) and _whole(wanted):
        steps = [step for step in shape.numbers("multipleOf") if _whole(step)]
        if (wanted == 1 and shape.kind == "integer") or any(step % wanted == 0 for step in steps):
            return YES
    return unknown(f"it may not be a multiple of {wanted}")


def sizes(shape: Shape, least: str, most: str) -> tuple[int, float]:
    """Gives the lowest and the highest length that the two keywords leave."""
    low = max((math.ceil(value) for value in shape.numbers(least)), default=0)
    high = min((math.floor(value) for value in shape.numbers(most)), default=math.inf)
    return max(low, 0), high


def size_at_least(low: float, high: float, wanted: JsonValue, unit: str) -> Verdict:
    """Compares a range of lengths with a wanted minimum."""
    if not isinstance(wanted, int | float):
        return unknown(f"the wanted number of {unit} isn't a number")
    if low >= wanted:
        return YES
    if high < wanted:
        return no(f"it has at most {high:g} {unit}, and at least {wanted} are wanted")
    return unknown(f"it may have fewer than {wanted} {unit}")


def size_at_most(low: float, high: float, wanted: JsonValue, unit: str) -> Verdict:
    """Compares a range of lengths with a wanted maximum."""
    if not isinstance(wanted, int | float):
        return unknown(f"the wanted number of {unit} isn't a number")
    if high <= wanted:
        return YES
    if low > wanted:
        return no(f"it has at least {low:g} {unit}, and at most {wanted} are wanted")
    return unknown(f"it may have more than {wanted} {unit}")


def min_length(shape: Shape, consumer: JsonSchema) -> Verdict:
    """Compares with `minLength`."""
    return size_at_least(*sizes(shape, "minLength", "maxLength"), consumer["minLength"], "characters")


def max_length(shape: Shape, consumer: JsonSchema) -> Verdict:
    """Compares with `maxLength`."""
    return size_at_most(*sizes(shape, "minLength", "maxLength"), consumer["maxLength"], "characters")


def pattern(shape: Shape, consumer: JsonSchema) -> Verdict:
    """Compares with `pattern`: only the same pattern is proof."""
    wanted = consumer["pattern"]
    same = any(json_equal(found, wanted) for found in shape.keyword("pattern"))
    return YES if same else unknown(f"it may not match the pattern {wanted!r}")


def format_of(shape: Shape, consumer: JsonSchema) -> Verdict:
    """Compares with `format`, as an assertion: the same format, one that implies it, or one that excludes it."""
    wanted = consumer["format"]
    if not isinstance(wanted, str):
        return unknown("the wanted format isn't a text")
    if wanted not in _ASSERTED:
        return YES
    found = [name for name in shape.keyword("format") if isinstance(name, str)]
    if any(name == wanted or wanted in _WIDER.get(name, ()) for name in found):
        return YES
    other = next((name for name in found if name in _APART and wanted in _APART), None)
    if other is not None:
        return no(f"it is a text of format {other!r}, and {wanted!r} is wanted")
    return unknown(f"it may not be of format {wanted!r}")


Check = Callable[[Shape, JsonSchema], Verdict]

NUMBER_CHECKS: dict[str, Check] = {
    "minimum": minimum,
    "maximum": maximum,
    "exclusiveMinimum": exclusive_minimum,
    "exclusiveMaximum": exclusive_maximum,
    "multipleOf": multiple_of,
}
TEXT_CHECKS: dict[str, Check] = {
    "minLength": min_length,
    "maxLength": max_length,
    "pattern": pattern,
    "format": format_of,
}
