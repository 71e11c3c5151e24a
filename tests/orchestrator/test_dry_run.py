"""`--dry-run` at the command line: what would be sent where, and how probable it is that it finishes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SQUARES = (str(EXAMPLES / "squares.proposal.json"), "-c", "code", "--policy", str(EXAMPLES / "code-policy.yaml"))


def test_it_says_what_would_be_sent(dagwright: Any, home: Path) -> None:
    found = dagwright("execute", *SQUARES, "--dry-run", "--json").json
    (step,) = found["steps"]
    assert (step["step"], step["operation"], step["action"]) == ("s1", "code.run_python", "ask")
    assert "print" in step["arguments"]["code"]
    assert "forecast" not in found
    assert not (home / "runs").exists(), "nothing was run"
    shown = dagwright("execute", *SQUARES, "--dry-run").out
    assert "s1 = code.run_python(" in shown


def test_it_draws_runs(dagwright: Any, home: Path) -> None:
    drawn = ("--dry-run", "--runs", "500", "--failure-rate", "0.2", "--timeout-rate", "code.*=0.1", "--seed", "7")
    found = dagwright("execute", *SQUARES, *drawn, "--json").json["forecast"]
    assert found == dagwright("execute", *SQUARES, *drawn, "--json").json["forecast"]
    assert (found["runs"], found["seed"], sum(found["endings"].values())) == (500, 7, 500)
    assert found["finishing"]["low"] < found["finishing"]["value"] < found["finishing"]["high"]
    shown = dagwright("execute", *SQUARES, *drawn).out
    assert f"finishes in {found['finishing']['value']:.1%} of 500 runs (95 %: " in shown
    assert "time out at 0.1 (code.*)" in shown


WRONG = {
    "no dry run": (("--runs", "10"), "add --dry-run"),
    "no number": (("--dry-run", "--failure-rate", "often"), "'often' is not a probability"),
    "too much": (("--dry-run", "--timeout-rate", "code.*=1.5"), "'code.*=1.5' is not a probability"),
    "no runs": (("--dry-run", "--runs", "0"), "not 0"),
    "glob of nothing": (("--dry-run", "--failure-rate", "web.*=0.1"), "it has code.run_python"),
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_what_cannot_be_drawn_is_said(dagwright: Any, home: Path, arguments: tuple[tuple[str, ...], str]) -> None:
    found = dagwright("execute", *SQUARES, *arguments[0])
    assert found.code == 2
    assert arguments[1] in found.err
