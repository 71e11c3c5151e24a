"""Mutation operators: each changes what it is given, none changes the original, and a found mutant has new codes."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import pytest

from benchmarks.mutants import Trials, misses, totals, unwired
from benchmarks.mutation import OPERATORS, Draft, Operator
from benchmarks.proposals import Call, Json, arguments, proposal_of, sources_of, wired
from dagwright.catalogue import catalogue_of
from dagwright.finding import LEVELS
from dagwright.policy import Policy, Rule
from dagwright.tool import Effect, HttpBinding, ToolSpec
from validation import CODES

TEXT: Json = {"type": "string", "minLength": 1, "maxLength": 20, "pattern": "^[a-z-]+$"}


def closed(**members: Json) -> Json:
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}


def spec(name: str, inputs: Json, outputs: Json, effect: Effect, **more: object) -> ToolSpec:
    return ToolSpec.model_validate(
        {
            "tool_name": "shop",
            "operation": name,
            "description": name,
            "input_schema": inputs,
            "output_schema": outputs,
            "effect": effect,
            "binding": HttpBinding(method="POST", url="https://shop.example.org/"),
            **more,
        }
    )


ITEM = closed(
    id=TEXT, tags={"type": "array", "items": {"type": "string"}}, count={"type": "integer"}, sold={"type": "boolean"}
)
CATALOGUE = catalogue_of(
    "shop",
    [
        spec("find", closed(name=TEXT), closed(items={"type": "array", "items": ITEM}, first=ITEM), "read"),
        spec(
            "order",
            {
                **closed(
                    item=TEXT,
                    size={"type": "string", "enum": ["small", "large"]},
                    count={"type": "integer", "minimum": 1, "maximum": 9},
                    gift={"type": "boolean"},
                    labels={"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3},
                    to={"$ref": "#/$defs/To"},
                    pay={
                        **closed(card={"type": "string"}, bill={"type": "string"}),
                        "required": [],
                        "maxProperties": 1,
                    },
                ),
                "$defs": {"To": closed(street={"type": "string"})},
            },
            closed(number={"type": "string"}, lines={"type": "array"}),
            "external",
            writes=("shop/{size}",),
            facts_added=("shop:order",),
        ),
    ],
)
GIVEN: Json = {
    "item": "a-b",
    "size": "small",
    "count": 2,
    "gift": True,
    "labels": ["x", "y"],
    "to": {"street": "s"},
    "pay": {"card": "c"},
}


def draft(*, chained: bool) -> Draft:
    replaced = {("item",): {"from": "s1", "path": "/items/0/id"}, ("labels", 0): {"from": "s1", "path": "/first/id"}}
    find = Call(step_id="s1", task_id="t1", operation="shop.find", inputs=arguments({"name": "ab"}))
    given = arguments(GIVEN, replaced if chained else {})
    order = Call(step_id="s2", task_id="t2", operation="shop.order", inputs=given, expected=("number",))
    again = Call(step_id="s3", task_id="t2", operation="shop.find", inputs={"name": {"from": "s2", "path": "/number"}})
    proposal = proposal_of("shop", "Order it.", [find, order, again] if chained else [order])
    return Draft(
        proposal=proposal,
        catalogue=CATALOGUE,
        policy=Policy(name="all", rules=(Rule(tools="*", action="allow"),), allowed_hosts=("*.example.org",)),
        workers=frozenset(("http",)),
        random=Random(0),
    )


def mutants(operator: Operator) -> list[tuple[Draft, Draft]]:
    found: list[tuple[Draft, Draft]] = []
    for chained in (False, True):
        before = draft(chained=chained)
        for seed in range(5):
            mutant = before.copy(Random(seed))
            if operator.apply(mutant):
                found.append((before, mutant))
    return found


def test_the_drafts_have_no_errors() -> None:
    for chained in (False, True):
        assert draft(chained=chained).report().is_valid


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_an_operator_spoils_a_good_proposal_and_is_found(operator: Operator) -> None:
    found = mutants(operator)
    assert found, f"{operator.name} could not be applied"
    for before, mutant in found:
        assert before.proposal == draft(chained=len(before.steps) > 1).proposal, "the original was changed"
        assert operator.found_by(mutant.report(), before.report()), [f.code for f in mutant.report().findings]


def test_operators_cover_all_levels_and_name_real_codes() -> None:
    assert len(OPERATORS) >= 40
    assert {operator.level for operator in OPERATORS} == set(LEVELS)
    assert all(operator.codes <= CODES.keys() for operator in OPERATORS)
    assert max(Counter(operator.name for operator in OPERATORS).values()) == 1


def test_a_mutant_that_nobody_finds_is_counted_as_missed() -> None:
    harmless = Operator(name="harmless", codes=frozenset(("M205",)), apply=lambda _: True)
    trials = Trials(operators=[harmless])
    trials.attempt("one", draft(chained=False), seed=0, single=True)
    record = trials.record()
    assert record == {"operators": {"harmless": [1, 0, 0, 0]}, "missed": ["harmless: one"]}
    metric = misses(totals([record]))
    assert metric is not None
    assert metric.value == 1


def test_what_an_oracle_refuses_is_counted_beside_what_was_rejected() -> None:
    of_arguments = [operator for operator in OPERATORS if operator.name == "number_for_text"]
    trials = Trials(operators=of_arguments)
    trials.attempt("one", draft(chained=False), seed=0, single=True)
    asked: list[tuple[str, Json]] = []

    def refuses(calls: object) -> list[bool]:
        asked.extend(calls)  # type: ignore[arg-type]
        return [True]

    trials.ask(refuses)
    assert trials.record()["operators"] == {"number_for_text": [1, 1, 1, 1]}
    ((operation, parameters),) = asked
    assert operation == "order"
    assert 7 in json.loads(json.dumps(parameters)).values() or "7" in json.dumps(parameters)


def test_values_of_the_wire_format_and_back() -> None:
    value = wired({"a": [1, {"b": "x"}]}, {("a", 1, "b"): {"input": "given"}})
    assert value == {"object": {"a": {"list": [{"literal": 1}, {"object": {"b": {"input": "given"}}}]}}}
    assert unwired({"whole": value}, {"given": {"value": "y"}}) == {"whole": {"a": [1, {"b": "y"}]}}
    assert list(sources_of({"list": [{"from": "s1"}, {"object": {"x": {"from": "s2"}}}]})) == ["s1", "s2"]
