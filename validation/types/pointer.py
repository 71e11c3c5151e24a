"""Resolving a JSON Pointer through a schema, to the schema of the value at that place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import JsonValue

from dagwright.model import JsonSchema
from validation.types.schema import (
    NEVER,
    all_of,
    any_of,
    base_of,
    constants,
    referred,
    standalone,
    subschema,
    subschemas,
    tokens_of,
    type_of,
    types_of,
)

_DEPTH = 24
_COMBINING = ("$ref", "allOf", "anyOf", "oneOf")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


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
    """Gives what a schema says of the value at a JSON Pointer, through properties, items and unions.

    Local references into `$defs` are followed; the schema found carries those definitions along.
    """
    found = Resolved("found", schema)
    for token in tokens_of(pointer):
        hit = _member(found.schema, token, found.schema, _DEPTH)
        if hit.answer != "found":
            return replace(hit, at=token)
        found = hit if found.certain or not hit.certain else replace(hit, certain=False)
    return found


def _member(schema: JsonSchema, token: str, outer: JsonSchema, depth: int) -> Resolved:
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


def _own(schema: JsonSchema, token: str, base: JsonSchema) -> Resolved:
    values = constants(schema)
    if values is not None:
        return _either([_inside(value, token) for value in values])
    types = types_of(schema)
    hits: list[Resolved] = []
    if types is None or "object" in types:
        hits.append(_property(schema, token, base))
    if types is None or "array" in types:
        hits.append(_item(schema, token, base))
    if types is None:
        found = next((hit for hit in hits if hit.answer == "found"), None)
        return found or (_either(hits) if hits[1].answer == "absent" else Resolved("unknown", {}, _names(hits)))
    if types - {"object", "array"}:
        hits.append(_ABSENT)
    return hits[0] if len(hits) == 1 else _either(hits)


def _inside(value: JsonValue, token: str) -> Resolved:
    if isinstance(value, dict):
        return _constant(value[token]) if token in value else Resolved("absent", {}, tuple(value), certain=False)
    if isinstance(value, list) and _INDEX.fullmatch(token) and int(token) < len(value):
        return _constant(value[int(token)])
    return _ABSENT


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


def _item(schema: JsonSchema, token: str, base: JsonSchema) -> Resolved:
    if not _INDEX.fullmatch(token):
        return _ABSENT
    index, most, least = int(token), schema.get("maxItems"), schema.get("minItems")
    if isinstance(most, int | float) and index >= most:
        return _ABSENT
    certain = isinstance(least, int | float) and index < least
    first = subschemas(schema.get("prefixItems"))
    if index < len(first):
        return _declared(first[index], base, certain=certain)
    return _declared(subschema(schema["items"]), base, certain=certain) if "items" in schema else _UNKNOWN


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
