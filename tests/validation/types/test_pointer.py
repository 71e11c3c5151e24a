"""Resolving JSON Pointers through schemas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.types import constant_schema, pointer_of, resolve, tokens_of

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
    assert (result.at is None) == (case.answer == "found")


def test_a_part_takes_its_definitions_along() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "value": TEXT}}
    schema = {"type": "object", "properties": {"list": {"$ref": "#/$defs/node"}}, "$defs": {"node": node}}
    part = resolve(schema, "/list/next/next").schema
    assert resolve(part, "/next/value").schema["type"] == "string"


@given(st.lists(st.text(max_size=4), max_size=4))
def test_tokens_survive_escaping(tokens: list[str]) -> None:
    assert tokens_of(pointer_of(*tokens)) == tuple(tokens)


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)),
        max_leaves=6,
    ),
    st.lists(st.one_of(st.text(max_size=2), st.integers(0, 3).map(str)), max_size=3),
)
def test_a_pointer_into_a_constant_finds_what_is_there(value: Any, tokens: list[str]) -> None:
    here, there = value, True
    for token in tokens:
        if isinstance(here, dict) and token in here:
            here = here[token]
        elif isinstance(here, list) and token.isascii() and token.isdecimal() and int(token) < len(here):
            there = there and token == str(int(token))
            here = here[int(token)]
        else:
            there = False
            break
    result = resolve(constant_schema(value), pointer_of(*tokens))
    assert result.answer == ("found" if there else "absent")
    assert not there or result.schema["const"] == here
