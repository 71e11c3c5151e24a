"""Worked examples: what they hold, what is left of a goal without its tables, what is shown of their tables."""

from __future__ import annotations

from collections import Counter

import pytest

from planner.example import COLUMNS, Example, examples, outline

EXAMPLE = Example(
    goal="How heavy are the oaks?",
    inputs={"trees": {"kind": ("oak", "pine"), "a": "text", "b": "text", "c": "text", "d": "date", "weight": "number"}},
    plan=(
        'filter_rows(table=trees, column="kind", op="==", value="oak")',
        'aggregate(table=s1, column="weight", function="mean")',
        "answer(s2)",
    ),
)


@pytest.mark.parametrize(
    ("goal", "left"),
    [
        pytest.param("How heavy are the oaks?", "How heavy are the oaks?", id="nothing of the tables"),
        pytest.param("The mean weight of an oak", "The mean COLUMN of an VALUE", id="a column and a value"),
        pytest.param("Which trees weigh most?", "Which COLUMN weigh most?", id="a table"),
        pytest.param("More than 2.5 of weights", "More than NUMBER of COLUMN", id="a number and a plural"),
    ],
)
def test_an_outline_leaves_out_what_belongs_to_the_tables(goal: str, left: str) -> None:
    assert outline(goal, frozenset({"trees", "kind", "weight"}), frozenset({"oak", "pine"})) == left


def test_the_operations_of_an_example_are_those_that_it_calls() -> None:
    assert EXAMPLE.operations == {"filter_rows", "aggregate"}


def test_pruned_tables_keep_the_columns_of_the_calls_and_a_few_others() -> None:
    [columns] = EXAMPLE.pruned().inputs.values()
    assert list(columns) == ["kind", "a", "weight"]
    assert len(columns) == COLUMNS


def test_schemas_are_those_of_tables() -> None:
    row = EXAMPLE.schemas()["trees"]["items"]
    assert isinstance(row, dict)
    assert row["properties"] == {
        "kind": {"type": "string", "enum": ["oak", "pine"]},
        **{name: {"type": "string"} for name in "abc"},
        "d": {"type": "string", "format": "date"},
        "weight": {"type": "number"},
    }


def test_no_goal_is_there_twice() -> None:
    assert [goal for goal, count in Counter(example.goal for example in examples()).items() if count > 1] == []
