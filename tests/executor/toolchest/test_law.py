"""The law that planning rests on: what an operation gives has the schema that was propagated for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagwright.exceptions import ToolRejected
from executor.bindings.python import PythonRunner
from executor.bindings.runner import ToolContext
from executor.toolchest import load_pack
from executor.toolchest.tables import table_schema
from validation.types import columns, constant_schema, output_schema

from .conftest import make_context

DATA = load_pack("data").by_name
RUN = PythonRunner()

Table = list[dict[str, Any]]

CELLS: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-1000, 1000),
    "number": st.floats(-1e6, 1e6, allow_nan=False),
    "mixed": st.one_of(st.integers(-5, 5), st.floats(-5, 5, allow_nan=False)),
    "category": st.sampled_from(["red", "green", "blue"]),
    "text": st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=6),
    "boolean": st.booleans(),
    "date": st.dates().map(lambda day: day.isoformat()),
    "nothing": st.none(),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[Table, list[str]]:
    names = draw(
        st.lists(st.sampled_from(["a", "b", "c", "d", "a_right", "count", "1"]), min_size=1, max_size=4, unique=True)
    )
    kinds = {name: draw(st.sampled_from(sorted(CELLS))) for name in names}
    nullable = {name: draw(st.booleans()) for name in names}
    row = st.fixed_dictionaries(
        {name: CELLS[kinds[name]] | st.none() if nullable[name] else CELLS[kinds[name]] for name in names}
    )
    return draw(st.lists(row, max_size=8)), names


def arguments_of(name: str, data: st.DataObject, headers: list[str], right: tuple[Table, list[str]]) -> dict[str, Any]:
    column = st.sampled_from(headers)
    some = st.lists(column, min_size=1, unique=True)
    new = st.sampled_from(["new", *headers])
    number = st.integers(-3, 3) | st.floats(-3, 3, allow_nan=False)
    types = st.sampled_from(["integer", "number", "string", "boolean", "date"])
    measure = st.sampled_from(["mean", "sum", "median", "min", "max", "std"])
    forms: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "filter_rows": {
            "column": column,
            "op": st.sampled_from(["==", "!=", ">", "<=", "in", "not_in", "contains"]),
            "value": number | CELLS["category"],
        },
        "filter_outliers": {
            "column": column,
            "method": st.sampled_from(["iqr", "zscore"]),
            "keep": st.sampled_from(["outliers", "others"]),
        },
        "drop_missing": {"columns": some},
        "drop_duplicates": {"columns": some},
        "sort_rows": {"column": column, "descending": st.booleans()},
        "top_rows": {"n": st.integers(1, 3)},
        "select_columns": {"columns": some},
        "drop_columns": {"columns": some},
        "rename_columns": {"mapping": st.dictionaries(column, st.sampled_from(["x", "y", "z"]), max_size=2)},
        "cast_columns": {"types": st.dictionaries(column, types, max_size=2)},
        "combine_columns": {"left": column, "op": st.sampled_from("+-*/"), "right": column, "name": new},
        "scale_column": {"column": column, "op": st.sampled_from("+-*/"), "number": number, "name": new},
        "bin_column": {
            "column": column,
            "edges": st.just([0, 5]),
            "labels": st.just(["low", "mid", "high"]),
            "name": new,
        },
        "date_part": {
            "column": column,
            "part": st.sampled_from(["year", "month", "day", "weekday", "hour"]),
            "name": new,
        },
        "fill_missing": {"column": column, "number": number},
        "group_count": {"by": some},
        "group_aggregate": {"by": some, "value": column, "function": measure | st.just("nunique")},
        "pivot_table": {"index": column, "columns": column, "value": column, "function": measure},
        "join_tables": {
            "on": st.lists(st.sampled_from(sorted(set(headers) & set(right[1])) or headers), min_size=1, unique=True)
        },
        "describe": {},
        "get_value": {"column": column, "row": st.integers(1, 3)},
        "column_values": {"column": column, "distinct": st.booleans()},
        "check_schema": {"columns": some},
    }
    return {key: data.draw(value, label=key) for key, value in forms[name].items()}


OPERATIONS = [
    "filter_rows", "filter_outliers", "drop_missing", "drop_duplicates", "sort_rows", "top_rows", "select_columns",
    "drop_columns", "rename_columns", "cast_columns", "combine_columns", "scale_column", "bin_column", "date_part",
    "fill_missing", "group_count", "group_aggregate", "pivot_table", "join_tables", "describe", "get_value",
    "column_values", "check_schema",
]  # fmt: skip


def call(name: str, table: Table, schema: Any, data: st.DataObject, context: ToolContext) -> tuple[Any, Any] | None:
    """Runs one operation on a table known by a schema; gives outputs and propagated schema, or None if refused."""
    right = data.draw(tables(), label="right")
    headers = [column.name for column in columns(schema) or ()]
    literals = arguments_of(name, data, headers, right)
    given_tables = {"left": table, "right": right[0]} if name == "join_tables" else {"table": table}
    schemas = {"left": schema, "right": table_schema(*right)} if name == "join_tables" else {"table": schema}
    known = {**schemas, **{key: constant_schema(value) for key, value in literals.items()}}
    propagated = output_schema(DATA[f"data.{name}"], known, literals)
    try:
        outputs = RUN(DATA[f"data.{name}"], {**given_tables, **literals}, context)
    except ToolRejected as refusal:
        if refusal.code == "tool_failed":
            raise
        return None
    jsonschema_rs.validate(propagated, outputs)
    return outputs, propagated


@pytest.mark.parametrize("name", OPERATIONS)
def test_outputs_have_the_propagated_schema(name: str, tmp_path: Path) -> None:
    context = make_context(tmp_path)
    answered = 0

    @given(start=tables(), data=st.data())
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def holds(start: tuple[Table, list[str]], data: st.DataObject) -> None:
        nonlocal answered
        answered += call(name, start[0], table_schema(*start), data, context) is not None

    holds()
    assert answered > 0


@given(start=tables(), data=st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_outputs_have_the_propagated_schema_along_a_chain(
    tmp_path_factory: pytest.TempPathFactory, start: tuple[Table, list[str]], data: st.DataObject
) -> None:
    context = make_context(tmp_path_factory.getbasetemp() / "law")
    table, schema = start[0], table_schema(*start)
    for name in data.draw(st.lists(st.sampled_from(OPERATIONS), min_size=2, max_size=4), label="operations"):
        result = call(name, table, schema, data, context)
        if result is None or "table" not in result[0] or not columns(result[1]["properties"]["table"]):
            return
        table, schema = result[0]["table"], result[1]["properties"]["table"]
