"""Each way in which a proposal can be wrong, done to one in which nothing is wrong, and the code it must cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from dagwright.canonical import to_json
from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.finding import Finding, Report
from dagwright.policy import Policy
from dagwright.tool import ToolSpec
from validation import CODES
from validation.patch import patched
from validation.text import MAX_DEPTH

Json = dict[str, Any]
Judged = Callable[["Case", Json], Report]


@dataclass(frozen=True)
class Case:
    id: str
    code: str
    change: Callable[[Json], object]
    """Changes the proposal in place."""
    alone: bool = True
    """Whether no other finding of severity error may come along."""
    policy: dict[str, Any] = field(default_factory=dict)
    """Fields of the policy that are replaced."""
    workers: frozenset[str] = frozenset(("python", "http", "llm", "human"))
    tools: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Fields of operations that are replaced, by operation."""


def nodes(p: Json) -> list[Json]:
    return p["plan"]["nodes"]


def node(p: Json, task_id: str) -> Json:
    return next(item for item in nodes(p) if item["task_id"] == task_id)


def steps(p: Json, task_id: str) -> list[Json]:
    return next(item["steps"] for item in p["decompositions"] if item["task_id"] == task_id)


def step(p: Json, step_id: str) -> Json:
    return next(item for group in p["decompositions"] for item in group["steps"] if item["step_id"] == step_id)


def intent(p: Json, step_id: str) -> Json:
    return step(p, step_id)["tool_intent"]


def inputs(p: Json, step_id: str) -> Json:
    return intent(p, step_id)["required_inputs"]


def call(p: Json, step_id: str, operation: str) -> None:
    intent(p, step_id)["tool_name"], intent(p, step_id)["operation"] = operation.split(".")
    step(p, step_id)["documentation_references"] = []


def limit(p: Json, **limits: object) -> None:
    p["goal"]["constraints"].update(limits)


def extra(p: Json, step_id: str, operation: str, given: Json, *dependencies: str) -> None:
    """Adds a task with one step."""
    tool, name = operation.split(".")
    nodes(p).append({"task_id": f"task_{step_id}", "description": "more", "dependencies": list(dependencies)})
    tool_intent = {"tool_name": tool, "operation": name, "required_inputs": given}
    added = {"step_id": step_id, "action": "more", "tool_intent": tool_intent}
    p["decompositions"].append({"task_id": f"task_{step_id}", "steps": [added]})


def fetches(p: Json, count: int) -> None:
    """Adds so many more fetches, side by side, that the answer names."""
    for number in range(count):
        given = {"item": {"literal": str(number)}, "page": {"literal": f"https://example.org/{number}"}}
        extra(p, f"more{number}", "web.fetch", given)
        p["answer"][f"price{number}"] = {"from": f"more{number}", "path": "/price"}


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


