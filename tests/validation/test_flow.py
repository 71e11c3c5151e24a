"""Where data comes from and where it may go: labels by field, constants, releases, and the way in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.finding import Finding, Report
from dagwright.label import Release
from dagwright.policy import FlowRule, Policy, ReleaseRule
from dagwright.tool import ElementRule, ListRule, PythonBinding, SameRule, SelectRule, ToolSpec
from validation import certify, validate
from validation.stated import Stated
from validation.width import width_of

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
TABLE: Json = {"type": "array", "items": {"type": "object"}}
COLUMN: Json = {"type": "string", "x-column-of": "table"}
ROWS: Json = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"id": TEXT, "size": {"type": "integer"}, "name": TEXT},
        "required": ["id", "size", "name"],
    },
}
UNTRUSTED, TRUSTED = {"integrity": "untrusted"}, {"integrity": "trusted"}


def spec(name: str, inputs: Json, outputs: Json, effect: str = "read", **more: Any) -> ToolSpec:
    tool, operation = name.split(".")
    closed = {"type": "object", "additionalProperties": False}
    return ToolSpec.model_validate(
        {
            "tool_name": tool,
            "operation": operation,
            "description": name,
            "input_schema": {**closed, "properties": inputs},
            "output_schema": {**closed, "properties": outputs, "required": list(outputs)},
            "effect": effect,
            "binding": PythonBinding(callable="some:where"),
            **more,
        }
    )


LABELS = [
    {"path": "", "label": UNTRUSTED},
    {"path": "/rows/*/id", "label": TRUSTED},
    {"path": "/rows/*/size", "label": TRUSTED},
]
LLM = {"kind": "llm", "instruction": "Read."}
CATALOGUE: Catalogue = catalogue_of(
    "drive",
    (
        spec("drive.list", {"query": TEXT}, {"rows": ROWS}, output_labels=LABELS),
        spec("drive.delete", {"id": TEXT}, {}, "irreversible", roles={"id": "sink"}),
        spec("drive.store", {"text": {}, "count": {}}, {}, "external"),
        spec("drive.first", {}, {"rows": ROWS}, output_labels=[{"path": "/rows/0/*", "label": UNTRUSTED}]),
        spec("drive.drop", {"ids": {"type": "array"}}, {}, "irreversible", roles={"ids": "sink"}),
        spec("drive.secrets", {}, {"key": TEXT}, output_labels=[{"path": "", "label": {"confidentiality": "secret"}}]),
        spec(
            "table.sort",
            {"table": TABLE, "column": COLUMN, "kind": {"enum": ["up", "down"]}},
            {"table": TABLE},
            output_rules={"table": SameRule(of="table")},
        ),
        spec(
            "table.pick",
            {"table": TABLE, "columns": {"type": "array", "items": TEXT, "x-column-of": "table"}},
            {"table": TABLE},
            output_rules={"table": SelectRule(of="table", columns="columns")},
        ),
        spec(
            "table.values",
            {"table": TABLE, "column": COLUMN},
            {"values": {"type": "array"}},
            output_rules={"values": ListRule(of="table", column="column")},
        ),
        spec(
            "table.value",
            {"table": TABLE, "column": COLUMN, "row": {"type": "integer", "default": 0}},
            {"value": {}},
            output_rules={"value": ElementRule(of="table", column="column")},
        ),
        spec("table.first", {"table": TABLE}, {"table": TABLE}, output_rules={"table": SameRule(of="table")}),
        spec("reader.text", {"source": {}}, {"value": TEXT}, binding=LLM),
        spec("reader.number", {"source": {}}, {"value": {"type": "number"}}, binding=LLM),
        spec(
            "reader.confirm",
            {"value": {}},
            {"value": TEXT},
            releases=[Release(path="/value", integrity="trusted", confidentiality="public")],
        ),
    ),
)
FLOWS = (
    FlowRule(roles=("sink",), integrity=("untrusted",), constants=True, action="deny", reason="nobody said so"),
    FlowRule(roles=("sink",), integrity=("untrusted",), action="ask", reason="somebody else's"),
    FlowRule(roles=("data", "sink"), effects=("external", "irreversible"), confidentiality=("secret",), action="deny"),
    FlowRule(roles=("data",), effects=("external",), integrity=("untrusted",), types=("free",), action="ask"),
)
ALLOWED = {"read": "allow", "write": "allow", "external": "allow", "irreversible": "allow"}
POLICY = Policy.model_validate({"name": "p", "defaults": ALLOWED, "flows": FLOWS, "constants": "stated"})
GOAL = "Delete the largest of the files called report, not file 12."


def step(step_id: str, operation: str, **inputs: Any) -> Json:
    tool, _, name = operation.partition(".")
    intent = {"tool_name": tool, "operation": name, "required_inputs": inputs}
    return {"step_id": step_id, "action": "x", "tool_intent": intent}


def lit(value: Any) -> Json:
    return {"literal": value}


def ref(step_id: str, path: str) -> Json:
    return {"from": step_id, "path": path}


def checked(steps: list[Json], policy: Policy = POLICY) -> Report:
    proposal = {
        "goal": {"goal_id": "g", "text": GOAL},
        "plan": {"dag_id": "p", "nodes": [{"task_id": "t", "description": "t"}]},
        "decompositions": [{"task_id": "t", "steps": steps}],
    }
    return validate(proposal, catalogue=CATALOGUE, policy=policy, workers=frozenset(("python", "llm")))


def flows(report: Report) -> list[Finding]:
    assert not [finding for finding in report.errors if finding.code not in ("P404", "P405")]
    return [finding for finding in report.findings if finding.code in ("P404", "P405", "P403")]


LIST = step("list", "drive.list", query=lit("report"))
ROW = ref("list", "/rows")


@dataclass(frozen=True)
class Case:
    id: str
    steps: list[Json]
    verdict: str = ""
    """Code, and `ask` or `deny`; empty where the data may flow."""
    policy: Policy = field(default=POLICY)


CASES = (
    Case("an id that the system assigned", [LIST, step("d", "drive.delete", id=ref("list", "/rows/0/id"))]),
    Case(
        "a name that somebody gave", [LIST, step("d", "drive.delete", id=ref("list", "/rows/0/name"))], "P404 ask"
    ),
    Case(
        "an id found by words of nobody",
        [step("list", "drive.list", query=lit("invoice")), step("d", "drive.delete", id=ref("list", "/rows/0/id"))],
        "P404 ask",
    ),
    Case(
        "the largest one's id",
        [
            LIST,
            step("sort", "table.sort", table=ROW, column=lit("size"), kind=lit("down")),
            step("top", "table.value", table=ref("sort", "/table"), column=lit("id")),
            step("d", "drive.delete", id=ref("top", "/value")),
        ],
    ),
    Case(
        "an id that a name put first",
        [
            LIST,
            step("sort", "table.sort", table=ROW, column=lit("name"), kind=lit("down")),
            step("top", "table.value", table=ref("sort", "/table"), column=lit("id")),
            step("d", "drive.delete", id=ref("top", "/value")),
        ],
        "P404 ask",
    ),
    Case(
        "an id of a table whose operation says not what it looks at",
        [
            LIST,
            step("sort", "table.first", table=ROW),
            step("top", "table.value", table=ref("sort", "/table"), column=lit("id")),
            step("d", "drive.delete", id=ref("top", "/value")),
        ],
        "P404 ask",
    ),
    Case(
        "read from trusted columns only",
        [
            LIST,
            step("some", "table.pick", table=ROW, columns=lit(["id", "size"])),
            step("read", "reader.text", source=ref("some", "/table")),
            step("d", "drive.delete", id=ref("read", "/value")),
        ],
    ),
    Case(
        "read from columns of which one is not trusted",
        [
            LIST,
            step("some", "table.pick", table=ROW, columns=lit(["id", "name"])),
            step("read", "reader.text", source=ref("some", "/table")),
            step("d", "drive.delete", id=ref("read", "/value")),
        ],
        "P404 ask",
    ),
    Case(
        "read from the list of ids",
        [
            LIST,
            step("ids", "table.values", table=ROW, column=lit("id")),
            step("read", "reader.text", source=ref("ids", "/values")),
            step("d", "drive.delete", id=ref("read", "/value")),
        ],
    ),
    Case("a constant that the goal states", [step("d", "drive.delete", id=lit("12"))]),
    Case("a constant that it does not", [step("d", "drive.delete", id=lit("13"))], "P404 deny"),
    Case("a constant, where all are trusted", [step("d", "drive.delete", id=lit("13"))], "",
         POLICY.model_copy(update={"constants": None})),
    Case("somebody's words stored", [LIST, step("s", "drive.store", text=ref("list", "/rows/0/name"))], "P404 ask"),
    Case(
        "a number read from somebody's words",
        [
            LIST,
            step("read", "reader.number", source=ref("list", "/rows/0/name")),
            step("s", "drive.store", count=ref("read", "/value")),
        ],
    ),
    Case("a secret", [step("k", "drive.secrets"), step("s", "drive.store", text=ref("k", "/key"))], "P405 deny"),
    Case(
        "a secret that a model read",
        [
            step("k", "drive.secrets"),
            step("read", "reader.text", source=ref("k", "/key")),
            step("s", "drive.store", text=ref("read", "/value")),
        ],
        "P405 deny",
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_data_reaches_what_policy_lets_it_reach(case: Case) -> None:
    found = flows(checked(case.steps, case.policy))
    verdicts = [f"{item.code} {'ask' if item.needs_approval else 'deny'}" for item in found]
    assert verdicts == ([case.verdict] if case.verdict else [])


@pytest.mark.parametrize(
    ("path", "met"), [("/rows/*/id", True), ("/rows/*", True), ("/rows", True), ("/rows/0", True), ("/rows/1", False)]
)
def test_a_label_holds_wherever_a_path_may_meet_its_pattern(path: str, met: bool) -> None:
    first = [step("list", "drive.first"), step("d", "drive.drop", ids=ref("list", path))]
    found = [item for item in checked(first).findings if item.code == "P404"]
    assert bool(found) is met


# ---------------------------------------------------------------------------------------- releases

NAMED = [
    LIST,
    step("sure", "reader.confirm", value=ref("list", "/rows/0/name")),
    step("d", "drive.delete", id=ref("sure", "/value")),
]


def releasing(action: str) -> Policy:
    rule = ReleaseRule.model_validate({"tools": "reader.*", "action": action, "reason": "as agreed"})
    return POLICY.model_copy(update={"releases": (rule,)})


def test_a_release_that_policy_allows_needs_no_question() -> None:
    assert flows(checked(NAMED, releasing("allow"))) == []


def test_a_release_that_policy_is_silent_about_is_asked_about_at_its_own_step() -> None:
    for policy in (POLICY, releasing("ask")):
        (found,) = flows(checked(NAMED, policy))
        assert (found.code, found.step_id, found.needs_approval) == ("P403", "sure", True)
        assert "endorses '/value' of 'reader.confirm'" in found.message


def test_a_release_that_policy_denies_changes_nothing() -> None:
    (found,) = flows(checked(NAMED, releasing("deny")))
    assert (found.code, found.step_id) == ("P404", "d")


def test_nothing_to_release_is_no_question() -> None:
    steps = [LIST, step("sure", "reader.confirm", value=ref("list", "/rows/0/id"))]
    assert flows(checked(steps)) == []


def test_a_declassification_is_a_named_step() -> None:
    steps = [
        step("k", "drive.secrets"),
        step("sure", "reader.confirm", value=ref("k", "/key")),
        step("s", "drive.store", text=ref("sure", "/value")),
    ]
    assert flows(checked(steps, releasing("allow"))) == []
    (asked,) = flows(checked(steps))
    assert "reader.confirm" in asked.message
    assert [item.code for item in flows(checked(steps, releasing("deny")))] == ["P405"]


def test_a_step_that_releases_waits_for_its_approval() -> None:
    proposal = {
        "goal": {"goal_id": "g", "text": GOAL},
        "plan": {"dag_id": "p", "nodes": [{"task_id": "t", "description": "t"}]},
        "decompositions": [{"task_id": "t", "steps": NAMED}],
    }
    program = certify(proposal, catalogue=CATALOGUE, policy=POLICY, workers=frozenset(("python", "llm")))
    assert not program.by_id["list"].needs_approval
    assert program.by_id["sure"].needs_approval


# ----------------------------------------------------------------------------------------- the way


def test_a_finding_names_the_way_from_the_source_to_the_sink() -> None:
    steps = [
        LIST,
        step("read", "reader.text", source=ref("list", "/rows/0/name")),
        step("again", "reader.text", source=ref("read", "/value")),
        step("d", "drive.delete", id=ref("again", "/value")),
    ]
    (found,) = flows(checked(steps))
    assert found.evidence["way"] == [
        {"step": "list", "operation": "drive.list", "path": "/rows/0/name"},
        {"step": "read", "operation": "reader.text", "path": "/value"},
        {"step": "again", "operation": "reader.text", "path": "/value"},
        {"step": "d", "operation": "drive.delete", "path": "/id"},
    ]
    assert "it comes from step 'list' (drive.list)/rows/0/name, step 'read'" in found.message


def test_a_way_follows_what_decided_about_rows() -> None:
    steps = next(case.steps for case in CASES if case.id == "an id that a name put first")
    (found,) = flows(checked(steps))
    assert found.evidence["way"][0] == {"step": "list", "operation": "drive.list", "path": "/rows/*/name"}  # type: ignore[index]


def test_a_way_ends_at_a_constant_that_nobody_stated() -> None:
    steps = [
        step("list", "drive.list", query=lit("invoice")),
        step("d", "drive.delete", id=ref("list", "/rows/0/id")),
    ]
    (found,) = flows(checked(steps))
    assert [hop["operation"] for hop in found.evidence["way"]] == ["constant", "drive.list", "drive.delete"]  # type: ignore[index, union-attr]


def test_a_long_way_is_cut_and_takes_no_longer_for_it() -> None:
    steps = [LIST, step("r0", "reader.text", source=ref("list", "/rows/0/name"))]
    steps += [step(f"r{n}", "reader.text", source=ref(f"r{n - 1}", "/value")) for n in range(1, 200)]
    steps.append(step("d", "drive.delete", id=ref("r199", "/value")))
    (found,) = flows(checked(steps))
    assert len(found.evidence["way"]) == 33  # type: ignore[arg-type]
    assert len(found.message) < 500


def test_fields_are_followed_through_long_chains_without_recursion() -> None:
    steps = [LIST, step("t0", "table.sort", table=ROW, column=lit("size"), kind=lit("up"))]
    steps += [
        step(f"t{n}", "table.sort", table=ref(f"t{n - 1}", "/table"), column=lit("size"), kind=lit("up"))
        for n in range(1, 1500)
    ]
    steps += [
        step("top", "table.value", table=ref("t1499", "/table"), column=lit("id")),
        step("d", "drive.delete", id=ref("top", "/value")),
    ]
    assert flows(checked(steps)) == []


def test_steps_that_refer_to_each_other_in_a_circle_are_untrusted() -> None:
    steps = [
        step("a", "table.sort", table=ref("b", "/table"), column=lit("size"), kind=lit("up")),
        step("b", "table.sort", table=ref("a", "/table"), column=lit("size"), kind=lit("up")),
        step("top", "table.value", table=ref("b", "/table"), column=lit("id")),
        step("d", "drive.delete", id=ref("top", "/value")),
    ]
    report = checked(steps)
    assert any(item.code == "P404" and item.step_id == "d" for item in report.findings)


# ----------------------------------------------------------------------------- stated, narrow, free

TEXTS = (
    ("john.doe@x.org", True),
    ("JOHN.DOE@x.org", True),
    ("doe@x.org", False),
    ("x.org", False),
    ("john", False),
    ("12:00", True),
    ("12", False),
    ("www.a.com/x", True),
    ("www.a.com", False),
    ("Bob", True),
    ("", True),
    (1200.5, True),
    (1200, False),
    (13, True),
    (True, True),
    (None, True),
    (["Bob", 13], True),
    (["Bob", "Eve"], False),
    ({"Bob": 13}, True),
    ({"Eve": 13}, False),
)


@pytest.mark.parametrize(("value", "stated"), TEXTS, ids=[repr(value) for value, _ in TEXTS])
def test_what_a_goal_states(value: Any, stated: bool) -> None:
    text = 'Send 1,200.50 to john.doe@x.org at 12:00, see www.a.com/x. "Bob": June 13'
    assert Stated(text).holds(value) is stated


@pytest.mark.parametrize(
    ("schema", "width"),
    [
        ({"type": "number"}, "narrow"),
        ({"type": ["integer", "null"]}, "narrow"),
        ({"type": "boolean"}, "narrow"),
        ({"enum": ["a", "b"]}, "narrow"),
        ({"anyOf": [{"type": "null"}, {"const": 1}]}, "narrow"),
        ({"$ref": "#/$defs/k", "$defs": {"k": {"enum": ["r"]}}}, "narrow"),
        ({"type": "string"}, "free"),
        ({"type": ["string", "null"]}, "free"),
        ({"type": "array", "items": {"type": "number"}}, "free"),
        ({"anyOf": [{"type": "number"}, {"type": "string"}]}, "free"),
        ({}, "free"),
    ],
)
def test_how_much_a_type_can_say(schema: Json, width: str) -> None:
    assert width_of(schema) == width
