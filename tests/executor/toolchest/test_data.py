"""Each operation over tables: what it gives for what, and how it refuses."""

# One line a case reads as a table.
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from dagwright.exceptions import ToolRejected

Tool = Callable[..., dict[str, Any]]

PEOPLE: list[dict[str, Any]] = [
    {"name": "Ada", "age": 36, "city": "London", "pay": 10.5},
    {"name": "Bob", "age": None, "city": "Paris", "pay": 8.0},
    {"name": "Cy", "age": 20, "city": "London", "pay": None},
    {"name": "Di", "age": 36, "city": None, "pay": 9.0},
]
TWICE = [{"a": 1, "b": "x"}, {"a": 1, "b": "x"}, {"a": 1, "b": "y"}]


@dataclass(frozen=True)
class Case:
    id: str
    operation: str
    arguments: dict[str, Any]
    expected: Any
    """Outputs; for tables their rows, or only the names where every row has one."""


def names(*wanted: str) -> list[str]:
    return list(wanted)


CASES = [
    Case("filter-greater", "filter_rows", {"column": "age", "op": ">", "value": 20}, names("Ada", "Di")),
    Case("filter-not-equal-leaves-out-missing", "filter_rows", {"column": "age", "op": "!=", "value": 36}, names("Cy")),
    Case("filter-text-number-for-numbers", "filter_rows", {"column": "age", "op": ">=", "value": "36"}, names("Ada", "Di")),
    Case("filter-equal-text", "filter_rows", {"column": "city", "op": "==", "value": "Paris"}, names("Bob")),
    Case("filter-in", "filter_rows", {"column": "name", "op": "in", "value": ["Cy", "Di", "Zoe"]}, names("Cy", "Di")),
    Case("filter-not-in", "filter_rows", {"column": "city", "op": "not_in", "value": ["Paris"]}, names("Ada", "Cy")),
    Case("filter-contains-any-case", "filter_rows", {"column": "city", "op": "contains", "value": "LON"}, names("Ada", "Cy")),
    Case("filter-where-rows-leave-columns-out", "filter_rows", {"table": [{"a": 1}, {"b": 2, "a": 3}], "column": "b", "op": "==", "value": 2}, [{"a": 3, "b": 2}]),
    Case("a-column-left-out-is-null", "select_columns", {"table": [{"a": 1}, {"b": 2}], "columns": ["b"]}, [{"b": None}, {"b": 2}]),
    Case("sort-ascending-missing-last", "sort_rows", {"column": "age"}, names("Cy", "Ada", "Di", "Bob")),
    Case("sort-descending-is-stable", "sort_rows", {"column": "age", "descending": True}, names("Ada", "Di", "Cy", "Bob")),
    Case("top", "top_rows", {"n": 2}, names("Ada", "Bob")),
    Case("drop-missing-any", "drop_missing", {}, names("Ada")),
    Case("drop-missing-of-columns", "drop_missing", {"columns": ["age"]}, names("Ada", "Cy", "Di")),
    Case("drop-duplicates-of-columns", "drop_duplicates", {"columns": ["city"]}, names("Ada", "Bob", "Di")),
    Case("select-in-order", "select_columns", {"table": TWICE, "columns": ["b", "a"]}, [{"b": "x", "a": 1}, {"b": "x", "a": 1}, {"b": "y", "a": 1}]),
    Case("drop-columns", "drop_columns", {"table": TWICE, "columns": ["b"]}, [{"a": 1}] * 3),
    Case("drop-duplicates", "drop_duplicates", {"table": TWICE}, [TWICE[0], TWICE[2]]),
    Case("duplicates-know-true-from-1", "drop_duplicates", {"table": [{"a": 1}, {"a": True}]}, [{"a": 1}, {"a": True}]),
    Case("rename", "rename_columns", {"table": TWICE[:1], "mapping": {"a": "c"}}, [{"c": 1, "b": "x"}]),
    Case("cast-nothing", "cast_columns", {"table": TWICE, "types": {}}, TWICE),
    Case("cast-integer", "cast_columns", {"table": [{"a": "7"}, {"a": None}], "types": {"a": "integer"}}, [{"a": 7}, {"a": None}]),
    Case("cast-number-with-commas", "cast_columns", {"table": [{"a": "1,234.5"}], "types": {"a": "number"}}, [{"a": 1234.5}]),
    Case("cast-boolean", "cast_columns", {"table": [{"a": "yes"}, {"a": 0}], "types": {"a": "boolean"}}, [{"a": True}, {"a": False}]),
    Case("cast-date", "cast_columns", {"table": [{"a": "3/31/2020"}], "types": {"a": "date"}}, [{"a": "2020-03-31"}]),
    Case("combine", "combine_columns", {"table": [{"a": 6, "b": 3}, {"a": 1, "b": 0}, {"a": None, "b": 1}], "left": "a", "op": "/", "right": "b", "name": "c"}, [{"a": 6, "b": 3, "c": 2.0}, {"a": 1, "b": 0, "c": None}, {"a": None, "b": 1, "c": None}]),
    Case("scale", "scale_column", {"table": [{"a": 6}], "column": "a", "op": "*", "number": 2, "name": "b"}, [{"a": 6, "b": 12}]),
    Case("bin", "bin_column", {"table": [{"a": 12}, {"a": 13}, {"a": 99}, {"a": None}], "column": "a", "edges": [13, 20], "labels": ["child", "teen", "adult"], "name": "g"}, [{"a": 12, "g": "child"}, {"a": 13, "g": "teen"}, {"a": 99, "g": "adult"}, {"a": None, "g": None}]),
    Case("weekday", "date_part", {"table": [{"d": "2024-02-29"}], "column": "d", "part": "weekday", "name": "w"}, [{"d": "2024-02-29", "w": 4}]),
    Case("hour", "date_part", {"table": [{"d": "2015-07-24 06:51:00"}], "column": "d", "part": "hour", "name": "h"}, [{"d": "2015-07-24 06:51:00", "h": 6}]),
    Case("fill", "fill_missing", {"table": [{"a": None}, {"a": 2}], "column": "a", "number": 1.5}, [{"a": 1.5}, {"a": 2}]),
    Case("count-groups", "group_count", {"by": ["city"]}, [{"city": "London", "count": 2}, {"city": "Paris", "count": 1}]),
    Case("mean-of-groups", "group_aggregate", {"by": ["city"], "value": "pay", "function": "mean"}, [{"city": "London", "mean_pay": 10.5}, {"city": "Paris", "mean_pay": 8.0}]),
    Case("std-of-one-is-null", "group_aggregate", {"by": ["city"], "value": "pay", "function": "std"}, [{"city": "London", "std_pay": None}, {"city": "Paris", "std_pay": None}]),
    Case("max-keeps-integers", "group_aggregate", {"by": ["city"], "value": "age", "function": "max"}, [{"city": "London", "max_age": 36}, {"city": "Paris", "max_age": None}]),
    Case("pivot", "pivot_table", {"table": [{"a": "x", "b": "q", "v": 1}, {"a": "x", "b": "p", "v": 2}, {"a": "y", "b": "p", "v": 4}, {"a": "y", "b": "p", "v": 6}], "index": "a", "columns": "b", "value": "v", "function": "mean"}, [{"a": "x", "p": 2.0, "q": 1.0}, {"a": "y", "p": 5.0, "q": None}]),
    Case("join", "join_tables", {"left": [{"k": 1, "v": "a"}, {"k": 2, "v": "b"}, {"k": None, "v": "c"}], "right": [{"k": 1, "v": "p"}, {"k": 1, "v": "q"}, {"k": None, "v": "r"}], "on": ["k"]}, [{"k": 1, "v": "a", "v_right": "p"}, {"k": 1, "v": "a", "v_right": "q"}]),
    Case("mean", "aggregate", {"column": "age", "function": "mean"}, {"value": 92 / 3}),
    Case("sum-of-integers", "aggregate", {"column": "age", "function": "sum"}, {"value": 92}),
    Case("quartile", "aggregate", {"table": [{"a": n} for n in (1, 2, 3, 4)], "column": "a", "function": "q1"}, {"value": 1.75}),
    Case("count-rows", "count_rows", {}, {"value": 4}),
    Case("count-distinct", "count_values", {"column": "age", "kind": "distinct"}, {"value": 2}),
    Case("count-missing", "count_values", {"column": "age", "kind": "missing"}, {"value": 1}),
    Case("count-present", "count_values", {"column": "age", "kind": "present"}, {"value": 3}),
    Case("correlation", "correlate", {"table": [{"a": n, "b": -2 * n} for n in range(5)], "x": "a", "y": "b"}, {"value": pytest.approx(-1)}),
    Case("rank-correlation", "correlate", {"table": [{"a": n, "b": n**3} for n in range(5)], "x": "a", "y": "b", "method": "spearman"}, {"value": pytest.approx(1)}),
    Case("first-value", "get_value", {"column": "name"}, {"value": "Ada"}),
    Case("third-value", "get_value", {"column": "name", "row": 3}, {"value": "Cy"}),
    Case("values", "column_values", {"column": "age"}, {"values": [36, None, 20, 36]}),
    Case("distinct-values", "column_values", {"column": "age", "distinct": True}, {"values": [36, None, 20]}),
    Case("outliers-iqr", "filter_outliers", {"table": [{"a": n} for n in (1, 2, 3, 4, 100, None)], "column": "a", "method": "iqr"}, [{"a": 100}]),
    Case("without-outliers-zscore", "filter_outliers", {"table": [{"a": n} for n in [0] * 20 + [50]], "column": "a", "method": "zscore", "keep": "others"}, [{"a": 0}] * 20),
    Case("check-passes", "check_schema", {"columns": ["age"]}, names("Ada", "Bob", "Cy", "Di")),
    Case("log-passes", "log_table", {}, names("Ada", "Bob", "Cy", "Di")),
]  # fmt: skip


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for member in value.values() for leaf in leaves(member)]
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


