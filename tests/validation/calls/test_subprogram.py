"""`operation_of`: what a proposal is as an operation follows from its steps; its goal's values stay behind."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from reading import OBJECT, Json, catalogue, constants, inputs, operation, passed, plan, step

from dagwright.catalogue import Catalogue
from dagwright.exceptions import ProposalRejected
from dagwright.policy import Policy
from dagwright.proposal import Proposal
from dagwright.tool import ProgramBinding, ToolSpec
from validation import validate
from validation.subprogram import operation_of

PLAIN = plan({"t": ([], [step("a", given=inputs())])}, passed({"from": "a"}))
POLICY = Policy(name="p")
WORKERS = frozenset(("python", "http"))


def made(proposal: Json, tools: Catalogue | None = None, name: str = "work.made") -> ToolSpec:
    return operation_of(
        Proposal.model_validate(proposal),
        name=name,
        catalogue=tools or catalogue(),
        policy=POLICY,
        workers=WORKERS,
    )


def test_inputs_of_the_goal_go_in_and_the_answer_comes_out() -> None:
    spec = made(PLAIN)
    assert (spec.name, spec.description, spec.effect, spec.roles) == ("work.made", "a goal", "read", {})
    assert spec.input_schema == spec.output_schema == OBJECT
    assert (spec.cost, spec.latency) == (catalogue().tools[0].cost, catalogue().tools[0].latency)


def test_it_is_as_strict_as_its_strictest_step() -> None:
    untrusted = {"path": "/n", "label": {"integrity": "untrusted"}}
    tools = Catalogue(
        name="work",
        tools=(
            operation("mix", capabilities=["mixing"], output_labels=[untrusted]),
            operation("send", effect="external", idempotent=False, roles={"n": "sink", "row": "control"}),
        ),
    )
    proposal = plan({"t": ([], [step("a", given=inputs()), step("b", "send", inputs())])}, passed({"from": "a"}))
    spec = made(proposal, tools)
    assert (spec.effect, spec.idempotent, spec.capabilities) == ("external", False, ("mixing",))
    assert spec.roles == {"n": "sink", "row": "control"}
    assert [(item.path, item.label.integrity) for item in spec.output_labels] == [("/n", "untrusted")]
    assert spec.latency is not None
    assert (spec.latency.low, spec.latency.high) == (2, 4)


def test_values_of_its_goal_and_texts_that_were_found_in_its_files_are_left_out() -> None:
    proposal = deepcopy(PLAIN)
    column = {"type": "string", "enum": ["Secretville"]}
    rows = {"type": "array", "items": {"type": "object", "properties": {"city": column, "enum": column}}}
    proposal["goal"]["inputs"]["rows"]["value"] = [{"a": 987654}]
    proposal["goal"]["inputs"]["file"] = {
        "value": {"path": "mine.csv"},
        "schema": {"type": "object", "x-content": rows},
    }
    spec = made(proposal)
    text = json.dumps(spec.model_dump(mode="json", by_alias=True))
    assert not any(word in text for word in ("Secretville", "987654", "mine.csv"))
    content = spec.input_schema["properties"]["file"]["x-content"]  # type: ignore[index,call-overload]
    assert content["items"]["properties"] == {"city": {"type": "string"}, "enum": {"type": "string"}}  # type: ignore[index,call-overload]


def test_it_calls_no_other_and_can_be_called() -> None:
    tools = catalogue(inner=PLAIN)
    spec = made(plan({"t": ([], [step("c", "inner", inputs())])}, passed({"from": "c"})), tools)
    assert isinstance(spec.binding, ProgramBinding)
    assert [item.step_id for _, item in spec.binding.proposal.steps()] == ["c_a"]
    alone = Catalogue(name="work", tools=(*catalogue().tools, spec))
    calls = plan({"t": ([], [step("d", "made", constants())])}, passed({"from": "d"}))
    assert validate(calls, catalogue=alone, policy=POLICY, workers=WORKERS).findings == ()


def test_what_policy_denies_is_denied_where_it_is_called_and_what_is_wrong_is_rejected_at_once() -> None:
    denied = plan({"t": ([], [step("a", "send", inputs())])}, {})
    tools = Catalogue(name="work", tools=(operation("send", effect="external"),))
    assert made(denied, tools).effect == "external"
    with pytest.raises(ProposalRejected, match="M202"):
        made(plan({"t": ([], [step("a", "unknown", inputs())])}, passed({"from": "a"})))
    with pytest.raises(ValueError, match="string_pattern_mismatch"):
        made(PLAIN, name="work.no name")
