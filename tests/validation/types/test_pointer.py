"""Resolving paths through schemas, as they are followed at run time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dagwright.value import part, tokens_of
from validation.types import constant_schema, pointer_of, resolve

TEXT = {"type": "string"}
POINT = {"type": "object", "properties": {"x": {"type": "number"}, "y": {}}, "required": ["x"]}
CLOSED = {**POINT, "additionalProperties": False}


@dataclass(frozen=True)
class Case:
    name: str
    schema: Any
    pointer: str
    answer: str
    found: Any = None
    certain: bool | None = None
    possible: tuple[str, ...] | None = None


CASES = [
    Case("the whole", POINT, "", "found", POINT, certain=True),
    Case("required member", CLOSED, "/x", "found", {"type": "number"}, certain=True),
    Case("optional member", CLOSED, "/y", "found", {}, certain=False),
    Case("no such member", CLOSED, "/z", "absent", possible=("x", "y")),
    Case("member of an open object", POINT, "/z", "unknown", possible=("x", "y")),
    Case("member of a free object", {"type": "object"}, "/z", "unknown"),
    Case("nothing known", {}, "/z", "unknown"),
    Case("member of a map", {"type": "object", "additionalProperties": TEXT}, "/z", "found", TEXT, certain=False),
    Case("forbidden member", {"type": "object", "properties": {"z": False}}, "/z", "absent"),
    Case("through two objects", {"properties": {"p": CLOSED}}, "/p/z", "absent", possible=("x", "y")),
    Case("escaped names", {"properties": {"a/b~c": TEXT}, "required": ["a/b~c"]}, "/a~1b~0c", "found", TEXT),
    Case("a text has no parts", TEXT, "/0", "absent"),
    Case("item", {"type": "array", "items": TEXT}, "/3", "found", TEXT, certain=False),
    Case("item that must be there", {"type": "array", "items": TEXT, "minItems": 4}, "/3", "found", TEXT, certain=True),
    Case("item beyond the end", {"type": "array", "items": TEXT, "maxItems": 3}, "/3", "absent"),
    Case("item of a pair", {"type": "array", "prefixItems": [{}, TEXT], "items": False}, "/1", "found", TEXT),
    Case("item after a pair", {"type": "array", "prefixItems": [{}, TEXT], "items": False}, "/2", "absent"),
    Case("item of an open list", {"type": "array"}, "/0", "unknown"),
    Case("a list has no names", {"type": "array", "items": CLOSED}, "/x", "absent"),
    Case("the end of a list is nowhere", {"type": "array", "items": TEXT}, "/-", "absent"),
    Case("an index has no leading zero", {"type": "array", "items": TEXT}, "/01", "absent"),
    Case("maybe null", {**CLOSED, "type": ["object", "null"]}, "/x", "found", {"type": "number"}, certain=False),
    Case("in both branches", {"anyOf": [CLOSED, {"properties": {"x": TEXT}, "required": ["x"]}]}, "/x", "found",
         {"anyOf": [{"type": "number"}, TEXT]}, certain=True),
    Case("in one branch", {"anyOf": [CLOSED, {"type": "null"}]}, "/x", "found", {"type": "number"}, certain=False),
    Case("in no branch", {"oneOf": [CLOSED, {"type": "null"}]}, "/z", "absent", possible=("x", "y")),
    Case("in one of all", {"allOf": [POINT, {"type": "object"}]}, "/x", "found", {"type": "number"}, certain=True),
    Case("forbidden by one of all", {"allOf": [{"type": "object"}, CLOSED]}, "/z", "absent"),
    Case("by reference", {"$ref": "#/$defs/p", "$defs": {"p": CLOSED}}, "/x", "found", certain=True),
    Case("reference to nowhere", {"$ref": "#/$defs/q"}, "/x", "unknown"),
    Case("reference to itself", {"$ref": "#/$defs/p", "$defs": {"p": {"$ref": "#/$defs/p"}}}, "/x", "unknown"),
    Case("inside a constant", constant_schema({"a": [1, {"b": None}]}), "/a/1/b", "found",
         {"type": "null", "const": None}),
    Case("a field of each row", {"type": "array", "items": CLOSED}, "/*/x", "found",
         {"type": "array", "items": {"type": "number"}}, certain=True),
    Case("each item itself", {"type": "array", "items": TEXT, "minItems": 2, "maxItems": 3}, "/*", "found",
         {"type": "array", "items": TEXT, "minItems": 2, "maxItems": 3}, certain=True),
    Case("a field that rows need not have", {"type": "array", "items": CLOSED}, "/*/y", "found", {"type": "array"},
         certain=False),
    Case("a field that no row has", {"type": "array", "items": CLOSED}, "/*/z", "absent", possible=("x", "y")),
    Case("a field of free rows", {"type": "array"}, "/*/x", "unknown"),
    Case("a field of open rows", {"type": "array", "items": POINT}, "/*/z", "found", {"type": "array"}, certain=False),
    Case("each of each", {"items": {"type": "array", "items": CLOSED}}, "/*/*/x", "found",
         {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}),
    Case("one item of each", {"items": {"type": "array", "items": TEXT, "minItems": 1}}, "/*/0", "found",
         {"type": "array", "items": TEXT}),
    Case("each item of a pair", {"type": "array", "prefixItems": [TEXT, {"type": "integer"}], "items": False}, "/*",
         "found", {"type": "array", "items": {"anyOf": [TEXT, {"type": "integer"}]}}),
    Case("each of a list that may be null", {"type": ["array", "null"], "items": TEXT}, "/*", "found",
         {"type": "array", "items": TEXT}, certain=False),
    Case("each of an empty list", constant_schema([]), "/*/x", "found", {"type": "array", "items": {"not": {}}},
         certain=True),
    Case("each of a constant", constant_schema([{"a": 1}, {"a": 2}]), "/*/a", "found",
         {"type": "array", "items": {"anyOf": [constant_schema(1), constant_schema(2)]}}),
    Case("an object has members, not items", CLOSED, "/*", "absent", possible=("x", "y")),
    Case("a member of that name", {"type": "object", "properties": {"*": TEXT}}, "/*", "found", TEXT),
    Case("either a list or an object", {"type": ["array", "object"], "items": TEXT}, "/*", "unknown"),
    Case("a text has no items", TEXT, "/*", "absent"),
    Case("each by reference", {"items": {"$ref": "#/$defs/p"}, "$defs": {"p": CLOSED}}, "/*", "found",
         {"type": "array", "items": {"$ref": "#/$defs/p"}, "$defs": {"p": CLOSED}}),
    Case("a path of too many tokens", {"$ref": "#/$defs/p", "$defs": {"p": {"items": {"$ref": "#/$defs/p"}}}},
         "/*" * 100_000, "unknown"),
    Case("outside a constant", constant_schema({"a": [1]}), "/b", "absent", possible=("a",)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_resolve(case: Case) -> None:
    result = resolve(case.schema, case.pointer)
    assert result.answer == case.answer
    if case.found is not None:
        assert result.schema == case.found
    if case.certain is not None:
        assert result.certain == case.certain
    if case.possible is not None:
        assert result.possible == case.possible
    assert (result.at is None) == (case.answer == "found") or len(case.pointer) > 999


def test_a_part_takes_its_definitions_along() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "value": TEXT}}
    schema = {"type": "object", "properties": {"list": {"$ref": "#/$defs/node"}}, "$defs": {"node": node}}
    part = resolve(schema, "/list/next/next").schema
    assert resolve(part, "/next/value").schema["type"] == "string"


@given(st.lists(st.text(max_size=4), max_size=4))
def test_tokens_survive_escaping(tokens: list[str]) -> None:
    assert tokens_of(pointer_of(*tokens)) == tuple(tokens)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("ab*0/~", max_size=1), inner)),
    max_leaves=8,
)
TOKENS = st.lists(st.one_of(st.sampled_from(["a", "b", "*", "*", "/", "~"]), st.integers(0, 3).map(str)), max_size=4)


@given(JSON, TOKENS)
@example([[], {"*": None}], ["*", "*"])  # for one item each of its items, for the other a member's name: open
def test_a_path_into_a_constant_finds_what_is_there_at_run_time(value: Any, tokens: list[str]) -> None:
    path = pointer_of(*tokens)
    result = resolve(constant_schema(value), path)
    try:
        there = part(value, path)
    except LookupError:
        assert not result.certain
    else:
        assert result.answer == "found" or (result.answer == "unknown" and "*" in tokens[1:])
        assert jsonschema_rs.is_valid(result.schema, there)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", [[1, 2], [3]]),
        ("/0/1", 2),
        ("/*", [[1, 2], [3]]),
        ("/*/0", [1, 3]),
        ("/*/*", [[1, 2], [3]]),
    ],
)
def test_a_path_at_run_time(path: str, found: Any) -> None:
    assert part([[1, 2], [3]], path) == found


@pytest.mark.parametrize("path", ["/*/1", "/*/x", "/2", "/01", "/*/*/0", "/-", "/²"])
def test_a_path_that_leads_nowhere_in_some_item_names_what_is_missing(path: str) -> None:
    with pytest.raises(LookupError) as caught:
        part([[1, 2], [3]], path)
    assert caught.value.args == (path.rpartition("/")[2],)
