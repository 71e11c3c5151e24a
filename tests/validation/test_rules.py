"""Rules of your own add findings with codes of their own, and can do nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from dagwright.exceptions import ProposalRejected, RuleError
from dagwright.finding import Finding, PatchOperation
from validation.rules import MAX_FINDINGS, OwnRule, View, rule

SOURCE = "0" * 64


def own(check: Callable[[View], Any], **more: Any) -> OwnRule:
    return rule("X-LAB001", **{"title": "a rule", "remedy": "Do it otherwise.", "source": SOURCE, **more})(check)


def no_long_names(view: View) -> Iterator[Finding]:
    """Files have names of at most eight characters."""
    for step in view.steps:
        path = step.literals.get("path")
        if isinstance(path, str) and len(path) > 8:
            yield view.finding(step, f"file name {path!r} is too long", argument="path", length=len(path))


def test_a_rule_finds_with_its_own_code_at_its_place(good: Any, judge: Any) -> None:
    report = judge(good, rules=(own(no_long_names),))
    (found,) = [finding for finding in report.findings if finding.code == "X-LAB001"]
    assert not report.is_valid
    assert found == Finding(
        code="X-LAB001",
        level="policy",
        severity="error",
        task_id="store",
        step_id="write",
        path="/decompositions/3/steps/0/tool_intent/required_inputs/path",
        message="file name 'groups.csv' is too long",
        suggested_fix="Do it otherwise.",
        evidence={"length": 10},
    )
    assert own(no_long_names).description == "Files have names of at most eight characters."


def test_a_rule_that_finds_nothing_is_a_check_that_passed(good: Any, judge: Any) -> None:
    assert "X-LAB001" in judge(good, rules=(own(lambda view: ()),)).checks_passed
    assert "X-LAB001" not in judge(good).checks_passed


def test_a_rule_sees_order_labels_and_operations(good: Any, judge: Any) -> None:
    seen: list[Any] = []

    def look(view: View) -> tuple[Finding, ...]:
        steps = {step.step.step_id: step for step in view.steps}
        seen.append(
            (
                view.comes_before(steps["load"], steps["write"]),
                view.comes_before(steps["fetch"], steps["write"]),
                steps["write"].labels["table"].integrity,
                steps["send"].spec.effect,
                view.proposal.goal.goal_id,
            )
        )
        return ()

    judge(good, rules=(own(look),))
    assert set(seen) == {(True, False, "untrusted", "irreversible", "penguins")}


def test_rules_only_ever_add_findings(good: Any, judge: Any) -> None:
    broken = deepcopy(good)
    broken["plan"]["nodes"][1]["dependencies"] = ["nowhere"]
    for proposal in (good, broken):
        before = judge(proposal)
        after = judge(proposal, rules=(own(no_long_names),))
        assert set(map(str, before.findings)) <= set(map(str, after.findings))
        assert {item.code for item in after.findings} - {item.code for item in before.findings} == {"X-LAB001"}


@pytest.mark.parametrize("value", ["\ud800", "${x}"], ids=["surrogate", "template"])
def test_a_rule_looks_at_what_has_no_canonical_form_like_at_anything_else(good: Any, judge: Any, value: Any) -> None:
    proposal = deepcopy(good)
    proposal["decompositions"][1]["steps"][0]["tool_intent"]["required_inputs"]["value"] = {"literal": value}
    codes = {finding.code for finding in judge(proposal, rules=(own(no_long_names),)).findings}
    assert "X-LAB001" in codes
    assert "S109" in codes


def test_a_rule_is_not_asked_about_what_has_not_the_right_form(judge: Any) -> None:
    def raising(view: View) -> Any:
        raise AssertionError

    report = judge({"plan": 7}, rules=(own(raising),))
    assert not report.is_valid


# -------------------------------------------------------------------------------- what no rule may


def raises(view: View) -> Any:
    return view.steps[99]


def changes_the_proposal(view: View) -> Any:
    view.steps[0].step.tool_intent.required_inputs.clear()
    return ()


def changes_an_operation(view: View) -> Any:
    view.steps[0].spec.input_schema["properties"] = {}
    return ()


def changes_a_literal(view: View) -> Any:
    view.steps[1].literals["op"] = "equals"  # type: ignore[index]
    return ()


def sets_a_field(view: View) -> Any:
    view.proposal.goal.text = "another"
    return ()


def guesses(view: View) -> Any:
    return [view.finding(None, str(random.random()))]


def floods(view: View) -> Any:
    return (view.finding(None, str(number)) for number in range(MAX_FINDINGS + 1))


def forges(**changes: Any) -> Callable[[View], Any]:
    return lambda view: [view.finding(view.steps[0], "m").model_copy(update=changes)]


FORBIDDEN: dict[str, tuple[Callable[[View], Any], str]] = {
    "raises": (raises, r"raised IndexError: .* \(.*test_rules.py, line \d+\)"),
    "changes the proposal": (changes_the_proposal, "changed the proposal"),
    "changes an operation": (changes_an_operation, "changed the proposal"),
    "changes a literal": (changes_a_literal, "changed the proposal"),
    "sets a field": (sets_a_field, "raised ValidationError"),
    "guesses": (guesses, "different findings for the same proposal"),
    "floods": (floods, "more than 1000 findings"),
    "gives nothing": (lambda view: None, "gives 'NoneType'"),
    "gives texts": (lambda view: ["bad"], "gives a 'str' where a finding must stand"),
    "takes another's code": (forges(code="D301"), "code, level or severity of another one"),
    "softens itself": (forges(severity="info"), "code, level or severity of another one"),
    "repairs": (forges(fix=(PatchOperation(op="remove", path="/goal"),)), "they don't repair"),
    "speaks of no step": (forges(step_id="nobody"), "the step 'nobody'"),
    "lets an error be approved": (forges(needs_approval=True), "need for approval"),
}


@pytest.mark.parametrize(("check", "says"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_a_rule_that_does_what_no_rule_may_is_a_clear_error(good: Any, judge: Any, check: Any, says: str) -> None:
    with pytest.raises(RuleError, match=f"rule 'X-LAB001' .*{says}"):
        judge(good, rules=(own(check),))


@pytest.mark.parametrize("change", [changes_the_proposal, changes_an_operation, changes_a_literal])
def test_what_a_rule_changed_was_a_copy(good: Any, prove: Any, catalogue: Any, change: Any) -> None:
    before = prove(good)
    with pytest.raises(RuleError):
        prove(before.proposal, rules=(own(change),))
    assert prove(before.proposal).hash == before.hash
    assert prove(good, catalogue=catalogue).hash == before.hash


CODES = {
    "D999": "is reserved for built-in checks",
    "L101": "is reserved for built-in checks",
    "S1": "is reserved for built-in checks",
    "X-lab001": "is no code of a rule",
    "X-LAB1": "is no code of a rule",
    "X001": "is no code of a rule",
    "X-LAB001\n": "is no code of a rule",
    "": "is no code of a rule",
}


@pytest.mark.parametrize(("code", "says"), CODES.items(), ids=map(repr, CODES))
def test_a_code_that_is_none_of_its_own_is_refused(code: str, says: str) -> None:
    with pytest.raises(RuleError, match=says):
        rule(code, title="t", remedy="r")


def test_two_rules_cannot_have_one_code(good: Any, judge: Any) -> None:
    with pytest.raises(RuleError, match="two rules have the code 'X-LAB001'"):
        judge(good, rules=(own(no_long_names), own(no_long_names)))


# ------------------------------------------------------------------------------------ certificates


def test_a_certificate_names_the_rules_that_were_obeyed(good: Any, prove: Any) -> None:
    nothing = own(lambda view: ())
    program = prove(good, rules=(nothing,))
    assert program.certificate.rules == {"X-LAB001": SOURCE}
    other = own(lambda view: (), source="1" * 64)
    assert len({prove(good).hash, program.hash, prove(good, rules=(other,)).hash}) == 3


def test_a_certificate_without_rules_is_what_it_was_before_there_were_any(good: Any, prove: Any) -> None:
    from dagwright.canonical import canonical_json

    assert b"rules" not in canonical_json(prove(good).certificate)


def test_nothing_is_certified_under_a_rule_of_unknown_source(good: Any, prove: Any) -> None:
    with pytest.raises(RuleError, match="does not say its source's hash"):
        prove(good, rules=(own(lambda view: (), source=""),))


def test_an_error_of_a_rule_rejects(good: Any, prove: Any) -> None:
    with pytest.raises(ProposalRejected, match="X-LAB001"):
        prove(good, rules=(own(no_long_names),))


def test_a_rule_can_ask_a_person_about_a_step(good: Any, prove: Any) -> None:
    def asks(view: View) -> Iterator[Finding]:
        yield view.finding(view.steps[0], "look at this", needs_approval=True)

    program = prove(good, rules=(own(asks, severity="warning"),))
    assert program.by_id["load"].needs_approval
    assert not prove(good).by_id["load"].needs_approval
