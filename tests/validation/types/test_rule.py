"""Output rules: the schema of each operation's output, from what is known of its arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from dagwright.tool import ToolSpec
from validation.types import Column, column_kind, columns, output_schema, rows_of

SPECIES = {"type": "string", "enum": ["Adelie", "Gentoo"]}
MASS = {"type": ["number", "null"]}
YEAR = {"type": "integer"}
DATE = {"type": "string", "format": "date"}
DECLARED = {"type": "array", "items": {"type": "object"}}


def table(optional: tuple[str, ...] = (), *, is_open: bool = False, **properties: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }
    if not is_open:
        row["additionalProperties"] = False
    return {"type": "array", "items": row}


def spec(rule: dict[str, Any], **arguments: Any) -> ToolSpec:
    return ToolSpec.model_validate(
        {
            "tool_name": "data",
            "operation": "try",
            "description": "Try a rule.",
            "input_schema": {"type": "object", "properties": arguments},
            "output_schema": {"type": "object", "properties": {"out": DECLARED}, "required": ["out"]},
            "output_rules": {"out": rule},
            "effect": "read",
            "binding": {"kind": "python", "callable": "a.b:c"},
        }
    )


PENGUINS = table(species=SPECIES, mass=MASS, year=YEAR)
FILE = {"type": "object", "properties": {"path": {"type": "string"}}}
NUMBER, NULLABLE = {"type": "number"}, {"type": ["number", "null"]}
COUNT = {"type": "integer", "minimum": 0}
GROUP = {"rule": "group", "of": "table", "by": "by", "value": "value", "function": "function"}
JOIN = {"rule": "join", "left": "left", "right": "right", "on": "on"}
PIVOT = {"rule": "pivot", "of": "table", "index": "index", "columns": "columns", "value": "value"}


@dataclass(frozen=True)
class Case:
    name: str
    rule: dict[str, Any]
    expected: Any
    literals: dict[str, Any] = field(default_factory=dict[str, Any])
    arguments: dict[str, Any] = field(default_factory=lambda: {"table": PENGUINS})


CASES = [
    Case("same", {"rule": "same", "of": "table"}, PENGUINS),
    Case("same forgets how many rows there are", {"rule": "same", "of": "table"}, PENGUINS,
         arguments={"table": {**PENGUINS, "minItems": 3}}),
    Case("same of nothing known", {"rule": "same", "of": "table"}, DECLARED, arguments={"table": {}}),
    Case("same of a list that is no table", {"rule": "same", "of": "table"}, DECLARED,
         arguments={"table": {"type": "array", "const": [1, 2]}}),
    Case("same of a scalar", {"rule": "same", "of": "table"}, {"type": "string"},
         arguments={"table": {"type": "string"}}),
    Case("content", {"rule": "content", "of": "file"}, PENGUINS, arguments={"file": {**FILE, "x-content": PENGUINS}}),
    Case("content not read", {"rule": "content", "of": "file"}, DECLARED, arguments={"file": FILE}),
    Case("content by key", {"rule": "content", "of": "file", "key": "name"}, PENGUINS, {"name": "birds"},
         {"file": {**FILE, "x-contents": {"birds": PENGUINS, "fish": DECLARED}}}),
    Case("content by a key that isn't there", {"rule": "content", "of": "file", "key": "name"}, DECLARED,
         {"name": "bears"}, {"file": {**FILE, "x-contents": {"birds": PENGUINS}}}),
    Case("select, in the order named", {"rule": "select", "of": "table", "columns": "columns"},
         table(year=YEAR, species=SPECIES), {"columns": ["year", "species"]}),
    Case("select one", {"rule": "select", "of": "table", "columns": "columns"}, table(year=YEAR), {"columns": "year"}),
    Case("select what only a run will tell", {"rule": "select", "of": "table", "columns": "columns"}, DECLARED,
         arguments={"table": PENGUINS, "columns": {"type": "array"}}),
    Case("select from an open table", {"rule": "select", "of": "table", "columns": "columns"},
         table(year=YEAR, other={}), {"columns": ["year", "other"]}, {"table": table(is_open=True, year=YEAR)}),
    Case("drop", {"rule": "drop", "of": "table", "columns": "columns"}, table(species=SPECIES, year=YEAR),
         {"columns": ["mass"]}),
    Case("add", {"rule": "add", "of": "table", "column": "name", "schema": NUMBER},
         table(species=SPECIES, mass=MASS, year=YEAR, ratio=NUMBER), {"name": "ratio"}),
    Case("add over a column of that name", {"rule": "add", "of": "table", "column": "name", "schema": NUMBER},
         table(species=SPECIES, mass=NUMBER, year=YEAR), {"name": "mass"}),
    Case("rename keeps the order", {"rule": "rename", "of": "table", "mapping": "mapping"},
         table(species=SPECIES, weight=MASS, year=YEAR), {"mapping": {"mass": "weight"}}),
    Case("cast keeps missing values", {"rule": "cast", "of": "table", "types": "types"},
         table(species=SPECIES, mass={"type": ["integer", "null"]}, year=DATE),
         {"types": {"mass": "integer", "year": "date"}}),
    Case("group and mean", GROUP, table(species=SPECIES, mean_mass=NULLABLE),
         {"by": ["species"], "value": "mass", "function": "mean"}),
    Case("group and sum", GROUP, table(species=SPECIES, sum_mass=NUMBER),
         {"by": ["species"], "value": "mass", "function": "sum"}),
    Case("group and max keeps the type", GROUP, table(species=SPECIES, max_year=YEAR),
         {"by": "species", "value": "year", "function": "max"}),
    Case("group and nunique", GROUP, table(species=SPECIES, nunique_year=COUNT),
         {"by": ["species"], "value": "year", "function": "nunique"}),
    Case("group and count", GROUP, table(species=SPECIES, year=YEAR, count=COUNT),
         {"by": ["species", "year"], "value": "mass", "function": "count"}),
    Case("group without a value", GROUP, table(species=SPECIES, count=COUNT), {"by": ["species"]}),
    Case("group by what only a run will tell", GROUP, DECLARED, {"by": ["species"], "value": "mass"},
         {"table": PENGUINS, "function": {"type": "string"}}),
    Case("join", JOIN, table(species=SPECIES, mass=MASS, year=YEAR, mass_right=NUMBER, island={}), {"on": ["species"]},
         {"left": PENGUINS, "right": table(species=SPECIES, mass=NUMBER, island={})}),
    Case("join with an open table", JOIN, table(is_open=True, species=SPECIES, year=YEAR), {"on": ["species"]},
         {"left": table(species=SPECIES), "right": table(is_open=True, year=YEAR)}),
    Case("pivot", PIVOT, table(("Adelie", "Gentoo"), year=YEAR, Adelie=NULLABLE, Gentoo=NULLABLE),
         {"index": "year", "columns": "species", "value": "mass"}),
    Case("pivot over a column without categories", PIVOT, table(is_open=True, species=SPECIES),
         {"index": "species", "columns": "year", "value": "mass"}),
    Case("first row", {"rule": "first", "of": "table"}, PENGUINS["items"]),
    Case("element", {"rule": "element", "of": "table", "column": "column"}, MASS, {"column": "mass"}),
    Case("element of an optional column may be null", {"rule": "element", "of": "table", "column": "column"},
         {"type": ["integer", "null"]}, {"column": "year"}, {"table": table(("year",), year=YEAR)}),
    Case("element of no such column", {"rule": "element", "of": "table", "column": "column"}, DECLARED,
         {"column": "x"}),
    Case("list", {"rule": "list", "of": "table", "column": "column"}, {"type": "array", "items": SPECIES},
         {"column": "species"}),
    Case("file", {"rule": "file", "of": "table"}, {**DECLARED, "x-content": PENGUINS}),
    Case("file by key", {"rule": "file", "of": "table", "key": "name"}, {**DECLARED, "x-contents": {"birds": PENGUINS}},
         {"name": "birds"}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_output(case: Case) -> None:
    found = output_schema(spec(case.rule), case.arguments, case.literals)
    assert found["type"] == "object"
    assert found["required"] == ["out"]
    outputs: Any = found["properties"]
    assert outputs["out"] == case.expected
    row: Any = outputs["out"].get("items") if isinstance(case.expected, dict) else None
    if row and "properties" in row:
        assert list(row["properties"]) == list(case.expected["items"]["properties"]), "columns keep their order"


@pytest.mark.parametrize(
    ("rule", "literals"),
    [
        ({"rule": "select", "of": "table", "columns": "columns"}, {"columns": ["year"]}),
        ({"rule": "drop", "of": "table", "columns": "columns"}, {"columns": ["year"]}),
        ({"rule": "add", "of": "table", "column": "column", "schema": YEAR}, {"column": "age"}),
        ({"rule": "rename", "of": "table", "mapping": "mapping"}, {"mapping": {"year": "age"}}),
        ({"rule": "cast", "of": "table", "types": "types"}, {"types": {"year": "number"}}),
        (GROUP, {"by": ["species"], "value": "year", "function": "max"}),
        (PIVOT, {"index": "year", "columns": "species"}),
        ({"rule": "first", "of": "table"}, {}),
        ({"rule": "element", "of": "table", "column": "column"}, {"column": "year"}),
        ({"rule": "list", "of": "table", "column": "column"}, {"column": "year"}),
        ({"rule": "file", "of": "table"}, {}),
    ],
    ids=lambda value: value.get("rule", ""),
)
def test_an_output_of_which_too_little_is_known_stays_as_declared(rule: Any, literals: Any) -> None:
    decided: Any = output_schema(spec(rule), {"table": PENGUINS}, literals)
    assert decided["properties"]["out"] != DECLARED
    for arguments, known in (
        ({}, literals),
        ({"table": {"type": "string"}}, literals),
        *(({"table": PENGUINS}, {**literals, name: 1}) for name in literals),
    ):
        found: Any = output_schema(spec(rule), arguments, known)
        assert found["properties"]["out"] == DECLARED


@pytest.mark.parametrize("missing", ["left", "right"])
def test_a_join_with_what_is_no_table_stays_as_declared(missing: str) -> None:
    arguments: dict[str, Any] = {"left": PENGUINS, "right": PENGUINS, missing: {"type": "string"}}
    found: Any = output_schema(spec(JOIN), arguments, {"on": ["species"]})
    assert found["properties"]["out"] == DECLARED


def test_columns_renamed_in_an_open_table_are_there() -> None:
    arguments = {"table": table(year=YEAR, is_open=True)}
    rule = {"rule": "rename", "of": "table", "mapping": "mapping"}
    found: Any = output_schema(spec(rule), arguments, {"mapping": {"year": "age", "bill": "beak"}})
    assert found["properties"]["out"]["items"]["properties"] == {"age": YEAR, "beak": {}}


def test_a_cast_to_a_type_that_is_none_says_nothing_of_the_column() -> None:
    rule = {"rule": "cast", "of": "table", "types": "types"}
    found: Any = output_schema(spec(rule), {"table": PENGUINS}, {"types": {"year": "colour"}})
    assert found["properties"]["out"]["items"]["properties"]["year"] == {}


def test_a_constant_argument_is_a_literal_too() -> None:
    arguments = {"table": PENGUINS, "columns": {"type": "array", "const": ["year"]}}
    rule = {"rule": "select", "of": "table", "columns": "columns"}
    found: Any = output_schema(spec(rule), arguments, {})
    assert found["properties"]["out"] == table(year=YEAR)


def test_a_default_counts_where_the_argument_is_not_given() -> None:
    operation = spec(GROUP, function={"type": "string", "default": "max"})
    found: Any = output_schema(operation, {"table": PENGUINS}, {"by": ["species"], "value": "year"})
    assert list(found["properties"]["out"]["items"]["properties"]) == ["species", "max_year"]


def test_inputs_are_shared_and_not_changed() -> None:
    before = repr(PENGUINS)
    rule = {"rule": "drop", "of": "table", "columns": "columns"}
    found: Any = output_schema(spec(rule), {"table": PENGUINS}, {"columns": ["mass"]})
    assert found["properties"]["out"]["items"]["properties"]["species"] is SPECIES
    assert repr(PENGUINS) == before


KINDS: list[tuple[Any, str]] = [
    ({"type": "integer"}, "numeric"),
    ({"type": ["number", "null"]}, "numeric"),
    ({"type": ["integer", "number"]}, "numeric"),
    ({"type": "string"}, "text"),
    (DATE, "time"),
    ({"type": ["string", "null"], "format": "date-time"}, "time"),
    ({"type": "string", "format": "email"}, "text"),
    ({"type": "boolean"}, "boolean"),
    ({"enum": ["a", None]}, "text"),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "numeric"),
    ({"type": ["integer", "string"]}, "unknown"),
    ({"type": "null"}, "unknown"),
    ({}, "unknown"),
]


@pytest.mark.parametrize(("schema", "kind"), KINDS, ids=repr)
def test_kind_of_a_column(schema: Any, kind: str) -> None:
    assert column_kind(schema) == kind


def test_columns_of_a_table() -> None:
    assert columns(PENGUINS) == (
        Column("species", SPECIES, "text", ("Adelie", "Gentoo"), nullable=False),
        Column("mass", MASS, "numeric", (), nullable=True),
        Column("year", YEAR, "numeric", (), nullable=False),
    )


@pytest.mark.parametrize(
    "schema", [{}, {"type": "string"}, DECLARED, {"type": "array"}, {"type": "array", "items": {"type": "string"}}]
)
def test_what_has_no_columns(schema: Any) -> None:
    assert columns(schema) is None


def test_a_table_is_found_behind_references_and_unions_with_null() -> None:
    schema = {
        "$defs": {"row": PENGUINS["items"], "rows": {"type": ["array", "null"], "items": {"$ref": "#/$defs/row"}}},
        "anyOf": [{"$ref": "#/$defs/rows"}, {"type": "null"}],
    }
    found = columns(schema)
    assert found is not None
    assert [column.name for column in found] == ["species", "mass", "year"]


def test_a_constant_table_has_the_columns_of_its_rows() -> None:
    rows = rows_of({"type": "array", "const": [{"a": 1, "b": "x"}, {"a": 2.5}]})
    assert rows is not None
    assert rows.columns == {"a": {"type": "number"}, "b": {"type": "string"}}
    assert rows.optional == {"b"}
    assert not rows.is_open
