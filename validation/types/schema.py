"""What every part of the type system reads from a JSON Schema: its types, its references, equality."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import JsonValue

from dagwright.model import JsonSchema
from dagwright.value import tokens_of

NEVER: JsonSchema = {"not": {}}
"""The schema that no value fulfils."""

_SINGLE = {name: frozenset((name,)) for name in ("null", "boolean", "integer", "number", "string", "array", "object")}
DEFINITIONS = ("$defs", "definitions")
"""Keywords under which definitions stand, in 2020-12 and in older drafts."""


def subschema(value: JsonValue) -> JsonSchema:
    """Gives what stands at a schema's place as a schema: `true` is `{}`, `false` is `NEVER`."""
    if isinstance(value, dict):
        return value
    return NEVER if value is False else {}


def subschemas(value: JsonValue) -> list[JsonSchema]:
    """Gives a list of schemas (`anyOf`, `prefixItems` …); nothing for anything else."""
    return [subschema(item) for item in value] if isinstance(value, list) else []


def named_schemas(schema: JsonSchema, keyword: str) -> dict[str, JsonSchema]:
    """Gives the schemas by name under a keyword such as `properties`."""
    found = schema.get(keyword)
    if not isinstance(found, dict):
        return {}
    return {name: item if isinstance(item, dict) else subschema(item) for name, item in found.items()}


def words(value: JsonValue) -> tuple[str, ...]:
    """Gives the texts of a list (`required`, `type`), or one text as a tuple."""
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def type_of(value: JsonValue) -> str:
    """Gives the type of a JSON value; a number without a fractional part is an integer."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) or value.is_integer() else "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def types_of(schema: JsonSchema) -> frozenset[str] | None:
    """Gives the types that a schema names, from `type`, `nullable`, `const` or `enum`; None if none of them."""
    kind = schema.get("type")
    if isinstance(kind, str) and "nullable" not in schema:
        return _SINGLE.get(kind) or frozenset((kind,))
    named = words(kind)
    if named:
        return frozenset((*named, "null")) if schema.get("nullable") is True else frozenset(named)
    values = constants(schema)
    return None if values is None else frozenset(type_of(value) for value in values)


def constants(schema: JsonSchema) -> list[JsonValue] | None:
    """Gives the values of `const` or `enum`; None where the schema has neither."""
    if "const" in schema:
        return [schema["const"]]
    found = schema.get("enum")
    return found if isinstance(found, list) else None


def is_nullable(schema: JsonSchema) -> bool:
    """Whether a schema names null among its types, or names no types."""
    found = types_of(schema)
    if found is not None:
        return "null" in found
    branches = [*subschemas(schema.get("anyOf")), *subschemas(schema.get("oneOf"))]
    return any(map(is_nullable, branches)) if branches else True


def or_null(schema: JsonSchema) -> JsonSchema:
    """Gives a schema that also allows null."""
    if is_nullable(schema):
        return schema
    named = words(schema.get("type"))
    if not named or any(keyword in schema for keyword in ("anyOf", "oneOf", "allOf", "not", "$ref")):
        return {"anyOf": [schema, {"type": "null"}]}
    types: list[JsonValue] = [*named, "null"]
    found: JsonSchema = {**schema, "type": types}
    values = constants(found)
    if values is not None:
        found.pop("const", None)
        found["enum"] = [*values, None]
    return found


def any_of(schemas: Iterable[JsonSchema]) -> JsonSchema:
    """Gives the union of schemas, the same one only once."""
    distinct: list[JsonSchema] = []
    for schema in schemas:
        if not any(json_equal(schema, other) for other in distinct):
            distinct.append(schema)
    return distinct[0] if len(distinct) == 1 else {"anyOf": list(distinct)}


def all_of(schemas: Iterable[JsonSchema]) -> JsonSchema:
    """Gives the intersection of schemas; those that say nothing are left out."""
    telling = [schema for schema in schemas if schema]
    if not telling:
        return {}
    return telling[0] if len(telling) == 1 else {"allOf": list(telling)}


def json_equal(left: JsonValue, right: JsonValue) -> bool:
    """Whether two values are equal as JSON: 1 equals 1.0, but not true."""
    if left is right:
        return True
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(json_equal(item, right[name]) for name, item in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(json_equal, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def base_of(schema: JsonSchema, outer: JsonSchema) -> JsonSchema:
    """Gives the schema in which local references of `schema` are looked up."""
    return schema if "$defs" in schema or "definitions" in schema else outer


def referred(reference: JsonValue, base: JsonSchema) -> JsonSchema | None:
    """Gives the schema that a local reference into `$defs` or `definitions` names, else None."""
    if not isinstance(reference, str) or not reference.startswith(("#/$defs/", "#/definitions/")):
        return None
    found: JsonValue = base
    for token in tokens_of(reference[1:]):
        if isinstance(found, dict):
            found = found.get(token)
        elif isinstance(found, list) and token.isdecimal() and int(token) < len(found):
            found = found[int(token)]
        else:
            return None
    return subschema(found) if isinstance(found, dict | bool) else None


def standalone(schema: JsonSchema, base: JsonSchema) -> JsonSchema:
    """Gives a part of `base` that can be understood alone: with the definitions of `base`."""
    if base_of(base, schema) is schema or base_of(schema, base) is schema:
        return schema
    carried: JsonSchema = {keyword: base[keyword] for keyword in DEFINITIONS if keyword in base}
    return {**schema, **carried} if carried and schema else schema


def pointer_of(*tokens: str | int) -> str:
    """Gives the JSON Pointer with these tokens."""
    if len(tokens) == 1 and isinstance(token := tokens[0], str) and "/" not in token and "~" not in token:
        return f"/{token}"
    plain = "".join([f"/{token}" for token in tokens])
    if plain.count("/") == len(tokens) and "~" not in plain:
        return plain
    return "".join([f"/{str(token).replace('~', '~0').replace('/', '~1')}" for token in tokens])
