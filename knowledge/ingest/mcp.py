"""Tools of an MCP server as a catalogue, with safe assumptions where the server says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import JsonValue, ValidationError

from dagwright.binding import McpBinding, McpCommand, McpServer, mcp_definition
from dagwright.catalogue import Catalogue
from dagwright.exceptions import CatalogueError
from dagwright.hosts import bracketed
from dagwright.label import FieldLabel, Label
from dagwright.model import JsonSchema
from dagwright.policy import Policy, Rule
from dagwright.reach import Destination, destinations
from dagwright.tool import Effect, Retry, ToolSpec
from knowledge.document import Document, documents_of
from knowledge.ingest.naming import CATALOGUE_NAME, RIGHT_NAME, operation_name
from knowledge.ingest.schema import Dangling, SchemaReader

Json = dict[str, JsonValue]

_TEXT: JsonSchema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}

ASSUMPTIONS = (
    "what the server says of its tools (readOnlyHint, destructiveHint, idempotentHint) is taken at its word; "
    "look at the catalogue before you allow what it calls reading",
    "a tool that says nothing of what it changes has an effect outside, is not idempotent and is tried once",
    "arguments of tools that change something decide what is done (role control); those of the others are data",
    "everything that a tool answers is untrusted; what a program or a server with a credential answers is "
    "confidential to the tenant",
    "a tool whose description or schema changes later is refused until it is imported again",
)
"""What is assumed of every server, because MCP does not say it."""


@dataclass(frozen=True)
class McpImport:
    """What became of a server's tools."""

    catalogue: Catalogue
    """One operation of tool `name` per tool that can be expressed."""
    documents: tuple[Document, ...]
    """One document per operation."""
    policy: Policy
    """A policy to begin with: the server is allowed, and whatever does not only read is asked about."""
    notes: tuple[str, ...]
    """Every assumption, and every tool that was left out, with the reason."""


