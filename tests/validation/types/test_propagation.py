"""Propagation along a proposal: real contracts, without running anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec
from dagwright.value import InputReference, ListValue, LiteralValue, ObjectValue, StepReference
from validation.types import TypeScope, columns, propagate, resolve, value_schema

TABLE = {"type": "array", "items": {"type": "object"}}
PENGUINS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "species": {"type": "string", "enum": ["Adelie", "Gentoo"]},
            "mass": {"type": ["number", "null"]},
            "year": {"type": "integer"},
        },
        "required": ["species", "mass", "year"],
        "additionalProperties": False,
    },
}
FILE = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"], "x-content": PENGUINS}


def operation(name: str, rule: dict[str, Any] | None, arguments: list[str]) -> ToolSpec:
    return ToolSpec.model_validate(
        {
            "tool_name": "data",
            "operation": name,
            "description": "An operation.",
            "input_schema": {"type": "object", "properties": {argument: {} for argument in arguments}},
            "output_schema": {"type": "object", "properties": {"table": TABLE}, "required": ["table"]},
            "output_rules": {} if rule is None else {"table": rule},
            "effect": "read",
            "binding": {"kind": "python", "callable": "a.b:c"},
        }
    )


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return catalogue_of(
        "test",
        [
            operation("load", {"rule": "content", "of": "file"}, ["file"]),
            operation("sort", {"rule": "same", "of": "table"}, ["table", "column"]),
            operation("select", {"rule": "select", "of": "table", "columns": "columns"}, ["table", "columns"]),
            operation("join", {"rule": "join", "left": "left", "right": "right", "on": "on"}, ["left", "right", "on"]),
            operation(
                "group",
                {"rule": "group", "of": "table", "by": "by", "value": "value", "function": "function"},
                ["table", "by", "value", "function"],
            ),
        ],
    )


def step(step_id: str, name: str, **inputs: Any) -> dict[str, Any]:
    intent = {"tool_name": "data", "operation": name, "required_inputs": inputs}
    return {"step_id": step_id, "action": name, "tool_intent": intent}


def proposal(*steps: dict[str, Any]) -> Proposal:
    return Proposal.model_validate(
        {
            "goal": {"goal_id": "g", "text": "Try.", "inputs": {"penguins": {"value": {}, "schema": FILE}}},
            "plan": {"dag_id": "d", "nodes": [{"task_id": "t", "description": "All."}]},
            "decompositions": [{"task_id": "t", "steps": list(steps)}],
        }
    )


def literal(value: Any) -> dict[str, Any]:
    return {"literal": value}


def of(step_id: str) -> dict[str, Any]:
    return {"from": step_id, "path": "/table"}


LOAD = step("s1", "load", file={"input": "penguins"})
GROUP = step("s2", "group", table=of("s1"), by=literal(["species"]), value=literal("mass"), function=literal("mean"))
SORT = step("s3", "sort", table=of("s2"), column=literal("mean_mass"))


def header(found: Any) -> list[str] | None:
    known = columns(resolve(found, "/table").schema)
    return None if known is None else [column.name for column in known]


def test_columns_follow_the_steps(catalogue: Catalogue) -> None:
    found = propagate(proposal(LOAD, GROUP, SORT), catalogue)
    assert header(found.outputs["s1"]) == ["species", "mass", "year"]
    assert header(found.outputs["s2"]) == ["species", "mean_mass"]
    assert header(found.outputs["s3"]) == ["species", "mean_mass"]
    assert found.literals["s2"] == {"by": ["species"], "value": "mass", "function": "mean"}
    assert found.arguments["s3"]["column"]["const"] == "mean_mass"
    assert found.undecided == frozenset()


@settings(deadline=None, max_examples=20)
@given(steps=st.permutations([LOAD, GROUP, SORT]))
def test_the_order_of_the_steps_does_not_matter(catalogue: Catalogue, steps: list[dict[str, Any]]) -> None:
    found = propagate(proposal(*steps), catalogue)
    assert found.order == ("s1", "s2", "s3")
    assert header(found.outputs["s3"]) == ["species", "mean_mass"]


def test_a_join_of_two_branches(catalogue: Catalogue) -> None:
    other = step("s4", "join", left=of("s1"), right=of("s2"), on=literal(["species"]))
    found = propagate(proposal(LOAD, GROUP, other), catalogue)
    assert header(found.outputs["s4"]) == ["species", "mass", "year", "mean_mass"]


def test_of_an_unknown_operation_nothing_is_known(catalogue: Catalogue) -> None:
    found = propagate(proposal(LOAD, step("s2", "fly", table=of("s1")), SORT), catalogue)
    assert found.outputs["s2"] == {}
    assert found.undecided == {"s2"}
    assert header(found.outputs["s3"]) is None, "what follows keeps its declared schema"
    assert found.outputs["s3"]["required"] == ["table"]


def test_of_a_cycle_nothing_is_known_and_the_rest_is(catalogue: Catalogue) -> None:
    ring = [step("a", "sort", table=of("b")), step("b", "sort", table=of("a")), step("c", "sort", table=of("c"))]
    found = propagate(proposal(*ring, LOAD, GROUP), catalogue)
    assert found.undecided == {"a", "b", "c"}
    assert found.order[:2] == ("s1", "s2")
    assert set(found.order) == {"a", "b", "c", "s1", "s2"}
    assert header(found.outputs["s2"]) == ["species", "mean_mass"]


def test_a_reference_to_no_step_is_unknown(catalogue: Catalogue) -> None:
    found = propagate(proposal(step("s1", "sort", table=of("s9"))), catalogue)
    assert found.arguments["s1"]["table"] == {}
    assert found.undecided == frozenset()


def test_of_steps_with_one_id_the_first_counts(catalogue: Catalogue) -> None:
    found = propagate(proposal(LOAD, step("s1", "fly")), catalogue)
    assert header(found.outputs["s1"]) == ["species", "mass", "year"]


def test_a_long_chain_shares_its_columns(catalogue: Catalogue) -> None:
    chain = [step(f"c{i}", "sort", table=of(f"c{i - 1}" if i else "s1"), column=literal("mass")) for i in range(3_000)]
    found = propagate(proposal(LOAD, *reversed(chain)), catalogue)
    last = resolve(found.outputs["c2999"], "/table").schema
    assert header(found.outputs["c2999"]) == ["species", "mass", "year"]
    assert last is resolve(found.outputs["c0"], "/table").schema


SCOPE = TypeScope(
    inputs={"n": {"type": "integer"}},
    steps={"s1": {"type": "object", "properties": {"value": {"type": "number"}}, "additionalProperties": False}},
)
N = InputReference(input="n")
VALUE = StepReference.model_validate({"from": "s1", "path": "/value"})

VALUES: list[tuple[Any, Any]] = [
    (LiteralValue(literal=None), {"type": "null", "const": None}),
    (LiteralValue(literal={"a": [1]}), {"type": "object", "const": {"a": [1]}}),
    (N, {"type": "integer"}),
    (VALUE, {"type": "number"}),
    (StepReference.model_validate({"from": "s1", "path": "/other"}), {}),
    (InputReference(input="m"), {}),
    (ListValue(list=(LiteralValue(literal=1), LiteralValue(literal="a"))), {"type": "array", "const": [1, "a"]}),
    (
        ListValue(list=(N, LiteralValue(literal=2))),
        {
            "type": "array",
            "prefixItems": [{"type": "integer"}, {"type": "integer", "const": 2}],
            "items": False,
            "minItems": 2,
        },
    ),
    (ObjectValue(object={"a": LiteralValue(literal=1)}), {"type": "object", "const": {"a": 1}}),
    (
        ObjectValue(object={"a": N, "b": VALUE}),
        {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "number"}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
    ),
]


@pytest.mark.parametrize(("value", "schema"), VALUES, ids=lambda found: str(found)[:40])
def test_schema_of_a_value(value: Any, schema: Any) -> None:
    assert value_schema(value, SCOPE) == schema
