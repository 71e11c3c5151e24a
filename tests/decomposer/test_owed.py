"""What a goal asks for in so many words must come of the plan."""

from __future__ import annotations

import pytest

from decomposer.grounding import ground
from decomposer.owed import asked_values, giving, used_values
from decomposer.scope import properties_of
from executor.toolchest import default_catalogue
from planner.signature import words_of

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
