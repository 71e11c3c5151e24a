"""Resolving a path through a schema, to the schema of what lies there (at run time: `dagwright.value.part`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import JsonValue

from dagwright.model import JsonSchema
from dagwright.value import EACH, index_of, tokens_of
from validation.types.schema import (
    DEFINITIONS,
    NEVER,
    all_of,
    any_of,
    base_of,
    constants,
    referred,
    standalone,
    subschema,
    subschemas,
    type_of,
    types_of,
)

_DEPTH = 24
_LONGEST = 64
_MOST_ITEMS = 64
_MOST_VALUES = 256
_COMBINING = ("$ref", "allOf", "anyOf", "oneOf")


@dataclass(frozen=True, slots=True)
class Resolved:
    """What is known about the value at a place."""

    answer: Literal["found", "absent", "unknown"]
    """`found`: declared; `absent`: no instance has anything there; `unknown`: the schema doesn't say
    (an object or array whose content is free)."""
    schema: JsonSchema
    """Schema of the value; `{}` unless found."""
    possible: tuple[str, ...] = ()
    """Names declared at the place where the pointer's way ended, for messages."""
    certain: bool = True
    """Whether every instance has it (false for optional members, nullable parents, array items)."""
    at: str | None = None
    """The token of the pointer that isn't declared; None when found."""


_UNKNOWN = Resolved("unknown", {}, certain=False)
_ABSENT = Resolved("absent", {}, certain=False)


def resolve(schema: JsonSchema, pointer: str) -> Resolved:
    """Gives what a schema says of the value at a path, through properties, items and unions.

    A path is a JSON Pointer in which `*` stands for each item of an array: at `/rows/*/id` lies the
    array of the ids. Local references into `$defs` are followed; the schema found carries those
    definitions along. Paths of more than 64 tokens are unknown.
    """
    tokens = tokens_of(pointer)
    return _at(schema, tokens) if len(tokens) <= _LONGEST else _UNKNOWN


def _at(schema: JsonSchema, tokens: Sequence[str]) -> Resolved:
    found = Resolved("found", schema)
    for position, token in enumerate(tokens):
        items = _member(found.schema, None, found.schema, _DEPTH) if token == EACH else _ABSENT
        member = _member(found.schema, token, found.schema, _DEPTH)
        untyped = types_of(found.schema) is None and found.schema.keys().isdisjoint(_COMBINING)
        if items.answer == "found" and (member.answer == "absent" or untyped):
            return _each(found, items, tokens[position + 1 :])
        hit = _UNKNOWN if items.answer != "absent" else member
        if hit.answer != "found":
            return replace(hit, at=token)
        found = hit if found.certain or not hit.certain else replace(hit, certain=False)
    return found


def _each(array: Resolved, items: Resolved, rest: Sequence[str]) -> Resolved:
    """Gives the array of what lies at the rest of a path in each item of an array."""
    inner = items if items.schema == NEVER else _at(items.schema, rest)
    if inner.answer == "absent":
        return inner
    certain = array.certain and items.certain and inner.answer == "found" and inner.certain
    found: JsonSchema = {"type": "array"}
    if array.schema.keys().isdisjoint(_COMBINING):
        found |= {keyword: array.schema[keyword] for keyword in ("minItems", "maxItems") if keyword in array.schema}
    if inner.schema:
        found["items"] = {keyword: said for keyword, said in inner.schema.items() if keyword not in DEFINITIONS}
        found |= {keyword: inner.schema[keyword] for keyword in DEFINITIONS if keyword in inner.schema}
    return Resolved("found", found, certain=certain)


def _member(schema: JsonSchema, token: str | None, outer: JsonSchema, depth: int) -> Resolved:
    """Gives what lies at one token of a value; for None, what any item of an array is."""
    base = base_of(schema, outer)
    if depth == 0:
        return _UNKNOWN
    own = _own(schema, token, base)
    if schema.keys().isdisjoint(_COMBINING):
        return own
    combined = [*subschemas(schema.get("allOf"))]
    if "$ref" in schema:
        combined.append(referred(schema["$ref"], base) or {})
    parts = [own, *(_member(part, token, base, depth - 1) for part in combined)]
    for keyword in ("anyOf", "oneOf"):
        branches = [branch for branch in subschemas(schema.get(keyword)) if branch != NEVER]
        if branches:
            parts.append(_either([_member(branch, token, base, depth - 1) for branch in branches]))
    return _both(parts)


