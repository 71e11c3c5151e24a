"""Worked examples as a model is shown them: those most like the goal, each a plan that is certified."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dagwright.goal import Goal, GoalInput
from dagwright.llm.model import Message
from dagwright.policy import DEFAULT_POLICY
from decomposer.call import parse_call
from executor.archive.recertify import ALL_KINDS
from executor.toolchest import default_catalogue
from orchestrator.strategy.sheet import Sheet
from orchestrator.strategy.shown import SHOWN, familiar, nearest_examples, shown, worked
from orchestrator.strategy.strategy import PlanningContext
from planner.example import Example, examples
from tests.orchestrator.scripted.conftest import Scripted
from validation import certify

CATALOGUE = default_catalogue()
CONTEXT = PlanningContext(
    model=Scripted(""),
    catalogue=CATALOGUE,
    evidence={spec.name: (spec.documents[0],) for spec in CATALOGUE.tools},
    at=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.goal[:60])
def test_the_plan_of_every_example_is_certified(example: Example) -> None:
    sheet = worked(example, CONTEXT)
    answer = parse_call(example.plan[-1], sheet.scope)
    planned = sheet.planned(tuple(answer.arguments.values()))
    certify(planned.proposal, catalogue=CATALOGUE, policy=DEFAULT_POLICY, workers=ALL_KINDS)
    assert answer.operation == "answer"
    assert len(planned.lines) == len(example.plan) - 1, "every step is needed"


def sheet_of(goal: str, context: PlanningContext = CONTEXT) -> Sheet:
    """Gives the sheet of a goal over a table of animals."""
    columns = {"species": {"type": "string", "enum": ["ant", "bee"]}, "weight_g": {"type": "number"}}
    table = {"type": "array", "items": {"type": "object", "properties": columns, "required": list(columns)}}
    given = GoalInput.model_validate({"value": [], "schema": table})
    return Sheet.opened(Goal(goal_id="g", text=goal, inputs={"animals": given}), context)


def test_the_example_of_a_goal_that_is_one_comes_last_before_it() -> None:
    wanted = examples()[7]
    schemas = wanted.schemas()
    inputs = {name: GoalInput.model_validate({"value": [], "schema": schema}) for name, schema in schemas.items()}
    found = nearest_examples(Sheet.opened(Goal(goal_id="g", text=wanted.goal, inputs=inputs), CONTEXT))
    assert len(found) == SHOWN
    assert found[0] == wanted
    assert len(shown(found, CONTEXT)) == 2 * SHOWN
    assert wanted.goal in shown(found, CONTEXT)[-2].content


def test_examples_of_goals_about_groups_make_groups() -> None:
    found = nearest_examples(sheet_of("Which species has the highest mean weight?"))
    assert any("group_aggregate" in example.operations for example in found)


def test_examples_call_only_what_is_on_offer() -> None:
    few = {name: shown for name, shown in CONTEXT.evidence.items() if name in ("data.filter_rows", "data.count_rows")}
    found = nearest_examples(sheet_of("How many bees are there?", replace(CONTEXT, evidence=few)))
    assert found
    assert all(example.operations <= {"filter_rows", "count_rows"} for example in found)
    assert nearest_examples(sheet_of("How many bees are there?", replace(CONTEXT, evidence={}))) == ()


def test_familiar_is_what_the_likest_example_or_two_examples_call() -> None:
    plans = {"a": ("join(x=1)", "answer(s1)"), "b": ("sort(x=1)", "answer(s1)"), "c": ("sort(x=1)", "top(x=1)", "a()")}
    found = [Example(goal=goal, inputs={}, plan=plan) for goal, plan in plans.items()]
    assert familiar(found) == {"join", "sort"}
    assert familiar([]) == frozenset()


def test_an_example_looks_like_what_a_model_has_written() -> None:
    example = Example(
        goal="How heavy are bees on average?",
        inputs={"animals": {"species": ("ant", "bee"), "weight_g": "number"}},
        plan=(
            'filter_rows(table=animals, column="species", op="==", value="bee")',
            'aggregate(table=s1, column="weight_g", function="mean")',
            "answer(s2)",
        ),
    )
    asked, written = shown([example], CONTEXT)
    assert asked == Message(
        role="user",
        content="animals: table with columns species text {ant, bee}; weight_g numeric\n"
        "Goal: How heavy are bees on average?",
    )
    assert written.content.splitlines() == [
        's1 = filter_rows(table=animals, column="species", op="==", value="bee")',
        's2 = aggregate(table=s1, column="weight_g", function="mean")',
        "s3 = answer(s2)",
    ]
