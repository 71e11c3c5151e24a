"""The type relation: do values of one schema fit where another schema is wanted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from dagwright.model import JsonSchema
from validation.types.facets import NUMBER_CHECKS, TEXT_CHECKS, is_integral, size_at_least, size_at_most
from validation.types.members import (
    compare_items,
    compare_members,
    compare_names,
    compare_required,
    has_distinct_items,
    item_count,
    member_count,
)
from validation.types.memo import Memo, same_meaning
from validation.types.schema import constants, json_equal, type_of, types_of
from validation.types.shape import Node, Shape, node_of, shapes
from validation.types.verdict import YES, Verdict, no, of_all, of_choice, of_union, unknown

_DEPTH = 32
_FUEL = 20_000
_MOST_CANDIDATES = 64

_PLAIN = frozenset(("type", "items", "title", "description", "default", "examples", "nullable"))
_OPAQUE = frozenset(
    (
        *("if", "contains", "dependentRequired", "dependentSchemas", "dependencies", "additionalItems"),
        *("unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef"),
    )
)
"""Keywords outside the profile that can refuse values: nothing is proven against them."""


def assignable(producer: JsonSchema, consumer: JsonSchema, *, memo: Memo | None = None) -> Verdict:
    """Says whether values of schema `producer` fit where schema `consumer` is wanted.

    - `yes`: every value of the producer fits. Formats count as assertions; `x-` keywords and
      annotations don't count.
    - `no`: no value of the producer fits. Two exceptions are `no` as well, because a plan that
      relies on them is wrong: fractional numbers where integers are wanted (some happen to be
      whole; `conversion` suggests rounding), and arrays of which only the empty one fits.
    - `unknown`: neither is proven, also where a schema leaves the profile (`if`, `contains`,
      `unevaluated…`, references out of `$defs` and `definitions`) or is too deep.

    Time is bounded. `memo` keeps verdicts and compiled validators between calls; schemas given
    along with it must not be changed.
    """
    known = memo if memo is not None else Memo()
    key = (id(producer), id(consumer))
    if key not in known.verdicts:
        verdict = YES if _fits_plainly(producer, consumer) else _decided(producer, consumer, known)
        known.verdicts[key] = (producer, consumer, verdict)
    return known.verdicts[key][2]


def _fits_plainly(producer: JsonSchema, consumer: JsonSchema) -> bool:
    """Whether types alone prove `yes`: the commonest case, decided without taking schemas apart."""
    if not consumer or producer is consumer:
        return True
    kind, wanted = producer.get("type"), consumer.get("type")
    if not isinstance(kind, str) or not (kind == wanted or (kind == "integer" and wanted == "number")):
        return False
    if "nullable" in producer or not all(keyword in _PLAIN or keyword.startswith("x-") for keyword in consumer):
        return False
    if "items" not in consumer or kind != "array":
        return True
    inner, outer = producer.get("items"), consumer["items"]
    if "prefixItems" in producer or not isinstance(inner, dict) or not isinstance(outer, dict):
        return False
    return _fits_plainly(inner, outer)


def _decided(producer: JsonSchema, consumer: JsonSchema, memo: Memo) -> Verdict:
    if producer == consumer and json_equal(producer, consumer):
        return YES
    if "const" in producer and producer.keys() <= {"type", "const"}:
        return _constant(producer["const"], node_of(consumer), memo)
    return _Comparison(memo).compare((node_of(producer),), node_of(consumer), strict=False)


def _constant(value: JsonValue, wanted: Node, memo: Memo) -> Verdict:
    accepted = memo.accepts(wanted, value)
    if accepted is None:
        return unknown("the wanted schema can't be read")
    return YES if accepted else no(f"{_shown(value)} isn't allowed")


@dataclass(slots=True)
class _Comparison:
    """One run of the relation: what is bounded, and what is being compared further up."""

    memo: Memo
    fuel: int = _FUEL
    depth: int = 0
    """Levels of nesting inside the value."""
    calls: int = 0
    """Levels of nesting of comparisons."""
    pending: dict[tuple[object, ...], int] = field(default_factory=dict[tuple[object, ...], int])
    """Comparisons not finished yet, with the depth at which each began."""

    def compare(self, given: tuple[Node, ...], wanted: Node, *, strict: bool) -> Verdict:
        """Compares all values that fulfil the schemas `given` with schema `wanted`."""
        if not wanted.schema or any(same_meaning(node, wanted) for node in given):
            return YES
        if self.calls >= _DEPTH:
            return unknown("the schemas are nested too deeply")
        key = (tuple((id(node.schema), id(node.base)) for node in given), id(wanted.schema), id(wanted.base), strict)
        if key in self.pending:
            return self._again(key, strict=strict)
        self.pending[key] = self.depth
        self.calls += 1
        found = of_union(
            self._shape(shape, wanted, strict=strict) for shape in shapes(given) if self._is_possible(shape)
        )
        self.calls -= 1
        del self.pending[key]
        return found

    def _again(self, key: tuple[object, ...], *, strict: bool) -> Verdict:
        # A recursive schema met again inside the value: what is being shown for the whole may be
        # assumed for its smaller parts (induction over the value), but not beneath a negation.
        inside = self.depth > self.pending[key]
        return YES if inside and not strict else unknown("the schema refers to itself")

    def _shape(self, shape: Shape, wanted: Node, *, strict: bool) -> Verdict:
        self.fuel -= 1
        if self.fuel < 0:
            return unknown("the schemas are too large to compare")
        if any(same_meaning(part, wanted) for part in shape.parts):
            return YES
        if shape.kind == "constant":
            return _constant(shape.value, wanted, self.memo)
        return of_all(self._checks(shape, wanted, strict=strict))

    def _is_possible(self, shape: Shape) -> bool:
        return shape.kind != "constant" or all(
            self.memo.accepts(part, shape.value) is not False for part in shape.parts
        )

    def _checks(self, shape: Shape, wanted: Node, *, strict: bool) -> Iterator[Verdict]:
        schema = wanted.schema
        if "type" in schema:
            yield _type(shape, schema, strict=strict)
        if "const" in schema or "enum" in schema:
            yield self._values(shape, schema)
        if shape.kind in ("number", "integer"):
            yield from (check(shape, schema) for name, check in NUMBER_CHECKS.items() if name in schema)
        elif shape.kind == "string":
            yield from (check(shape, schema) for name, check in TEXT_CHECKS.items() if name in schema)
        elif shape.kind == "array":
            yield from self._array(shape, wanted, strict=strict)
        else:
            yield from self._object(shape, wanted, strict=strict)
        yield from self._combined(shape, wanted, strict=strict)
        yield from (
            unknown(f"{keyword!r} isn't compared")
            for keyword in schema.keys() & _OPAQUE
            if not any(
                json_equal(schema[keyword], found) for found in shape.keyword(keyword) if keyword == "dependentRequired"
            )
        )

    def _values(self, shape: Shape, wanted: JsonSchema) -> Verdict:
        allowed = constants(wanted) or []
        fitting = [value for value in allowed if _is_of(value, shape)]
        if len(fitting) <= _MOST_CANDIDATES:
            fitting = [v for v in fitting if all(self.memo.accepts(part, v) is not False for part in shape.parts)]
        listed = ", ".join(map(_shown, allowed[:8])) + (", …" if len(allowed) > 8 else "")
        return unknown(f"it may be none of {listed}") if fitting else no(f"it can't be any of {listed}")

    def _array(self, shape: Shape, wanted: Node, *, strict: bool) -> Iterator[Verdict]:
        schema = wanted.schema
        low, high = item_count(shape)
        if "minItems" in schema:
            yield size_at_least(low, high, schema["minItems"], "items")
        if "maxItems" in schema:
            yield size_at_most(low, high, schema["maxItems"], "items")
        if schema.get("uniqueItems") is True:
            yield has_distinct_items(shape)
        if "prefixItems" in schema or "items" in schema:
            if isinstance(schema.get("items"), list):
                yield unknown("a list under 'items' isn't compared")
            yield compare_items(shape, wanted, self._inside(strict=strict), strict=strict)

    def _object(self, shape: Shape, wanted: Node, *, strict: bool) -> Iterator[Verdict]:
        schema = wanted.schema
        if "required" in schema:
            yield compare_required(shape, wanted)
        low, high = member_count(shape) if "minProperties" in schema or "maxProperties" in schema else (0, 0)
        if "minProperties" in schema:
            yield size_at_least(low, high, schema["minProperties"], "members")
        if "maxProperties" in schema:
            yield size_at_most(low, high, schema["maxProperties"], "members")
        if not schema.keys().isdisjoint(("properties", "patternProperties", "additionalProperties")):
            yield compare_members(shape, wanted, self._inside(strict=strict), self.memo)
        if "propertyNames" in schema:
            yield compare_names(shape, wanted, self.memo)

    def _inside(self, *, strict: bool) -> Callable[[tuple[Node, ...], Node], Verdict]:
        def compare(given: tuple[Node, ...], wanted: Node) -> Verdict:
            self.depth += 1
            found = self.compare(given, wanted, strict=strict)
            self.depth -= 1
            return found

        return compare

    def _combined(self, shape: Shape, wanted: Node, *, strict: bool) -> Iterator[Verdict]:
        schema = wanted.schema
        if "$ref" in schema:
            yield self._reference(shape, wanted, strict=strict)
        if isinstance(schema.get("allOf"), list):
            yield from (self._shape_again(shape, inner, strict=strict) for inner in _branches(wanted, "allOf"))
        if isinstance(schema.get("anyOf"), list):
            yield of_choice(self._shape_again(shape, inner, strict=strict) for inner in _branches(wanted, "anyOf"))
        if isinstance(schema.get("oneOf"), list):
            yield self._one_of(shape, _branches(wanted, "oneOf"), strict=strict)
        if "not" in schema:
            yield self._not(shape, wanted)

    def _shape_again(self, shape: Shape, wanted: Node, *, strict: bool) -> Verdict:
        """Compares one shape with a part of the wanted schema that concerns the same value."""
        key = (id(shape), id(wanted.schema), id(wanted.base), strict)
        if key in self.pending or self.calls >= _DEPTH:
            return unknown("the schema refers to itself")
        self.pending[key] = self.depth
        self.calls += 1
        found = self._shape(shape, wanted, strict=strict)
        self.calls -= 1
        del self.pending[key]
        return found

    def _reference(self, shape: Shape, wanted: Node, *, strict: bool) -> Verdict:
        target = wanted.referred()
        if target is None:
            return unknown(f"the reference {wanted.schema['$ref']!r} can't be followed")
        return self._shape_again(shape, target, strict=strict)

    def _one_of(self, shape: Shape, branches: list[Node], *, strict: bool) -> Verdict:
        found = [self._shape_again(shape, branch, strict=strict) for branch in branches]
        if all(verdict.answer == "no" for verdict in found):
            return found[0] if found else no("nothing is allowed")
        fitting = [index for index, verdict in enumerate(found) if verdict.answer == "yes"]
        if len(fitting) == 1 and all(
            self._shape_again(shape, branch, strict=True).answer == "no"
            for index, branch in enumerate(branches)
            if index != fitting[0]
        ):
            return YES
        return unknown("it may fit none, or more than one, of several schemas")

    def _not(self, shape: Shape, wanted: Node) -> Verdict:
        if wanted.schema["not"] in ({}, True):
            return no("nothing is allowed")
        found = self._shape_again(shape, wanted.part(wanted.schema["not"]), strict=True)
        if found.answer == "unknown":
            return unknown("it may fit a schema that is excluded")
        return YES if found.answer == "no" else no("it fits a schema that is excluded")


def _branches(node: Node, keyword: str) -> list[Node]:
    listed = node.schema[keyword]
    return [node.part(inner) for inner in listed] if isinstance(listed, list) else []


def _type(shape: Shape, wanted: JsonSchema, *, strict: bool) -> Verdict:
    allowed = types_of(wanted) or frozenset()
    if shape.kind in allowed or ("number" in allowed and shape.kind == "integer"):
        return YES
    listed = " or ".join(sorted(allowed))
    if shape.kind == "number" and "integer" in allowed:
        if is_integral(shape):
            return YES
        reason = f"it is a number that may have a fractional part, and {listed} is wanted"
        # What the shape leaves out of the schema may be that very fraction.
        is_whole_schema = all(part.schema.keys().isdisjoint(("not", "if")) for part in shape.parts)
        return no(reason) if is_whole_schema and not strict else unknown(reason)
    return no(f"it is of type {shape.kind}, and {listed} is wanted")


def _is_of(value: JsonValue, shape: Shape) -> bool:
    kind = type_of(value)
    return kind == shape.kind or (kind == "integer" and shape.kind == "number")


def _shown(value: JsonValue) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"