CASES = (
    # syntactic
    Case("no object for a plan", "S101", lambda p: p.update(plan=[])),
    Case("complexity unheard of", "S101", lambda p: node(p, "read").update(estimated_complexity="huge"), alone=False),
    Case("bare value for an argument", "S101", lambda p: inputs(p, "fetch").update(item="7"), alone=False),
    Case("path without slash", "S101", lambda p: p["answer"]["heaviest"].update(path="table")),
    Case("step without action", "S102", lambda p: step(p, "mean").pop("action"), alone=False),
    Case("proposal without goal", "S102", lambda p: p.pop("goal"), alone=False),
    Case("unknown field in a step", "S103", lambda p: step(p, "mean").update(thoughts="hm")),
    Case("unknown field in a reference", "S103", lambda p: inputs(p, "light")["table"].update(note="x")),
    Case("task defined twice", "S104", lambda p: nodes(p).append(dict(node(p, "prices")))),
    Case(
        "task decomposed twice",
        "S104",
        lambda p: p["decompositions"].append({"task_id": "prices", "steps": [{**step(p, "fetch"), "step_id": "f2"}]}),
    ),
    Case("step defined twice", "S105", lambda p: steps(p, "prices").append(dict(step(p, "fetch")))),
    Case("blank in a task id", "S106", lambda p: node(p, "prices").update(task_id="the prices"), alone=False),
    Case("no tasks", "S107", lambda p: (nodes(p).clear(), p["decompositions"].clear(), p["answer"].clear())),
    Case("task without decomposition", "S107", lambda p: nodes(p).append({"task_id": "more", "description": "x"})),
    Case("task without steps", "S107", lambda p: (extra(p, "x", "web.fetch", {}), steps(p, "task_x").clear())),
    Case("too deep", "S108", lambda p: inputs(p, "fetch").update(item={"literal": nested(MAX_DEPTH)})),
    Case("description too long", "S108", lambda p: node(p, "read").update(description="x" * 5_000), alone=False),
    Case("template in a literal", "S109", lambda p: inputs(p, "fetch").update(item={"literal": "${secret}"})),
    Case("escape character", "S109", lambda p: step(p, "mean").update(action="mean \x1b[2J")),
    Case("override of direction", "S109", lambda p: inputs(p, "fetch").update(item={"literal": "a\u202eb"})),
    Case("template in a name", "S109", lambda p: intent(p, "fetch").update(expected_outputs={"${x}": {}}), alone=False),
    Case("not a number", "S110", lambda p: inputs(p, "light").update(value={"literal": float("nan")}), alone=False),
    Case("infinite", "S110", lambda p: inputs(p, "light").update(value={"literal": float("-inf")}), alone=False),
    # semantic
    Case("tool made up", "M201", lambda p: intent(p, "fetch").update(tool_name="internet")),
    Case("operation made up", "M202", lambda p: intent(p, "light").update(operation="dream")),
    Case("operation misspelt", "M202", lambda p: intent(p, "light").update(operation="filtre")),
    Case("argument left out", "M203", lambda p: inputs(p, "fetch").pop("item")),
    Case("argument with default left out", "M203", lambda p: inputs(p, "sorted").pop("descending")),
    Case("argument made up", "M204", lambda p: inputs(p, "fetch").update(speed={"literal": 1})),
    Case("number as text", "M205", lambda p: inputs(p, "light").update(limit={"literal": "500"})),
    Case("number too small", "M205", lambda p: inputs(p, "light").update(limit={"literal": 0})),
    Case("none of the values", "M206", lambda p: inputs(p, "light").update(op={"literal": "looks like"})),
    Case("value in another case", "M206", lambda p: inputs(p, "light").update(op={"literal": "LESS"})),
    Case("no address", "M207", lambda p: inputs(p, "send").update(to={"literal": "nobody"})),
    Case("deprecated", "M208", lambda p: extra(p, "old", "old.shorten", {"text": {"literal": "x"}})),
    Case("no longer valid", "M208", lambda p: extra(p, "past", "past.shorten", {"text": {"literal": "x"}})),
    Case(
        "capability that no tool of the task has",
        "M209",
        lambda p: node(p, "prices").update(required_capabilities=["fly"]),
    ),
    Case("document made up", "M210", lambda p: step(p, "fetch").update(documentation_references=["doc:1"])),
    Case(
        "document of another tool",
        "M210",
        lambda p: step(p, "fetch")["documentation_references"].append("guide:filter"),
    ),
    Case("output made up", "M211", lambda p: intent(p, "fetch").update(expected_outputs={"colour": {}})),
    Case(
        "output of another type",
        "M211",
        lambda p: intent(p, "fetch").update(expected_outputs={"price": {"type": "array"}}),
    ),
    Case(
        "criterion over nothing",
        "M212",
        lambda p: intent(p, "fetch").update(validation_criteria=[{"path": "/colour", "op": "exists"}]),
    ),
    Case(
        "criterion of another type",
        "M212",
        lambda p: intent(p, "fetch").update(validation_criteria=[{"path": "/price", "op": "less", "value": "cheap"}]),
    ),
    Case(
        "operator that can't take its value",
        "M212",
        lambda p: intent(p, "fetch").update(validation_criteria=[{"path": "/price", "op": "one_of", "value": 3}]),
    ),
    Case(
        "precondition over outputs that there can't be yet",
        "M212",
        lambda p: step(p, "send").update(preconditions=[{"path": "/status", "op": "equals", "value": 200}]),
    ),
    # dependency
    Case("circle", "D301", lambda p: node(p, "read").update(dependencies=["store"]), alone=False),
    Case("dependency on nothing", "D302", lambda p: node(p, "note")["dependencies"].append("dinner")),
    Case("steps of no task", "D302", lambda p: p["decompositions"].append({"task_id": "x", "steps": []}), alone=False),
    Case("task waits for itself", "D303", lambda p: node(p, "note")["dependencies"].append("note")),
    Case(
        "reference to no step", "D304", lambda p: inputs(p, "light").update(table={"from": "nowhere", "path": "/table"})
    ),
    Case("reference to no input", "D304", lambda p: inputs(p, "load").update(file={"input": "papers"})),
    Case("answer from no step", "D304", lambda p: p["answer"].update(more={"from": "nowhere"})),
    Case("task doesn't wait", "D305", lambda p: node(p, "groups").update(dependencies=[])),
    Case("steps the wrong way round", "D305", lambda p: steps(p, "groups").reverse()),
    Case(
        "step uses itself",
        "D305",
        lambda p: inputs(p, "light").update(table={"from": "light", "path": "/table"}),
        alone=False,
    ),
    Case("output that isn't there", "D306", lambda p: inputs(p, "light")["table"].update(path="/tabel")),
    Case("column that isn't there", "D306", lambda p: inputs(p, "light").update(column={"literal": "wingspan"})),
    Case("column lost by grouping", "D306", lambda p: inputs(p, "sorted").update(column={"literal": "mass"})),
    Case("answer from no output", "D306", lambda p: p["answer"]["heaviest"].update(path="/rows")),
    Case("number for text", "D307", lambda p: inputs(p, "send").update(body={"from": "fetch", "path": "/price"})),
    Case(
        "column of text for one of numbers",
        "D307",
        lambda p: inputs(p, "mean").update(value={"literal": "species"}),
        alone=False,
    ),
    Case("type unknown", "D308", lambda p: inputs(p, "send").update(body={"from": "fetch", "path": "/body"})),
    Case("result unused", "D309", lambda p: extra(p, "x", "words.shorten", {"text": {"literal": "x"}})),
    Case(
        "wait for nothing",
        "D310",
        lambda p: (
            extra(p, "x", "words.shorten", {"text": {"literal": "x"}}, "read"),
            p["answer"].update(more={"from": "x", "path": "/text"}),
        ),
    ),
    Case("dependency named twice", "D310", lambda p: node(p, "note")["dependencies"].append("prices")),
    Case(
        "two write one file",
        "D311",
        lambda p: extra(
            p,
            "x",
            "file.write",
            {"path": {"literal": "groups.csv"}, "table": {"from": "mean", "path": "/table"}},
            "groups",
        ),
    ),
    Case(
        "two write the file that the goal names",
        "D311",
        lambda p: (
            p["goal"]["inputs"].update(target={"value": "./out.csv", "schema": {"type": "string"}}),
            inputs(p, "write").update(path={"input": "target"}),
            extra(
                p,
                "x",
                "file.write",
                {"path": {"literal": "out.csv"}, "table": {"from": "mean", "path": "/table"}},
                "groups",
            ),
        ),
        alone=False,
    ),
    Case(
        "two write the file that one step names",
        "D311",
        lambda p: (
            inputs(p, "write").update(path={"from": "fetch", "path": "/id"}),
            node(p, "store")["dependencies"].append("prices"),
            extra(
                p,
                "x",
                "file.write",
                {"path": {"from": "fetch", "path": "/id"}, "table": {"from": "mean", "path": "/table"}},
                "groups",
                "prices",
            ),
        ),
        alone=False,
    ),
    Case("fact that nobody establishes", "D312", lambda p: step(p, "send").update(preconditions=[{"fact": "paid"}])),
    Case(
        "fact established elsewhere",
        "D312",
        lambda p: step(p, "send").update(preconditions=[{"fact": "written:groups.csv"}]),
    ),
    Case(
        "fact that ends again",
        "D312",
        lambda p: (
            step(p, "mean").update(postconditions=[{"fact": "empty"}]),
            extra(p, "x", "words.shorten", {"text": {"literal": "x"}}, "store"),
            step(p, "x").update(preconditions=[{"fact": "empty"}]),
            p["answer"].update(more={"from": "x", "path": "/text"}),
        ),
    ),
    Case(
        "fact that may hold already",
        "D312",
        lambda p: step(p, "send").update(preconditions=[{"fact": "written:groups.csv", "negated": True}]),
    ),
    Case(
        "promise and its opposite",
        "D313",
        lambda p: step(p, "write").update(postconditions=[{"fact": "done"}, {"fact": "done", "negated": True}]),
    ),
    Case("promise of the opposite", "D313", lambda p: step(p, "write").update(postconditions=[{"fact": "empty"}])),
    # policy
    Case("goal prohibits", "P401", lambda p: limit(p, denied_tools=["web.*"])),
    Case("effect that no rule allows", "P401", lambda p: None, policy={"rules": ()}),
    Case(
        "argument that policy prohibits", "P402", lambda p: inputs(p, "write").update(path={"literal": "private/a.csv"})
    ),
    Case(
        "argument that may be prohibited",
        "P402",
        lambda p: inputs(p, "write").update(path={"from": "fetch", "path": "/id"}),
        alone=False,
    ),
    Case("policy asks", "P403", lambda p: None, policy={"rules": ({"tools": "*", "action": "ask"},)}),
    Case(
        "address from outside",
        "P404",
        lambda p: inputs(p, "send").update(to={"from": "fetch", "path": "/body"}),
    ),
    Case(
        "confidential data in a mail",
        "P405",
        lambda p: p["goal"]["inputs"]["address"].update(label={"integrity": "trusted", "confidentiality": "tenant"}),
    ),
    Case("mail without approval", "P406", lambda p: None),
    Case(
        "write that nothing undoes",
        "P408",
        lambda p: None,
        policy={"rollbacks": ({"tools": "file.*", "strategies": ("compensate", "retry")},)},
    ),
    Case(
        "compensation that there isn't",
        "P408",
        lambda p: step(p, "write").update(rollback_strategy="compensate"),
        policy={"rollbacks": ({"effects": ("write",), "strategies": ("compensate",)},)},
    ),
    Case(
        "retry of what must happen once",
        "P408",
        lambda p: step(p, "send").update(rollback_strategy="retry"),
        policy={"rollbacks": ({"tools": "mail.*", "strategies": ("retry", "manual")},)},
    ),
    Case("host that isn't allowed", "P409", lambda p: None, policy={"allowed_hosts": ("mail.example.org",)}),
    Case("path outside", "P409", lambda p: inputs(p, "write").update(path={"literal": "../../etc/passwd"})),
    Case("absolute path", "P409", lambda p: inputs(p, "write").update(path={"literal": "/etc/passwd"})),
    Case("path that isn't allowed", "P409", lambda p: None, policy={"allowed_paths": ("reports/*",)}),
    Case(
        "key in a literal", "P410", lambda p: inputs(p, "fetch").update(item={"literal": "AKIA" + "A1B2C3D4E5F6G7H8"})
    ),
    Case(
        "fallback that takes other arguments",
        "P411",
        lambda p: None,
        policy={"fallbacks": ({"capability": "table", "operations": ("table.filter", "table.group")},)},
    ),
    # resource
    Case("over budget", "R501", lambda p: limit(p, max_cost=0.1)),
    Case("over the policy's budget", "R501", lambda p: None, policy={"budget": {"max_cost": 0.1}}),
    Case(
        "cost unknown",
        "R501",
        lambda p: (extra(p, "x", "person.ask", {"question": {"literal": "?"}}), limit(p, max_cost=9)),
    ),
    Case("too late", "R502", lambda p: limit(p, deadline=3)),
    Case("perhaps too late", "R502", lambda p: limit(p, deadline=9)),
    Case("quota", "R503", lambda p: steps(p, "note").append({**step(p, "send"), "step_id": "again"})),
    Case("too many calls", "R503", lambda p: limit(p, max_calls=3)),
    Case("perhaps too many calls", "R503", lambda p: limit(p, max_calls=7)),
    Case("perhaps over the quota", "R503", lambda p: None, tools={"file.write": {"quota": 2}}),
    Case("too many at a time", "R504", lambda p: fetches(p, 3), tools={"web.fetch": {"concurrency": 2}}),
    Case(
        "too many for the rate",
        "R504",
        lambda p: fetches(p, 3),
        tools={"web.fetch": {"rate_limit": {"calls": 1, "seconds": 30}, "timeout": 60}},
    ),
    Case(
        "too large",
        "R505",
        lambda p: inputs(p, "fetch").update(item={"literal": "x" * 500}),
        policy={"budget": {"max_payload": 500}},
    ),
    Case("perhaps too large", "R505", lambda p: None, tools={"mail.send": {"max_payload": 10_000}}),
    Case(
        "may be skipped",
        "D314",
        lambda p: p["decompositions"][2].update(control={"optional": True}),
    ),
    Case(
        "again and again",
        "R506",
        lambda p: p["decompositions"][2].update(
            control={"repeat": {"until": [{"value": {"from": "fetch", "path": "/id"}, "op": "exists"}]}}
        ),
    ),
    Case("no worker", "R507", lambda p: None, workers=frozenset(("python", "llm", "human"))),
    Case(
        "too many tokens",
        "R508",
        lambda p: (extra(p, "x", "words.shorten", {"text": {"literal": "x"}}), limit(p, max_tokens=50)),
    ),
)


