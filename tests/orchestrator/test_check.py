"""`dagwright check` as a stranger uses it: a plan, a catalogue alone, rules of one's own, a format for each reader."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagwright.catalogue import UNBOUND, load_catalogue
from dagwright.exceptions import CatalogueError, RuleError
from orchestrator.rules import open_rules
from validation import VALIDATOR_VERSION

ROOT = Path(__file__).parents[2]
SHOP = ("-c", "shop.json", "--policy", "examples/shop-policy.yaml")
RULES = ("--rules", "examples/rules.py")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dagwright: Any) -> Path:
    """A new folder with the examples, the shop's catalogue, and a proposal that refunds another order."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    assert dagwright("tools", "import", "examples/shop.openapi.yaml", "--name", "shop", "-o", "shop.json").code == 0
    proposal = json.loads((tmp_path / "examples" / "refund.proposal.json").read_text())
    proposal["decompositions"][1]["steps"][0]["tool_intent"]["required_inputs"]["id"] = {"literal": 8}
    (tmp_path / "other plan.json").write_text(json.dumps(proposal, indent=2))
    return tmp_path


@pytest.mark.parametrize(("name", "codes"), [("orders", ["D308"]), ("paid", [])])
def test_examples_with_blocks_are_valid(folder: Path, dagwright: Any, name: str, codes: list[str]) -> None:
    checked = dagwright("check", f"examples/{name}.proposal.json", *SHOP, "--json")
    assert checked.code == 0
    assert [item["code"] for item in checked.json["validation_result"]["checks_failed"]] == codes


def test_a_finding_about_a_condition_is_shown_where_it_stands(folder: Path, dagwright: Any) -> None:
    plan = folder / "examples" / "paid.proposal.json"
    plan.write_text(plan.read_text().replace('"op": "greater"', '"op": "min_length"'))
    found = dagwright("check", "examples/paid.proposal.json", *SHOP, "--format", "sarif")
    (result,) = json.loads(found.out)["runs"][0]["results"]
    assert (found.code, result["ruleId"]) == (1, "M212")
    line = plan.read_text().splitlines()[result["locations"][0]["physicalLocation"]["region"]["startLine"] - 1]
    assert "min_length" in line


def test_the_worked_example_of_rules_does_what_it_says(folder: Path, dagwright: Any) -> None:
    good = dagwright("check", "examples/refund.proposal.json", *SHOP, *RULES, "--json")
    assert good.code == 0
    assert {"X-SHOP001", "X-SHOP002"} <= set(good.json["validation_result"]["checks_passed"])
    assert dagwright("check", "other plan.json", *SHOP).code == 0
    bad = dagwright("check", "other plan.json", *SHOP, *RULES, "--json")
    (found,) = [item for item in bad.json["validation_result"]["checks_failed"] if item["code"] == "X-SHOP001"]
    assert (bad.code, found["step_id"], found["severity"]) == (1, "refund", "error")


def test_a_rule_can_ask_a_person(folder: Path, dagwright: Any) -> None:
    step = {"tool_name": "shop", "operation": "listOrders", "required_inputs": {"limit": {"literal": 80}}}
    proposal = json.loads(Path("examples/refund.proposal.json").read_text())
    proposal["decompositions"][0]["steps"][0]["tool_intent"] = step
    proposal["decompositions"][1]["steps"][0]["tool_intent"] = step
    Path("many.json").write_text(json.dumps(proposal))
    ran = dagwright("check", "many.json", *SHOP, *RULES, "--json")
    found = [item["code"] for item in ran.json["validation_result"]["checks_failed"]]
    assert found.count("X-SHOP002") == 2
    assert ran.json["validation_result"]["approval_required"]


