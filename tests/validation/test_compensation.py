"""What certification proves of compensations: where their arguments come from, and what policy says of them."""

from __future__ import annotations

from typing import Any

import pytest

from dagwright.catalogue import Catalogue
from dagwright.policy import Policy, Rule
from dagwright.program import Compensation, Program
from dagwright.tool import ToolSpec
from validation import certify, validate

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


def closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def operation(name: str, takes: dict[str, Any], gives: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "tool_name": "shop",
        "operation": name,
        "description": "Does it.",
        "input_schema": closed(**takes),
        "output_schema": closed(**gives),
        "effect": "write",
        "binding": {"kind": "python", "callable": f"shop:{name}"},
        **more,
    }


def catalogue(*, cancel: dict[str, Any] | None = None, **order: Any) -> Catalogue:
    ordering = operation("order", {"item": TEXT}, {"id": NUMBER}, **({"compensation": "shop.cancel"} | order))
    undoing = operation("cancel", {"id": NUMBER}, {}) | (cancel or {})
    tools = [ToolSpec.model_validate(made) for made in (ordering, undoing)]
    return Catalogue(name="shop", tools=tuple(tools))


def proposal(strategy: str = "compensate") -> dict[str, Any]:
    intent = {"tool_name": "shop", "operation": "order", "required_inputs": {"item": {"literal": "tea"}}}
    step = {"step_id": "s1", "action": "order", "tool_intent": intent, "rollback_strategy": strategy}
    return {
        "goal": {"goal_id": "g", "text": "order tea"},
        "plan": {"dag_id": "d", "nodes": [{"task_id": "t", "description": "order"}]},
        "decompositions": [{"task_id": "t", "steps": [step]}],
    }


def program(tools: Catalogue, policy: Policy | None = None, strategy: str = "compensate") -> Program:
    return certify(
        proposal(strategy), catalogue=tools, policy=policy or Policy(name="p"), workers=frozenset({"python"})
    )


def compensation(tools: Catalogue, policy: Policy | None = None) -> Compensation | None:
    return program(tools, policy).steps[0].compensation


SOURCES = {
    "the output of the same name": ({}, {}, {"id": "/outputs/id"}),
    "the argument of the same name": ({"input_schema": closed(item=TEXT)}, {}, {"item": "/arguments/item"}),
    "what the operation declares": (
        {"input_schema": closed(order=NUMBER, what=TEXT)},
        {"compensation_inputs": {"order": "/outputs/id", "what": "/arguments/item"}},
        {"order": "/outputs/id", "what": "/arguments/item"},
    ),
}


@pytest.mark.parametrize(("cancel", "order", "sources"), SOURCES.values(), ids=SOURCES)
def test_arguments_come_from(cancel: dict[str, Any], order: dict[str, Any], sources: dict[str, str]) -> None:
    found = compensation(catalogue(cancel=cancel, **order))
    assert found is not None
    assert (found.spec.name, found.sources, found.needs_approval) == ("shop.cancel", sources, False)


def test_only_a_step_that_names_it_is_compensated() -> None:
    assert program(catalogue(), strategy="none").steps[0].compensation is None


UNPROVEN = {
    "an argument that comes from nowhere": ({"input_schema": closed(id=NUMBER, why=TEXT)}, {}, "argument 'why'"),
    "a type that never fits": ({"input_schema": closed(id=TEXT)}, {}, "cannot come from '/outputs/id'"),
    "a place that is not there": ({}, {"compensation_inputs": {"id": "/outputs/number"}}, "isn't there"),
    "an argument that it does not have": ({}, {"compensation_inputs": {"it": "/outputs/id"}}, "no argument 'it'"),
    "no compensation": ({}, {"compensation": None}, "declares no compensation"),
    "one that is not in the catalogue": ({}, {"compensation": "shop.refund"}, "isn't in the catalogue"),
    "one that policy denies": ({"effect": "external"}, {}, "policy denies"),
}


@pytest.mark.parametrize(("cancel", "order", "why"), UNPROVEN.values(), ids=UNPROVEN)
def test_what_is_not_proven_is_said_and_never_run(cancel: dict[str, Any], order: dict[str, Any], why: str) -> None:
    tools = catalogue(cancel=cancel, **order)
    assert compensation(tools) is None
    report = validate(proposal(), catalogue=tools, policy=Policy(name="p"), workers=frozenset({"python"}))
    (found,) = [finding for finding in report.findings if finding.code == "P408"]
    assert found.severity == "warning"
    assert why in found.message


FROM_OUTSIDE = {"output_labels": [{"path": "/id", "label": {"integrity": "untrusted"}}]}


@pytest.mark.parametrize(("role", "proven"), [("data", True), ("sink", False), ("control", False)])
def test_data_from_outside_decides_nothing_in_a_compensation_either(role: str, proven: bool) -> None:
    tools = catalogue(cancel={"roles": {"id": role}}, **FROM_OUTSIDE)
    assert (compensation(tools) is not None) == proven


ASKING = {
    "a rule": Policy(name="p", rules=(Rule(tools="shop.cancel", action="ask"),)),
    "another rule": Policy(name="p", rules=(Rule(tools="shop.order", action="ask"),)),
}


@pytest.mark.parametrize(("policy", "asked"), [(ASKING["a rule"], True), (ASKING["another rule"], False)])
def test_a_compensation_is_asked_about_by_itself(policy: Policy, asked: bool) -> None:
    found = compensation(catalogue(), policy)
    assert found is not None
    assert found.needs_approval == asked