def approximate(case: Case) -> bool:
    return case.operation == "correlate"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_operation_gives(case: Case, tool: Tool) -> None:
    needs_people = case.operation != "join_tables"
    arguments = {"table": PEOPLE, **case.arguments} if needs_people else case.arguments
    outputs = tool(f"data.{case.operation}", **arguments)
    given = outputs.get("table", outputs)
    if isinstance(case.expected, list) and all(isinstance(item, str) for item in case.expected):
        given = [row["name"] for row in given]
    assert given == case.expected
    assert [type(value) for value in leaves(given)] == [type(value) for value in leaves(case.expected)] or approximate(
        case
    )


REFUSALS = [
    Case("missing-column", "sort_rows", {"column": "agee"}, ("missing_column", "'age'")),
    Case("missing-column-of-list", "select_columns", {"columns": ["name", "nope"]}, ("missing_column", "nope")),
    Case("not-numeric", "aggregate", {"column": "name", "function": "mean"}, ("not_numeric", "'Ada'")),
    Case("group-not-numeric", "group_aggregate", {"by": ["city"], "value": "name", "function": "mean"}, ("not_numeric", "name")),
    Case("not-comparable", "filter_rows", {"column": "age", "op": ">", "value": "old"}, ("not_comparable", "'old'")),
    Case("list-for-greater", "filter_rows", {"column": "age", "op": ">", "value": [1]}, ("not_comparable", "in or not_in")),
    Case("not-castable", "cast_columns", {"types": {"name": "integer"}}, ("not_castable", "'Ada'")),
    Case("half-to-integer", "cast_columns", {"types": {"pay": "integer"}}, ("not_castable", "10.5")),
    Case("not-dates", "date_part", {"column": "name", "part": "year", "name": "y"}, ("not_dates", "YYYY-MM-DD")),
    Case("empty", "aggregate", {"table": [], "column": "a", "function": "mean"}, ("empty_table", "no rows")),
    Case("std-of-one", "aggregate", {"table": [{"a": 1}], "column": "a", "function": "std"}, ("too_few_values", "1 values")),
    Case("correlation-with-constant", "correlate", {"table": [{"a": 1, "b": 2}, {"a": 2, "b": 2}], "x": "a", "y": "b"}, ("too_few_values", "does not vary")),
    Case("row-beyond-the-end", "get_value", {"column": "name", "row": 9}, ("missing_row", "has 4")),
    Case("rename-onto-another", "rename_columns", {"mapping": {"age": "name"}}, ("name_clash", "same name")),
    Case("all-columns-dropped", "drop_columns", {"table": TWICE, "columns": ["a", "b"]}, ("no_columns", "left")),
    Case("edges-and-labels", "bin_column", {"column": "age", "edges": [1], "labels": ["a", "b", "c"], "name": "g"}, ("bad_edges", "2 ranges")),
    Case("mixed-types", "check_schema", {"table": [{"a": 1}, {"a": "x"}]}, ("mixed_types", "'a'")),
    Case("rows-differ", "check_schema", {"table": [{"a": 1}, {"b": 1}]}, ("not_a_table", "same columns")),
    Case("column-demanded", "check_schema", {"columns": ["email"]}, ("missing_column", "email")),
    Case("join-without-key", "join_tables", {"left": [{"k": 1}], "right": [{"j": 1}], "on": ["k"]}, ("missing_column", "'j'")),
    Case("three-values-that-do-not-vary", "test_normality", {"table": [{"a": 1}] * 3, "column": "a"}, ("too_few_values", "vary")),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.id)
def test_operation_refuses(case: Case, tool: Tool) -> None:
    arguments = case.arguments if case.operation == "join_tables" else {"table": PEOPLE, **case.arguments}
    code, words = case.expected
    with pytest.raises(ToolRejected) as refused:
        tool(f"data.{case.operation}", **arguments)
    assert refused.value.code == code
    assert words in str(refused.value)


def test_arguments_are_left_as_they_are(tool: Tool) -> None:
    before = [dict(row) for row in PEOPLE]
    for case in CASES:
        if case.operation != "join_tables":
            tool(f"data.{case.operation}", **{"table": PEOPLE, **case.arguments})
    assert before == PEOPLE


def test_describe_has_a_row_per_column(tool: Tool) -> None:
    rows = {row["column"]: row for row in tool("data.describe", table=PEOPLE)["table"]}
    assert rows["age"] == {
        "column": "age", "type": "integer", "count": 3, "missing": 1, "distinct": 2,
        "mean": 92 / 3, "std": pytest.approx(9.2376043), "min": 20, "q1": 28.0, "median": 36, "q3": 36.0, "max": 36,
    }  # fmt: skip
    assert rows["city"]["mean"] is None
    assert rows["city"]["distinct"] == 2
