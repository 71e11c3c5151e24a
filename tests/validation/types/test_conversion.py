"""Conversions that make a value fit."""

from __future__ import annotations

from typing import Any

import pytest

from validation.types import Conversion, assignable, conversion, resolve

NUMBER, INTEGER, TEXT = {"type": "number"}, {"type": "integer"}, {"type": "string"}
RESULT = {"type": "object", "properties": {"value": NUMBER, "unit": TEXT}, "required": ["value", "unit"]}

CASES: list[tuple[str, Any, Any, Conversion | None]] = [
    ("round a number", NUMBER, INTEGER, Conversion("round")),
    ("take the only member that fits", RESULT, NUMBER, Conversion("member", "/value")),
    ("no member where two fit", {**RESULT, "properties": {"value": TEXT, "unit": TEXT}}, TEXT, None),
    ("no member that may be missing", {**RESULT, "required": []}, NUMBER, None),
    ("take the first item", {"type": "array", "items": TEXT}, TEXT, Conversion("first_element", "/0")),
    ("put it into a list", TEXT, {"type": "array", "items": TEXT}, Conversion("in_list")),
    ("not into a list of two", TEXT, {"type": "array", "items": TEXT, "minItems": 2}, None),
    ("write a number", NUMBER, TEXT, Conversion("to_text")),
    ("not into one of a few words", NUMBER, {"enum": ["a"]}, None),
    ("read a number", TEXT, NUMBER, Conversion("to_number")),
    ("a table is no number", {"type": "array", "items": {"type": "object"}}, NUMBER, None),
    ("nothing known", {}, NUMBER, None),
]


@pytest.mark.parametrize(("producer", "consumer", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_conversion(producer: Any, consumer: Any, expected: Conversion | None) -> None:
    found = conversion(producer, consumer)
    assert found == expected
    if found is not None and found.path:
        assert assignable(resolve(producer, found.path).schema, consumer).answer == "yes"
