"""How much a value can say: `narrow` types hold no message."""

from __future__ import annotations

from dagwright.model import JsonSchema
from dagwright.policy import Width
from validation.types.schema import constants, referred, subschema, subschemas, types_of

_NARROW = frozenset(("boolean", "integer", "null", "number"))
_DEPTH = 8


def width_of(schema: JsonSchema) -> Width:
    """Gives `narrow` for a schema that allows only numbers, booleans, null or a closed set; else `free`.

    A list is free: many numbers spell a text.
    """
    return "narrow" if _is_narrow(schema, schema, 0) else "free"


def _is_narrow(schema: JsonSchema, base: JsonSchema, depth: int) -> bool:
    if depth > _DEPTH:
        return False
    if constants(schema) is not None:
        return True
    named = referred(schema["$ref"], base) if "$ref" in schema else None
    if named is not None:
        return _is_narrow(subschema(named), base, depth + 1)
    for keyword in ("anyOf", "oneOf"):
        branches = subschemas(schema.get(keyword))
        if branches:
            return all(_is_narrow(branch, base, depth + 1) for branch in branches)
    types = types_of(schema)
    return types is not None and types <= _NARROW