def _own(schema: JsonSchema, token: str | None, base: JsonSchema) -> Resolved:
    values = constants(schema)
    if values is not None:
        compound = any(isinstance(value, dict | list) for value in values)
        if not compound or len(values) > _MOST_VALUES:
            return _UNKNOWN if compound else _ABSENT
        return _either([_inside(value, token) for value in values])
    types = types_of(schema)
    hits: list[Resolved] = []
    if types is None or "object" in types:
        hits.append(_ABSENT if token is None else _property(schema, token, base))
    if types is None or "array" in types:
        hits.append(_item(schema, token, base))
    if types is None:
        found = next((hit for hit in hits if hit.answer == "found"), None)
        unknown = Resolved("unknown", {}, _names(hits), certain=False)
        return found or (_either(hits) if hits[1].answer == "absent" else unknown)
    if types - {"object", "array"}:
        hits.append(_ABSENT)
    return hits[0] if len(hits) == 1 else _either(hits)


def _inside(value: JsonValue, token: str | None) -> Resolved:
    if isinstance(value, list) and token is None:
        return _any_of(value)
    if isinstance(value, dict) and token is not None:
        return _constant(value[token]) if token in value else Resolved("absent", {}, tuple(value), certain=False)
    index = index_of(token) if isinstance(value, list) and token is not None else None
    if isinstance(value, list) and index is not None and index < len(value):
        return _constant(value[index])
    return _ABSENT


def _any_of(items: list[JsonValue]) -> Resolved:
    """Gives what the items of a constant array are: the very values where they are few, else their types."""
    if len(items) > _MOST_ITEMS:
        return Resolved("found", {"type": list(dict.fromkeys(map(type_of, items)))})
    return _either([_constant(item) for item in items]) if items else Resolved("found", NEVER)


def _constant(value: JsonValue) -> Resolved:
    return Resolved("found", {"type": type_of(value), "const": value})


def _property(schema: JsonSchema, token: str, base: JsonSchema) -> Resolved:
    properties = schema.get("properties")
    declared = properties if isinstance(properties, dict) else {}
    if token in declared:
        return _declared(subschema(declared[token]), base, certain=_requires(schema, token))
    patterns = schema.get("patternProperties")
    rest = schema.get("additionalProperties", True)
    if isinstance(patterns, dict) and patterns:
        return Resolved("unknown", {}, tuple(declared), certain=False)
    if isinstance(rest, dict) and rest:
        return replace(_declared(rest, base, certain=_requires(schema, token)), possible=tuple(declared))
    return Resolved("absent" if rest is False else "unknown", {}, tuple(declared), certain=False)


def _requires(schema: JsonSchema, token: str) -> bool:
    required = schema.get("required")
    return isinstance(required, list) and token in required


def _declared(schema: JsonSchema, base: JsonSchema, *, certain: bool) -> Resolved:
    if schema == NEVER:
        return _ABSENT
    return Resolved("found", standalone(schema, base), certain=certain)


def _item(schema: JsonSchema, token: str | None, base: JsonSchema) -> Resolved:
    if token is None:
        return _any_item(schema, base)
    index, most, least = index_of(token), schema.get("maxItems"), schema.get("minItems")
    if index is None:
        return _ABSENT
    if isinstance(most, int | float) and index >= most:
        return _ABSENT
    certain = isinstance(least, int | float) and index < least
    first = subschemas(schema.get("prefixItems"))
    if index < len(first):
        return _declared(first[index], base, certain=certain)
    return _declared(subschema(schema["items"]), base, certain=certain) if "items" in schema else _UNKNOWN


def _any_item(schema: JsonSchema, base: JsonSchema) -> Resolved:
    first = [_declared(item, base, certain=True) for item in subschemas(schema.get("prefixItems"))]
    rest = [_declared(subschema(schema["items"]), base, certain=True)] if "items" in schema else [_UNKNOWN]
    possible = [hit for hit in (*first, *rest) if hit.answer != "absent"]
    return _either(possible) if possible else Resolved("found", NEVER)


def _names(hits: Sequence[Resolved]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for hit in hits for name in hit.possible))


def _either(hits: Sequence[Resolved]) -> Resolved:
    answers = {hit.answer for hit in hits}
    if answers == {"absent"}:
        return Resolved("absent", {}, _names(hits), certain=False)
    if "unknown" in answers or not answers:
        return Resolved("unknown", {}, _names(hits), certain=False)
    found = [hit for hit in hits if hit.answer == "found"]
    certain = len(found) == len(hits) and all(hit.certain for hit in found)
    return Resolved("found", any_of(hit.schema for hit in found), _names(hits), certain=certain)


def _both(hits: Sequence[Resolved]) -> Resolved:
    found = [hit for hit in hits if hit.answer == "found"]
    if any(hit.answer == "absent" for hit in hits):
        return Resolved("absent", {}, _names(hits), certain=False)
    if not found:
        return Resolved("unknown", {}, _names(hits), certain=False)
    certain = any(hit.certain for hit in found)
    return Resolved("found", all_of(hit.schema for hit in found), _names(hits), certain=certain)
