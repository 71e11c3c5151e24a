"""A goal of several clauses wants something of each."""

from __future__ import annotations

import pytest

from decomposer.clauses import apart, asked_over, asks_how_many, beside, grouping, sentences, singles, taken_from
from decomposer.grounding import ground
from decomposer.scope import properties_of
from executor.toolchest import default_catalogue
from planner.signature import words_of
from validation.types.table import Column

OPERATIONS = words_of(default_catalogue().tools)
COLUMNS = (
    *(Column(name=name, schema={}, kind="numeric") for name in ("age", "pay", "years_of_tenure", "staff_id")),
    Column(name="team", schema={}, kind="text"),
)


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        pytest.param("how many? tell me.", [["how many"], ["tell me"]], id="sentences"),
        pytest.param(
            "which team is best, and how old are they?", [["which team is best", "how old are they"]], id="and"
        ),
        pytest.param("say how many, what they weigh", [["say how many", "what they weigh"]], id="a comma"),
        pytest.param("the link between age and pay", [["the link between age and pay"]], id="and within a clause"),
        pytest.param("the mean age, or the sum", [["the mean age, or the sum"]], id="one comma"),
        pytest.param("facts: a, b, and c", [["facts"], ["a", "b", "c"]], id="a list"),
        pytest.param("state a, b and the c", [["state a", "b", "the c"]], id="a short list"),
        pytest.param("above 2.5 km", [["above 2.5 km"]], id="a point in a number"),
    ],
)
def test_clauses(text: str, clauses: list[list[str]]) -> None:
    assert sentences(text) == clauses


@pytest.mark.parametrize(
    ("text", "statistics", "alone"),
    [
        pytest.param(
            "What is the mean age, and which team has the highest pay?", {("age", "mean")}, {"age"}, id="beside groups"
        ),
        pytest.param(
            "Which team has the highest mean pay, and what is the median pay?",
            {("pay", "median")},
            set(),
            id="of the same column",
        ),
        pytest.param(
            "For each team, what is the mean age, and which has the highest?", set(), set(), id="of all groups"
        ),
        pytest.param("What is the mean age?", set(), set(), id="no groups"),
        pytest.param("Which team is paid best? I mean the average pay.", set(), set(), id="an explanation"),
        pytest.param("What is the mean of age and pay, and which team is best?", set(), set(), id="two columns"),
    ],
)
def test_statistics_over_all_rows_beside_those_of_groups(
    text: str, statistics: set[tuple[str, str]], alone: set[str]
) -> None:
    found = singles(ground(text), OPERATIONS.values(), COLUMNS)
    assert (found.statistics, found.columns) == (statistics, alone)


def test_groups_leave_columns_alone_that_are_wanted_over_all_rows() -> None:
    found = singles(ground("What is the mean age, and which team is paid best?"), OPERATIONS.values(), COLUMNS)
    spec = apart(OPERATIONS["group_aggregate"], found)
    assert properties_of(spec.input_schema)["value"]["x-columns-barred"] == ["age"]
    assert apart(OPERATIONS["count_rows"], found) == OPERATIONS["count_rows"]


def test_groups_are_compared_by_what_a_clause_says_there_is_most_of() -> None:
    found = singles(ground("Which team has the most years of tenure?"), OPERATIONS.values(), COLUMNS)
    assert found.grouped == {"years_of_tenure"}
    spec = apart(OPERATIONS["group_aggregate"], found)
    assert properties_of(spec.input_schema)["value"]["x-columns-barred"] == ["age", "pay", "staff_id"]


def test_groups_are_of_what_a_clause_about_groups_names() -> None:
    columns = (*COLUMNS, Column(name="site", schema={}, kind="text"))
    found = singles(ground("How many sites are there, and which team is best?"), OPERATIONS.values(), columns)
    assert found.others == {"site"}
    spec = apart(OPERATIONS["group_count"], found)
    assert properties_of(spec.input_schema)["by"]["x-columns-barred"] == ["site"]
    assert singles(ground("Which is best?"), OPERATIONS.values(), columns).others == frozenset()


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("Which team has the highest pay, and how are age and tenure correlated?", ["age", "years_of_tenure"]),
        ("Do age and pay go together? Give the correlation.", None),
    ],
    ids=["in its clause", "elsewhere"],
)
def test_two_columns_are_set_against_each_other_where_a_clause_names_both(text: str, columns: list[str] | None) -> None:
    spec = beside(OPERATIONS["correlate"], ground(text), COLUMNS)
    assert properties_of(spec.input_schema)["x"].get("x-columns") == columns


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [
        ("For each, subtract the age from the pay.", ["pay"], ["age"]),
        ("subtracting the age of each from their years of tenure", ["years_of_tenure"], ["age"]),
        ("pay minus age", None, None),
    ],
    ids=["subtract", "subtracting", "by another word"],
)
def test_what_is_subtracted_stands_on_the_right(text: str, left: list[str] | None, right: list[str] | None) -> None:
    properties = properties_of(taken_from(OPERATIONS["combine_columns"], ground(text), COLUMNS).input_schema)
    assert (properties["left"].get("x-columns"), properties["right"].get("x-columns")) == (left, right)


def test_rows_are_left_out_for_what_a_clause_names() -> None:
    spec = asked_over(OPERATIONS["drop_missing"], ground("Leave out people without an age. The median pay?"), COLUMNS)
    assert properties_of(spec.input_schema)["columns"]["x-columns"] == ["age"]
    assert "columns" in spec.input_schema["required"]
    unsaid = asked_over(OPERATIONS["drop_missing"], ground("Leave them out."), COLUMNS)
    assert len(properties_of(unsaid.input_schema)["columns"]["x-columns"]) == len(COLUMNS)
    assert "columns" not in unsaid.input_schema["required"]
    whole = [Column(name="age", schema={"type": "integer"}, kind="numeric")]
    assert asked_over(OPERATIONS["drop_missing"], ground("Leave out any age."), whole) == OPERATIONS["drop_missing"]


TEAM = Column(name="team", schema={}, kind="text", categories=("red", "blue"))


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("Which team is best?", {"team"}),
        ("the team that is best", {"team"}),
        ("what kind of team has most members", {"team"}),
        ("How many are in the red team?", set()),
    ],
)
def test_a_clause_asks_for_one_group(text: str, columns: set[str]) -> None:
    found = grouping(ground(text), OPERATIONS, (*COLUMNS, TEAM))
    assert set(found) == columns
    assert all(set(operations) == {"group_count", "group_aggregate"} for operations in found.values())


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("How many people are there, and what is their mean age?", True),
        ("How many years of tenure are there on average?", False),
        ("What is the mean age?", False),
    ],
)
def test_a_clause_asks_how_many_there_are(text: str, asks: bool) -> None:
    assert asks_how_many(ground(text, numeric=("years_of_tenure",))) is asks
