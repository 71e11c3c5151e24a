"""GBNF, the grammar notation of llama.cpp: literals, alternatives, lists, and JSON by schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import cast

from pydantic import JsonValue

from dagwright.model import JsonSchema

MAX_DEPTH = 4
"""How deep JSON that a grammar admits may nest."""
LONGEST = 160
"""Characters of the longest free text."""


def literal(text: str) -> str:
    """Gives a GBNF expression that admits exactly `text`."""
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    )
    return f'"{escaped}"'


def constant(value: JsonValue) -> str:
    """Gives a GBNF expression that admits exactly the JSON of `value`."""
    return literal(json.dumps(value, ensure_ascii=False))


def either(options: Iterable[str]) -> str | None:
    """Gives the alternatives as one expression; None where there are none."""
    distinct = list(dict.fromkeys(options))
    if not distinct:
        return None
    return distinct[0] if len(distinct) == 1 else f"( {' | '.join(distinct)} )"


def list_of(item: str, *, least: int = 0, most: int = 8) -> str:
    """Gives an expression for a JSON list of `item`."""
    tail = f'( ", " {item} ){{{max(least - 1, 0)},{most - 1}}}'
    body = f"{item} {tail}"
    return f'"[" {body} "]"' if least else f'"[" ( {body} )? "]"'


def text(limit: int = LONGEST) -> str:
    """Gives an expression for a JSON string without control characters."""
    return f'"\\"" [^"\\\\\\x00-\\x1f]{{1,{limit}}} "\\""'


def number(schema: JsonSchema) -> str:
    """Gives an expression for a JSON number or integer."""
    whole = '"-"? ( "0" | [1-9] [0-9]{0,8} )'
    return whole if schema.get("type") == "integer" else f'{whole} ( "." [0-9]{{1,6}} )?'


def json_of(schema: JsonSchema, depth: int = 0) -> str | None:
    """Gives an expression for JSON that fits a schema; None for what it cannot express.

    Every string, number and list is bounded. What is admitted may still fail the schema
    (formats, patterns): the validator has the last word.
    """
    if "const" in schema:
        return constant(schema["const"])
    values = schema.get("enum")
    if isinstance(values, list):
        return either(constant(value) for value in values)
    for key in ("anyOf", "oneOf"):
        branches = schema.get(key)
        if isinstance(branches, list):
            found = [json_of(cast("JsonSchema", branch), depth) for branch in branches if isinstance(branch, dict)]
            return either(expression for expression in found if expression)
    kinds = schema.get("type")
    if isinstance(kinds, list):
        found = [json_of({**schema, "type": kind}, depth) for kind in kinds if kind != "null"]
        return either(expression for expression in found if expression)
    return _by_type(schema, kinds if isinstance(kinds, str) else None, depth)


def _by_type(schema: JsonSchema, kind: str | None, depth: int) -> str | None:
    if kind == "string":
        limit = schema.get("maxLength")
        return text(min(int(limit), LONGEST) if isinstance(limit, int) else LONGEST)
    if kind in {"number", "integer"}:
        return number(schema)
    if kind == "boolean":
        return '( "true" | "false" )'
    if kind == "null":
        return '"null"'
    if depth >= MAX_DEPTH:
        return None
    if kind == "array":
        inner = json_of(cast("JsonSchema", schema.get("items") or {}), depth + 1)
        least = schema.get("minItems")
        return list_of(inner, least=least if isinstance(least, int) else 0) if inner else '"[]"'
    if kind == "object":
        return _object(schema, depth)
    return either((text(), number({}), '"true"', '"false"'))


def _object(schema: JsonSchema, depth: int) -> str | None:
    properties = cast("Mapping[str, JsonSchema]", schema.get("properties") or {})
    required = cast("list[str]", schema.get("required") or [])
    members: list[str] = []
    for name in required:
        inner = json_of(properties.get(name, {}), depth + 1)
        if inner is None:
            return None
        members.append(f"{literal(json.dumps(name) + ': ')} {inner}")
    between = ' ", " '
    return f'"{{" {between.join(members)} "}}"' if members else '"{}"'
