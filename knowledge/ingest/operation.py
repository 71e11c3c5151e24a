"""One operation of an OpenAPI document as a `ToolSpec`, with every assumption said in a note."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any, Literal, cast

from pydantic import JsonValue, ValidationError

from dagwright.label import FieldLabel, Label
from dagwright.model import JsonSchema
from dagwright.tool import Effect, HttpBinding, Retry, Role, ToolSpec
from knowledge.ingest.parameters import Arguments, Inexpressible, arguments_of, json_content, kinds_of
from knowledge.ingest.schema import SchemaReader, resolve
from knowledge.ingest.security import Credential, credential_of

Json = dict[str, JsonValue]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]

READS = frozenset({"GET", "HEAD"})
REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_REMOVAL = ("x-sunset", "x-sunset-date", "x-removal-date", "removalDate")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TAG = re.compile(
    r"</?(?:p|br|b|i|em|strong|ul|ol|li|code|pre|a|h[1-6]|div|span|table|tr|td|th)\b[^<>]{0,200}>", re.IGNORECASE
)


class OperationReader:
    """Reads the operations of one document under one API name."""

    def __init__(self, document: Json, *, api: str, version: str, base_url: str) -> None:
        self._document = document
        self._api = api
        self._version = version
        self._base = base_url.rstrip("/")
        self._schemas = SchemaReader(document)

    def read(self, name: str, path: str, method: Method, item: Json, operation: Json) -> tuple[ToolSpec, list[str]]:
        """Gives the tool and the notes about it.

        Raises:
            Inexpressible: it needs what a tool cannot say.
            Dangling: a reference points nowhere.
        """
        arguments = arguments_of(self._document, self._schemas, item, operation, path)
        output, output_notes = self._output(operation)
        credential, security_note = credential_of(self._document, operation)
        fields = self._contract(method, path, operation, arguments, credential) | self._effects(method, path, arguments)
        tool = _tool(tool_name=self._api, operation=name, output_schema=output, **fields)
        _check(tool)
        return tool, [*arguments.notes, *output_notes, *([security_note] if security_note else [])]

    def _contract(
        self, method: Method, path: str, operation: Json, arguments: Arguments, credential: Credential | None
    ) -> dict[str, Any]:
        label = Label(integrity="untrusted", confidentiality="tenant" if credential else "public")
        binding = HttpBinding(method=method, url=f"{self._base}{path}", locations=dict(arguments.locations))
        if credential:
            named = {"credential": f"{self._api}_{credential.scheme}"}
            carried = {"credential_header": credential.header, "credential_prefix": credential.prefix}
            binding = binding.model_copy(update=named | carried)
        return {
            "version": self._version,
            "description": _description(method, path, operation),
            "input_schema": arguments.schema(),
            "output_labels": (FieldLabel(path="", label=label),),
            "capabilities": ("http", *_tags(operation)),
            "deprecated": operation.get("deprecated") is True,
            "valid_to": _removal_day(operation),
            "binding": binding,
        }

    def _effects(self, method: Method, path: str, arguments: Arguments) -> dict[str, Any]:
        reads = method in READS
        effect: Effect = "read" if reads else "irreversible" if method == "DELETE" else "external"
        resource = (f"{self._base}{path}",)
        return {
            "effect": effect,
            "reads": resource if reads else (),
            "writes": () if reads else resource,
            "roles": {name: _role(place, reads=reads) for name, place in arguments.locations.items()},
            "idempotent": method in REPEATABLE,
            "retry": Retry(attempts=3 if method in REPEATABLE else 1),
        }

    def _output(self, operation: Json) -> tuple[JsonSchema, list[str]]:
        properties: Json = {"status": {"type": "integer", "description": "HTTP status"}}
        required: list[JsonValue] = ["status"]
        body, note = self._response_body(operation)
        if body is not None:
            properties["body"] = body
            required.append("body")
        return {"type": "object", "properties": properties, "required": required}, [note] if note else []

    def _response_body(self, operation: Json) -> tuple[JsonSchema | None, str | None]:
        code, response = _success(self._document, operation)
        if response is None:
            return {}, "no successful response is described; its body may be anything"
        content = response.get("content")
        if not content:
            return (None, None) if code != "default" else ({}, "only a default response without content is described")
        media = json_content(content)
        if media is None:
            return {"type": "string"}, f"its response is {kinds_of(content)}, not JSON; taken as text"
        schema = self._schemas.read(media.get("schema", {}), "response")
        return schema, self._schemas.cut_note("the response's schema")


def _role(place: str, *, reads: bool) -> Role:
    return "data" if reads or place == "body" else "control"


def _success(root: Json, operation: Json) -> tuple[str, Json | None]:
    responses = operation.get("responses")
    if not isinstance(responses, dict):
        return "", None
    codes = sorted(str(code) for code in responses if str(code).upper().startswith("2"))
    for code in (*codes, "default"):
        response = responses.get(code)
        if isinstance(response, dict) and isinstance(response.get("$ref"), str):
            response = resolve(root, cast("str", response["$ref"]))
        if isinstance(response, dict):
            return code, response
    return "", None


def _tool(**fields: Any) -> ToolSpec:
    try:
        return ToolSpec(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise Inexpressible(f"{'/'.join(map(str, first['loc']))}: {first['msg']}") from error


def _check(tool: ToolSpec) -> None:
    """Refuses a tool whose schemas no validator could use."""
    import jsonschema_rs

    for which, schema in (("arguments", tool.input_schema), ("response", tool.output_schema)):
        try:
            jsonschema_rs.meta.validate(schema)
            jsonschema_rs.Draft202012Validator(schema)
        except Exception as error:
            reason = str(error).splitlines()[0]
            raise Inexpressible(f"the schema of its {which} is not valid JSON Schema: {reason}") from error


def _description(method: str, path: str, operation: Json) -> str:
    summary = _prose(operation.get("summary")).rstrip(".")
    details = _prose(operation.get("description"))
    if details.rstrip(".").lower().startswith(summary.lower()):
        summary = ""
    text = ". ".join(part for part in (summary, details) if part) or f"{method} {path}"
    return (text if text.endswith((".", "!", "?")) else f"{text}.")[:4_000]


def _prose(value: JsonValue) -> str:
    return _TAG.sub("", value).strip() if isinstance(value, str) else ""


def _tags(operation: Json) -> Iterable[str]:
    tags = operation.get("tags")
    return [str(tag) for tag in tags] if isinstance(tags, list) else []


def _removal_day(operation: Json) -> date | None:
    """The day from which it is gone, where an extension says so."""
    github = operation.get("x-github")
    holders = (operation, github) if isinstance(github, dict) else (operation,)
    for holder in holders:
        for key in _REMOVAL:
            found = _DAY.match(str(holder.get(key, "")))
            if found:
                return date.fromisoformat(found.group())
    return None
