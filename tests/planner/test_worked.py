"""Worked plans in a person's own documents become examples of the prompt, where their operations are on offer."""

from __future__ import annotations

from pathlib import Path

from dagwright.goal import Goal
from executor.toolchest import default_catalogue
from planner.prompt import interleaved_prompt, own_examples
from planner.signature import words_of
from planner.worked import Note, operations_of

OPERATIONS = words_of(default_catalogue().tools)
TEXT = """Runs
Runs lie in a table.

    Goal: How many runs are there?
    s1 = count_rows(table=runs)
    s2 = answer(s1)

Nothing else is known.
"""


def test_a_note_and_its_plans_are_told_apart() -> None:
    note = Note.of(TEXT)
    assert note.text == "Runs\nRuns lie in a table.\n\nNothing else is known."
    assert note.plans == ("Goal: How many runs are there?\ns1 = count_rows(table=runs)\ns2 = answer(s1)",)


def test_a_goal_without_calls_is_text() -> None:
    assert Note.of("Goal: sell more.\nSoon.").plans == ()


def test_the_operations_of_a_plan_are_those_it_calls() -> None:
    assert operations_of(Note.of(TEXT).plans[0]) == ("count_rows",)


def test_a_plan_of_the_persons_own_stands_right_before_the_goal() -> None:
    own = tuple(own_examples(OPERATIONS, Note.of(TEXT).plans))
    *_, asked, written, goal = interleaved_prompt(Goal(goal_id="a", text="one"), OPERATIONS, (), (), own)
    assert asked.content == "no inputs\nGoal: How many runs are there?"
    assert written.content == "s1 = count_rows(table=runs)\ns2 = answer(s1)"
    assert goal.role == "user"


def test_a_plan_with_operations_that_are_not_on_offer_is_left_out() -> None:
    assert list(own_examples({"chart": OPERATIONS["chart"]}, Note.of(TEXT).plans)) == []


def test_the_example_of_the_second_domain_holds_a_worked_plan() -> None:
    text = (Path(__file__).parents[2] / "examples" / "conductor.md").read_text(encoding="utf-8")
    (plan,) = Note.of(text).plans
    assert operations_of(plan) == ("search", "column_values", "retry_1")