def surroundings(case: Case, catalogue: Catalogue, policy: Policy) -> dict[str, Any]:
    """What a case's proposal is judged by."""
    tools = [ToolSpec.model_validate({**to_json(tool), **case.tools.get(tool.name, {})}) for tool in catalogue.tools]
    return {
        "catalogue": catalogue_of("lab", tools) if case.tools else catalogue,
        "policy": Policy.model_validate({**policy.model_dump(), **case.policy}),
        "workers": case.workers,
    }


@pytest.fixture
def judged(judge: Callable[..., Report], catalogue: Catalogue, policy: Policy) -> Judged:
    """Gives the report on a case's mutation of a proposal."""

    def report(case: Case, proposal: Json) -> Report:
        case.change(proposal)
        return judge(proposal, **surroundings(case, catalogue, policy))

    return report


def test_a_good_proposal_has_no_errors(judge: Callable[..., Report], good: Json) -> None:
    report = judge(good)
    assert [finding.code for finding in report.findings] == ["P406"]
    assert report.is_valid
    assert report.approval_required
    assert not report.is_ready
    assert "D305" in report.checks_passed


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}: {case.id}")
def test_each_mutation_causes_its_code(case: Case, judged: Judged, good: Json) -> None:
    report = judged(case, good)
    assert case.code in {finding.code for finding in report.findings}
    assert case.code not in report.checks_passed
    if case.alone:
        assert {finding.code for finding in report.errors} <= {case.code}, report.errors


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}: {case.id}")
def test_findings_are_complete_and_agree_with_the_table(case: Case, judged: Judged, good: Json) -> None:
    report = judged(case, good)
    for finding in report.findings:
        row = CODES[finding.code]
        assert finding.level == row.level
        assert finding.severity in (row.severity, row.softer)
        assert finding.message
        assert finding.suggested_fix


