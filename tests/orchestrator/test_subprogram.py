"""Plans that call plans, from the command line to the archive."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
REPORT = ("--catalogue", "data", "--catalogue", "report.json")
QUARTER = "examples/quarter.proposal.json"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dagwright: Any) -> Path:
    """A new folder with the examples, and the catalogue of the one that others call."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    made = dagwright("tools", "import", "program:examples/city.proposal.json", "--name", "report", "-o", "report.json")
    assert made.code == 0, made.err
    return tmp_path


def changed(folder: Path, **inputs: Any) -> str:
    """Writes the example with other arguments of the call in the task `home`; gives its text."""
    proposal = json.loads((folder / QUARTER).read_text())
    proposal["decompositions"][2]["steps"][0]["tool_intent"]["required_inputs"] |= inputs
    (folder / "changed.json").write_text(json.dumps(proposal, indent=2))
    return (folder / "changed.json").read_text()


def test_an_imported_plan_is_listed_as_any_operation(folder: Path, dagwright: Any) -> None:
    (tool,) = dagwright("tools", "list", "--catalogue", "report.json", "--json").json["tools"]
    assert (tool["tool_name"], tool["operation"], tool["effect"]) == ("report", "city", "read")
    assert dagwright("tools", "lint", "report.json").code == 0


def test_a_run_of_a_plan_with_calls_is_shown_verified_and_replayed(folder: Path, dagwright: Any) -> None:
    ran = dagwright("execute", QUARTER, *REPORT, "--json")
    assert (ran.code, ran.json["status"]) == (0, "done"), ran.err
    answer = ran.json["answer"]
    assert (answer["totals"], answer["counts"], answer["oslo"]) == ([580.2, 522.5, 428.8], [5, 6, 5], 522.5)
    assert [row["order"] for row in answer["largest"]] == [5, 8, 12]
    tree = dagwright("runs", "show", ran.json["run"], "--as", "tree").out
    assert tree.count("of report.city (report)") == tree.count("of report.city (oslo)") == 5
    for command in (("verify",), ("runs", "replay")):
        assert dagwright(*command, ran.json["run"]).code == 0


def test_it_is_checked_compiled_and_drawn_as_what_it_stands_for(folder: Path, dagwright: Any) -> None:
    checked = dagwright("check", QUARTER, *REPORT, "--json")
    found = checked.json["validation_result"]["checks_failed"]
    assert (checked.code, [item["code"] for item in found]) == (0, ["D308", "D309"])
    assert dagwright("compile", QUARTER, *REPORT, "-o", "workflow.json").code == 0
    assert '"oslo_kept"' in (folder / "workflow.json").read_text()
    assert dagwright("show", QUARTER, *REPORT, "--html", "page.html").code == 0
    assert "of report.city (oslo)" in (folder / "page.html").read_text()


@pytest.mark.parametrize(
    ("inputs", "code", "words"),
    [({"town": {"literal": "Oslo"}}, "M204", '"town"'), ({"orders": {"literal": 7}}, "M205", '"literal": 7')],
    ids=["the call itself", "an argument"],
)
def test_what_is_wrong_is_shown_in_the_line_of_the_plan_that_was_written(
    folder: Path, dagwright: Any, inputs: Any, code: str, words: str
) -> None:
    text = changed(folder, **inputs)
    ran = dagwright("check", "changed.json", *REPORT, "--format", "sarif")
    (result,) = [it for it in json.loads(ran.out)["runs"][0]["results"] if it["level"] == "error"]
    assert (ran.code, result["ruleId"]) == (1, code)
    line = result["locations"][0]["physicalLocation"]["region"]["startLine"]
    assert words in text.splitlines()[line - 1]


def test_what_is_found_inside_is_shown_at_the_call(folder: Path, dagwright: Any) -> None:
    results = json.loads(dagwright("check", QUARTER, *REPORT, "--format", "sarif").out)["runs"][0]["results"]
    (unused,) = [it["locations"][0]["physicalLocation"]["region"] for it in results if it["ruleId"] == "D309"]
    assert '"step_id": "oslo"' in (folder / QUARTER).read_text().splitlines()[unused["startLine"]]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("program:nowhere.json",), 2, "nowhere.json"),
        (("program:examples/sales.csv",), 1, "S101"),
        (("program:examples/refund.proposal.json",), 1, "M201"),
        (("program:examples/city.proposal.json", "--name", "no good"), 2, "no operation can be called 'no good.city'"),
    ],
    ids=["no file", "no proposal", "unknown operations", "no name"],
)
def test_what_cannot_be_imported_is_said(
    folder: Path, dagwright: Any, arguments: tuple[str, ...], code: int, words: str
) -> None:
    ran = dagwright("tools", "import", *arguments, "-o", "other.json")
    assert ran.code == code
    assert words in ran.err + ran.out
    assert not (folder / "other.json").exists()
