"""Lint of one operation: outputs, arguments, description, effect, roles, labels (L201-L204, L301, L302, L304-L306)."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import Final
from urllib.parse import urlsplit

from dagwright.finding import Finding
from dagwright.model import JsonSchema
from dagwright.reach import OUTSIDE
from dagwright.tool import HttpBinding, ToolSpec
from dagwright.value import tokens_of
from validation.lint.codes import flaw
from validation.lint.names import name_flaws
from validation.types.schema import named_schemas, pointer_of

DESTINATIONS: Final = frozenset(
    (
        *(
            "to",
            "cc",
            "bcc",
            "recipient",
            "recipients",
            "address",
            "email",
            "phone",
            "channel",
            "destination",
            "target",
        ),
        *("url", "uri", "host", "hostname", "endpoint", "webhook", "callback", "domain", "bucket", "repository"),
        *("path", "file", "filename", "folder", "directory"),
    )
)
"""Words at the end of an argument's name that say that something goes there."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_TYPING = frozenset(
    (
        "type",
        "enum",
        "const",
        "$ref",
        "anyOf",
        "oneOf",
        "allOf",
        "not",
        "properties",
        "items",
        "pattern",
        "format",
        "if",
    )
)
_EMPTY = frozenset(("the", "a", "an", "of", "to", "for", "and", "or", "by", "in", "this", "that", "api", "endpoint"))


def operation_flaws(tool: ToolSpec, path: str, operations: Container[str]) -> Iterator[Finding]:
    """Gives what is wrong with one operation, or missing.

    Args:
        tool: the operation.
        path: its place in the catalogue.
        operations: names of all operations that there are.
    """
    yield from _outputs(tool, path)
    yield from _arguments(tool, path)
    yield from _description(tool, path)
    yield from _effect(tool, path)
    yield from _sinks(tool, path)
    yield from _labels(tool, path)
    yield from name_flaws(tool, path, operations)


def words_of(text: str) -> frozenset[str]:
    """Gives the words of a text or of an operation's name that carry meaning, without plural endings."""
    found = (match.group().lower() for match in _WORD.finditer(text))
    return frozenset(word.removesuffix("s") if len(word) > 3 else word for word in found if word not in _EMPTY)


def _outputs(tool: ToolSpec, path: str) -> Iterator[Finding]:
    outputs = named_schemas(tool.output_schema, "properties")
    if not outputs and tool.effect == "read":
        yield flaw("L201", f"{path}/output_schema", f"{tool.name!r} names no output")
    for name, schema in outputs.items():
        if name not in tool.output_rules and _is_open(schema):
            place = f"{path}/output_schema/properties{pointer_of(name)}"
            yield flaw("L202", place, f"output {name!r} of {tool.name!r} may be anything")


def _arguments(tool: ToolSpec, path: str) -> Iterator[Finding]:
    for name, schema in named_schemas(tool.input_schema, "properties").items():
        if _is_open(schema) and not any(keyword.startswith("x-") for keyword in schema):
            place = f"{path}/input_schema/properties{pointer_of(name)}"
            yield flaw("L203", place, f"argument {name!r} of {tool.name!r} may be anything")


def _is_open(schema: JsonSchema) -> bool:
    return not _TYPING & schema.keys()


def _description(tool: ToolSpec, path: str) -> Iterator[Finding]:
    said = _plain(tool.description)
    binding = tool.binding
    known = [tool.name, tool.operation]
    if isinstance(binding, HttpBinding):
        known += [f"{binding.method} {urlsplit(binding.url).path}"]
    if len(said.split()) < 2 or any(said == _plain(name) for name in known):
        shown = tool.description[:80]
        yield flaw(
            "L204", f"{path}/description", f"{tool.name!r} is described as {shown!r}, no more than its name says"
        )


def _plain(text: str) -> str:
    return " ".join(match.group().lower() for match in _WORD.finditer(text))


def _effect(tool: ToolSpec, path: str) -> Iterator[Finding]:
    method = tool.binding.method if isinstance(tool.binding, HttpBinding) else None
    reads = tool.effect == "read"
    if method in ("GET", "HEAD") and not reads:
        yield flaw("L301", f"{path}/effect", f"{tool.name!r} is a {method}, yet its effect is {tool.effect!r}")
    elif method is not None and method not in ("GET", "HEAD") and tool.effect in ("read", "write"):
        yield flaw(
            "L301", f"{path}/effect", f"{tool.name!r} is a {method} to elsewhere, yet its effect is {tool.effect!r}"
        )
    if reads and (tool.writes or tool.facts_removed):
        done = ", ".join((*tool.writes, *tool.facts_removed))
        yield flaw("L306", f"{path}/effect", f"{tool.name!r} is of effect 'read', yet it writes or removes {done}")
    if not tool.idempotent and tool.retry.attempts > 1:
        message = f"{tool.name!r} is not idempotent, yet it is tried up to {tool.retry.attempts} times"
        yield flaw("L305", f"{path}/retry", message)


def _sinks(tool: ToolSpec, path: str) -> Iterator[Finding]:
    if tool.effect == "read":
        return
    for name in named_schemas(tool.input_schema, "properties"):
        spoken = [match.group().lower() for match in _WORD.finditer(name)]
        if spoken and spoken[-1] in DESTINATIONS and tool.roles.get(name, "data") == "data":
            message = f"argument {name!r} of {tool.name!r} (effect {tool.effect!r}) has role 'data'"
            yield flaw("L302", f"{path}/roles", f"{message}, though it is named like a place where something goes")


def _labels(tool: ToolSpec, path: str) -> Iterator[Finding]:
    for index, field in enumerate(tool.output_labels):
        is_all = all(token == "*" for token in tokens_of(field.path))  # noqa: S105 - a token of a pointer
        if is_all and field.label.integrity == "trusted" and tool.binding.kind in {*OUTSIDE, "llm"}:
            message = f"all that {tool.name!r} answers ({tool.binding.kind}) is declared trusted"
            yield flaw("L304", f"{path}/output_labels/{index}", message)
