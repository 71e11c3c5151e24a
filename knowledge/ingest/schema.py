"""Schemas of an OpenAPI document as self-contained JSON Schema 2020-12."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, cast

from pydantic import JsonValue

from dagwright.model import JsonSchema

Json = dict[str, JsonValue]

Direction = Literal["request", "response"]
"""A request has no `readOnly` properties, a response no `writeOnly` ones."""

MAX_NODES = 1_000
"""Schemas inside one schema. A larger one is cut at the greatest of `DEPTHS` at which it is small enough."""
DEPTHS = (24, 12, 8, 6, 4, 3)
"""Nesting that is followed; what lies deeper accepts anything."""

_ONE = ("not", "if", "then", "else", "contains", "propertyNames", "additionalProperties", "unevaluatedProperties")
_MANY = ("allOf", "anyOf", "oneOf", "prefixItems")
_BY_NAME = ("properties", "patternProperties", "dependentSchemas")
_NAMING = frozenset({"$id", "$schema", "$anchor", "$dynamicAnchor", "$comment", "$defs", "definitions"})
_NOTING = frozenset({"example", "examples", "discriminator", "xml", "externalDocs", "deprecated"})
_REWRITTEN = frozenset({"nullable", "readOnly", "writeOnly"})
_DROPPED = _NAMING | _NOTING | _REWRITTEN
_MERGEABLE = frozenset({"type", "properties", "required", "title", "description"})


class Dangling(Exception):
    """Raised when a `$ref` points nowhere, or out of the document."""


def resolve(root: Json, reference: str) -> JsonValue:
    """Gives what a local JSON Pointer reference (`#/components/…`) points at.

    Raises:
        Dangling: it points nowhere, or out of the document.
    """
    if not reference.startswith("#/"):
        raise Dangling(f"$ref {reference!r} leaves the document; only '#/…' can be followed")
    found: JsonValue = root
    for token in reference[2:].split("/"):
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        else:
            raise Dangling(f"$ref {reference!r} points nowhere: there is no {key!r}")
    return found


class SchemaReader:
    """Inlines references and rewrites OpenAPI 3.0 keywords. `cuts` tells where a schema was cut short."""

    def __init__(self, root: Json) -> None:
        self._root = root
        self._stack: list[str] = []
        self._direction: Direction = "request"
        self._nodes = 0
        self._deepest = DEPTHS[0]
        self._finished: dict[tuple[str, Direction], tuple[JsonSchema, int]] = {}
        self.cuts: list[str] = []

    def read(self, schema: JsonValue, direction: Direction) -> JsonSchema:
        """Gives a schema without references.

        Recursion is followed once: inside itself, a schema accepts anything. So does what lies
        too deep; `cuts` tells of both.

        Raises:
            Dangling: a reference points nowhere.
        """
        self._direction = direction
        found: JsonSchema = {}
        for depth in DEPTHS:
            self._nodes, self._deepest, self.cuts, self._stack = 0, depth, [], []
            found = self._schema(schema, 0)
            if self._nodes <= MAX_NODES:
                break
        return found

    def cut_note(self, what: str) -> str | None:
        """Gives what is to be said of the schema that was read last; None where it is whole."""
        cuts = "; ".join(dict.fromkeys(self.cuts))
        return f"{what} is cut: {cuts}" if cuts else None

    def _schema(self, schema: JsonValue, depth: int) -> JsonSchema:
        if isinstance(schema, bool):
            return {} if schema else {"not": {}}
        if not isinstance(schema, dict):
            raise Dangling(f"a schema must be an object, not {type(schema).__name__}")
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > self._deepest:
            self.cuts.append(f"deeper than {self._deepest} schemas, or more than {MAX_NODES} of them")
            return {}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            return {**self._referenced(reference, depth), **(self._plain(beside, depth) if beside else {})}
        return self._plain(schema, depth)

    def _referenced(self, reference: str, depth: int) -> JsonSchema:
        key = (reference, self._direction)
        if key in self._finished and self._nodes + self._finished[key][1] <= MAX_NODES:
            schema, size = self._finished[key]
            self._nodes += size
            return schema
        name = reference.rsplit("/", 1)[-1]
        if reference in self._stack:
            self.cuts.append(f"{name} contains itself")
            return {"description": f"a {name} again; not described further"}
        cuts, nodes = len(self.cuts), self._nodes
        self._stack.append(reference)
        schema = self._schema(resolve(self._root, reference), depth + 1)
        self._stack.pop()
        if len(self.cuts) == cuts:  # a cut depends on where the schema stands
            self._finished[key] = (schema, self._nodes - nodes)
        return schema

    def _plain(self, schema: Json, depth: int) -> JsonSchema:
        result: JsonSchema = {key: value for key, value in schema.items() if self._kept(key)}
        for key in _ONE:
            if isinstance(schema.get(key), dict):
                result[key] = self._schema(schema[key], depth + 1)
        items = schema.get("items")
        if isinstance(items, dict):
            result["items"] = self._schema(items, depth + 1)
        for key in _MANY:
            parts = schema.get(key)
            if isinstance(parts, list):
                result[key] = [self._schema(part, depth + 1) for part in parts]
        for key in _BY_NAME:
            named = schema.get(key)
            if isinstance(named, dict):
                result[key] = {name: self._schema(part, depth + 1) for name, part in self._visible(named)}
        return _merged(_modern(result, nullable=schema.get("nullable") is True))

    @staticmethod
    def _kept(key: str) -> bool:
        return key not in _DROPPED and not key.startswith("x-")

    def _visible(self, properties: Json) -> Iterable[tuple[str, JsonValue]]:
        hidden = "readOnly" if self._direction == "request" else "writeOnly"
        for name, schema in properties.items():
            if not (isinstance(schema, dict) and schema.get(hidden) is True):
                yield name, schema


def _modern(schema: JsonSchema, *, nullable: bool) -> JsonSchema:
    """Rewrites what OpenAPI 3.0 says otherwise than JSON Schema 2020-12."""
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        flag = schema.get(exclusive)
        if isinstance(flag, bool):
            del schema[exclusive]
            if flag and limit in schema:
                schema[exclusive] = schema.pop(limit)
    if schema.get("type") == "file":
        schema["type"] = "string"
    _without_hidden_requirements(schema)
    return _nullable(schema) if nullable else schema


def _without_hidden_requirements(schema: JsonSchema) -> None:
    """Drops what cannot be required: names of hidden properties, and the boolean of older drafts."""
    required, properties = schema.get("required"), schema.get("properties")
    if required is None:
        return
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    if isinstance(properties, dict):
        names = [name for name in names if name in properties]
    schema.pop("required")
    if names:
        schema["required"] = cast("list[JsonValue]", list(dict.fromkeys(names)))


def _nullable(schema: JsonSchema) -> JsonSchema:
    kind, choices = schema.get("type"), schema.get("enum")
    if not isinstance(kind, str):
        return {"anyOf": [schema, {"type": "null"}]} if schema else schema
    if isinstance(choices, list) and None not in choices:
        schema["enum"] = [*choices, None]
    schema["type"] = [kind, "null"]
    return schema


def _merged(schema: JsonSchema) -> JsonSchema:
    """Gives an `allOf` of plain objects as one object, which is the same and easier to read."""
    parts = schema.get("allOf")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return schema
    around: JsonSchema = {key: value for key, value in schema.items() if key != "allOf"}
    objects = [cast("Json", part) for part in parts]
    if len(objects) == 1 and not set(around) - {"title", "description"}:
        return {**objects[0], **around}
    if not all(_is_plain_object(part) for part in (*objects, around)):
        return schema
    names: list[str] = [name for part in objects for name in cast("Json", part.get("properties", {}))]
    if len(names) != len(set(names)):
        return schema
    return _joined(objects, around)


def _is_plain_object(part: Json) -> bool:
    return not set(part) - _MERGEABLE and part.get("type", "object") == "object"


def _joined(objects: list[Json], around: Json) -> JsonSchema:
    properties: Json = {}
    required: list[str] = []
    merged: Json = {}
    for part in (*objects, around):
        properties |= cast("Json", part.get("properties", {}))
        required += cast("list[str]", part.get("required", []))
        merged |= {key: part[key] for key in ("title", "description") if key in part}
    merged["type"] = "object"
    merged["properties"] = properties
    if required:
        merged["required"] = [*dict.fromkeys(required)]
    return merged
