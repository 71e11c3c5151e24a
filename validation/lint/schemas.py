"""Lint of schemas: contradictions, patterns, formats, references (L101-L107)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

from dagwright.finding import Finding
from dagwright.model import JsonSchema
from dagwright.value import tokens_of
from validation.lint.codes import flaw
from validation.types.schema import pointer_of, words

FORMATS: Final = frozenset(
    (
        *("date-time", "date", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6"),
        *("uri", "uri-reference", "iri", "iri-reference", "uri-template", "uuid", "regex"),
        *("json-pointer", "relative-json-pointer"),
        *("int32", "int64", "float", "double", "byte", "binary", "password"),  # OpenAPI's
        "run-path",  # a path inside the run's folder
    )
)
"""Formats that are known."""

_NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTED = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = (
    *("items", "additionalProperties", "contains", "not", "if", "then", "else", "propertyNames"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
_BOUNDS: Final = (
    ("minimum", "maximum", False),
    ("exclusiveMinimum", "maximum", True),
    ("minimum", "exclusiveMaximum", True),
    ("exclusiveMinimum", "exclusiveMaximum", True),
    ("minLength", "maxLength", False),
    ("minItems", "maxItems", False),
    ("minProperties", "maxProperties", False),
    ("minContains", "maxContains", False),
)
"""Lower bound, upper bound, and whether both being equal leaves nothing."""
MAX_SCHEMAS: Final = 20_000
"""Subschemas of one schema that are looked at."""
MAX_DEPTH: Final = 100
"""Levels of nesting down to which they are."""


def schema_flaws(schema: JsonSchema, path: str, of: str) -> Iterator[Finding]:
    """Gives what contradicts itself in a schema.

    Args:
        schema: the schema; references are resolved in it.
        path: its place in the catalogue.
        of: what it belongs to, in words.
    """
    for number, (inside, part) in enumerate(subschemas_of(schema)):
        if number >= MAX_SCHEMAS:
            return
        place, name = f"{path}{inside}", f"{of}, at {inside or '/'!r}"
        yield from _required(part, place, name)
        yield from _bounds(part, place, name)
        yield from _patterns(part, place, name)
        yield from _reference(schema, part, place, name)
        yield from _values(schema, part, place, name)


def subschemas_of(schema: JsonSchema) -> Iterator[tuple[str, JsonSchema]]:
    """Gives a schema and all that lie in it, each with its place, outer ones first."""
    waiting: list[tuple[str, JsonValue, int]] = [("", schema, 0)]
    while waiting:
        path, part, depth = waiting.pop()
        if isinstance(part, dict) and depth <= MAX_DEPTH:
            yield path, part
            waiting.extend((place, item, depth + 1) for place, item in reversed(list(_members(path, part))))


def _members(path: str, part: JsonSchema) -> Iterator[tuple[str, JsonValue]]:
    for keyword in _NAMED:
        found = part.get(keyword)
        if isinstance(found, dict):
            yield from ((path + pointer_of(keyword, name), item) for name, item in found.items())
    for keyword in _LISTED:
        found = part.get(keyword)
        if isinstance(found, list):
            yield from ((path + pointer_of(keyword, index), item) for index, item in enumerate(found))
    yield from ((path + pointer_of(keyword), part[keyword]) for keyword in _SINGLE if keyword in part)


def _required(part: JsonSchema, place: str, name: str) -> Iterator[Finding]:
    properties = part.get("properties")
    known = properties if isinstance(properties, dict) else {}
    closed = part.get("additionalProperties") is False and not part.get("patternProperties")
    for index, required in enumerate(words(part.get("required"))):
        if known.get(required) is False or (closed and required not in known):
            yield flaw("L101", f"{place}/required/{index}", f"{name}: {required!r} is required, but not allowed")


def _bounds(part: JsonSchema, place: str, name: str) -> Iterator[Finding]:
    for low, high, strict in _BOUNDS:
        least, most = _number(part.get(low)), _number(part.get(high))
        if least is not None and most is not None and (least > most or (strict and least == most)):
            yield flaw("L103", place + pointer_of(low), f"{name}: {low} {least} leaves nothing below {high} {most}")


def _number(value: JsonValue) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _patterns(part: JsonSchema, place: str, name: str) -> Iterator[Finding]:
    pattern, named = part.get("pattern"), part.get("patternProperties")
    found = [("pattern", pattern)] if isinstance(pattern, str) else []
    found += [(pointer_of("patternProperties", key)[1:], key) for key in (named if isinstance(named, dict) else ())]
    for where, text in found:
        if not _compiles({"pattern": text}):
            yield flaw("L105", f"{place}/{where}", f"{name}: {text!r} is no regular expression")
    known = part.get("format")
    if isinstance(known, str) and known not in FORMATS:
        yield flaw("L106", f"{place}/format", f"{name}: nothing is known of format {known!r}")


def _reference(root: JsonSchema, part: JsonSchema, place: str, name: str) -> Iterator[Finding]:
    reference = part.get("$ref")
    if isinstance(reference, str) and (not reference.startswith("#") or not _leads(root, reference[1:])):
        yield flaw("L107", f"{place}/$ref", f"{name}: {reference!r} leads nowhere in this schema")


def _leads(root: JsonSchema, pointer: str) -> bool:
    found: JsonValue = root
    for token in tokens_of(pointer):
        if isinstance(found, dict) and token in found:
            found = found[token]
        elif isinstance(found, list) and token.isdecimal() and int(token) < len(found):
            found = found[int(token)]
        else:
            return False
    return isinstance(found, dict | bool)


def _values(root: JsonSchema, part: JsonSchema, place: str, name: str) -> Iterator[Finding]:
    listed = part.get("enum")
    options = [(f"/enum/{index}", value) for index, value in enumerate(listed)] if isinstance(listed, list) else []
    options += [("/const", part["const"])] if "const" in part else []
    # Where constant and list stand together, each is held against the other.
    rest = {key: value for key, value in part.items() if key not in ("enum", "const")}
    for where, value in options:
        others = rest | ({"const": part["const"]} if "const" in part and "enum" in where else {})
        if not _fits(root, others, value):
            yield flaw("L102", place + where, f"{name}: {value!r} can never be used, the schema's rest excludes it")
    if "default" in part and not _fits(root, part, part["default"]):
        yield flaw("L104", f"{place}/default", f"{name}: the default {part['default']!r} does not fit the schema")


def _fits(root: JsonSchema, part: JsonSchema, value: JsonValue) -> bool:
    """Whether a value fits a part of a schema; also where the part is none that could be checked against."""
    from jsonschema_rs import Draft202012Validator

    if value is None and part.get("nullable") is True:
        return True
    carried = {key: root[key] for key in ("$defs", "definitions") if key in root}
    try:
        return Draft202012Validator({**part, **carried}, validate_formats=True).is_valid(value)
    except Exception:  # noqa: BLE001 - the library has several classes of its own; what is wrong has its own code
        return True


def _compiles(schema: JsonSchema) -> bool:
    from jsonschema_rs import Draft202012Validator

    try:
        Draft202012Validator(schema)
    except Exception:  # noqa: BLE001 - the library has several classes of its own
        return False
    return True