def import_mcp(
    tools: Iterable[Mapping[str, Any]], *, name: str, server: McpServer, version: str | None = None
) -> McpImport:
    """Makes a catalogue, documents and a policy of what a server answered to `tools/list`.

    Args:
        tools: the tools as JSON (`name`, `description`, `inputSchema`, `outputSchema`, `annotations`).
        name: the `tool_name` of all operations.
        server: where the tools are; credentials by name.
        version: the server's version, if it says one.

    Raises:
        CatalogueError: the name is none, or no tool can be expressed.
    """
    if not CATALOGUE_NAME.fullmatch(name):
        raise CatalogueError(name, [f"the name {name!r} {RIGHT_NAME}"])
    made: dict[str, ToolSpec] = {}
    notes: list[str] = []
    for tool in tools:
        called = str(tool.get("name"))
        operation = _operation(called, made)
        try:
            made[operation], more = _spec(tool, called, operation, name, server, version or "1")
        except (Dangling, ValidationError, ValueError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            notes.append(f"{called}: left out: {' '.join(reason.split())[:300]}")
            continue
        notes += [f"{called}: {note}" for note in more]
    if not made:
        raise CatalogueError(name, notes or ["the server offers no tool"])
    catalogue = Catalogue(name=name, version=version or "1", tools=tuple(made.values()))
    policy = _policy(catalogue, name)
    return McpImport(catalogue, documents_of(catalogue), policy, (*ASSUMPTIONS, *_places(policy), *notes))


def _spec(
    tool: Mapping[str, Any], called: str, operation: str, name: str, server: McpServer, version: str
) -> tuple[ToolSpec, list[str]]:
    if cast("Json", tool.get("execution") or {}).get("taskSupport") == "required":
        raise ValueError("it only runs as a task, which cannot be waited for here")
    effect, said = _effect(cast("Json", tool.get("annotations") or {}))
    inputs, cut = _schema(cast("JsonValue", tool.get("inputSchema")), "its arguments")
    outputs, note = _outputs(cast("JsonValue", tool.get("outputSchema")))
    reads = effect == "read"
    resource = (f"mcp:{name}/{called}",)
    private = isinstance(server, McpCommand) or server.credential is not None
    label = Label(integrity="untrusted", confidentiality="tenant" if private else "public")
    arguments = cast("Json", inputs.get("properties") or {})
    spec = ToolSpec(
        tool_name=name,
        operation=operation,
        version=version,
        description=_description(tool, called),
        input_schema=inputs,
        output_schema=outputs,
        roles={} if reads else dict.fromkeys(arguments, "control"),
        effect=effect,
        reads=resource if reads else (),
        writes=() if reads else resource,
        idempotent=reads or cast("Json", tool.get("annotations") or {}).get("idempotentHint") is True,
        retry=Retry(attempts=3 if reads else 1),
        output_labels=(FieldLabel(path="", label=label),),
        capabilities=("mcp",),
        binding=McpBinding(server=server, tool=called, definition=mcp_definition(tool)),
    )
    renamed = [f"named {operation!r}"] if operation != called else []
    return spec, [*renamed, *said, *cut, *note]


def _effect(annotations: Json) -> tuple[Effect, list[str]]:
    """Gives the effect that a tool's hints mean, and what is to be said of it."""
    reads, destroys = annotations.get("readOnlyHint"), annotations.get("destructiveHint")
    if reads is True:
        return "read", []
    if destroys is True:
        return "irreversible", []
    if reads is None and destroys is None:
        return "external", ["does not say what it changes; taken to have an effect outside"]
    return "external", []


def _schema(schema: JsonValue, what: str) -> tuple[JsonSchema, list[str]]:
    """Gives a schema of an object without references."""
    import jsonschema_rs

    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        raise ValueError(f"the schema of {what} is not one of an object")
    reader = SchemaReader(schema)
    found = {**reader.read(schema, "request"), "type": "object"}
    try:
        jsonschema_rs.meta.validate(found)
    except Exception as error:
        raise ValueError(f"the schema of {what} is not valid: {str(error).splitlines()[0]}") from error
    note = reader.cut_note(f"the schema of {what}")
    return found, [note] if note else []


def _outputs(schema: JsonValue) -> tuple[JsonSchema, list[str]]:
    if schema is None:
        return _TEXT, []
    try:
        found, cut = _schema(schema, "its outputs")
    except (ValueError, Dangling) as error:
        return _TEXT, [f"its output is taken as text: {error}"]
    if not found.get("properties"):
        return _TEXT, ["its output is taken as text: its schema names no properties"]
    return found, cut


def _description(tool: Mapping[str, Any], called: str) -> str:
    annotations = cast("Json", tool.get("annotations") or {})
    told = tool.get("description") or tool.get("title") or annotations.get("title") or called
    text = " ".join(str(told).split())
    return (text if text.endswith((".", "!", "?")) else f"{text}.")[:4_000]


def _operation(called: str, taken: Mapping[str, ToolSpec]) -> str:
    name = found = operation_name(called, "tool")[:120]
    number = 2
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found


def _policy(catalogue: Catalogue, name: str) -> Policy:
    changing = [tool for tool in catalogue.tools if tool.effect != "read"]
    rules = [Rule(tools=tool.name, action="ask", reason=f"its effect is {tool.effect}") for tool in changing]
    reached = {found for tool in catalogue.tools for found in destinations(tool.binding)}
    commands = tuple(_literal(found.name) for found in reached if found.kind == "command")
    return Policy(
        name=name,
        rules=tuple(rules),
        allowed_hosts=tuple(_address(found) for found in reached if found.kind == "host"),
        allowed_commands=commands or None,
    )


def _address(found: Destination) -> str:
    return f"{bracketed(found.name)}:{found.port}"


def _literal(text: str) -> str:
    """Gives the glob that means this very text."""
    return re.sub(r"([*?\[])", r"[\1]", text)


def _places(policy: Policy) -> Iterator[str]:
    for field, values in (("allowed_hosts", policy.allowed_hosts), ("allowed_commands", policy.allowed_commands)):
        for value in values or ():
            yield f"runs only where the policy's {field} has {value!r}"
