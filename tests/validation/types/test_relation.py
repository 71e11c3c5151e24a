"""The type relation, case by case."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from validation.types import Memo, assignable

ROW = {
    "type": "object",
    "properties": {"species": {"type": "string"}, "mass": {"type": ["number", "null"]}},
    "required": ["species", "mass"],
    "additionalProperties": False,
}
TABLE = {"type": "array", "items": ROW}
DATE = {"type": "string", "format": "date"}


def tree(leaf: dict[str, Any], **more: Any) -> dict[str, Any]:
    node = {
        "type": "object",
        "properties": {"leaf": leaf, "left": {"$ref": "#/$defs/tree"}, "right": {"$ref": "#/$defs/tree"}},
        "required": ["leaf"],
        **more,
    }
    return {"$ref": "#/$defs/tree", "$defs": {"tree": node}}


def deep(levels: int, innermost: dict[str, Any]) -> dict[str, Any]:
    for _ in range(levels):
        innermost = {"type": "array", "minItems": 1, "items": innermost}
    return innermost


@dataclass(frozen=True)
class Case:
    name: str
    producer: Any
    consumer: Any
    answer: str
    path: str = ""
    reason: str = field(default="")


CASES = [
    Case("anything is wanted", {"type": "string"}, {}, "yes"),
    Case("annotations and x- keywords don't count", {}, {"title": "t", "x-column-of": "table"}, "yes"),
    Case("nothing is known", {}, {"type": "string"}, "unknown"),
    Case("integer into number", {"type": "integer"}, {"type": "number"}, "yes"),
    Case("number into integer", {"type": "number"}, {"type": "integer"}, "no", reason="fractional"),
    Case("whole steps into integer", {"type": "number", "multipleOf": 5}, {"type": "integer"}, "yes"),
    Case("text into number", {"type": "string"}, {"type": "number"}, "no"),
    Case("maybe null", {"type": ["string", "null"]}, {"type": "string"}, "unknown", reason="null"),
    Case("OpenAPI's nullable", {"type": "string", "nullable": True}, {"type": "string"}, "unknown"),
    Case("nullable wanted", {"type": ["string", "null"]}, {"type": "string", "nullable": True}, "yes"),
    Case("union into wider union", {"type": ["integer", "string"]}, {"type": ["string", "number", "null"]}, "yes"),
    Case("union none of which fits", {"type": ["array", "null"]}, {"type": ["string", "number"]}, "no"),
    Case("text into words", {"type": "string"}, {"enum": ["a", "b"]}, "unknown"),
    Case("number into words", {"type": "number"}, {"enum": ["a", "b"]}, "no"),
    Case("long text into short words", {"type": "string", "minLength": 5}, {"enum": ["a", "b"]}, "no"),
    Case("words into more words", {"enum": ["a", "b"]}, {"enum": ["c", "b", "a"]}, "yes"),
    Case("words into fewer words", {"enum": ["a", "b"]}, {"enum": ["a"]}, "unknown"),
    Case("words into other words", {"enum": ["a", "b"]}, {"enum": ["c"]}, "no"),
    Case("true isn't 1", {"const": True}, {"const": 1}, "no"),
    Case("1.0 is 1", {"const": 1.0}, {"const": 1, "type": "integer"}, "yes"),
    Case("boolean into its two values", {"type": "boolean"}, {"enum": [False, True]}, "yes"),
    Case("range inside range", {"type": "integer", "minimum": 1, "maximum": 5}, {"minimum": 0, "maximum": 9}, "yes"),
    Case("ranges apart", {"type": "number", "maximum": 0}, {"exclusiveMinimum": 0}, "no"),
    Case("ranges overlap", {"type": "number", "minimum": 0}, {"exclusiveMinimum": 0}, "unknown"),
    Case("integers round a bound", {"type": "integer", "exclusiveMinimum": 1.5}, {"minimum": 2}, "yes"),
    Case("multiple of a multiple", {"type": "integer", "multipleOf": 6}, {"multipleOf": 3}, "yes"),
    Case("shorter text", {"type": "string", "maxLength": 5}, {"type": "string", "maxLength": 9}, "yes"),
    Case("too short text", {"type": "string", "maxLength": 5}, {"type": "string", "minLength": 6}, "no"),
    Case("same pattern", {"type": "string", "pattern": "^a"}, {"pattern": "^a"}, "yes"),
    Case("another pattern", {"type": "string", "pattern": "^a"}, {"pattern": "^b"}, "unknown"),
    Case("same format", DATE, {"type": "string", "format": "date"}, "yes"),
    Case("formats apart", DATE, {"type": "string", "format": "date-time"}, "no"),
    Case("format not known", {"type": "string"}, DATE, "unknown"),
    Case("format implied", {"type": "string", "format": "uri"}, {"format": "iri-reference"}, "yes"),
    Case("constant of a format", {"const": "2024-02-30"}, DATE, "no"),
    Case("format that is an annotation", {"type": "string"}, {"type": "string", "format": "password"}, "yes"),
    Case("table into free rows", TABLE, {"type": "array", "items": {"type": "object"}}, "yes"),
    Case("table wants a column it hasn't", TABLE, {"items": {"required": ["x"]}}, "no", "/*/x"),
    Case("column may be null", TABLE, {"items": {"properties": {"mass": {"type": "number"}}}}, "unknown", "/*/mass"),
    Case("list of texts into list of numbers", {"type": "array", "items": {"type": "string"}},
         {"type": "array", "items": {"type": "number"}}, "no", "/*"),
    Case("list of unknown length into one of at least one", {"type": "array"}, {"minItems": 1}, "unknown"),
    Case("pair into list", {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
         {"type": "array", "items": {"type": ["integer", "string"]}, "maxItems": 2}, "yes"),
    Case("pair whose second may be missing", {"type": "array", "prefixItems": [{}, {"type": "string"}], "minItems": 1},
         {"prefixItems": [{}, {"type": "integer"}]}, "unknown", "/1"),
    Case("distinct items", {"type": "array", "uniqueItems": True}, {"uniqueItems": True}, "yes"),
    Case("open object into closed", {"type": "object"}, {"type": "object", "additionalProperties": False}, "unknown"),
    Case("closed object into narrower", ROW, {"type": "object", "properties": {"species": {}},
         "additionalProperties": False}, "no", "/mass"),
    Case("optional members disagree", {"type": "object", "properties": {"a": {"type": "string"}}},
         {"properties": {"a": {"type": "integer"}}}, "unknown", "/a"),
    Case("required member disagrees", {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
         {"properties": {"a": {"type": "integer"}}}, "no", "/a"),
    Case("map of numbers", {"type": "object", "additionalProperties": {"type": "integer"}},
         {"type": "object", "additionalProperties": {"type": "number"}}, "yes"),
    Case("names by pattern", {"type": "object", "properties": {"x1": {"type": "integer"}},
         "additionalProperties": False},
         {"patternProperties": {"^x": {"type": "number"}}, "additionalProperties": False}, "yes"),
    Case("names allowed", ROW, {"propertyNames": {"maxLength": 7}}, "yes"),
    Case("name refused", ROW, {"propertyNames": {"maxLength": 4}}, "no", "/species"),
    Case("count of members", ROW, {"minProperties": 2, "maxProperties": 2}, "yes"),
    Case("either of two", {"type": ["integer", "string"]}, {"anyOf": [{"type": "string"}, {"type": "number"}]}, "yes"),
    Case("union of producers", {"anyOf": [{"type": "integer"}, {"const": "x"}]},
         {"type": ["integer", "string"]}, "yes"),
    Case("exactly one", {"type": "integer"}, {"oneOf": [{"type": "number"}, {"type": "string"}]}, "yes"),
    Case("more than one", {"type": "integer"}, {"oneOf": [{"type": "number"}, {"type": "integer"}]}, "unknown"),
    Case("all of several", {"type": "integer", "minimum": 3}, {"allOf": [{"type": "number"}, {"minimum": 1}]}, "yes"),
    Case("all of a producer", {"allOf": [{"type": ["integer", "null"]}, {"type": ["integer", "string"]}]},
         {"type": "integer"}, "yes"),
    Case("not not a type", {"not": {"not": {"type": "integer"}}}, {"type": "number"}, "yes"),
    Case("numbers that aren't fractions", {"type": "number", "not": {"not": {"anyOf": [{"type": "integer"}]}}},
         {"type": "integer"}, "yes"),
    Case("numbers some of which are excluded", {"type": "number", "not": {"exclusiveMinimum": 3}}, {"type": "integer"},
         "unknown"),
    Case("all but a type", {"type": ["string", "null"], "not": {"type": "null"}}, {"type": "string"}, "yes"),
    Case("all but numbers", {"not": {"type": "number"}}, {"type": "integer"}, "no"),
    Case("all but whole numbers", {"type": "number", "not": {"type": "integer"}}, {"type": "string"}, "no"),
    Case("conditional", {"type": "object"}, {"if": {"required": ["a"]}, "then": {"required": ["b"]}}, "unknown"),
    Case("then without if says nothing", {"type": "object"}, {"then": {"required": ["b"]}}, "yes"),
    Case("dependent names", {"type": "object"}, {"dependentRequired": {"a": ["b"]}}, "unknown"),
    Case("not excluded", {"type": "integer"}, {"not": {"type": "string"}}, "yes"),
    Case("excluded", {"type": "integer"}, {"not": {"type": "number"}}, "no"),
    Case("some excluded", {"type": "number"}, {"not": {"type": "integer"}}, "unknown"),
    Case("definitions", {"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}},
         {"$ref": "#/definitions/n", "definitions": {"n": {"type": "number"}}}, "yes"),
    Case("trees", tree({"type": "integer"}, additionalProperties=False), tree({"type": "number"}), "yes"),
    Case("trees whose leaves disagree", tree({"type": "string"}), tree({"type": "number"}), "no", "/leaf"),
    Case("a reference to itself alone", {"type": "integer"},
         {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "unknown"),
    Case("a reference that leads nowhere", {"type": "integer"}, {"$ref": "#/$defs/a"}, "unknown"),
    Case("a reference to elsewhere", {"type": "integer"}, {"$ref": "https://example.org/schema"}, "unknown"),
    Case("outside the profile", {"type": "array"}, {"contains": {"type": "integer"}}, "unknown"),
    Case("outside the profile, but the same", {"type": "array", "contains": {"const": 1}},
         {"contains": {"const": 1}, "type": "array"}, "yes"),
    Case("nothing can be produced", {"not": {}}, {"type": "integer"}, "yes"),
    Case("nothing is accepted", {"type": "integer"}, {"not": {}}, "no"),
    Case("too deep", deep(60, {"type": "integer"}), deep(60, {"type": "number"}), "unknown"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_answer(case: Case) -> None:
    verdict = assignable(case.producer, case.consumer)
    assert verdict.answer == case.answer, verdict
    if case.path:
        assert verdict.path == case.path
    assert case.reason in verdict.reason
    assert bool(verdict.reason) == (case.answer != "yes")


def test_a_memo_gives_the_same_verdicts() -> None:
    memo = Memo()
    for _ in range(2):
        for case in CASES:
            assert assignable(case.producer, case.consumer, memo=memo) == assignable(case.producer, case.consumer)


def test_many_combinations_end_in_unknown_or_better() -> None:
    choices = [{"anyOf": [{"minimum": i}, {"maximum": -i}, {"multipleOf": i + 2}]} for i in range(40)]
    assert assignable({"type": "number", "allOf": choices}, {"type": "number"}).answer == "yes"
    assert assignable({"type": "number", "allOf": choices}, {"type": "number", "minimum": 3}).answer == "unknown"
    assert assignable({"type": "number"}, {"allOf": choices}).answer == "unknown"


def test_a_definition_that_grows_is_bounded() -> None:
    growing = {
        "$ref": "#/$defs/a",
        "$defs": {
            "a": {"type": "object", "properties": {"x": {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}]}}},
            "b": {"type": "object", "properties": {"x": {"allOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/a"}]}}},
        },
    }
    other = {"$ref": "#/$defs/a", "$defs": {**growing["$defs"], "c": {}}}
    assert assignable(growing, other).answer in ("yes", "unknown")


def number(**keywords: Any) -> dict[str, Any]:
    return {"type": "number", **keywords}


@pytest.mark.parametrize(
    ("producer", "consumer", "answer"),
    [
        (number(minimum=3), number(minimum=3), "yes"),
        (number(minimum=2), number(minimum=3), "unknown"),
        (number(minimum=3), number(exclusiveMinimum=3), "unknown"),
        (number(exclusiveMinimum=3), number(exclusiveMinimum=3), "yes"),
        (number(maximum=2), number(minimum=3), "no"),
        (number(maximum=3), number(minimum=3), "unknown"),
        (number(maximum=3), number(exclusiveMinimum=3), "no"),
        (number(exclusiveMaximum=3), number(minimum=3), "no"),
        (number(maximum=4), number(exclusiveMinimum=3), "unknown"),
        (number(exclusiveMaximum=4), number(minimum=3), "unknown"),
        (number(maximum=3), number(maximum=3), "yes"),
        (number(maximum=4), number(maximum=3), "unknown"),
        (number(maximum=3), number(exclusiveMaximum=3), "unknown"),
        (number(exclusiveMaximum=3), number(exclusiveMaximum=3), "yes"),
        (number(minimum=4), number(maximum=3), "no"),
        (number(minimum=3), number(maximum=3), "unknown"),
        (number(minimum=3), number(exclusiveMaximum=3), "no"),
        (number(exclusiveMinimum=3), number(maximum=3), "no"),
        (number(minimum=2), number(exclusiveMaximum=3), "unknown"),
        (number(exclusiveMinimum=2), number(maximum=3), "unknown"),
        (number(minimum=1), number(minimum=1, exclusiveMinimum=True), "unknown"),
        (number(minimum=2), number(minimum=1, exclusiveMinimum=True), "yes"),
        (number(maximum=1), number(maximum=1, exclusiveMaximum=True), "unknown"),
        (number(maximum=0), number(maximum=1, exclusiveMaximum=True), "yes"),
        ({"type": "integer", "exclusiveMinimum": 2}, number(minimum=3), "yes"),
        ({"type": "integer", "exclusiveMaximum": 4}, number(maximum=3), "yes"),
        (number(multipleOf=4), number(multipleOf=2), "yes"),
        (number(multipleOf=3), number(multipleOf=2), "unknown"),
        (number(multipleOf=60), {"type": "integer"}, "yes"),
        (number(multipleOf=0.5), {"type": "integer"}, "no"),
        (number(minimum="3"), number(minimum=3), "unknown"),
        (number(minimum=3), number(minimum="3"), "unknown"),
        (number(maximum=3), number(maximum="3"), "unknown"),
    ],
    ids=str,
)
def test_bounds_of_numbers(producer: dict[str, Any], consumer: dict[str, Any], answer: str) -> None:
    assert assignable(producer, consumer).answer == answer


def test_a_long_constant_is_cut_in_the_reason() -> None:
    whole, cut = (assignable({"const": "x" * length}, {"const": "y"}).reason for length in (58, 59))
    assert f'"{"x" * 58}"' in whole
    assert f'"{"x" * 56}…' in cut
    assert "x" * 57 not in cut
