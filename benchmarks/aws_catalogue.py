"""AWS's operations as a catalogue: JSON Schemas from the service models' shapes, effects from the operations' verbs.

`required`, `min`, `max`, `enum`, `pattern` and `union` of a shape become keywords; a pattern that is no
regular expression of both Python and Rust says nothing. Structures, lists and maps are definitions of
the operation's schema, because shapes may contain themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from benchmarks.aws_models import Json, Service
from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.tool import Effect, HttpBinding, ToolSpec

TIMESTAMP = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$"
"""A moment as the examples write them; a number of seconds is one as well."""

_READS = (
    *("Describe", "List", "Get", "BatchGet", "Search", "Lookup", "Query", "Scan", "Check", "Test", "Verify"),
    *("Validate", "Head", "Select", "Detect", "Compare", "Recognize", "Resolve", "Discover", "Simulate", "Decrypt"),
)
_UNDONE_BY_NOTHING = ("Delete", "BatchDelete", "Terminate", "Purge", "Destroy", "Abort")
_KEYWORDS = {
    "string": {"min": "minLength", "max": "maxLength"},
    "list": {"min": "minItems", "max": "maxItems"},
    "map": {"min": "minProperties", "max": "maxProperties"},
    "number": {"min": "minimum", "max": "maximum"},
}
_NUMBERS = {"integer": "integer", "long": "integer", "float": "number", "double": "number"}


class Shapes:
    """A service's shapes as JSON Schemas."""

    def __init__(self, shapes: dict[str, Json]) -> None:
        self._shapes = shapes
        self._definitions: dict[str, Json] = {}
        self._inner: dict[str, frozenset[str]] = {}

    def whole(self, name: str | None) -> Json:
        """Gives the schema of an operation's input or output; of none, that of an empty object."""
        if name is None:
            return {"type": "object", "properties": {}, "additionalProperties": False}
        needed = self._reachable(name)
        schema = dict(self._definition(name))
        return {**schema, "$defs": {inner: self._definition(inner) for inner in sorted(needed)}} if needed else schema

    def _reachable(self, name: str) -> set[str]:
        found: set[str] = set()
        waiting = [name]
        while waiting:
            for inner in self._directly(waiting.pop()) - found:
                found.add(inner)
                waiting.append(inner)
        return found

    def _directly(self, name: str) -> frozenset[str]:
        if name not in self._inner:
            listed = (inner for inner in members_of(self._shapes[name]).values())
            self._inner[name] = frozenset(inner for inner in listed if is_container(self._shapes[inner]))
        return self._inner[name]

    def _definition(self, name: str) -> Json:
        if name not in self._definitions:
            self._definitions[name] = self._container(self._shapes[name])
        return self._definitions[name]

    def _schema(self, name: str) -> Json:
        shape = self._shapes[name]
        return {"$ref": f"#/$defs/{name}"} if is_container(shape) else scalar(shape)

    def _container(self, shape: Json) -> Json:
        if shape["type"] == "list":
            return {"type": "array", "items": self._schema(shape["member"]["shape"]), **bounds(shape, "list")}
        if shape["type"] == "map":
            names = scalar(self._shapes[shape["key"]["shape"]])
            inner = self._schema(shape["value"]["shape"])
            return {"type": "object", "propertyNames": names, "additionalProperties": inner, **bounds(shape, "map")}
        found: Json = {
            "type": "object",
            "properties": {name: self._schema(member["shape"]) for name, member in shape["members"].items()},
            "additionalProperties": False,
        }
        if shape.get("required"):
            found["required"] = list(shape["required"])
        return {**found, "minProperties": 1, "maxProperties": 1} if shape.get("union") else found


def members_of(shape: Json) -> dict[str, str]:
    """Gives the names of the shapes inside a shape, by member; of a list and a map under `*`."""
    if shape["type"] == "list":
        return {"*": shape["member"]["shape"]}
    if shape["type"] == "map":
        return {"*": shape["value"]["shape"]}
    return {name: member["shape"] for name, member in shape.get("members", {}).items()}


