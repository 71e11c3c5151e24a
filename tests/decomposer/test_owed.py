"""What a goal asks for in so many words must come of the plan."""

from __future__ import annotations

from typing import cast

import pytest

from decomposer.grounding import ground
from decomposer.owed import (
    asked_values,
    by_age,
    comparing,
    counted_columns,
    giving,
    in_order,
    named_columns,
    picked_columns,
    used_constants,
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


TEAM = Column(name="team", schema={}, kind="text", categories=("red", "blue"))
PAY = Column(name="pay", schema={"x-range": [100, 900]}, kind="numeric")
MEMBER = Column(name="member", schema={}, kind="text", categories=("yes", "no"))


@pytest.mark.parametrize(
    ("goal", "used", "owed"),
    [
        pytest.param("The mean pay of the blue team", [], {"team"}, id="a value"),
        pytest.param("The mean pay of the blue team", ["blue"], set(), id="used already"),
        pytest.param("Red, blue: who earns more?", ["team"], set(), id="groups of them all"),
        pytest.param("Red and blue separately", [], set(), id="apart"),
        pytest.param("Write them to blue.csv", [], set(), id="a file's name"),
        pytest.param("There are no more", [], set(), id="yes and no say nothing"),
        pytest.param("Who earns more than 500?", [], {"pay"}, id="a limit"),
        pytest.param("Who earns more than 500?", [500], set(), id="a limit that is used"),
        pytest.param("Who earns more than 5000?", [], set(), id="beyond all values"),
    ],
)
def test_values_and_limits_that_a_goal_names_are_owed(goal: str, used: list[str | float], owed: set[str]) -> None:
    assert picked_columns([TEAM, PAY, MEMBER], ground(goal), used) == owed


def test_what_picks_rows_compares_columns_that_are_owed() -> None:
    offered = comparing(OPERATIONS, ["team"])
    assert "filter_rows" in offered
    assert "aggregate" not in offered
    assert properties_of(offered["filter_rows"].input_schema)["column"]["x-columns"] == ["team"]
    assert comparing(OPERATIONS, []) == {}


def test_constants_are_found_in_any_form() -> None:
    assert used_constants([{"by": ["city"], "n": 3, "yes": True}]) == {"by", "city", "n", 3, "yes"}


SINCE = Column(name="since", schema={"x-range": [1950, 2020]}, kind="numeric")


@pytest.mark.parametrize(
    ("goal", "columns", "largest_first"),
    [
        pytest.param("the oldest shop", [SINCE], False, id="oldest by date"),
        pytest.param("the newest shop", [SINCE], True, id="newest"),
        pytest.param("the oldest rider", [column("age")], True, id="oldest by age"),
        pytest.param("the youngest rider", [column("age")], False, id="youngest by age"),
        pytest.param("the oldest rider by age", [SINCE, column("age")], True, id="the one that is named"),
        pytest.param("the oldest rider", [SINCE, column("age")], None, id="either"),
        pytest.param("the oldest rider", [column("pay")], None, id="neither"),
    ],
)
def test_what_is_oldest_lies_at_the_end_of_ages_and_the_beginning_of_dates(
    goal: str, columns: list[Column], largest_first: bool | None
) -> None:
    spec = by_age(OPERATIONS["sort_rows"], columns, ground(goal))
    cues = cast("dict[str, list[str]]", properties_of(spec.input_schema)["descending"]["x-cues"])
    asked = [value for value in ("true", "false") if any(map(ground(goal).has, cues[value]))]
    assert asked == ([] if largest_first is None else [str(largest_first).lower()])