def test_several_proposals_are_one_report_in_each_format(folder: Path, dagwright: Any) -> None:
    names = ["examples/refund.proposal.json", "other plan.json"]
    text = dagwright("check", *names, *SHOP, *RULES)
    assert text.code == 1
    assert all(f"{name}:" in text.out for name in names)
    reports = dagwright("check", *names, *SHOP, *RULES, "--format", "json").json["reports"]
    assert [(item["file"], item["validation_result"]["is_valid"]) for item in reports] == [
        (names[0], True),
        (names[1], False),
    ]
    rows = list(csv.DictReader(io.StringIO(dagwright("check", *names, *SHOP, *RULES, "--format", "rows").out)))
    assert [row["file"] for row in rows if row["code"] == "X-SHOP001"] == ["other plan.json"]
    (run,) = dagwright("check", *names, *SHOP, *RULES, "--format", "sarif").json["runs"]
    (result,) = [item for item in run["results"] if item["ruleId"] == "X-SHOP001"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "X-SHOP001"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "other%20plan.json"
    lines = Path("other plan.json").read_text().splitlines()
    assert '"id": {' in lines[place["region"]["startLine"] - 1]


def test_a_stranger_needs_no_binding_to_check_and_is_told_what_is_assumed(folder: Path, dagwright: Any) -> None:
    catalogue = json.loads(Path("shop.json").read_text())
    for tool in catalogue["tools"]:
        del tool["binding"], tool["output_labels"], tool["reads"], tool["writes"]
    Path("tools.yaml").write_text(yaml.safe_dump(catalogue))
    ran = dagwright("check", "examples/refund.proposal.json", "-c", "tools.yaml", *SHOP[2:])
    assert ran.code == 0
    assert "assumed: 3 operations have no binding" in ran.err
    assert dagwright("tools", "lint", "tools.yaml").code == 0
    for verb in (["execute"], ["compile"]):
        refused = dagwright(*verb, "examples/refund.proposal.json", "-c", "tools.yaml")
        assert refused.code == 2
        assert "at /tools/0/binding: Field required" in refused.err
    loaded = load_catalogue(Path("tools.yaml"), to_run=False)
    assert {tool.binding for tool in loaded.tools} == {UNBOUND}
    assert {label.label.integrity for tool in loaded.tools for label in tool.output_labels} == {"untrusted"}


@pytest.mark.parametrize("content", ["[]", "name: c", "name: c\ntools: 7", "name: c\ntools: [7]"], ids=ascii)
def test_what_is_no_catalogue_is_none_without_bindings_either(tmp_path: Path, content: str) -> None:
    (tmp_path / "c.yaml").write_text(content)
    with pytest.raises(CatalogueError):
        load_catalogue(tmp_path / "c.yaml", to_run=False)


def test_lint_gives_lines_of_the_catalogue(folder: Path, dagwright: Any) -> None:
    catalogue = json.loads(Path("shop.json").read_text())
    catalogue["tools"][0]["input_schema"]["properties"]["limit"]["default"] = 1000
    Path("shop.json").write_text(json.dumps(catalogue, indent=2))
    ran = dagwright("tools", "lint", "shop.json", "data", "--format", "sarif")
    assert ran.code == 1
    (result,) = ran.json["runs"][0]["results"]
    line = result["locations"][0]["physicalLocation"]["region"]["startLine"]
    assert (result["ruleId"], Path("shop.json").read_text().splitlines()[line - 1].strip(" ,")) == (
        "L104",
        '"default": 1000',
    )


def test_the_hooks_for_pre_commit_are_commands_that_there_are(dagwright: Any) -> None:
    for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text()):
        program, *verb = hook["entry"].split()
        assert (program, hook["language"]) == ("dagwright", "python")
        assert dagwright(*verb, "--help").code == 0
        examples = [path.relative_to(ROOT).as_posix() for path in (ROOT / "examples").iterdir()]
        assert any(re.search(hook["files"], name) for name in examples)
        assert not any(re.search(hook["files"], name) for name in ("package.json", "tests/test.py", "careful.yaml"))


# ------------------------------------------------------------------------------ loading of rules

RULE = """
from validation.rules import rule

@rule("X-LAB001", title="t", remedy="r")
def nothing(view):
    return ()
"""