def is_container(shape: Json) -> bool:
    """Whether values of a shape hold others. A document may be any JSON."""
    return shape["type"] in ("structure", "list", "map") and not shape.get("document")


def scalar(shape: Json) -> Json:
    """Gives the schema of a shape that holds no others."""
    kind = shape["type"]
    if kind in _NUMBERS:
        return {"type": _NUMBERS[kind], **bounds(shape, "number")}
    if kind == "boolean":
        return {"type": "boolean"}
    if kind == "timestamp":
        return {"type": ["string", "number"], "pattern": TIMESTAMP}
    if kind == "blob":
        return {"type": "string"}
    if kind != "string":
        return {}
    found: Json = {"type": "string", **bounds(shape, "string")}
    if shape.get("enum"):
        found["enum"] = list(shape["enum"])
    if is_pattern(shape.get("pattern")):
        found["pattern"] = anchored(shape["pattern"])
    return found


def bounds(shape: Json, kind: str) -> Json:
    """Gives `min` and `max` of a shape as keywords."""
    return {keyword: shape[name] for name, keyword in _KEYWORDS[kind].items() if name in shape}


def anchored(pattern: str) -> str:
    """Gives a pattern of a service model as it is meant: over the whole text."""
    return f"^(?:{pattern})$"


def is_pattern(pattern: Any) -> bool:
    """Whether it is a regular expression of Python and of Rust."""
    if not isinstance(pattern, str):
        return False
    from jsonschema_rs import validator_for

    try:
        re.compile(anchored(pattern))
        validator_for({"pattern": anchored(pattern)})
    except Exception:  # noqa: BLE001 - both libraries have errors of their own
        return False
    return True


def effect_of(operation: str) -> Effect:
    """Gives what an operation changes, by its verb."""
    if operation.startswith(_READS):
        return "read"
    return "irreversible" if operation.startswith(_UNDONE_BY_NOTHING) else "external"


def catalogue_for(service: Service) -> Catalogue:
    """Gives a service's operations. They are planned with, never called."""
    shapes = Shapes(service.shapes)
    return catalogue_of(f"aws-{service.name}", (_spec(service, name, shapes) for name in sorted(service.operations)))


def _spec(service: Service, name: str, shapes: Shapes) -> ToolSpec:
    operation = service.operations[name]
    given = operation.get("input", {}).get("shape")
    noun = re.sub(r"^[A-Z][a-z]+", "", name) or name
    return ToolSpec(
        tool_name=service.name,
        operation=name,
        description=_sentence(operation.get("documentation", "")) or name,
        input_schema=shapes.whole(given),
        output_schema=shapes.whole(operation.get("output", {}).get("shape")),
        effect=effect_of(name),
        writes=tuple(_written(service, name, given)),
        facts_added=(f"{service.name}:{noun}",) if name.startswith("Create") else (),
        facts_removed=(f"{service.name}:{noun}",) if name.startswith("Delete") else (),
        idempotent=effect_of(name) == "read",
        capabilities=(service.name,),
        deprecated=bool(operation.get("deprecated")),
        binding=HttpBinding(method=operation["http"]["method"], url=f"https://{service.endpoint}.amazonaws.com/"),
    )


def _sentence(documentation: str) -> str:
    words = " ".join(re.sub(r"<[^>]*>", " ", documentation).split())
    return re.split(r"\s?\. ", words, maxsplit=1)[0][:400]


def _written(service: Service, name: str, given: str | None) -> Iterator[str]:
    """Gives the resource that an operation changes: the one that its first required text names."""
    if effect_of(name) == "read" or given is None:
        return
    shape = service.shapes[given]
    for member in shape.get("required", ()):
        inner = service.shapes[shape["members"][member]["shape"]]
        if inner["type"] == "string" and "enum" not in inner:
            yield f"{service.name}/{member}/{{{member}}}"
            return
