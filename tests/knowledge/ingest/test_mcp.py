"""Tools of MCP servers as catalogues: effects from hints, safe where there are none, everything assumed is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dagwright.binding import McpCommand, McpEndpoint, mcp_definition
from dagwright.catalogue import catalogue_of
from dagwright.exceptions import CatalogueError
from knowledge import import_mcp

COMMAND = McpCommand(command=("npx", "-y", "some server*"))
OPEN = McpEndpoint(url="https://mcp.example.org/mcp")
PRIVATE = McpEndpoint(url="https://mcp.example.org/mcp", credential="wiki")


def tool(name: str = "find", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": "Finds pages",
        "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
        **more,
    }


EFFECTS = [
    ({}, "external", False, True),
    ({"readOnlyHint": True}, "read", True, False),
    ({"readOnlyHint": True, "destructiveHint": True}, "read", True, False),
    ({"readOnlyHint": False}, "external", False, False),
    ({"readOnlyHint": False, "destructiveHint": False}, "external", False, False),
    ({"readOnlyHint": False, "destructiveHint": True}, "irreversible", False, False),
    ({"destructiveHint": True}, "irreversible", False, False),
    ({"readOnlyHint": False, "idempotentHint": True}, "external", True, False),
    ({"readOnlyHint": "yes"}, "external", False, False),
]


@pytest.mark.parametrize(("hints", "effect", "idempotent", "assumed"), EFFECTS)
def test_hints_become_effects(hints: Any, effect: str, idempotent: bool, assumed: bool) -> None:
    found = import_mcp([tool(annotations=hints)], name="wiki", server=OPEN)
    (spec,) = found.catalogue.tools
    assert (spec.effect, spec.idempotent) == (effect, idempotent)
    assert spec.roles == ({} if effect == "read" else {"text": "control"})
    assert any("does not say what it changes" in note for note in found.notes) == assumed
    assert [rule.action for rule in found.policy.rules] == ([] if effect == "read" else ["ask"])
    assert spec.retry.attempts == (3 if effect == "read" else 1)


@pytest.mark.parametrize(("server", "confidentiality"), [(OPEN, "public"), (PRIVATE, "tenant"), (COMMAND, "tenant")])
def test_answers_are_untrusted_and_private_where_the_server_knows_us(server: Any, confidentiality: str) -> None:
    (spec,) = import_mcp([tool()], name="wiki", server=server).catalogue.tools
    (label,) = spec.output_labels
    assert (label.path, label.label.integrity, label.label.confidentiality) == ("", "untrusted", confidentiality)


OUTPUTS = [
    (None, ["text"], False),
    ({"type": "object", "properties": {"hits": {"type": "integer"}}}, ["hits"], False),
    ({"type": "array", "items": {}}, ["text"], True),
    ({"type": "object"}, ["text"], True),
    ({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}}, ["a"], False),
    ({"type": "object", "properties": {"a": {"$ref": "#/$defs/B"}}}, ["text"], True),
]


@pytest.mark.parametrize(("schema", "outputs", "noted"), OUTPUTS)
def test_outputs(schema: Any, outputs: list[str], noted: bool) -> None:
    found = import_mcp([tool(outputSchema=schema)], name="wiki", server=OPEN)
    (spec,) = found.catalogue.tools
    assert list(spec.output_schema["properties"]) == outputs  # type: ignore[arg-type]
    assert "$ref" not in json.dumps(spec.output_schema)
    assert any("taken as text" in note for note in found.notes) == noted


LEFT_OUT = [
    (tool("task", execution={"taskSupport": "required"}), "only runs as a task"),
    (tool("list", inputSchema={"type": "array"}), "not one of an object"),
    (tool("ref", inputSchema={"type": "object", "properties": {"a": {"$ref": "https://x/y"}}}), "leaves the document"),
    (tool("bad", inputSchema={"type": "object", "properties": {"a": {"type": "word"}}}), "not valid"),
]


@pytest.mark.parametrize(("wrong", "why"), LEFT_OUT, ids=[case[1] for case in LEFT_OUT])
def test_what_cannot_be_expressed_is_left_out_and_said(wrong: Any, why: str) -> None:
    found = import_mcp([wrong, tool()], name="wiki", server=OPEN)
    assert [spec.operation for spec in found.catalogue.tools] == ["find"]
    assert any(note.startswith(f"{wrong['name']}: left out:") and why in note for note in found.notes)


def test_names_become_operations_once_each() -> None:
    found = import_mcp([tool(name) for name in ("a.b", "a/b", "1st", "größe")], name="wiki", server=OPEN)
    assert [spec.operation for spec in found.catalogue.tools] == ["a_b", "a_b_2", "tool_1st", "gr_e"]
    assert [spec.binding.tool for spec in found.catalogue.tools] == ["a.b", "a/b", "1st", "größe"]  # type: ignore[union-attr]
    assert "a.b: named 'a_b'" in found.notes
    catalogue_of("wiki", found.catalogue.tools)


def test_the_policy_to_begin_with_allows_this_server_and_no_other() -> None:
    policy = import_mcp([tool()], name="wiki", server=COMMAND).policy
    assert policy.allowed_commands == ("npx -y 'some server[*]'",)
    (spec,) = import_mcp([tool()], name="wiki", server=COMMAND).catalogue.tools
    from dagwright.reach import destinations

    (command,) = destinations(spec.binding)
    assert command.is_allowed(policy)
    (host,) = destinations(import_mcp([tool()], name="wiki", server=OPEN).catalogue.tools[0].binding)
    assert not host.is_allowed(policy)
    assert host.is_allowed(import_mcp([tool()], name="wiki", server=OPEN).policy)


def test_a_definition_changes_with_what_a_tool_says_and_with_nothing_else() -> None:
    (spec,) = import_mcp([tool()], name="wiki", server=OPEN).catalogue.tools
    assert spec.binding.definition == mcp_definition(tool(icons=[], _meta={"x": 1}))  # type: ignore[union-attr]
    for change in ({"description": "Else"}, {"inputSchema": {"type": "object"}}, {"annotations": {"title": "x"}}):
        assert spec.binding.definition != mcp_definition(tool(**change))  # type: ignore[union-attr]


@pytest.mark.parametrize(("name", "tools"), [("1", [tool()]), ("wiki", []), ("wiki", [LEFT_OUT[0][0]])])
def test_what_gives_no_catalogue_is_an_error(name: str, tools: Any) -> None:
    with pytest.raises(CatalogueError):
        import_mcp(tools, name=name, server=OPEN)


SOURCES = [
    (("mcp:ftp //x",), 5, "does not|not reachable"),
    (("mcp:",), 2, "names no MCP server"),
    (("mcp:https://user@host/",), 2, "names no MCP server"),
    (("mcp:prog 'open",), 2, "names no MCP server"),
    (("mcp:prog", "--credential", "token"), 2, "VARIABLE=NAME"),
    (("mcp:https://host/mcp", "--credential", "a", "--credential", "b"), 2, "one credential"),
    (("mcp:prog", "--credential", "TOKEN=nowhere"), 2, "DAGWRIGHT_SECRET_NOWHERE"),
    (("shop.json", "--credential", "a"), 2, "for MCP servers"),
    (("mcp:false",), 5, "not reachable"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), SOURCES, ids=[" ".join(case[0]) for case in SOURCES])
def test_a_source_that_is_none_is_told_what_would_be_right(
    dagwright: Any, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = dagwright("tools", "import", *arguments, "-o", str(tmp_path / "x.json"))
    assert done.code == code, done.err
    assert any(part in " ".join(done.err.split()) for part in said.split("|")), done.err
    assert not (tmp_path / "x.json").exists()
