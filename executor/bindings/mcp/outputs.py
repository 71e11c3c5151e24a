"""Results of MCP tools as outputs: structured content where there is any, else the text. All of it is untrusted."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from dagwright.exceptions import ToolRejected
from dagwright.tool import ToolSpec
from executor.bindings.exchange import hidden

if TYPE_CHECKING:
    from mcp_types import CallToolResult

TEXT = "text"
"""The one output of a tool that promises no structure."""


def outputs_of(result: CallToolResult, spec: ToolSpec, secrets: Collection[str]) -> dict[str, JsonValue]:
    """Gives the outputs by name, credentials hidden.

    An operation whose only output is `text` gets the text even where there is structure.

    Raises:
        ToolRejected: `tool_failed` (the result says it is an error), `bad_answer`.
    """
    text = _text(result)
    if result.is_error:
        said = hidden(" ".join((text or "").split()), secrets)[:300]
        raise ToolRejected(f"{spec.name} failed: {said or 'it does not say why'}", code="tool_failed")
    structured = cast("JsonValue", result.structured_content)
    if isinstance(structured, dict) and set(cast("dict[str, JsonValue]", spec.output_schema.get("properties"))) != {
        TEXT
    }:
        return cast("dict[str, JsonValue]", _without(structured, secrets))
    if text is None:
        kinds = ", ".join(sorted({block.type for block in result.content})) or "nothing"
        raise ToolRejected(f"{spec.name} answered with {kinds}; only text and structure are taken", code="bad_answer")
    return {TEXT: hidden(text, secrets)}


def _text(result: CallToolResult) -> str | None:
    """Gives the texts of a result, those of embedded resources included; None where there are none."""
    from mcp_types import EmbeddedResource, TextContent, TextResourceContents

    found: list[str] = []
    for block in result.content:
        if isinstance(block, TextContent):
            found.append(block.text)
        elif isinstance(block, EmbeddedResource) and isinstance(block.resource, TextResourceContents):
            found.append(block.resource.text)
    return "\n".join(found) if found else None


def _without(value: JsonValue, secrets: Collection[str]) -> JsonValue:
    if isinstance(value, str):
        return hidden(value, secrets)
    if isinstance(value, list):
        return [_without(item, secrets) for item in value]
    if isinstance(value, dict):
        return {hidden(name, secrets): _without(item, secrets) for name, item in value.items()}
    return value
