"""What a grammar admits: only what fits the types in scope and what the goal or the data contain."""

from __future__ import annotations

import re

import pytest

from dagwright.model import JsonSchema
from dagwright.value import StepReference
from decomposer.grammar import asked_for, suffixes
from decomposer.grounding import ground
from decomposer.scope import Scope, Variable
from decomposer.writing import Offer, grammar_of
from executor.toolchest import default_catalogue
from planner.signature import words_of

OPERATIONS = words_of(default_catalogue().tools)


def table(**columns: JsonSchema) -> JsonSchema:
    return {"type": "array", "items": {"type": "object", "properties": dict(columns), "required": list(columns)}}


PEOPLE = table(
    name={"type": "string"},
    team={"type": "string", "enum": ["red", "green", "blue"]},
    born={"type": "string", "format": "date"},
    age={"type": "integer"},
    pay={"type": "number"},
)


def scope(**schemas: JsonSchema) -> Scope:
    return Scope(
        tuple(
            Variable(name=name, value=StepReference.model_validate({"from": name, "path": "/table"}), schema=schema)
            for name, schema in schemas.items()
        )
    )


def grammar(goal: str, operation: str, **schemas: JsonSchema) -> str:
    """Gives the grammar of one operation; empty where nothing qualifies."""
    offer = Offer(operations={operation: OPERATIONS[operation]}, scope=scope(**schemas), answerable=("s0",))
    return grammar_of(offer, ground(goal))


def test_only_fitting_columns_are_offered() -> None:
    found = grammar("the mean", "aggregate", people=PEOPLE)
    assert '"\\"age\\""' in found
    assert '"\\"pay\\""' in found
    assert "name" not in found.replace("name=", "")


@pytest.mark.parametrize(
    ("goal", "offered"),
    [("of team red", True), ("people of all teams", False), ("older than 30", True), ("people", False)],
)
def test_a_filter_is_offered_only_for_what_the_goal_says(goal: str, offered: bool) -> None:
    assert ("filter_rows(" in grammar(goal, "filter_rows", people=PEOPLE)) is offered


def test_a_filter_compares_numbers_with_numbers_and_texts_with_texts() -> None:
    found = grammar("team red, older than 30", "filter_rows", people=PEOPLE)
    rule = {line.split(" ::= ")[0]: line for line in found.splitlines()}
    after_team = next(line for line in rule.values() if '"\\"red\\""' in line)
    assert "30" not in after_team


def test_no_table_no_call() -> None:
    assert "sort_rows(" not in grammar("sort it", "sort_rows", number={"type": "number"})


def test_a_column_is_not_set_against_itself() -> None:
    one = table(pay={"type": "number"})
    assert "combine_columns(" not in grammar("pay times pay", "combine_columns", people=one)


def test_tables_are_joined_on_columns_that_both_have() -> None:
    teams = table(team={"type": "string"}, city={"type": "string"})
    found = grammar("join them", "join_tables", people=PEOPLE, teams=teams)
    assert '"\\"team\\""' in found
    assert '"\\"city\\""' not in found
    assert '"\\"name\\""' not in found


@pytest.mark.parametrize(
    ("goal", "operation", "expected"),
    [
        ("write it to out.csv", "write_csv", True),
        ("write it to out.csv", "write_json", False),
        ("draw a chart", "chart", True),
        ("what is the mean?", "chart", False),
        ("what is the mean?", "aggregate", True),
        ("a report of this, please", "write_report", True),
    ],
)
def test_files_are_written_only_where_the_goal_asks(goal: str, operation: str, expected: bool) -> None:
    assert asked_for(OPERATIONS[operation], ground(goal), frozenset()) is expected


def test_a_named_file_is_written_once() -> None:
    offer = Offer(
        operations={"write_csv": OPERATIONS["write_csv"]},
        scope=scope(people=PEOPLE),
        answerable=("s1",),
        taken=frozenset({"out.csv"}),
    )
    assert "write_csv(" not in grammar_of(offer, ground("write out.csv"))


def test_endings_come_from_the_pattern() -> None:
    assert suffixes({"pattern": r"\.(png|svg)$"}) == ("png", "svg")
    assert suffixes({}) == ()


def joined(goal: str) -> str:
    """Gives the grammar of a join where `means` was made of `people`, and `teams` was not."""
    made = Scope().with_outputs("means", {"type": "object", "properties": {"table": PEOPLE}}, frozenset({"people"}))
    both = Scope((*scope(people=PEOPLE, teams=table(team={"type": "string"})).variables, *made.variables))
    return grammar_of(Offer(operations={"join_tables": OPERATIONS["join_tables"]}, scope=both), ground(goal))


def pairs(found: str) -> set[tuple[str, str]]:
    """Gives the tables that a join's grammar sets side by side."""
    rules = dict(line.split(" ::= ", 1) for line in found.splitlines())
    sides = re.findall(r'"left=" "(\w+)" (r\d+)', found)
    return {(left, right) for left, rule in sides for right in re.findall(r'right=" "(\w+)"', rules[rule])}


def test_a_table_is_not_joined_with_what_was_made_of_it() -> None:
    assert ("people", "means") not in pairs(joined("the mean pay per team"))
    assert ("people", "teams") in pairs(joined("the mean pay per team"))


def test_rows_are_set_against_what_was_made_of_them_where_the_goal_compares() -> None:
    assert ("people", "means") in pairs(joined("who earns more than the mean of the team"))


@pytest.mark.parametrize(
    ("goal", "offered"),
    [
        pytest.param("the mean pay of each team", True, id="each"),
        pytest.param("which team earns the most", True, id="which"),
        pytest.param("the mean pay", False, id="all rows together"),
    ],
)
def test_groups_are_offered_only_for_goals_that_set_them_apart(goal: str, offered: bool) -> None:
    assert asked_for(OPERATIONS["group_aggregate"], ground(goal), frozenset()) is offered
    assert asked_for(OPERATIONS["group_count"], ground(goal), frozenset()) is offered


@pytest.mark.parametrize(
    ("goal", "offered"),
    [
        pytest.param("How many people are there in each team?", False, id="counts rows"),
        pytest.param("How many people of what age are there in each team?", True, id="says the column"),
        pytest.param("How well are people of each team off?", True, id="does not count"),
    ],
)
def test_who_counts_calculates_nothing_from_columns_beside(goal: str, offered: bool) -> None:
    assert ("age" in grammar(goal, "group_aggregate", people=PEOPLE).replace("page", "")) is offered