UNLOADABLE: dict[str, tuple[str | None, str]] = {
    "absent": (None, "cannot be read: No such file"),
    "no Python": ("def (", "cannot be loaded: SyntaxError"),
    "raises": ("1 / 0", "cannot be loaded: ZeroDivisionError"),
    "imports nothing": ("import nowhere_at_all", "cannot be loaded: ModuleNotFoundError"),
    "no rules": ("x = 1", "has no rules"),
    "reserved code": (RULE.replace("X-LAB001", "D301"), "'D301' is reserved for built-in checks"),
    "one code twice": (RULE + RULE.replace("nothing", "other"), "two rules have the code 'X-LAB001'"),
}


@pytest.mark.parametrize(("content", "says"), UNLOADABLE.values(), ids=UNLOADABLE.keys())
def test_rules_that_cannot_be_loaded_are_a_clear_error(folder: Path, dagwright: Any, content: Any, says: str) -> None:
    if content is not None:
        Path("r.py").write_text(content)
    ran = dagwright("check", "other plan.json", *SHOP, "--rules", "r.py")
    assert ran.code == 2
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_rules_come_from_installed_packages_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lab_rules_for_test.py").write_text(RULE)
    info = tmp_path / "lab_rules-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-rules\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[dagwright.rules]\nlab = lab_rules_for_test\nnone = json:dumps\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (rule,) = open_rules(["lab"])
    (same,) = open_rules([str(tmp_path / "lab_rules_for_test.py")])
    assert (rule.code, rule.source) == ("X-LAB001", same.source)
    with pytest.raises(RuleError, match="are no Python module"):
        open_rules(["none"])
    with pytest.raises(RuleError, match=r"there are no rules 'other'.*\(lab, none\)"):
        open_rules(["other"])


# --------------------------------------------------------------------- rules, runs and archives


@pytest.fixture
def ruled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dagwright: Any) -> str:
    """The id of a run that was certified under a rule of its own."""
    monkeypatch.chdir(tmp_path)
    intent = {
        "tool_name": "files",
        "operation": "write_text",
        "required_inputs": {"path": {"literal": "a.txt"}, "text": {"literal": "x"}},
    }
    proposal = {
        "goal": {"goal_id": "g", "text": "Write x to a.txt."},
        "plan": {"dag_id": "d", "nodes": [{"task_id": "t", "description": "write"}]},
        "decompositions": [
            {"task_id": "t", "steps": [{"step_id": "s", "action": "write", "tool_intent": intent}]},
        ],
        "answer": {"file": {"from": "s", "path": "/file"}},
    }
    Path("p.json").write_text(json.dumps(proposal))
    Path("r.py").write_text(RULE)
    ran = dagwright("execute", "p.json", "--rules", "r.py", "--json")
    assert ran.code == 0, ran.err
    return str(ran.json["run"])


def test_a_program_under_rules_is_verified_and_replayed_with_them(ruled: str, dagwright: Any) -> None:
    verified = dagwright("verify", ruled, "--rules", "r.py", "--json").json
    assert len(verified.pop("head")) == 64
    assert verified == {
        "run": ruled,
        "intact": True,
        "validator": VALIDATOR_VERSION,
        "problems": [],
    }
    assert dagwright("runs", "replay", ruled, "--rules", "r.py").code == 0


def test_without_its_rules_or_with_others_a_program_is_not_called_intact(ruled: str, dagwright: Any) -> None:
    for rules in ([], ["--rules", "r.py"]):
        ran = dagwright("verify", ruled, *rules)
        assert ran.code == 3
        assert "certified with rules that are not here as they were: X-LAB001; name their files with --rules" in ran.out
        Path("r.py").write_text(RULE + "# changed\n")
    assert dagwright("runs", "replay", ruled).code == 3


def test_rules_that_reject_stop_execution(ruled: str, dagwright: Any) -> None:
    Path("no.py").write_text(RULE.replace("return ()", 'return [view.finding(None, "never")]'))
    ran = dagwright("execute", "p.json", "--rules", "no.py")
    assert ran.code == 1
    assert "X-LAB001 never" in ran.err