def test_every_code_has_a_mutation() -> None:
    elsewhere = {"P407", "D315"}  # of two programs: test_widening; of sub-programs: calls/test_expansion
    assert {case.code for case in CASES} == set(CODES) - elsewhere


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}: {case.id}")
def test_order_of_tasks_decompositions_and_keys_has_no_meaning(
    case: Case, judged: Judged, judge: Callable[..., Report], good: Json, catalogue: Catalogue, policy: Policy
) -> None:
    if case.code in ("S104", "S105"):
        pytest.skip("of two parts with one id, the one that stands first counts")
    one = judged(case, good)
    other = judge(turned_round(good), **surroundings(case, catalogue, policy))
    assert sorted(map(what, one.findings)) == sorted(map(what, other.findings))


def what(finding: Any) -> tuple[str, ...]:
    """What a finding says, but for places: those follow the order in which things are written."""
    message = "" if finding.level == "syntactic" else finding.message
    return (finding.code, finding.severity, finding.task_id or "", finding.step_id or "", message)


def turned_round(p: Json) -> Json:
    turned = {key: p[key] for key in reversed(p)}
    if isinstance(p["plan"], dict):
        turned["plan"] = {**p["plan"], "nodes": [{k: n[k] for k in reversed(n)} for n in reversed(p["plan"]["nodes"])]}
    turned["decompositions"] = list(reversed(p["decompositions"]))
    return turned


def test_all_findings_come_at_once(judge: Callable[..., Report], good: Json) -> None:
    codes = ("S103", "M204", "M206", "D302", "D306", "P409", "R501")
    chosen = [next(case for case in CASES if case.code == code and not case.policy) for code in codes]
    for case in chosen:
        case.change(good)
    assert set(codes) <= {finding.code for finding in judge(good).errors}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}: {case.id}")
def test_a_fix_removes_its_finding_and_adds_none(
    case: Case, judged: Judged, judge: Callable[..., Report], good: Json, catalogue: Catalogue, policy: Policy
) -> None:
    before = judged(case, good)
    for finding in before.findings:
        if finding.fix is not None:
            after = judge(patched(good, finding.fix), **surroundings(case, catalogue, policy))
            assert said(finding) not in map(said, after.findings), finding
            assert Counter(map(owner, after.findings)) <= Counter(map(owner, before.findings)), finding


def said(finding: Finding) -> tuple[str, str]:
    """What a finding says, wherever its place has moved to."""
    return (finding.code, finding.message)


def owner(finding: Finding) -> tuple[str, str | None, str | None]:
    """What a finding is about; its message may name other things that a fix has taken away."""
    return (finding.code, finding.task_id, finding.step_id)
