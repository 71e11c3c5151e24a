"""Arguments against their operation's schema: what is said of each, and which fixes are sure (M201-M208)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from dagwright.catalogue import catalogue_of
from dagwright.finding import Finding
from dagwright.policy import DEFAULT_POLICY
from dagwright.tool import PythonBinding, ToolSpec
from validation import validate

Json = dict[str, Any]
INPUTS: Json = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "minimum": 0},
        "share": {"type": ["number", "null"]},
        "exact": {"type": "boolean"},
        "order": {"enum": ["ascending", "descending"]},
        "names": {"type": "array", "items": {"type": "string"}},
        "label": {"type": "string"},
        "limit": {"type": "integer", "default": 10},
        "maybe": {"type": "array", "items": {"type": "string", "nullable": True}},
        "inner": {"type": "object", "properties": {"size": {"$ref": "#/$defs/size"}}},
    },
    "$defs": {"size": {"type": "integer", "maximum": 9}},
    "additionalProperties": False,
}


def tool(operation: str = "measure", inputs: Json = INPUTS, **more: Any) -> ToolSpec:
    return ToolSpec(
        tool_name=more.pop("tool_name", "lab"),
        operation=operation,
        description="Try arguments.",
        input_schema=inputs,
        output_schema={"type": "object", "properties": {"out": {}}, "required": ["out"]},
        effect="read",
        binding=PythonBinding(callable="a.b:c"),
        **more,
    )


def found(given: Json, *tools: ToolSpec, calls: str = "lab.measure", at: date | None = None) -> list[Finding]:
    """Judges one step with these arguments; gives what the semantic level says."""
    name, _, operation = calls.partition(".")
    intent = {"tool_name": name, "operation": operation, "required_inputs": given}
    proposal = {
        "goal": {"goal_id": "g", "text": "Try."},
        "plan": {"dag_id": "d", "nodes": [{"task_id": "t", "description": "Try."}]},
        "decompositions": [{"task_id": "t", "steps": [{"step_id": "s", "action": "try", "tool_intent": intent}]}],
        "answer": {"out": {"from": "s", "path": "/out"}},
    }
    catalogue = catalogue_of("lab", list(tools or (tool(),)))
    report = validate(proposal, catalogue=catalogue, policy=DEFAULT_POLICY, workers=frozenset(("python",)), at=at)
    return [item for item in report.findings if item.level == "semantic"]


def fixed(finding: Finding) -> list[Any]:
    return [operation.value for operation in finding.fix or ()]


@pytest.mark.parametrize(
    ("name", "value", "code", "wanted"),
    [
        ("count", "3", "M205", [3]),
        ("count", " 3 ", "M205", [3]),
        ("count", "three", "M205", []),
        ("count", "-3", "M205", []),
        ("count", 3.5, "M205", []),
        ("count", True, "M205", []),
        ("count", "9" * 60, "M205", []),
        ("share", "0.5", "M205", [0.5]),
        ("share", "1e999", "M205", []),
        ("share", "half", "M205", []),
        ("exact", "True", "M205", [True]),
        ("exact", "no", "M205", []),
        ("label", 7, "M205", ["7"]),
        ("label", True, "M205", []),
        ("names", "a", "M205", [["a"]]),
        ("names", 1, "M205", []),
        ("names", [1], "M205", ["1"]),
        ("order", "Ascending", "M206", ["ascending"]),
        ("order", "sideways", "M206", []),
        ("inner", {"size": 10}, "M205", []),
        ("inner", {"size": "4"}, "M205", [4]),
    ],
)
def test_a_literal_that_does_not_fit_is_put_right_where_that_is_sure(
    name: str, value: Any, code: str, wanted: list[Any]
) -> None:
    (finding,) = found({name: {"literal": value}})
    assert finding.code == code
    assert name in finding.message
    assert finding.path.startswith(f"/decompositions/0/steps/0/tool_intent/required_inputs/{name}/literal")
    assert fixed(finding) == wanted


@pytest.mark.parametrize(
    "given",
    [
        {"share": None},
        {"share": 1},
        {"maybe": ["a", None]},
        {"inner": {"size": 9}},
        {"count": 3.0},
        {"order": "ascending"},
    ],
    ids=repr,
)
def test_literals_that_fit_get_no_finding(given: Json) -> None:
    assert found({name: {"literal": value} for name, value in given.items()}) == []


def test_a_literal_inside_a_list_is_judged_with_its_list() -> None:
    (finding,) = found({"names": {"list": [{"literal": "a"}, {"literal": 1}]}})
    assert finding.code == "M205"
    assert finding.path == "/decompositions/0/steps/0/tool_intent/required_inputs/names"
    assert finding.fix is None or fixed(finding)


BOTH = {**INPUTS, "dependentRequired": {"count": ["label"]}}


def test_what_is_wrong_with_all_arguments_together_is_said_of_all() -> None:
    (finding,) = found({"count": {"literal": 1}}, tool(inputs=BOTH))
    assert finding.code == "M205"
    assert finding.path == "/decompositions/0/steps/0/tool_intent/required_inputs"
    assert found({"count": {"literal": 1}, "label": {"literal": "a"}}, tool(inputs=BOTH)) == []


def test_an_argument_that_is_missing_is_said_once() -> None:
    needed = {**BOTH, "required": ["label"]}
    (finding,) = found({"exact": {"literal": True}}, tool(inputs=needed))
    assert (finding.code, finding.fix) == ("M203", None)


def test_a_missing_argument_with_a_default_gets_it() -> None:
    (finding,) = found({}, tool(inputs={**INPUTS, "required": ["limit"]}))
    assert finding.code == "M203"
    assert fixed(finding) == [{"literal": 10}]


def test_a_name_that_is_meant_for_a_missing_argument_is_not_thrown_away() -> None:
    missing, unknown = found({"labels": {"literal": "a"}}, tool(inputs={**INPUTS, "required": ["label"]}))
    assert (missing.code, unknown.code) == ("M203", "M204")
    assert "'labels' is given, which it doesn't know" in missing.message
    assert missing.fix is None
    assert unknown.fix is None


@pytest.mark.parametrize("given", ["labels", "colour"])
def test_a_name_that_nothing_is_missing_for_is_taken_out(given: str) -> None:
    (finding,) = found({given: {"literal": "a"}})
    assert finding.code == "M204"
    assert finding.fix is not None
    assert finding.fix[0].op == "remove"


def test_arguments_of_an_open_operation_have_any_name() -> None:
    assert found({"colour": {"literal": "a"}}, tool(inputs={"type": "object"})) == []


@pytest.mark.parametrize(
    ("calls", "code", "meant"),
    [
        ("lab.mesure", "M202", ["lab", "measure"]),
        ("labs.measure", "M201", ["lab", "measure"]),
        ("elsewhere.measure", "M201", ["lab", "measure"]),
        ("elsewhere.other", "M201", []),
        ("lab.quite_another", "M202", []),
    ],
)
def test_the_operation_that_is_surely_meant_is_named(calls: str, code: str, meant: list[str]) -> None:
    (finding,) = [item for item in found({}, calls=calls) if item.code in ("M201", "M202")]
    assert finding.code == code
    assert fixed(finding) == meant


def test_an_operation_that_does_not_take_the_arguments_is_not_meant() -> None:
    (finding,) = found({"colour": {"literal": "a"}}, calls="lab.mesure")
    assert finding.fix is None
    (finding,) = found({}, tool(inputs={**INPUTS, "required": ["label"]}), calls="lab.mesure")
    assert finding.fix is None


@pytest.mark.parametrize(
    ("day", "codes"),
    [
        (None, []),
        (date(2026, 1, 9), ["M208"]),
        (date(2026, 1, 10), []),
        (date(2026, 1, 19), []),
        (date(2026, 1, 20), ["M208"]),
    ],
)
def test_an_operation_is_used_from_its_first_day_until_its_last(day: date | None, codes: list[str]) -> None:
    dated = tool(valid_from=date(2026, 1, 10), valid_to=date(2026, 1, 20), replaced_by="lab.new")
    findings = found({}, dated, at=day)
    assert [item.code for item in findings] == codes
    assert all("use 'lab.new'" in item.message for item in findings)
