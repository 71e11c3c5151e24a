"""What may be told of outputs without telling the outputs: types, sizes, small safe scalars.

Text and names from an untrusted source never get through, so nothing written there can reach a
planner: only names and words that the step's schema already held before it ran.
"""

from __future__ import annotations

from pydantic import JsonValue

from dagwright.model import JsonSchema

MAX_NAMES = 40
"""Names of columns or members shown."""

MAX_TEXT = 120
"""Characters of a trusted text shown."""


def summary_of(outputs: dict[str, JsonValue], schema: JsonSchema, *, trusted: bool) -> dict[str, JsonValue]:
    """Gives a summary per named output that the schema knows.

    `trusted`: whether the outputs' integrity is trusted, so that short texts may be shown.
    """
    known = _object(schema.get("properties"))
    return {name: _summary(outputs[name], _object(part), trusted) for name, part in known.items() if name in outputs}


def _summary(value: JsonValue, schema: JsonSchema, trusted: bool) -> JsonValue:
    if value is None or isinstance(value, bool | int | float):
        return {"type": _type(value), "value": value}
    if isinstance(value, str):
        enum = schema.get("enum")
        shown = (trusted and len(value) <= MAX_TEXT) or (isinstance(enum, list) and value in enum)
        found: dict[str, JsonValue] = {"type": "string", "length": len(value)}
        return {**found, "value": value.replace("${", "$ {")} if shown else found
    if isinstance(value, list):
        if value and all(isinstance(row, dict) for row in value):
            names = dict.fromkeys(name for row in value[:100] if isinstance(row, dict) for name in row)
            return {"type": "table", "rows": len(value), **_names("columns", names, _object(schema.get("items")))}
        return {"type": "array", "length": len(value)}
    return {"type": "object", **_names("members", dict.fromkeys(value), schema)}


def _names(word: str, names: dict[str, None], schema: JsonSchema) -> dict[str, JsonValue]:
    known = _object(schema.get("properties"))
    shown: list[JsonValue] = []
    shown.extend(name.replace("${", "$ {") for name in list(names)[:MAX_NAMES] if name in known)
    hidden = len(names) - len(shown)
    return {word: shown, "others": hidden} if hidden else {word: shown}


def _type(value: JsonValue) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "number"


def _object(value: JsonValue) -> JsonSchema:
    return value if isinstance(value, dict) else {}
