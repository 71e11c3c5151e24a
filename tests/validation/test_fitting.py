"""A reference that does not fit is put right where nothing is lost, and explained where something would be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from dagwright.catalogue import Catalogue
from dagwright.policy import Policy
from dagwright.tool import PythonBinding, ToolSpec
from validation import repair, validate

TEXT = {"type": "string"}
PERSON = {"type": "object", "properties": {"name": TEXT, "age": {"type": "integer"}}, "required": ["name", "age"]}


def operation(name: str, takes: Any, gives: Any) -> ToolSpec:
    return ToolSpec(
        tool_name="t",
        operation=name,
        description="Does it.",
        input_schema={"type": "object", "properties": takes, "required": list(takes), "additionalProperties": False},
        output_schema={"type": "object", "properties": gives, "required": list(gives), "additionalProperties": False},
        effect="read",
        binding=PythonBinding(callable="m:f"),
    )


@dataclass(frozen=True)
class Case:
    id: str
    given: Any
    wanted: Any
    fixed: Any
    """The argument after repair; None where there is no fix."""
    says: str


CASES = [
    Case("the only part that fits", PERSON, TEXT, {"from": "s1", "path": "/value/name"}, "its part that fits"),
    Case(
        "one where several are wanted",
        TEXT,
        {"type": "array", "items": TEXT},
        {"list": [{"from": "s1", "path": "/value"}]},
        "into a list",
    ),
    Case("several where one is wanted", {"type": "array", "items": TEXT, "minItems": 1}, TEXT, None, "'/value/0'"),
    Case("a number for a whole one", {"type": "number"}, {"type": "integer"}, None, "Round it"),
    Case("a number for a text", {"type": "integer"}, TEXT, None, "Write it as a text"),
    Case("a text for a number", TEXT, {"type": "number"}, None, "Read it as a number"),
    Case("two parts that fit", {**PERSON, "properties": {"name": TEXT, "age": TEXT}}, TEXT, None, "Refer to something"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_misfit_says_what_would_fit(case: Case) -> None:
    catalogue = Catalogue(
        name="c",
        tools=(operation("give", {}, {"value": case.given}), operation("take", {"it": case.wanted}, {"done": TEXT})),
    )

    def step(name: str, does: str, **inputs: Any) -> Any:
        intent = {"tool_name": "t", "operation": does, "required_inputs": inputs}
        return {"step_id": name, "action": does, "tool_intent": intent}

    proposal: Any = {
        "goal": {"goal_id": "g", "text": "Take it."},
        "plan": {"dag_id": "d", "nodes": [{"task_id": "a", "description": ""}]},
        "decompositions": [
            {"task_id": "a", "steps": [step("s1", "give"), step("s2", "take", it={"from": "s1", "path": "/value"})]}
        ],
        "answer": {"done": {"from": "s2", "path": "/done"}},
    }
    world = {"catalogue": catalogue, "policy": Policy(name="p"), "workers": frozenset(["python"])}
    (found,) = [item for item in validate(proposal, **world).findings if item.code == "D307"]
    assert case.says in found.suggested_fix
    repaired: Any = repair(proposal, **world)
    argument = repaired.proposal["decompositions"][0]["steps"][1]["tool_intent"]["required_inputs"]["it"]
    assert argument == (case.fixed or {"from": "s1", "path": "/value"})
    assert repaired.report.is_valid is (case.fixed is not None)
