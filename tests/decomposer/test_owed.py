"""What a goal asks for in so many words must come of the plan."""

from __future__ import annotations

import pytest

from decomposer.grounding import ground
from decomposer.owed import (
    asked_values,
    counted_columns,
    giving,
    in_order,
    named_columns,
    used_names,
    used_values,
    using,
)
from decomposer.scope import properties_of
from executor.toolchest import default_catalogue
from planner.signature import words_of
from validation.types.table import Column

OPERATIONS = words_of(default_catalogue().tools)


@pytest.mark.parametrize(
    ("goal", "columns", "asked"),
    [
        pytest.param("What is the median pay?", (), {"median"}, id="one"),
        pytest.param("Which team is paid best on average?", (), {"mean"}, id="by another word"),
        pytest.param("standard deviation and mean of the pay", (), {"std", "mean"}, id="two statistics"),
        pytest.param("What do the rows mean_age hold?", ("mean_age",), set(), id="a column's name"),
        pytest.param("The average rating", ("average_rating",), set(), id="a word that is in a column's name"),
        pytest.param("Which team earns most?", (), set(), id="nothing in so many words"),
    ],
)
def test_a_goal_asks_for_statistics_by_name(goal: str, columns: tuple[str, ...], asked: set[str]) -> None:
    assert asked_values(OPERATIONS.values(), ground(goal), columns) == asked


def test_a_call_gives_the_statistic_that_it_names() -> None:
    calls = [{"column": "pay", "function": "mean"}, {"n": 3}, {"function": "sum"}]
    assert used_values(OPERATIONS.values(), calls) == {"mean"}


def test_what_is_owed_comes_only_of_calls_that_give_it() -> None:
    offered = giving(OPERATIONS, ["median"])
    assert set(offered) == {"aggregate", "group_aggregate"}
    assert all(properties_of(spec.input_schema)["function"]["enum"] == ["median"] for spec in offered.values())


def test_where_nothing_is_owed_nothing_is_offered() -> None:
    assert giving(OPERATIONS, []) == {}


def column(name: str, kind: str = "numeric") -> Column:
    return Column(name=name, schema={}, kind=kind)


@pytest.mark.parametrize(
    ("goal", "columns", "named"),
    [
        pytest.param("Which city bought the most copies?", ["copies", "rating"], {"copies"}, id="named"),
        pytest.param("How much rainfall was there?", ["rainfall_mm"], {"rainfall_mm"}, id="without its unit"),
        pytest.param("The average unit price", ["unit_price", "price"], {"unit_price"}, id="the longer name"),
        pytest.param("Which order was dearest?", ["order_id"], set(), id="a key"),
        pytest.param("Which prices are high?", ["list_price"], set(), id="a part of the name"),
    ],
)
def test_a_goal_names_columns(goal: str, columns: list[str], named: set[str]) -> None:
    assert named_columns(map(column, columns), ground(goal)) == named


@pytest.mark.parametrize(
    ("goal", "counted"),
    [
        pytest.param("Which city bought the most copies?", {"copies"}, id="most"),
        pytest.param("How many copies were sold?", {"copies"}, id="how many"),
        pytest.param("Which city has the most orders?", set(), id="rows"),
        pytest.param("Which orders are of at most copies?", set(), id="at most"),
    ],
)
def test_how_many_of_a_column_there_are_is_no_count_of_rows(goal: str, counted: set[str]) -> None:
    assert counted_columns([column("copies"), column("order_id")], ground(goal)) == counted


def test_a_column_that_is_owed_comes_only_of_calls_that_take_it() -> None:
    offered = using(OPERATIONS, ["copies"])
    assert {"aggregate", "group_aggregate"} <= set(offered)
    assert "filter_rows" not in offered
    assert properties_of(offered["aggregate"].input_schema)["column"]["x-columns"] == ["copies"]


def test_files_hold_rows_in_order_and_charts_need_none() -> None:
    assert properties_of(in_order(OPERATIONS["write_csv"]).input_schema)["table"]["x-ordered"] is True
    assert in_order(OPERATIONS["chart"]) == OPERATIONS["chart"]
    assert in_order(OPERATIONS["count_rows"]) == OPERATIONS["count_rows"]


def test_names_are_found_in_constants_of_any_form() -> None:
    assert used_names([{"by": ["city"], "types": {"age": "integer"}, "n": 3}]) >= {"city", "age", "integer"}


def test_columns_are_counted_by_their_unit_too() -> None:
    goal = ground("Which carrier covers the most kilometres?")
    assert counted_columns([column("distance_km")], goal) == {"distance_km"}
