"""Only what decoding enforces is let through; everything else is refused, with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dagwright.exceptions import ContentError
from dagwright.llm.constraint import LARGEST, json_grammar

REFUSED: dict[str, tuple[Any, str]] = {
    "not": ({"not": {"type": "string"}}, "'not' at /"),
    "if": ({"type": "object", "properties": {"a": {"if": {}, "then": {}}}}, "'if' at /properties/a"),
    "unique": ({"type": "array", "items": {"type": "array", "uniqueItems": True}}, "'uniqueItems' at /items"),
    "dependent": ({"type": "object", "dependentRequired": {"a": ["b"]}}, "'dependentRequired' at /"),
    "all-of": ({"anyOf": [{"allOf": [{"type": "string"}]}]}, "'allOf' at /anyOf/0"),
    "pattern-properties": ({"$defs": {"d": {"patternProperties": {}}}}, "'patternProperties' at /$defs/d"),
    "format": ({"type": "string", "format": "iban"}, "'format': 'iban'"),
    "remote-ref": ({"$ref": "https://example.org/s.json"}, "only references inside"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_enforced_is_refused_with_its_place(name: str) -> None:
    schema, says = REFUSED[name]
    with pytest.raises(ContentError) as caught:
        json_grammar(schema)
    assert says in str(caught.value)


def test_all_refused_keywords_are_listed_at_once() -> None:
    with pytest.raises(ContentError) as caught:
        json_grammar({"not": {}, "properties": {"a": {"uniqueItems": True}}})
    assert "'not'" in str(caught.value)
    assert "'uniqueItems'" in str(caught.value)


def test_annotations_go_but_properties_named_like_them_stay() -> None:
    schema: dict[str, Any] = {
        "title": "T",
        "type": "object",
        "x-content": {"not": {}},
        "properties": {"title": {"type": "string", "description": "d"}, "not": {"const": {"title": 1}}},
        "required": ["title"],
    }
    sent = json.loads(json_grammar(schema).partition("%json ")[2])
    assert {name: value for name, value in sent.items() if name != "x-guidance"} == {
        "type": "object",
        "properties": {"title": {"type": "string"}, "not": {"const": {"title": 1}}},
        "required": ["title"],
    }


@pytest.mark.parametrize(
    ("schema", "bounds"),
    [
        ({"type": "integer"}, (-LARGEST, LARGEST)),
        ({"type": ["number", "null"], "minimum": 2}, (2, LARGEST)),
        ({"type": "number", "exclusiveMaximum": 2}, (-LARGEST, None)),
        ({"type": "string"}, (None, None)),
    ],
    ids=["none", "low", "exclusive", "no-number"],
)
def test_numbers_without_bounds_get_some(schema: dict[str, Any], bounds: tuple[int | None, int | None]) -> None:
    sent = json.loads(json_grammar({"type": "array", "items": schema}).partition("%json ")[2])["items"]
    assert (sent.get("minimum"), sent.get("maximum")) == bounds
