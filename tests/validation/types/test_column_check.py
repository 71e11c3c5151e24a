"""Arguments that name columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from dagwright.tool import ToolSpec
from validation.types import column_problems, constant_schema

ROW = {
    "type": "object",
    "properties": {
        "species": {"type": "string"},
        "mass": {"type": ["number", "null"]},
        "seen": {"type": "string", "format": "date"},
        "odd": {},
    },
    "required": ["species", "mass", "seen", "odd"],
    "additionalProperties": False,
}
BIRDS = {"type": "array", "items": ROW}
OPEN = {"type": "array", "items": {**ROW, "additionalProperties": True}}
FISH = {"type": "array", "items": {**ROW, "properties": {"species": {"type": "string"}}, "required": ["species"]}}
NAME = {"type": "string", "x-column-of": "table"}


def spec(rules: dict[str, Any] | None = None, **arguments: Any) -> ToolSpec:
    return ToolSpec.model_validate(
        {
            "tool_name": "data",
            "operation": "try",
            "description": "Try.",
            "input_schema": {"type": "object", "properties": arguments},
            "output_schema": {"type": "object", "properties": {"table": {}}},
            "output_rules": rules or {},
            "effect": "read",
            "binding": {"kind": "python", "callable": "a.b:c"},
        }
    )


@dataclass(frozen=True)
class Case:
    name: str
    schema: dict[str, Any]
    value: Any
    problems: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """Path, name and reason of each."""
    table: Any = field(default_factory=lambda: BIRDS)


CASES = [
    Case("a column", NAME, "mass"),
    Case("no such column", NAME, "weight", [("", "weight", "missing")]),
    Case("perhaps a column of an open table", NAME, "weight", table=OPEN),
    Case("table not known", NAME, "weight", table={}),
    Case("table without declared columns", NAME, "weight", table={"type": "array", "items": {"type": "object"}}),
    Case("each of a list", {"type": "array", "x-column-of": "table"}, ["mass", "x", "y"],
         [("/1", "x", "missing"), ("/2", "y", "missing")]),
    Case("keys of an object", {"type": "object", "x-column-of": "table"}, {"mass": "m", "a/b": "c"},
         [("/a~1b", "a/b", "missing")]),
    Case("numeric", {**NAME, "x-column-type": "numeric"}, "mass"),
    Case("not numeric", {**NAME, "x-column-type": "numeric"}, "species", [("", "species", "type")]),
    Case("of unknown type", {**NAME, "x-column-type": "numeric"}, "odd"),
    Case("not of the type in an open table", {**NAME, "x-column-type": "numeric"}, "species",
         [("", "species", "type")], OPEN),
    Case("a time", {**NAME, "x-column-type": "time"}, "seen"),
    Case("a text is no time", {**NAME, "x-column-type": "time"}, "species", [("", "species", "type")]),
    Case("a time is a text", {**NAME, "x-column-type": "text"}, "seen"),
    Case("a number is no text", {**NAME, "x-column-type": "text"}, "mass", [("", "mass", "type")]),
    Case("another argument is free", {"type": "string"}, "weight"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_problems(case: Case) -> None:
    operation = spec(table={}, column=case.schema)
    arguments = {"table": case.table, "column": constant_schema(case.value)}
    found = column_problems(operation, arguments, {"column": case.value})
    assert [(problem.path, problem.name, problem.reason) for problem in found] == case.problems
    assert column_problems(operation, arguments, {}) == found, "a constant schema says as much as a literal"


def test_what_only_a_run_will_tell_is_no_problem() -> None:
    assert column_problems(spec(table={}, column=NAME), {"table": BIRDS, "column": {"type": "string"}}, {}) == []
    assert column_problems(spec(table={}, column=NAME), {"table": BIRDS}, {}) == []


def test_a_list_that_is_known_in_part() -> None:
    columns = {"type": "array", "prefixItems": [{"type": "string"}, constant_schema("x")], "items": False}
    operation = spec(table={}, column={"type": "array", "x-column-of": "table"})
    (problem,) = column_problems(operation, {"table": BIRDS, "column": columns}, {})
    assert (problem.path, problem.name) == ("/1", "x")


def test_a_problem_says_what_would_be_right() -> None:
    operation = spec(table={}, column={**NAME, "x-column-type": "numeric"})
    (problem,) = column_problems(operation, {"table": BIRDS}, {"column": "species"})
    assert problem.possible == ("mass", "odd")
    assert problem.message == (
        "argument 'column' names column 'species' of 'table', which isn't a numeric column but text; "
        "its numeric columns: 'mass', 'odd'"
    )


def test_a_join_needs_the_column_in_both_tables() -> None:
    rule = {"table": {"rule": "join", "left": "left", "right": "right", "on": "on"}}
    operation = spec(rule, left={}, right={}, on={"type": "array", "x-column-of": "left"})
    found = column_problems(operation, {"left": BIRDS, "right": FISH}, {"on": ["species", "mass"]})
    assert [(problem.of, problem.name) for problem in found] == [("right", "mass")]


def test_a_table_that_the_database_has_not() -> None:
    operation = spec({"table": {"rule": "content", "of": "file", "key": "name"}}, file={}, name={"type": "string"})
    file = {"type": "object", "x-contents": {"birds": BIRDS, "fish": FISH}}
    assert column_problems(operation, {"file": file}, {"name": "birds"}) == []
    (problem,) = column_problems(operation, {"file": file}, {"name": "bears"})
    assert (problem.argument, problem.reason, problem.possible) == ("name", "table", ("birds", "fish"))
