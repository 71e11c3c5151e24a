"""Catalogues: every problem at once, and a hash that does not depend on the order of tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagwright.catalogue import Catalogue, catalogue_of, load_catalogue
from dagwright.exceptions import CatalogueError
from dagwright.tool import ToolSpec


def tool(operation: str = "read", **other: Any) -> dict[str, Any]:
    return {
        "tool_name": "table",
        "operation": operation,
        "description": "Reads.",
        "input_schema": {"type": "object"},
        "output_schema": {"type": "object"},
        "effect": "read",
        "binding": {"kind": "python", "callable": "package.module:function"},
        **other,
    }


def written(path: Path, *tools: dict[str, Any], **other: Any) -> Path:
    path.write_text(yaml.safe_dump({"name": "c", "tools": list(tools), **other}), encoding="utf-8")
    return path


@pytest.mark.parametrize("dump", [yaml.safe_dump, json.dumps], ids=["yaml", "json"])
def test_yaml_and_json_are_read_alike(tmp_path: Path, dump: Any) -> None:
    path = tmp_path / "c"
    path.write_text(dump({"name": "c", "tools": [tool(), tool("write")]}))
    catalogue = load_catalogue(path)
    assert list(catalogue.by_name) == ["table.read", "table.write"]
    assert catalogue.get("table.read") is catalogue.tools[0]
    assert catalogue.get("table.none") is None


@pytest.mark.parametrize(
    ("tools", "says"),
    [
        ((tool(), tool()), ("'table.read' is defined 2 times",)),
        ((tool(input_schema={"type": "array"}),), ("'table.read': input_schema must have type 'object'",)),
        ((tool(output_schema={"type": "object", "properties": 3}),), ("output_schema is not a JSON Schema",)),
        ((tool(effect="destroy"),), ("/tools/0/effect",)),
        ((tool(surprise=1),), ("/tools/0/surprise", "there is no such key here")),
        ((tool(binding={"kind": "shell"}),), ("/tools/0/binding",)),
        ((tool(), tool(), tool("w", input_schema={})), ("defined 2 times", "'table.w': input_schema")),
        ((tool("a b"), tool("c d")), ("/tools/0/operation", "/tools/1/operation")),
    ],
    ids=["twice", "no-object", "no-schema", "effect", "extra", "binding", "two-problems", "two-names"],
)
def test_every_problem_is_listed(tmp_path: Path, tools: tuple[dict[str, Any], ...], says: tuple[str, ...]) -> None:
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(written(tmp_path / "c.yaml", *tools))
    assert all(part in str(caught.value) for part in says)
    assert str(tmp_path) in str(caught.value) or caught.value.source == "c"


@pytest.mark.parametrize(
    "content", [None, b"\xff\xfe\x00", b"a: [", b"", b"just text", b"[1, 2]"], ids=lambda content: repr(content)
)
def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "c.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CatalogueError, match=r"c\.yaml"):
        load_catalogue(path)


def test_many_problems_are_shown_in_part_and_kept_in_full(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="and 30 more") as caught:
        load_catalogue(written(tmp_path / "c.yaml", *(tool(effect="x") for _ in range(50))))
    assert len(caught.value.problems) == 50


def test_the_hash_knows_content_but_not_order(tmp_path: Path) -> None:
    one, two = (ToolSpec.model_validate(tool(name)) for name in ("one", "two"))
    assert catalogue_of("c", [one, two]).hash == catalogue_of("c", [two, one]).hash
    changed = one.model_copy(update={"description": "Else."})
    assert catalogue_of("c", [changed, two]).hash != catalogue_of("c", [one, two]).hash


def test_restricting_and_merging() -> None:
    one, two = (ToolSpec.model_validate(tool(name)) for name in ("one", "two"))
    both = catalogue_of("a", [one]).merged(catalogue_of("b", [two]))
    assert (both.name, list(both.by_name)) == ("a+b", ["table.one", "table.two"])
    assert both.restricted_to(["table.two", "table.none"]).tools == (two,)
    with pytest.raises(CatalogueError, match="defined 2 times"):
        both.merged(Catalogue(name="c", tools=(one,)))


def test_five_thousand_operations_are_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"name": "big", "tools": [tool(f"op{n}") for n in range(5_000)]}))
    assert len(load_catalogue(path).by_name) == 5_000
