"""What a grammar admits: only what fits the types in scope and what the goal or the data contain."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from dagwright.model import JsonSchema
from dagwright.value import StepReference
from decomposer.grammar import asked_for, suffixes
from decomposer.grounding import ground
from decomposer.scope import Scope, Variable, properties_of
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
    return grammar_over(goal, operation, *scope(**schemas).variables)


def grammar_over(goal: str, operation: str, *variables: Variable, **said: tuple[str, ...]) -> str:
    """Gives the grammar of one operation over these variables, beside an answer."""
    offer = Offer(operations={operation: OPERATIONS[operation]}, scope=Scope(variables), answerable=("s0",))
    return grammar_of(offer, ground(goal, **said))


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


ORDERED = replace(scope(people=PEOPLE).variables[0], name="sorted", is_ordered=True)


@pytest.mark.parametrize(
    ("goal", "taken"),
    [
        pytest.param("the three best paid people", {"sorted"}, id="the order must come of a step"),
        pytest.param("the first 3 people", {"people", "sorted"}, id="by where they stand"),
        pytest.param("show three rows", {"people", "sorted"}, id="rows"),
        pytest.param("three people, best paid first", {"sorted"}, id="what comes first is an order"),
    ],
)
def test_the_top_is_taken_of_rows_in_order(goal: str, taken: set[str]) -> None:
    found = grammar_over(goal, "top_rows", *scope(people=PEOPLE).variables, ORDERED)
    assert {name for name in ("people", "sorted") if f'"{name}"' in found} == taken


@pytest.mark.parametrize(
    ("goal", "directions"),
    [
        pytest.param("the highest pay", {"true"}, id="largest first"),
        pytest.param("the coldest day", {"false", ""}, id="smallest first"),
        pytest.param("the highest and the lowest pay", {"true", "false", ""}, id="both"),
        pytest.param("the best pay", {"true", "false", ""}, id="a word that may mean either"),
        pytest.param("paid at least 30, the highest", {"true"}, id="at least is no least"),
        pytest.param("sort by pay", {"true", "false", ""}, id="no word"),
    ],
)
def test_rows_are_sorted_the_way_that_the_goal_says(goal: str, directions: set[str]) -> None:
    found = grammar(goal, "sort_rows", people=PEOPLE)
    given = {word for word in ("true", "false") if re.search(rf'descending=" .*"{word}"', found)}
    open_end = re.search(r'descending=".*\| "\)" \)$', found, re.MULTILINE) is not None
    assert given | ({""} if open_end else set()) == directions


def by(found: str) -> set[str]:
    """Gives the columns that a grammar offers for groups."""
    rules = dict(line.split(" ::= ", 1) for line in found.splitlines())
    group = next(rule for rule in rules.values() if 'by=" ' in rule)
    first = re.search(r'by=" "\[" (?:(r\d+)|\\?"|)', group)
    assert first is not None
    return set(re.findall(r'\\"(\w+)\\"', rules[first.group(1)] if first.group(1) else group))


def test_a_list_has_no_column_twice() -> None:
    found = grammar("the team and the age, and nothing else", "select_columns", people=PEOPLE)
    rules = dict(line.split(" ::= ", 1) for line in found.splitlines())
    next_rules = {after for rule in rules.values() for after in re.findall(r'"team\\"" \( "\]" \| ", " (r\d+)', rule)}
    assert next_rules
    assert not any("team" in rules[name] for name in next_rules)


def test_measurements_and_keys_make_no_groups() -> None:
    one = table(name={"type": "string"}, team={"type": "string"}, level={"type": "integer"}, pay={"type": "number"})
    goal, rows = "name, team, level and pay, each", scope(people=one).variables
    assert by(grammar_over(goal, "group_count", *rows)) == {"name", "team", "level"}
    assert by(grammar_over(goal, "group_count", *rows, keys=("name",))) == {"team", "level"}


@pytest.mark.parametrize(
    ("goal", "signs"),
    [
        pytest.param("pay under 30", {"<", "==", "!="}, id="below"),
        pytest.param("pay up to 30", {"<=", "==", "!="}, id="not above"),
        pytest.param("pay over 30", {">", "==", "!="}, id="above"),
        pytest.param("pay of at least 30", {">=", "==", "!="}, id="not below"),
        pytest.param("an age of 30", {"==", "!="}, id="neither"),
        pytest.param("a pay bolder than 30", {"<", "<=", ">", ">=", "==", "!="}, id="not known"),
    ],
)
def test_numbers_are_compared_on_the_side_that_the_goal_says(goal: str, signs: set[str]) -> None:
    found = grammar(goal, "filter_rows", people=PEOPLE)
    assert {sign for sign in ("<", "<=", ">", ">=", "==", "!=") if f'"\\"{sign}\\""' in found} == signs


def values(goal: str, compared: frozenset[tuple[str, str | float]] = frozenset(), **more: JsonSchema) -> str:
    """Gives the grammar of a filter of rows with a level from 1 to 9 that have been compared already."""
    levels = table(level={"type": "integer", "x-range": [1, 9], **more}, team=properties_of(PEOPLE["items"])["team"])
    [one] = scope(people=levels).variables
    return grammar_over(goal, "filter_rows", replace(one, compared=compared))


def test_what_has_been_compared_is_not_compared_again() -> None:
    assert '"\\"red\\""' in values("red ones")
    assert '"\\"red\\""' not in values("red ones", frozenset({("team", "red")}))
    assert '"\\"green\\""' not in values("red and green ones", frozenset({("team", "red")}))
    assert 'value=" "5"' not in values("level 5", frozenset({("level", 5)}))


def test_a_count_is_no_value_of_another_column() -> None:
    count, number = {"type": "integer", "minimum": 0}, {"type": "number"}
    found = grammar("pay above the others", "filter_rows", people=PEOPLE, count=count, number=number)
    assert '"number"' in found
    assert '"count"' not in found


def test_a_value_of_one_column_is_not_looked_for_in_another() -> None:
    goal = "people of team Red or called Ada"
    one = table(name={"type": "string"}, team={"type": "string", "enum": ["Red", "Green"]})
    after_name = next(line for line in grammar(goal, "filter_rows", people=one).splitlines() if '"\\"Ada\\""' in line)
    assert '"\\"Red\\""' not in after_name


@pytest.mark.parametrize(
    ("goal", "whole"),
    [
        pytest.param("the city of the red ones", False, id="rows that were picked stand for their table"),
        pytest.param("the red ones compared with all", True, id="where the goal compares, the table stays"),
    ],
)
def test_a_table_is_joined_as_it_was_picked(goal: str, whole: bool) -> None:
    schema: JsonSchema = {"type": "object", "properties": {"table": PEOPLE}}
    picked = Scope().with_outputs("picked", schema, frozenset({"people"}), compared=frozenset({("team", "red")}))
    teams = table(team={"type": "string"}, city={"type": "string"})
    rows = scope(people=PEOPLE, teams=teams).variables
    found = pairs(grammar_over(goal, "join_tables", *rows, *picked.variables))
    assert ("picked", "teams") in found
    assert (("people", "teams") in found) is whole


def test_values_that_may_be_missing_are_no_constants_to_compare_with() -> None:
    assert '"maybe"' not in grammar("pay above it", "filter_rows", people=PEOPLE, maybe={"type": ["number", "null"]})


@pytest.mark.parametrize(
    ("goal", "offered"), [("how many ages are missing", True), ("unknown ages", True), ("how many ages", False)]
)
def test_missing_values_are_counted_where_the_goal_has_a_word_for_them(goal: str, offered: bool) -> None:
    assert ("missing" in grammar(goal, "count_values", people=PEOPLE)) is offered


def test_zero_is_compared_where_the_goal_says_that_there_is_none() -> None:
    rain = table(rain_mm={"type": "number", "x-range": [0, 9]}, wind={"type": "number", "x-range": [2, 9]})
    assert 'value=" "0"' in grammar("days without rain", "filter_rows", days=rain)
    assert "filter_rows(" not in grammar("days without wind", "filter_rows", days=rain)


def test_rows_are_picked_by_yes_or_no_once() -> None:
    one = table(member={"type": "string", "enum": ["yes", "no"]})
    [rows] = scope(trips=one).variables
    picked = replace(rows, name="picked", compared=frozenset({("member", "no")}))
    assert "filter_rows(" not in grammar_over("members", "filter_rows", picked)
    assert "filter_rows(" in grammar_over("members", "filter_rows", rows)


@pytest.mark.parametrize(
    ("goal", "offered"),
    [
        pytest.param("the 4 best paid", False, id="no comparison"),
        pytest.param("a pay of more than 4", True, id="a comparison"),
        pytest.param("people without pay", True, id="nothing"),
    ],
)
def test_a_measurement_is_compared_only_where_the_goal_sets_a_limit(goal: str, offered: bool) -> None:
    one = table(pay={"type": "number", "x-range": [0, 9]})
    assert ("filter_rows(" in grammar(goal, "filter_rows", people=one)) is offered
