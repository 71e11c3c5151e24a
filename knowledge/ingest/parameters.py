"""Parameters and body of an OpenAPI operation as the arguments of a tool."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, cast

from pydantic import JsonValue

from dagwright.model import JsonSchema
from knowledge.ingest.schema import Dangling, SchemaReader, resolve

Json = dict[str, JsonValue]
Location = Literal["path", "query", "header", "body"]

BODY = "body"
"""Name of the argument that is the whole JSON body."""
_ELSEWHERE = frozenset({"accept", "content-type", "authorization"})
"""Headers that OpenAPI says are not parameters."""


class Inexpressible(Exception):
    """Raised when an operation needs what a tool cannot say; the message says what."""


@dataclass
class Arguments:
    """Arguments as they are gathered: schemas, locations, which are required, and notes."""

    properties: dict[str, JsonSchema] = field(default_factory=dict[str, JsonSchema])
    locations: dict[str, Location] = field(default_factory=dict[str, Location])
    required: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])

    def schema(self) -> JsonSchema:
        """Gives the schema of all arguments, an object without further properties."""
        schema: JsonSchema = {
            "type": "object",
            "properties": cast("Json", self.properties),
            "additionalProperties": False,
        }
        return schema | ({"required": cast("JsonValue", list(self.required))} if self.required else {})

    def put(self, name: str, schema: JsonSchema, location: Location, *, required: bool) -> None:
        """Adds one argument."""
        self.properties[name] = schema
        self.locations[name] = location
        if required:
            self.required.append(name)


def json_content(content: JsonValue) -> Json | None:
    """Gives the media type object of the JSON among some media types, or None."""
    if not isinstance(content, dict):
        return None
    for name, media in content.items():
        kind = name.split(";")[0].strip().lower()
        if kind in {"application/json", "*/*"} or kind.endswith("+json"):
            return media if isinstance(media, dict) else {}
    return None


def kinds_of(content: JsonValue) -> str:
    """Gives the names of media types in words."""
    return ", ".join(content) if isinstance(content, dict) and content else "no media type"


def arguments_of(root: Json, reader: SchemaReader, item: Json, operation: Json, path: str) -> Arguments:
    """Gives the arguments of an operation.

    Raises:
        Inexpressible: it requires what a tool cannot say.
        Dangling: a reference points nowhere.
    """
    arguments = Arguments()
    in_path = _template_names(path)
    for parameter in _effective(root, item, operation):
        if parameter.get("in") == "path" and parameter.get("name") not in in_path:
            arguments.notes.append(f"path parameter {parameter.get('name')!r} is not in the path; left out")
        else:
            _add_parameter(arguments, reader, parameter)
    for name in in_path:
        if arguments.locations.get(name) != "path":
            if name in arguments.locations:
                raise Inexpressible(f"{name!r} is in the path and in the {arguments.locations[name]}")
            arguments.put(name, {"type": "string"}, "path", required=True)
            arguments.notes.append(f"path parameter {name!r} is not described; taken as text")
    if "requestBody" in operation:
        _add_body(arguments, reader, _object(root, operation["requestBody"], "requestBody"))
    return arguments


def _template_names(path: str) -> list[str]:
    return [part.split("}")[0] for part in path.split("{")[1:]]


def _effective(root: Json, item: Json, operation: Json) -> Iterable[Json]:
    """The path's parameters, overridden by the operation's."""
    found: dict[tuple[JsonValue, JsonValue], Json] = {}
    for holder in (item, operation):
        listed = holder.get("parameters") or []
        if not isinstance(listed, list):
            raise Inexpressible("its 'parameters' are not a list")
        for entry in listed:
            parameter = _object(root, entry, "parameter")
            found[str(parameter.get("name")), str(parameter.get("in"))] = parameter
    return found.values()


def _object(root: Json, value: JsonValue, what: str) -> Json:
    for _ in range(8):
        if not isinstance(value, dict):
            raise Inexpressible(f"its {what} is not an object")
        if not isinstance(value.get("$ref"), str):
            return value
        value = resolve(root, cast("str", value["$ref"]))
    raise Dangling(f"{what}: more than eight references in a row")


def _add_parameter(arguments: Arguments, reader: SchemaReader, parameter: Json) -> None:
    name, place = str(parameter.get("name", "")), parameter.get("in")
    required = parameter.get("required") is True or place == "path"
    if place == "header" and name.lower() in _ELSEWHERE:
        return
    obstacle = _obstacle(arguments, parameter)
    if obstacle and required:
        raise Inexpressible(f"parameter {name!r} {obstacle}")
    if obstacle:
        arguments.notes.append(f"optional parameter {name!r} {obstacle}; left out")
        return
    schema = reader.read(parameter.get("schema", {}), "request")
    described = parameter.get("description")
    if isinstance(described, str) and described.strip():
        schema = schema | {"description": described.strip()}
    arguments.put(name, schema, cast("Location", place), required=required)
    if parameter.get("explode") is False and schema.get("type") == "array":
        arguments.notes.append(f"list parameter {name!r} is sent as one parameter per element, not comma-separated")


def _obstacle(arguments: Arguments, parameter: Json) -> str | None:
    name, place = parameter.get("name"), parameter.get("in")
    if not isinstance(name, str) or not name:
        return "has no name"
    if place not in ("path", "query", "header"):
        return f"is in {place!r}, where no argument goes"
    if name in arguments.locations:
        return f"is in {place!r} and in {arguments.locations[name]!r} under one name"
    if name == BODY:
        return f"has the name {BODY!r}, which is the request's body"
    if "content" in parameter:
        return "is encoded as a media type"
    if parameter.get("style") in ("deepObject", "spaceDelimited", "pipeDelimited", "matrix", "label"):
        return f"has the style {parameter['style']!r}"
    return None


def _add_body(arguments: Arguments, reader: SchemaReader, body: Json) -> None:
    required = body.get("required") is True
    media = json_content(body.get("content"))
    if media is None:
        kinds = kinds_of(body.get("content"))
        if required:
            raise Inexpressible(f"its body must be {kinds}, not JSON")
        arguments.notes.append(f"optional body of {kinds}, not JSON; left out")
        return
    schema = reader.read(media.get("schema", {}), "request")
    if isinstance(body.get("description"), str) and "description" not in schema:
        schema = schema | {"description": body["description"]}
    arguments.put(BODY, schema, "body", required=required)
    if note := reader.cut_note("the body's schema"):
        arguments.notes.append(note)
