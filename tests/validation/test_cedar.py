"""Cedar policies: whether cedarpy is sound, and that what it passes over is denied here."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagwright.catalogue import Catalogue
from dagwright.exceptions import PolicyError
from dagwright.policy import Policy, Rule
from dagwright.tool import PythonBinding, ToolSpec
from executor.worker.guard import action_for
from validation import validate
from validation.cedar import MAX_NESTING, judge, parsed
from validation.policy_test import Case, verdict

Json = dict[str, Any]
ALL = "permit(principal, action, resource);"
BIG = '@id("no-big") forbid(principal, action, resource) when { context.arguments.x > 3 };'


@pytest.fixture
def blocks() -> ModuleType:
    """`blocks.py` of the executor's tests: plans with blocks."""
    spec = importlib.util.spec_from_file_location(
        "blocks_of_tests", Path(__file__).parents[1] / "executor" / "blocks.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def operation(name: str = "web.get", effect: str = "read", schema: Json | None = None) -> ToolSpec:
    tool, _, verb = name.partition(".")
    return ToolSpec(
        tool_name=tool,
        operation=verb,
        description="Does something.",
        input_schema=schema or {"type": "object"},
        output_schema={"type": "object"},
        effect=effect,
        binding=PythonBinding(callable="some:where"),
    )


CASES: dict[str, tuple[str, Json, bool, str]] = {
    "no policy": ("", {}, False, "no Cedar policy permits it"),
    "a permit": (ALL, {}, True, "'policy0' permits"),
    "its id": ('@id("everything")' + ALL, {}, True, "'everything' permits"),
    "forbid beats permit": (ALL + BIG, {"x": 4}, False, "'no-big' forbids it"),
    "forbid beats permit, whatever comes first": (BIG + ALL, {"x": 4}, False, "'no-big' forbids it"),
    "forbid that does not hold": (ALL + BIG, {"x": 3}, True, "permits"),
    "forbid over an absent attribute": (ALL + BIG, {}, False, "cannot be evaluated: .*'no-big'.*attribute `x`"),
    "forbid over another type": (ALL + BIG, {"x": "5"}, False, "cannot be evaluated: .*'no-big'.*expected long"),
    "permit over an absent attribute": (ALL.replace(";", " when { context.y };"), {}, False, "cannot be evaluated"),
    "has": (
        ALL + BIG.replace("context.arguments.x >", "context.arguments has x && context.arguments.x >"),
        {},
        True,
        "",
    ),
    "overflow": (ALL + BIG.replace("x > 3", "x * 2 > 3"), {"x": 2**62}, False, "overflow"),
    "other principal": (ALL.replace("principal", 'principal == User::"root"'), {}, False, "no Cedar policy"),
    "unknown group": (ALL.replace("principal", 'principal in Group::"all"'), {}, False, "no Cedar policy"),
    "action": (ALL.replace("action", 'action == Action::"web.get"'), {}, True, ""),
    "other action": (ALL.replace("action", 'action == Action::"web.put"'), {}, False, "no Cedar policy"),
    "resource": (ALL.replace("resource", 'resource == Tool::"web"'), {}, True, ""),
    "glob and effect": (
        ALL[:-1] + ' when { context.operation like "web.*" && context.effect == "read" };',
        {},
        True,
        "",
    ),
    "unicode": (ALL + BIG.replace("x > 3", 'x like "*ß字*"'), {"x": "a ß字 b"}, False, "'no-big' forbids"),
    "unicode is not normalised": (ALL + BIG.replace("x > 3", 'x == "\u00e9"'), {"x": "e\u0301"}, True, ""),
    "NUL in a text": (ALL + BIG.replace("x > 3", 'x == "a"'), {"x": "a\0"}, True, ""),
    "quotes in a text": (
        ALL + BIG.replace("x > 3", 'x == "a"'),
        {"x": '"}); permit(principal,action,resource);//'},
        True,
        "",
    ),
    "decimals": (ALL + BIG.replace("x > 3", 'x.greaterThan(decimal("3.25"))'), {"x": 3.5}, False, "'no-big' forbids"),
    "whole floats": (ALL + BIG, {"x": 4.0}, False, "'no-big' forbids it"),
    "null": (ALL, {"x": None}, False, "no null"),
    "null inside": (ALL, {"x": [{"y": None}]}, False, "no null"),
    "too large": (ALL, {"x": 2**63}, False, "do not reach"),
    "too fine": (ALL, {"x": 0.00001}, False, "decimals"),
    "lone surrogate": (ALL, {"x": "\ud800"}, False, "surrogate"),
    "lone surrogate as a name": (ALL, {"\ud800": 1}, False, "surrogate"),
    "an entity in disguise": (ALL, {"x": {"__entity": {"type": "A", "id": "b"}}}, False, "two underscores"),
    "a decimal in disguise": (ALL, {"x": [{"__extn": {"fn": "decimal", "arg": "1.0"}}]}, False, "two underscores"),
    "all arguments in disguise": (ALL, {"__entity": {"type": "A", "id": "b"}}, False, "two underscores"),
}


@pytest.mark.parametrize(("text", "arguments", "allowed", "reason"), CASES.values(), ids=CASES)
def test_what_is_decided(text: str, arguments: Json, allowed: bool, reason: str) -> None:
    found = judge(text, operation(), arguments)
    assert found.allowed == allowed
    assert re.search(reason, found.reason), found.reason


def test_arguments_that_are_nested_too_deep_are_denied() -> None:
    deep: Any = 1
    for _ in range(10_000):
        deep = [deep]
    assert "nested" in judge(ALL, operation(), {"x": deep}).reason


def test_cedar_itself_passes_over_a_forbid_that_cannot_be_evaluated() -> None:
    """Why errors deny here: if this fails one day, Cedar has become stricter."""
    from cedarpy import is_authorized

    entity = {"type": "A", "id": "a"}
    request = {"principal": entity, "action": entity, "resource": entity, "context": {}}
    assert is_authorized(request, ALL + "forbid(principal, action, resource) when { context.x };", []).allowed


WRONG = {
    "no policy": ("permit(principal", "cannot be read"),
    "template": ("forbid(principal == ?principal, action, resource);", "templates"),
    "brackets": (ALL[:-1] + " when {" + "(" * 3_000 + "true" + ")" * 3_000 + "};", "brackets in brackets"),
    "behind a text": (
        ALL[:-1] + ' when {"' + ")" * 99 + '" == "" || ' + "(" * 64 + "true" + ")" * 64 + "};",
        "brackets",
    ),
    "too long": ("//" + "x" * 1_000_001, "characters"),
}


@pytest.mark.parametrize(("text", "what"), WRONG.values(), ids=WRONG)
def test_what_is_no_policy_is_an_error(text: str, what: str) -> None:
    with pytest.raises(PolicyError, match=what):
        judge(text, operation(), {})


def test_brackets_within_the_bound_are_parsed_in_any_thread() -> None:
    inner = MAX_NESTING - 1
    text = ALL[:-1] + " when {" + "(" * inner + "true" + ")" * inner + "};"
    found: list[bool] = []
    threads = [threading.Thread(target=lambda: found.append(judge(text, operation(), {}).allowed)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8


def test_many_policies_keep_their_ids() -> None:
    text = ALL + "".join(
        f'@id("no-{i}") forbid(principal, action == Action::"t.o{i}", resource);\n' for i in range(2_000)
    )
    for i in (0, 9, 10, 99, 1_999):
        assert judge(text, operation(f"t.o{i}"), {}) == (False, f"Cedar policy 'no-{i}' forbids it")
    assert judge(text, operation("t.other"), {}).allowed


# ------------------------------------------------------------- agreement with rules of our own

names = st.sampled_from(["x", "y", "has space", "ß", '"quoted"'])
scalars = st.integers(-3, 3) | st.booleans() | st.sampled_from(["", "a", "*", "\\", 'a"b', "\n", "字", "\0"])
arguments = st.dictionaries(names, scalars | st.lists(scalars, max_size=2), max_size=4)
operations = st.sampled_from(["web.get", "web.put", "file.get", "w.w"])
globs = st.sampled_from(["*", "web.*", "*.get", "w*", "*e*t", "web.get", "nothing"])
denials = st.lists(st.tuples(globs, st.dictionaries(names, scalars, max_size=2)), max_size=4)


def ours(denied: list[tuple[str, Json]]) -> Policy:
    def when(equal: Json) -> Json:
        return {"required": list(equal), "properties": {name: {"const": value} for name, value in equal.items()}}

    rules = tuple(Rule(tools=glob, when=when(equal) if equal else None, action="deny") for glob, equal in denied)
    return Policy(name="p", rules=rules)


def quoted(text: str) -> str:
    return '"' + "".join(f"\\u{{{ord(sign):x}}}" for sign in text) + '"'


def cedars(denied: list[tuple[str, Json]]) -> str:
    def literal(value: Any) -> str:
        return quoted(value) if isinstance(value, str) else json.dumps(value)

    def condition(glob: str, equal: Json) -> str:
        tests = [f'context.operation like "{glob}"']
        for name, value in equal.items():
            at = quoted(name)
            tests.append(f"context.arguments has {at} && context.arguments[{at}] == {literal(value)}")
        return " && ".join(tests)

    return ALL + "".join(f"forbid(principal, action, resource) when {{ {condition(*one)} }};" for one in denied)


@given(operations, arguments, denials)
@settings(max_examples=300, deadline=None)
def test_it_agrees_with_our_rules_where_both_say_the_same(call: str, given_: Json, denied: Any) -> None:
    spec = operation(call)
    expected, _ = action_for(spec, given_, ours(denied))
    found, _ = action_for(spec, given_, Policy(name="p", cedar=cedars(denied)))
    assert found == expected


@given(operations, arguments, denials, denials)
@settings(max_examples=100, deadline=None)
def test_it_only_takes_away(call: str, given_: Json, one: Any, other: Any) -> None:
    spec, rules = operation(call), ours(one)
    before, _ = action_for(spec, given_, rules)
    after, _ = action_for(spec, given_, rules.model_copy(update={"cedar": cedars(other)}))
    assert after in (before, "deny")


@given(operations, arguments, denials)
@settings(max_examples=50, deadline=None)
def test_the_same_call_gets_the_same_answer(call: str, given_: Json, denied: Any) -> None:
    text = cedars(denied)
    first = judge(text, operation(call), given_)
    parsed.cache_clear()
    assert judge(text, operation(call), dict(reversed(given_.items()))) == first


# ------------------------------------------------------------------------ in validation, and around

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer", "default": 9}, "y": {"type": "integer"}}}
CATALOGUE = Catalogue(name="c", tools=(operation(schema=SCHEMA),))


def codes(inputs: Json, cedar: str) -> list[tuple[str, str]]:
    intent = {"tool_name": "web", "operation": "get", "required_inputs": inputs}
    proposal = {
        "goal": {"goal_id": "g", "text": "x", "inputs": {"n": {"value": 1, "schema": {"type": "integer"}}}},
        "plan": {"dag_id": "d", "nodes": [{"task_id": "t", "description": "x"}]},
        "decompositions": [{"task_id": "t", "steps": [{"step_id": "s", "action": "x", "tool_intent": intent}]}],
        "answer": {"a": {"from": "s"}},
    }
    policy = Policy(name="p", cedar=cedar)
    report = validate(proposal, catalogue=CATALOGUE, policy=policy, workers=frozenset({"python"}))
    return [(finding.code, finding.message) for finding in report.errors]


def test_a_call_that_is_forbidden_is_a_finding_with_the_policys_id() -> None:
    ((code, message),) = codes({"x": {"literal": 4}}, ALL + BIG)
    assert code == "P402"
    assert "'no-big' forbids it" in message
    assert codes({"x": {"literal": 3}}, ALL + BIG) == []


def test_defaults_count_as_they_will_when_it_runs() -> None:
    ((code, _),) = codes({}, ALL + BIG)
    assert code == "P402", "x is 9 where it is not given"


def test_what_is_not_known_yet_is_left_to_the_worker_and_never_allowed_by_it() -> None:
    assert codes({"x": {"input": "n"}}, ALL + BIG) == []
    assert action_for(CATALOGUE.tools[0], {"x": 4}, Policy(name="p", cedar=ALL + BIG))[0] == "deny"


def test_what_controls_a_block_is_no_call(blocks: Any) -> None:
    cedar = ALL[:-1] + ' when { context.operation like "work.*" };'
    policy = Policy(name="p", defaults={"read": "allow", "write": "allow"}, cedar=cedar)
    report = validate(
        blocks.plan("all"), catalogue=blocks.CATALOGUE, policy=policy, workers=frozenset({"python", "control"})
    )
    assert report.errors == ()


def test_our_rules_decide_first() -> None:
    policy = Policy(name="p", rules=(Rule(tools="*", action="ask", reason="why"),), cedar=ALL)
    assert action_for(operation(), {}, policy) == ("ask", "why")
    denying = Policy(name="p", rules=(Rule(tools="*", action="deny", reason="why"),), cedar=ALL)
    assert action_for(operation(), {}, denying) == ("deny", "why")


def test_the_text_is_part_of_the_policys_hash_and_its_absence_is_not() -> None:
    assert Policy(name="p").hash == Policy(name="p", cedar=None).hash != Policy(name="p", cedar=ALL).hash
    assert Policy(name="p", cedar=ALL).hash != Policy(name="p", cedar=ALL + BIG).hash


def test_explanations_name_the_policy() -> None:
    case = Case(name="c", call="web.get", arguments={"x": 4}, expected="deny")
    found = verdict(case, Policy(name="p", cedar=ALL + BIG), CATALOGUE)
    assert found.action == "deny"
    assert "Cedar policy 'no-big' forbids it" in found.why


def test_without_the_extra_it_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed.cache_clear()
    monkeypatch.setitem(sys.modules, "cedarpy", None)
    with pytest.raises(PolicyError, match=r"pip install 'dagwright\[cedar\]'"):
        action_for(operation(), {}, Policy(name="p", cedar=ALL))
    assert action_for(operation(), {}, Policy(name="p")) == ("allow", "default for read effects")


def test_nobody_pays_for_it_who_does_not_use_it() -> None:
    code = "import sys, validation, executor.worker.guard; raise SystemExit('cedarpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
