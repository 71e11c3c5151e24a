"""JSON Schema as a decoding constraint: what is enforced is allowed, all else is refused.

llama.cpp drops a constraint that its compiler does not know and decodes freely. So keywords are
allow-listed here, and a schema that uses another one is refused before anything is generated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import JsonValue

from dagwright.exceptions import ContentError
from dagwright.model import JsonSchema

ENFORCED = frozenset(
    {
        "$defs", "$ref", "additionalProperties", "anyOf", "const", "definitions", "enum", "exclusiveMaximum",
        "exclusiveMinimum", "items", "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum",
        "multipleOf", "pattern", "prefixItems", "properties", "required", "type",
    }
)  # fmt: skip
"""Keywords that decoding enforces."""

ANNOTATIONS = frozenset(
    {"$comment", "$id", "$schema", "default", "deprecated", "description", "examples", "readOnly", "title", "writeOnly"}
)
"""Keywords that constrain nothing."""

FORMATS = frozenset({"date", "date-time", "time", "uuid", "email", "ipv4", "ipv6", "uri", "hostname", "duration"})
"""Values of `format` that decoding enforces."""

LARGEST = 2**53 - 1
"""Numbers stay within this bound where the schema has none, or a small model may write digits for ever."""

_LOW, _HIGH = ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")
_MAPS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "prefixItems")
_SINGLE = ("items", "additionalProperties")


def json_grammar(schema: JsonSchema) -> str:
    """Gives a grammar that admits exactly the JSON texts that fit the schema, without free white space.

    Raises:
        ContentError: the schema uses keywords that cannot be enforced; all of them are listed.
    """
    refused = sorted(set(unenforceable(schema)))
    if refused:
        raise ContentError(
            f"this model cannot enforce {'; '.join(refused)}. Allowed are {', '.join(sorted(ENFORCED))}, "
            f"format with {', '.join(sorted(FORMATS))}, and annotations"
        )
    spaced: JsonSchema = {
        "x-guidance": {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "},
        **bounded(schema),
    }
    return "%llguidance {}\nstart: %json " + json.dumps(spaced, ensure_ascii=False, allow_nan=False)


def unenforceable(schema: JsonValue, path: str = "") -> Iterator[str]:
    """Gives every keyword that decoding would not enforce, with its place."""
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        if keyword == "format":
            if value not in FORMATS:
                yield f"'format': {value!r} at {path or '/'}"
        elif keyword not in ENFORCED and keyword not in ANNOTATIONS and not keyword.startswith("x-"):
            yield f"{keyword!r} at {path or '/'}"
        elif keyword == "$ref" and not str(value).startswith("#"):
            yield f"'$ref' to {value!r} at {path or '/'} (only references inside the schema)"
    for place, child in _children(schema):
        yield from unenforceable(child, f"{path}/{place}")


def bounded(schema: JsonSchema) -> JsonSchema:
    """Gives the schema with only the keywords that constrain, and with bounds on every number."""
    kept: JsonSchema = {}
    for keyword, value in schema.items():
        if keyword in ANNOTATIONS or keyword.startswith("x-"):
            continue
        if keyword in _MAPS and isinstance(value, dict):
            kept[keyword] = {name: _stripped(child) for name, child in value.items()}
        elif keyword in _LISTS and isinstance(value, list):
            kept[keyword] = [_stripped(child) for child in value]
        elif keyword in _SINGLE:
            kept[keyword] = _stripped(value)
        else:
            kept[keyword] = value
    return {**_missing_bounds(schema), **kept}


def _missing_bounds(schema: JsonSchema) -> JsonSchema:
    kinds = schema.get("type")
    if not {"integer", "number"} & set(map(str, kinds if isinstance(kinds, list) else [kinds])):
        return {}
    low: JsonSchema = {} if any(name in schema for name in _LOW) else {"minimum": -LARGEST}
    high: JsonSchema = {} if any(name in schema for name in _HIGH) else {"maximum": LARGEST}
    return {**low, **high}


def _stripped(schema: JsonValue) -> JsonValue:
    return bounded(schema) if isinstance(schema, dict) else schema


def _children(schema: JsonSchema) -> Iterator[tuple[str, JsonValue]]:
    for keyword in _MAPS:
        members = schema.get(keyword)
        if isinstance(members, dict):
            for name, child in members.items():
                yield f"{keyword}/{name}", child
    for keyword in _LISTS:
        members = schema.get(keyword)
        if isinstance(members, list):
            for index, child in enumerate(members):
                yield f"{keyword}/{index}", child
    for keyword in _SINGLE:
        yield keyword, schema.get(keyword)
