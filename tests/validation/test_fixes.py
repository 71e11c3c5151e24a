"""Fixes: applying one makes its finding vanish and brings no other; repairing goes on until none is left."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from dagwright.catalogue import Catalogue
from dagwright.finding import Finding, PatchOperation, Report
from dagwright.policy import Policy
from dagwright.proposal import Proposal
from validation import repair, validate
from validation.patch import patched

Json = dict[str, Any]
Change = Callable[[Json], object]


def at(p: Json, path: str) -> Any:
    found: Any = p
    for token in path.split("/")[1:]:
        found = found[int(token)] if isinstance(found, list) else found[token]
    return found


def put(path: str, value: object) -> Change:
    parent, _, name = path.rpartition("/")

    def change(p: Json) -> None:
        container = at(p, parent)
        if isinstance(container, list):
            container.insert(int(name), value)
        else:
            container[name] = value

    return change


LIGHT = "/decompositions/1/steps/0"
MEAN = "/decompositions/1/steps/1"
SORTED = "/decompositions/1/steps/2"
FETCH = "/decompositions/2/steps/0"
UNUSED = {
    "step_id": "x",
    "action": "x",
    "tool_intent": {"tool_name": "words", "operation": "shorten", "required_inputs": {"text": {"literal": "x"}}},
}

FIXABLE: dict[str, tuple[str, Change]] = {
    "unknown field": ("S103", put(f"{LIGHT}/thoughts", "hm")),
    "control character": ("S109", put(f"{LIGHT}/action", "a\x07b")),
    "tool misspelt": ("M201", put(f"{LIGHT}/tool_intent/tool_name", "tabel")),
    "operation misspelt": ("M202", put(f"{LIGHT}/tool_intent/operation", "Filter")),
    "input made up": ("M204", put(f"{FETCH}/tool_intent/required_inputs/speed", {"literal": 1})),
    "default left out": ("M203", lambda p: at(p, f"{SORTED}/tool_intent/required_inputs").pop("descending")),
    "number as text": ("M205", put(f"{LIGHT}/tool_intent/required_inputs/limit", {"literal": "5"})),
    "whole number as float": ("M205", put(f"{LIGHT}/tool_intent/required_inputs/limit", {"literal": "5"})),
    "truth as text": ("M205", put(f"{SORTED}/tool_intent/required_inputs/descending", {"literal": "True"})),
    "one for a list of one": ("M205", put(f"{MEAN}/tool_intent/required_inputs/by", {"literal": "species"})),
    "word in another case": ("M206", put(f"{LIGHT}/tool_intent/required_inputs/op", {"literal": "LESS"})),
    "document of another tool": ("M210", put(f"{FETCH}/documentation_references/1", "guide:filter")),
    "the only document made up": ("M210", put(f"{FETCH}/documentation_references", ["doc:7"])),
    "output made up": ("M211", put(f"{FETCH}/tool_intent/expected_outputs", {"colour": {}})),
    "dependency on nothing": ("D302", put("/plan/nodes/1/dependencies/0", "dinner")),
    "task waits for itself": ("D303", put("/plan/nodes/1/dependencies/0", "groups")),
    "step id in another case": (
        "D304",
        put(f"{LIGHT}/tool_intent/required_inputs/table", {"from": "Load", "path": "/table"}),
    ),
    "task doesn't wait": ("D305", put("/plan/nodes/1/dependencies", [])),
    "task doesn't say that it waits": ("D305", lambda p: at(p, "/plan/nodes/1").pop("dependencies")),
    "output misspelt": ("D306", put(f"{LIGHT}/tool_intent/required_inputs/table", {"from": "load", "path": "/tabel"})),
    "column misspelt": ("D306", put(f"{LIGHT}/tool_intent/required_inputs/column", {"literal": "Mass"})),
    "column in a list misspelt": ("D306", put(f"{MEAN}/tool_intent/required_inputs/by", {"literal": ["specie"]})),
    "step unused": ("D309", put("/decompositions/2/steps/0", UNUSED)),
    "dependency twice": ("D310", put("/plan/nodes/1/dependencies/0", "read")),
}


def unused_task(p: Json) -> None:
    p["plan"]["nodes"].insert(2, {"task_id": "t", "description": "x", "dependencies": ["read"]})
    p["plan"]["nodes"][-1]["dependencies"].append("t")
    p["decompositions"].insert(0, {"task_id": "t", "steps": [UNUSED]})


FIXABLE["task unused, with others waiting for it"] = ("D309", unused_task)


def identity(finding: Finding) -> tuple[str, str]:
    return (finding.code, finding.message)


@pytest.mark.parametrize("name", FIXABLE)
def test_a_fix_removes_its_finding_and_adds_none(name: str, judge: Callable[..., Report], good: Json) -> None:
    code, change = FIXABLE[name]
    expected = judge(good)
    change(good)
    before = judge(good)
    chosen = [finding for finding in before.findings if finding.code == code and finding.fix]
    assert chosen, before.findings
    for finding in chosen:
        after = judge(patched(good, finding.fix or ()))
        assert identity(finding) not in set(map(identity, after.findings))
        told = {identity(item) for item in (*before.findings, *expected.findings)}
        new = [item for item in after.findings if identity(item) not in told and item.severity != "info"]
        assert new == []


@pytest.mark.parametrize("name", FIXABLE)
def test_repair_leaves_a_valid_proposal(
    name: str, catalogue: Catalogue, policy: Policy, judge: Callable[..., Report], good: Json
) -> None:
    FIXABLE[name][1](good)
    untouched = deepcopy(good)
    repaired = repair(good, catalogue=catalogue, policy=policy, workers=frozenset(("python", "http", "llm", "human")))
    assert good == untouched
    assert repaired.report.is_valid
    assert FIXABLE[name][0] in {code for code, _ in repaired.applied}
    assert Proposal.model_validate(repaired.proposal)
    assert judge(repaired.proposal).findings == repaired.report.findings


def test_repair_settles_many_faults_at_once(catalogue: Catalogue, policy: Policy, good: Json) -> None:
    chosen = (
        "tool misspelt",
        "number as text",
        "document of another tool",
        "task doesn't wait",
        "column in a list misspelt",
    )
    for name in chosen:
        FIXABLE[name][1](good)
    repaired = repair(good, catalogue=catalogue, policy=policy, workers=frozenset(("python", "http", "llm", "human")))
    assert repaired.report.is_valid
    assert len(repaired.applied) >= len(chosen)


def test_what_has_no_certain_fix_is_left_alone(catalogue: Catalogue, policy: Policy, good: Json) -> None:
    at(good, f"{LIGHT}/tool_intent")["operation"] = "wish"
    at(good, f"{FETCH}/tool_intent/required_inputs").pop("item")
    repaired = repair(good, catalogue=catalogue, policy=policy, workers=frozenset(("python", "http")))
    assert repaired.proposal == good
    assert repaired.applied == ()
    assert {finding.code for finding in repaired.report.errors} >= {"M202", "M203"}


@pytest.mark.parametrize("broken", [None, 7, "plan", [], {}, {"plan": 1}, {"goal": {}, "plan": {"nodes": [1, None]}}])
def test_repair_of_what_is_no_proposal_gives_it_back(broken: Any, catalogue: Catalogue, policy: Policy) -> None:
    repaired = repair(broken, catalogue=catalogue, policy=policy, workers=frozenset())
    assert repaired.proposal == broken
    assert not repaired.report.is_valid


def test_repair_of_a_circle_of_unused_steps_ends(catalogue: Catalogue, policy: Policy, good: Json) -> None:
    for name, other in (("u", "v"), ("v", "u")):
        good["plan"]["nodes"].append({"task_id": name, "description": "x", "dependencies": [other]})
        step = deepcopy(UNUSED) | {"step_id": name}
        step["tool_intent"]["required_inputs"]["text"] = {"from": other, "path": "/text"}
        good["decompositions"].append({"task_id": name, "steps": [step]})
    repaired = repair(good, catalogue=catalogue, policy=policy, workers=frozenset(("python", "http", "llm")))
    assert "D301" in {finding.code for finding in repaired.report.errors}


def test_patches_do_what_the_standard_says() -> None:
    document = {"a": [1, 2, 3], "b/c": {"~": 0}}
    operations = (
        PatchOperation(op="add", path="/a/1", value=9),
        PatchOperation(op="add", path="/a/-", value=4),
        PatchOperation(op="remove", path="/a/0"),
        PatchOperation(op="replace", path="/b~1c/~0", value=[1]),
    )
    assert patched(document, operations) == {"a": [9, 2, 3, 4], "b/c": {"~": [1]}}
    assert document == {"a": [1, 2, 3], "b/c": {"~": 0}}
    with pytest.raises(LookupError):
        patched(document, (PatchOperation(op="remove", path="/a/x"),))


def test_validate_of_repaired_text_is_the_same_as_of_data(catalogue: Catalogue, policy: Policy, good: Json) -> None:
    import json

    workers = frozenset(("python", "http"))
    of_data = validate(good, catalogue=catalogue, policy=policy, workers=workers)
    of_text = validate(json.dumps(good), catalogue=catalogue, policy=policy, workers=workers)
    of_model = validate(Proposal.model_validate(good), catalogue=catalogue, policy=policy, workers=workers)
    assert of_data == of_text == of_model
