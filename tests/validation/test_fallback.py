"""What may take the place of a step's operation where that is down: what policy names, and what is proven."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from dagwright.canonical import sha256, to_json
from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.finding import Report
from dagwright.policy import Policy
from dagwright.program import Program
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec
from validation import certify, validate, widened
from validation.fallback import substituted
from validation.widening import foreseen

Json = dict[str, Any]
TEXT, NUMBER = {"type": "string"}, {"type": "number"}
WORKERS = frozenset(("python", "http"))


def record(*optional: str, **properties: Any) -> Json:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def operation(name: str, **more: Any) -> ToolSpec:
    tool, verb = name.split(".")
    given = {
        "tool_name": tool,
        "operation": verb,
        "description": "Tells the weather.",
        "input_schema": record("days", city=TEXT, days={"type": "integer", "default": 1}),
        "output_schema": record(degrees=NUMBER),
        "output_labels": [{"path": "", "label": {"integrity": "untrusted"}}],
        "effect": "read",
        "capabilities": ["weather"],
        "cost": {"low": 0, "high": 0.1},
        "latency": {"low": 1, "high": 2},
        "binding": {"kind": "http", "method": "GET", "url": f"https://{tool}.example.org/{{city}}"},
    }
    return ToolSpec.model_validate(given | more)


RULE = {"capability": "weather", "operations": ["first.tell", "second.*", "third.tell"]}
PLAN: Json = {
    "goal": {"goal_id": "g", "text": "How warm is it in Oslo and in Rome?"},
    "plan": {
        "dag_id": "d",
        "nodes": [{"task_id": "north", "description": "x"}, {"task_id": "south", "description": "x"}],
    },
    "decompositions": [
        {
            "task_id": task,
            "steps": [
                {
                    "step_id": step,
                    "action": "look",
                    "tool_intent": {
                        "tool_name": "first",
                        "operation": "tell",
                        "required_inputs": {"city": {"literal": city}},
                    },
                    "documentation_references": ["tool:first.tell"],
                }
            ],
        }
        for task, step, city in (("north", "oslo", "Oslo"), ("south", "rome", "Rome"))
    ],
    "answer": {"oslo": {"from": "oslo", "path": "/degrees"}, "rome": {"from": "rome", "path": "/degrees"}},
}


@dataclass
class Lab:
    second: Json = field(default_factory=dict[str, Any])
    """Fields of `second.tell` that are other than those of `first.tell`."""
    first: Json = field(default_factory=dict[str, Any])
    policy: Json = field(default_factory=dict[str, Any])
    others: tuple[ToolSpec, ...] = ()
    limits: Json = field(default_factory=dict[str, Any])

    @property
    def catalogue(self) -> Catalogue:
        pair = operation("first.tell", **self.first), operation("second.tell", **self.second)
        return catalogue_of("weather", (*pair, *self.others))

    @property
    def given(self) -> Json:
        fields = {"name": "p", "fallbacks": [RULE], "allowed_hosts": ["*.example.org"], **self.policy}
        return {"catalogue": self.catalogue, "policy": Policy.model_validate(fields), "workers": WORKERS}

    @property
    def proposal(self) -> Json:
        return {**PLAN, "goal": {**PLAN["goal"], "constraints": self.limits}}

    def prove(self) -> Program:
        return certify(self.proposal, **self.given)

    def report(self) -> Report:
        return validate(self.proposal, **self.given)


def named(program: Program) -> list[tuple[str, str]]:
    return [(found.step, found.operation) for found in program.certificate.fallbacks or ()]


BOTH = [("oslo", "second.tell"), ("rome", "second.tell")]


def test_where_policy_names_none_there_is_none() -> None:
    program = Lab(policy={"fallbacks": None}).prove()
    assert program.certificate.fallbacks is None
    assert "fallbacks" not in to_json(program.certificate)  # type: ignore[operator]
    assert [tool.name for tool in program.catalogue.tools] == ["first.tell"]
    assert "P411" not in program.report.checks_passed


def test_what_policy_names_is_proven_for_each_step_and_named_by_the_certificate() -> None:
    program = Lab().prove()
    assert named(program) == BOTH
    assert program.fallbacks_of("oslo") == (Lab().catalogue.get("second.tell"),)
    assert program.report.findings == ()
    assert "P411" in program.report.checks_passed


def test_the_certificate_names_the_proposal_that_calls_the_other_operation_instead() -> None:
    lab = Lab()
    other = substituted(Proposal.model_validate(lab.proposal), "rome", lab.catalogue.by_name["second.tell"])
    assert sha256(other) == (lab.prove().certificate.fallbacks or ())[1].proposal
    assert [step.tool_intent.operation_name for _, step in other.steps()] == ["first.tell", "second.tell"]
    assert (other.version, [step.documentation_references for _, step in other.steps()][1]) == (
        2,
        ("tool:second.tell",),
    )
    assert validate(other, **lab.given).is_valid


def test_a_certificate_with_fallbacks_is_another_one_and_so_are_approvals() -> None:
    with_, without = Lab().prove(), Lab(second={"capabilities": []}).prove()
    assert with_.certificate.policy == without.certificate.policy
    assert with_.approval_digest("oslo") != without.approval_digest("oslo")


def test_the_catalogue_that_a_program_keeps_is_enough_to_certify_it_again() -> None:
    lab = Lab(others=(operation("third.tell"), operation("fourth.tell"), operation("second.guess", effect="write")))
    program = lab.prove()
    again = certify(program.proposal, **{**lab.given, "catalogue": program.catalogue})
    assert again.hash == program.hash
    assert again.report == program.report


def test_operations_follow_each_other_in_the_order_of_the_policy_and_never_turn_back() -> None:
    lab = Lab(others=(operation("second.also"), operation("third.tell"), operation("fourth.tell")))
    assert [found for step, found in named(lab.prove()) if step == "oslo"] == [
        "second.also",
        "second.tell",
        "third.tell",
    ]
    moved = substituted(Proposal.model_validate(lab.proposal), "oslo", lab.catalogue.by_name["second.tell"])
    after = certify(moved, **lab.given)
    assert [found for step, found in named(after) if step == "oslo"] == ["third.tell"]
    last = substituted(moved, "oslo", lab.catalogue.by_name["third.tell"])
    assert [found for step, found in named(certify(last, **lab.given)) if step == "oslo"] == []


def test_the_first_rule_that_an_operation_meets_decides() -> None:
    nothing = {"capability": "weather", "operations": ["first.tell"]}
    assert named(Lab(policy={"fallbacks": [nothing, RULE]}).prove()) == []


@dataclass(frozen=True)
class Case:
    id: str
    says: str
    """Why there is no fallback, as P411 says it; empty where there is one."""
    lab: Lab


def takes(*optional: str, days: Any = 1, **properties: Any) -> Json:
    """Gives fields of an operation with other arguments; `days` is the default of that argument."""
    given = {"days": {"type": "integer", "default": days}, **properties}
    return {"input_schema": record("days", *optional, **given)}


def tells(**label: str) -> Json:
    return {"output_labels": [{"path": "", "label": label}]}


def dear(high: float) -> Json:
    return {"cost": {"low": 0, "high": high}}


SOME = {"enum": ["Oslo", "Rome"], "type": "string"}

CASES = (
    Case("takes more kinds of values", "", Lab(takes(city={}))),
    Case(
        "takes what is optional besides",
        "",
        Lab(takes("x", city=TEXT, x=TEXT)),
    ),
    Case("gives more", "", Lab(first={"output_schema": {"type": "object", "properties": {"degrees": NUMBER}}})),
    Case("gives what is narrower", "", Lab({"output_schema": record(degrees={"type": "integer"})})),
    Case("changes less", "", Lab(first={"effect": "write"})),
    Case("lacks the argument", "no argument 'city'", Lab(takes("town", town=TEXT))),
    Case(
        "takes fewer values",
        "argument 'city'",
        Lab(takes(city=SOME)),
    ),
    Case(
        "needs another argument",
        "M203",
        Lab(takes(city=TEXT, key=TEXT)),
    ),
    Case(
        "has another default",
        "default of argument 'days'",
        Lab(takes(city=TEXT, days=7)),
    ),
    Case("has no such default", "default of argument 'days'", Lab({"input_schema": record(city=TEXT)})),
    Case("takes it as a sink", "as sink, not as data", Lab({"roles": {"city": "sink"}})),
    Case("gives another type", "/degrees", Lab({"output_schema": record(degrees=TEXT)})),
    Case("may not give it", "expected", Lab({"output_schema": record("degrees", degrees=NUMBER)})),
    Case("changes more", "effect 'write', which is more than 'read'", Lab({"effect": "write"})),
    Case("is elsewhere", "P409", Lab(policy={"allowed_hosts": ["first.example.org"]})),
    Case("is prohibited", "P401", Lab(policy={"rules": [{"tools": "second.*", "action": "deny"}]})),
    Case("is asked about", "a person's approval", Lab(policy={"rules": [{"tools": "second.*", "action": "ask"}]})),
    Case(
        "tells more",
        "untrusted and tenant",
        Lab(tells(confidentiality="tenant")),
    ),
    Case("is trusted less", "untrusted", Lab(first=tells(integrity="trusted"))),
    Case("costs too much", "0.6 US dollars, where 0.5", Lab(dear(0.4), limits={"max_cost": 0.5})),
    Case("of unknown cost", "unknown number of US dollars", Lab({"cost": None}, limits={"max_cost": 0.5})),
    Case("takes too long", "seconds", Lab({"latency": {"low": 1, "high": 50}}, policy={"budget": {"max_seconds": 30}})),
    Case("one call too many", "calls, where 2", Lab(limits={"max_calls": 2})),
    Case("denied by the goal", "P401", Lab(limits={"denied_tools": ["second.*"]})),
    Case("of no worker", "R507", Lab({"binding": {"kind": "human"}})),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_an_operation_takes_anothers_place_only_where_nothing_gets_wider(case: Case) -> None:
    program = case.lab.prove()
    found = [finding for finding in program.report.findings if finding.code == "P411"]
    assert named(program) == ([] if case.says else BOTH)
    assert {finding.step_id for finding in found} == ({"oslo", "rome"} if case.says else set())
    assert all(finding.severity == "warning" and case.says in finding.message for finding in found), found
    assert case.lab.report() == program.report


def test_a_step_that_may_fail_has_no_fallback_but_its_absence() -> None:
    lab = Lab()
    proposal = lab.proposal
    proposal["decompositions"] = [{**group, "control": {"optional": True}} for group in proposal["decompositions"]]
    proposal["answer"] = {name: {"coalesce": [value, {"literal": None}]} for name, value in proposal["answer"].items()}
    program = certify(proposal, **lab.given)
    assert named(program) == []
    assert program.report.findings == ()


def test_what_all_fallbacks_together_can_take_keeps_within_the_limits() -> None:
    program = Lab(limits={"max_calls": 3}).prove()
    assert named(program) == [("oslo", "second.tell")]
    assert [finding.step_id for finding in program.report.findings] == ["rome"]


@dataclass(frozen=True)
class Version:
    id: str
    change: Callable[[Lab], Program]
    says: str = ""


def moved(lab: Lab, *steps: str, to: str = "second.tell", **given: Any) -> Program:
    proposal = Proposal.model_validate(lab.proposal)
    for step in steps:
        proposal = substituted(proposal, step, lab.catalogue.by_name[to])
    return certify(proposal, **{**lab.given, **given})


def without_rules(lab: Lab) -> Policy:
    return Policy.model_validate({**to_json(lab.given["policy"]), "fallbacks": None})  # type: ignore[dict-item]


VERSIONS = (
    Version("the one that is named", lambda lab: moved(lab, "oslo")),
    Version("another operation", lambda lab: moved(lab, "oslo", to="fourth.tell"), "fourth.tell"),
    Version("two steps at once", lambda lab: moved(lab, "oslo", "rome"), "second.tell"),
    Version("under another policy", lambda lab: moved(lab, "oslo", policy=without_rules(lab)), "second.tell"),
    Version(
        "with another contract",
        lambda lab: moved(lab, "oslo", catalogue=Lab({"timeout": 5}, others=lab.others).catalogue),
        "second.tell",
    ),
)


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.id)
def test_a_version_is_foreseen_only_where_the_certificate_names_it(version: Version) -> None:
    lab = Lab(others=(operation("fourth.tell"),))
    old, new = lab.prove(), version.change(lab)
    found = widened(old, new)
    assert foreseen(old, new) == (not version.says)
    assert bool(found) == bool(version.says)
    assert not version.says or any(version.says in finding.message for finding in found)


def test_several_are_foreseen_one_after_the_other() -> None:
    lab = Lab()
    first = moved(lab, "oslo")
    both = moved(lab, "oslo", "rome")
    assert foreseen(lab.prove(), first)
    assert foreseen(first, both)
    assert widened(first, both) == ()


def test_a_plan_that_may_be_replaced_by_more_than_before_is_wider() -> None:
    lab = Lab()
    (finding, other) = widened(moved(lab, policy=without_rules(lab)), lab.prove())
    assert (finding.code, finding.needs_approval, finding.step_id) == ("P407", True, "oslo")
    assert "may call 'second.tell' where 'first.tell' is down" in finding.message
    assert other.step_id == "rome"


UNDOING = operation("second.undo", input_schema=record(degrees=NUMBER), capabilities=[])


@pytest.mark.parametrize("compensation", ["second.undo", None])
def test_a_step_that_can_be_undone_is_replaced_only_by_what_can_be_undone(compensation: str | None) -> None:
    undone = {"effect": "write", "compensation": "second.undo"}
    lab = Lab({"effect": "write", "compensation": compensation}, undone, others=(UNDOING,))
    lab.policy = {"rules": [{"tools": "*", "action": "allow"}]}
    proposal = Proposal.model_validate(lab.proposal)
    groups = tuple(
        group.model_copy(
            update={"steps": tuple(step.model_copy(update={"rollback_strategy": "compensate"}) for step in group.steps)}
        )
        for group in proposal.decompositions
    )
    program = certify(proposal.model_copy(update={"decompositions": groups}), **lab.given)
    assert named(program) == (BOTH if compensation else [])
    assert all("can't be undone" in finding.message for finding in program.report.findings)
    again = certify(program.proposal, **{**lab.given, "catalogue": program.catalogue})
    assert again.hash == program.hash
