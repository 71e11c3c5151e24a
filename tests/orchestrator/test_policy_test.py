"""Policies have tests: each call gets the verdict that the validator gives, and each inverted rule is noticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from dagwright.policy import Policy, Rule
from dagwright.schemas import schemas
from orchestrator.policy_test import open_test
from validation.policy_test import Case, mutants, survivors, verdict

EXAMPLES = Path(__file__).parents[2] / "examples"
TESTS = sorted(EXAMPLES.glob("*.test.yaml"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_the_examples_say_what_they_should(path: Path) -> None:
    opened = open_test(path)
    failures = {case.name: verdict(case, opened.policy, opened.catalogue).failure(case) for case in opened.test.cases}
    assert {name: failure for name, failure in failures.items() if failure} == {}


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_no_rule_of_the_examples_can_be_inverted_unnoticed(path: Path) -> None:
    opened = open_test(path)
    changes = [mutant.change for mutant in mutants(opened.policy)]
    assert len(changes) == len(set(changes)) >= 3 * len(opened.policy.rules)
    assert list(survivors(opened.test.cases, opened.policy, opened.catalogue)) == []


def test_every_example_policy_has_a_test() -> None:
    others = {path.name for path in TESTS} | {"shop.openapi.yaml", "rates.catalogue.yaml"}
    policies = {path.name for path in EXAMPLES.glob("*.yaml")} - others
    assert {yaml.safe_load(path.read_text())["policy"] for path in TESTS} == policies


TEST: dict[str, Any] = {
    "policy": "p.yaml",
    "operations": {"mail.send": {"effect": "external", "roles": {"to": "sink"}}},
    "cases": [
        {"name": "inside", "call": "mail.send", "arguments": {"to": "a@lab.example"}, "expected": "allow"},
        {"name": "outside", "call": "mail.send", "arguments": {"to": "b@far.example"}, "expected": "deny"},
    ],
}
INSIDE = {"properties": {"to": {"pattern": "@lab[.]example$"}}, "required": ["to"]}
POLICY: dict[str, Any] = {"name": "p", "rules": [{"tools": "mail.*", "when": INSIDE, "action": "allow"}]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(POLICY))
    (tmp_path / "p.test.yaml").write_text(yaml.safe_dump(TEST))
    return tmp_path


def test_a_test_passes(folder: Path, dagwright: Any) -> None:
    ran = dagwright("policy", "test", "p.test.yaml")
    assert (ran.code, ran.out) == (0, "p.test.yaml: 2 of 2 cases pass\n")


INVERTED = {
    "the action": {"action": "deny"},
    "the condition": {"when": {"not": INSIDE}},
    "who it is for": {"tools": "post.*"},
}


@pytest.mark.parametrize("change", INVERTED.values(), ids=INVERTED.keys())
def test_a_rule_the_wrong_way_round_is_found_and_said(folder: Path, dagwright: Any, change: dict[str, Any]) -> None:
    (folder / "p.yaml").write_text(yaml.safe_dump({**POLICY, "rules": [{**POLICY["rules"][0], **change}]}))
    ran = dagwright("policy", "test", "p.test.yaml")
    assert ran.code == 1
    assert "✗ inside: allow expected, but deny: " in ran.out


def test_a_mutant_that_nobody_notices_is_named(folder: Path, dagwright: Any) -> None:
    ran = dagwright("policy", "test", "p.test.yaml", "--mutants", "--json")
    assert ran.code == 1
    (file,) = ran.json["files"]
    assert file["failures"] == {}
    assert file["mutants"] > len(file["survivors"]) > 0
    assert "defaults.read: allow became deny" in file["survivors"]
    assert not [change for change in file["survivors"] if change.startswith("rules")]


def test_the_reason_is_part_of_what_is_expected(folder: Path, dagwright: Any) -> None:
    cases = [{**TEST["cases"][0], "reason": "because"}]
    (folder / "p.test.yaml").write_text(yaml.safe_dump({**TEST, "cases": cases}))
    ran = dagwright("policy", "test", "p.test.yaml")
    assert ran.code == 1
    assert "allow as expected, but not for the reason 'because'" in ran.out


BROKEN: dict[str, tuple[Any, str]] = {
    "no file": (None, "cannot be read"),
    "no YAML": ("a: [", "cannot be read"),
    "no cases": ({**TEST, "cases": []}, "at /cases"),
    "no verdict": ({**TEST, "cases": [{**TEST["cases"][0], "expected": "maybe"}]}, "at /cases/0/expected"),
    "unknown operation": ({**TEST, "operations": {}}, "case 'inside' calls 'mail.send'; no catalogue"),
    "bad name": ({**TEST, "operations": {"mail": {"effect": "read"}}}, "at /operation"),
    "no policy": ({**TEST, "policy": "none.yaml"}, "there is no policy file"),
    "no catalogue": ({**TEST, "catalogues": ["none.json"]}, "none.json"),
}


@pytest.mark.parametrize(("content", "says"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_policy_test_is_refused_with_its_place(
    folder: Path, dagwright: Any, content: Any, says: str
) -> None:
    path = folder / "p.test.yaml"
    path.unlink()
    if content is not None:
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    ran = dagwright("policy", "test", "p.test.yaml")
    assert ran.code == 2
    assert says in ran.err


def test_a_call_that_could_not_be_made_is_no_test(folder: Path) -> None:
    from executor.toolchest import load_pack

    case = Case(name="c", call="files.write_text", arguments={"path": 7}, expected="allow")
    failure = verdict(case, Policy(name="p"), load_pack("files")).failure(case)
    assert failure.startswith("is no call that could be made: ")


EXPLAINED: dict[str, tuple[list[str], str, list[str]]] = {
    "allowed": (["--arguments", '{"to": "a@lab.example"}'], "allow", ["rules[0] ('mail.*') says allow"]),
    "denied": (["--arguments", '{"to": "x"}'], "deny", ["defaults.external says deny"]),
    "unknown": (
        ["--data", "to=public"],
        "deny",
        ["rules[0] ('mail.*') says allow, for what only a run will tell", "defaults.external"],
    ),
    "untrusted": (["--data", "to=untrusted"], "deny", ["flows[0] says deny of argument 'to'"]),
    "secret": (["--data", "text=secret"], "deny", ["flows[1] says deny of argument 'text'"]),
}


@pytest.mark.parametrize(("options", "action", "lines"), EXPLAINED.values(), ids=EXPLAINED.keys())
def test_a_verdict_is_explained_by_the_rule_that_decides(
    folder: Path, dagwright: Any, options: list[str], action: str, lines: list[str]
) -> None:
    from validation.policy_test import DeclaredOperation, operations_of

    made_up = operations_of({"mail.send": DeclaredOperation(effect="external", roles={"to": "sink"})})
    tools = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in made_up]
    (folder / "c.json").write_text(json.dumps({"name": "c", "tools": tools}))
    ran = dagwright("policy", "explain", "mail.send", "-c", "c.json", "--policy", "p.yaml", *options)
    assert (ran.code, ran.out.splitlines()[0]) == (1 if action == "deny" else 0, action)
    for line in lines:
        assert line in ran.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["x.y"], "no operation 'x.y'"),
        (["files.list_files", "--arguments", "["], "is not JSON"),
        (["files.list_files", "--arguments", "[]"], "must be a JSON object"),
        (["files.list_files", "--data", "a=b"], "labels are: untrusted, tenant"),
    ],
    ids=["operation", "json", "object", "label"],
)
def test_what_cannot_be_explained_is_refused(dagwright: Any, arguments: list[str], says: str) -> None:
    ran = dagwright("policy", "explain", *arguments, "-c", "files")
    assert ran.code == 2
    assert says in ran.err


def test_the_schema_of_policies_takes_the_examples_and_refuses_what_is_none(dagwright: Any) -> None:
    found = dagwright("policy", "schema").json
    assert found == schemas()["Policy"]
    validator = jsonschema.Draft202012Validator(found)
    for path in TESTS:
        validator.validate(yaml.safe_load((EXAMPLES / yaml.safe_load(path.read_text())["policy"]).read_text()))
    assert not validator.is_valid({"name": "p", "rules": [{"tools": "*", "action": "maybe"}]})
    assert not validator.is_valid({"name": "p", "surprise": 1})


def test_a_mutant_differs_in_one_thing() -> None:
    rule = Rule(tools="a.*", when={"required": ["x"]}, action="ask")
    policy = Policy(name="p", rules=(rule,), flows=(), allowed_hosts=("h",))
    found = {mutant.change: mutant.policy for mutant in mutants(policy)}
    assert found["rules[0]: its condition was negated"].rules[0].when == {"not": {"required": ["x"]}}
    assert found["rules[0]: ask became deny"].rules == (rule.model_copy(update={"action": "deny"}),)
    assert found["allowed_hosts: any is allowed"].allowed_hosts == ("h", "*")
    assert found["allowed_hosts: without 'h'"].allowed_hosts == ()
    assert all(mutant.hash != policy.hash for mutant in found.values())
