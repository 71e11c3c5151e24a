"""Schemas as data: unions, intersections, null, references, OpenAPI's `nullable`."""

from __future__ import annotations

from typing import Any

import pytest

from validation.types.memo import compiled, same_meaning, without_nullable
from validation.types.schema import all_of, any_of, is_nullable, or_null, pointer_of, referred, standalone, types_of
from validation.types.shape import Node

A, B = {"type": "string"}, {"type": "integer"}
NULL = {"type": "null"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param(A, {"type": ["string", "null"]}, id="a type"),
        pytest.param({"type": ["string", "integer"]}, {"type": ["string", "integer", "null"]}, id="types"),
        pytest.param({"type": "string", "const": "a"}, {"type": ["string", "null"], "enum": ["a", None]}, id="const"),
        pytest.param({"type": "string", "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}, id="enum"),
        pytest.param({"const": 1}, {"anyOf": [{"const": 1}, NULL]}, id="no type"),
        pytest.param(
            {"type": "string", "not": {"const": "a"}},
            {"anyOf": [{"type": "string", "not": {"const": "a"}}, NULL]},
            id="combined",
        ),
        pytest.param({"type": ["string", "null"]}, {"type": ["string", "null"]}, id="null already"),
        pytest.param({"anyOf": [A, NULL]}, {"anyOf": [A, NULL]}, id="null in a branch"),
        pytest.param({}, {}, id="anything"),
    ],
)
def test_or_null(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    before = repr(schema)
    assert or_null(schema) == expected
    assert is_nullable(or_null(schema))
    assert repr(schema) == before


def test_a_union_names_each_schema_once() -> None:
    assert any_of([A, B, dict(A)]) == {"anyOf": [A, B]}
    assert any_of([A, dict(A)]) == A
    assert any_of([{"const": 1}, {"const": True}]) == {"anyOf": [{"const": 1}, {"const": True}]}


def test_an_intersection_leaves_out_what_says_nothing() -> None:
    assert all_of([A, {}, B]) == {"allOf": [A, B]}
    assert all_of([{}, A]) == A
    assert all_of([{}, {}]) == {}


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("#/$defs/a", A),
        ("#/definitions/b", B),
        ("#/$defs/list/1", B),
        ("#/$defs/no", {"not": {}}),
        ("#/$defs/list/2", None),
        ("#/$defs/list/x", None),
        ("#/$defs/absent", None),
        ("#/$defs/a/type", None),
        ("#/$defs/a/type/deeper", None),
        ("#/properties/a", None),
        ("other.json#/$defs/a", None),
        (1, None),
    ],
)
def test_a_local_reference_names_a_definition(reference: Any, found: Any) -> None:
    base: Any = {"$defs": {"a": A, "list": [A, B], "no": False}, "definitions": {"b": B}, "properties": {"a": A}}
    assert referred(reference, base) == found


def test_a_part_takes_the_definitions_of_its_whole_along() -> None:
    whole: Any = {"$defs": {"a": A}, "type": "object"}
    part: Any = {"$ref": "#/$defs/a"}
    own: Any = {"$ref": "#/$defs/a", "$defs": {"a": B}}
    assert standalone(part, whole) == {"$ref": "#/$defs/a", "$defs": {"a": A}}
    assert standalone(own, whole) is own
    assert standalone({}, whole) == {}
    assert standalone(part, {"type": "object"}) is part


def accepts_null(schema: Any) -> bool:
    validator = compiled(without_nullable(schema))
    assert validator is not None
    return validator.is_valid(None)


@pytest.mark.parametrize(
    ("schema", "accepted"),
    [
        ({"type": "string", "nullable": True}, True),
        ({"type": ["string", "integer"], "nullable": True}, True),
        ({"type": "string", "nullable": False}, False),
        ({"type": "string", "nullable": True, "enum": ["a"]}, False),
        ({"type": "string", "nullable": True, "enum": ["a", None]}, True),
        ({"nullable": False}, True),
        ({"anyOf": [{"type": "string", "nullable": True}, {"type": "integer"}]}, True),
        ({"type": "string", "nullable": "yes"}, False),
    ],
)
def test_nullable_is_read_as_openapi_says(schema: Any, accepted: bool) -> None:
    assert accepts_null(schema) == accepted


def test_nullable_is_read_wherever_a_schema_stands_and_nowhere_else() -> None:
    maybe = {"type": "string", "nullable": True}
    schema: Any = {
        "type": "object",
        "properties": {"nullable": maybe, "list": {"type": "array", "items": maybe}},
        "default": {"nullable": True, "type": "string"},
        "$defs": {"type": {"type": "integer", "nullable": True}},
    }
    both = {"type": ["string", "null"]}
    assert without_nullable(schema) == {
        "type": "object",
        "properties": {"nullable": both, "list": {"type": "array", "items": both}},
        "default": {"nullable": True, "type": "string"},
        "$defs": {"type": {"type": ["integer", "null"]}},
    }
    assert types_of(maybe) == {"string", "null"}


def test_a_schema_without_nullable_stays_the_same_one() -> None:
    schema: Any = {"type": "object", "properties": {"nullable": A}}
    assert without_nullable(schema) is schema


def test_schemas_mean_the_same_where_their_references_lead_to_the_same() -> None:
    part: Any = {"$ref": "#/$defs/a"}
    one, same, other = ({"$defs": {"a": found}} for found in (A, dict(A), B))
    assert same_meaning(Node(part, one), Node(dict(part), same))
    assert not same_meaning(Node(part, one), Node(part, other))
    assert same_meaning(Node(A, one), Node(dict(A), other))
    assert not same_meaning(Node({"const": 1}, one), Node({"const": True}, one))


@pytest.mark.parametrize(
    ("tokens", "pointer"),
    [
        ((), ""),
        (("a",), "/a"),
        (("a/b",), "/a~1b"),
        (("~",), "/~0"),
        ((1,), "/1"),
        (("",), "/"),
        (("a", 0, "~1"), "/a/0/~01"),
    ],
)
def test_pointers_escape_their_tokens(tokens: tuple[str | int, ...], pointer: str) -> None:
    assert pointer_of(*tokens) == pointer
