"""Goals from words to answers, through the command line, with what the real local model answered."""

from __future__ import annotations

import json
import math
import signal
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas
import pytest

from executor.archive.archive import Archive
from executor.engine.engine import Progress
from orchestrator.cli.run import DEMO_GOAL, penguins
from orchestrator.view.live import LiveView
from validation import VALIDATOR_VERSION

EXAMPLES = Path(__file__).parents[2] / "examples"


def leaves(value: object) -> list[object]:
    """All plain values of an answer."""
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in leaves(part)]
    if isinstance(value, list):
        return [leaf for part in value for leaf in leaves(part)]
    return [value]


def has_number(answer: object, wanted: float) -> bool:
    return any(isinstance(v, int | float) and math.isclose(v, wanted, rel_tol=1e-6) for v in leaves(answer))


def demo_is_right(answer: Any, files: Path) -> None:
    table = pandas.read_csv(penguins())
    means = table.groupby("species")["body_mass_g"].mean()
    assert means.idxmax() in leaves(answer)
    assert has_number(answer, table["bill_length_mm"].corr(table["body_mass_g"]))
    assert (files / "chart.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    report = (files / "report.md").read_text(encoding="utf-8")
    assert "chart.png" in report
    assert str(means.idxmax()) in report


def sales_is_right(answer: Any, files: Path) -> None:
    sums = pandas.read_csv(EXAMPLES / "sales.csv").groupby("city")["revenue"].sum()
    assert sums.idxmax() in leaves(answer)
    assert not set(sums.index) - {sums.idxmax()} & set(leaves(answer))


def totals_is_right(answer: Any, files: Path) -> None:
    totals = pandas.read_csv(EXAMPLES / "sales.csv").groupby("city")["revenue"].sum()
    written = pandas.read_csv(files / "totals.csv")
    assert dict(written.itertuples(index=False, name=None)) == pytest.approx(totals.to_dict())


def oslo_is_right(answer: Any, files: Path) -> None:
    sales = pandas.read_csv(EXAMPLES / "sales.csv")
    wanted = sales[sales["city"] == "Oslo"].sort_values("revenue", ascending=False)
    written = pandas.read_csv(files / "oslo.csv")
    pandas.testing.assert_frame_equal(written, wanted.reset_index(drop=True))


@dataclass(frozen=True)
class Case:
    name: str
    is_right: Callable[[Any, Path], None]


CASES = (
    Case("demo", demo_is_right),
    Case("sales", sales_is_right),
    Case("totals", totals_is_right),
    Case("oslo", oslo_is_right),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_goal_is_reached_and_leaves_an_archive_that_holds(
    case: Case, dagwright: Any, recorded: Any, home: Path, tmp_path: Path
) -> None:
    ran = dagwright("run", *recorded(case.name), "--json")
    outcome = ran.json
    assert (ran.code, outcome["status"], outcome["replans"], outcome["cost"]) == (0, "done", 0, 0.0)
    assert outcome["tokens"] > 100
    case.is_right(outcome["answer"], Path(outcome["folder"]) / "files")
    assert all(Path(picture).read_bytes() for picture in outcome["pictures"])

    run = outcome["run"]
    checked = {"run": run, "intact": True, "problems": [], "validator": VALIDATOR_VERSION}
    found = dagwright("verify", run, "--json").json
    assert len(found.pop("head")) == 64
    assert found == checked
    assert dagwright("runs", "replay", run).code == 0
    assert [item["status"] for item in dagwright("runs", "list", "--json").json["runs"]] == ["done"]

    assert dagwright("runs", "export", run, "-o", str(tmp_path / "run.zip")).code == 0
    with zipfile.ZipFile(tmp_path / "run.zip") as bundle:
        names = bundle.namelist()
    assert f"{run}/archive.db" in names
    assert {f"{run}/files/{file}" for file in outcome["files"]} <= set(names)


def test_the_recorded_demo_goal_is_that_of_the_command(recorded: Any) -> None:
    assert recorded("demo")[0] == DEMO_GOAL


def test_a_changed_byte_of_an_answer_is_found(dagwright: Any, recorded: Any) -> None:
    outcome = dagwright("run", *recorded("totals"), "--json").json
    (Path(outcome["folder"]) / "files" / "totals.csv").write_text("city,sum\n")
    found = dagwright("verify", outcome["run"], "--json")
    assert (found.code, found.json["intact"]) == (3, False)
    assert "totals.csv" in " ".join(found.json["problems"])


def test_a_run_shows_goal_plan_steps_and_answer(dagwright: Any, recorded: Any) -> None:
    run = dagwright("run", *recorded("sales"), "--json").json["run"]
    shown = dagwright("runs", "show", run).out
    assert "Which city has the highest total revenue?" in shown
    assert "Bergen" in shown
    full = dagwright("runs", "show", run, "--json").json
    assert set(full["states"].values()) == {"completed"}
    assert [step["kind"] for step in full["steps"]].count("task.completed") == len(full["states"])


def test_stages_one_at_a_time_give_what_a_run_gives(dagwright: Any, recorded: Any, tmp_path: Path) -> None:
    proposal, workflow = str(tmp_path / "proposal.json"), tmp_path / "workflow.json"
    assert dagwright("plan", *recorded("sales"), "-o", proposal).code == 0
    assert dagwright("check", proposal, "--json").json["validation_result"]["is_valid"]
    assert dagwright("compile", proposal, "-o", str(workflow)).code == 0
    assert json.loads(workflow.read_text())["tasks"]
    estimated = dagwright("execute", proposal, "--dry-run", "--json")
    assert estimated.code == 0
    executed = dagwright("execute", proposal, "--json")
    assert executed.code == 0
    sales_is_right(executed.json["answer"], tmp_path)


def test_a_policy_that_asks_makes_a_run_wait_until_a_person_approves(dagwright: Any, recorded: Any) -> None:
    waiting = dagwright("run", *recorded("totals"), "--policy", str(EXAMPLES / "careful.yaml"), "--json")
    assert (waiting.code, waiting.json["status"], waiting.json["files"]) == (4, "waiting", [])
    run = waiting.json["run"]
    assert dagwright("run", "--resume", run, "--json").code == 4
    approved = dagwright("approve", run, "--json").json
    assert (approved["decision"], len(approved["steps"])) == ("approved", 1)
    resumed = dagwright("run", "--resume", run, "--json")
    assert (resumed.code, resumed.json["status"]) == (0, "done")
    totals_is_right(resumed.json["answer"], Path(resumed.json["folder"]) / "files")
    assert dagwright("verify", run).code == 0


def test_an_interrupted_run_goes_on_without_asking_the_model_again(
    dagwright: Any, recorded: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(view: LiveView, progress: Progress) -> None:
        if progress.state == "completed":
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(LiveView, "progress", interrupted)
        stopped = dagwright("run", *recorded("demo"), "--json")
    assert (stopped.code, stopped.json["status"]) == (130, "cancelled")
    run = stopped.json["run"]
    with Archive.open(home, run, read_only=True) as archive:
        asked = len(list(archive.events("llm.exchange")))
        before = {str(event.body["step"]) for event in archive.events("task.completed")}  # type: ignore[index, call-overload]
    assert before

    resumed = dagwright("run", "--resume", run, "--json")
    assert (resumed.code, resumed.json["status"]) == (0, "done")
    demo_is_right(resumed.json["answer"], Path(resumed.json["folder"]) / "files")
    with Archive.open(home, run, read_only=True) as archive:
        assert len(list(archive.events("llm.exchange"))) == asked
        completed = [str(event.body["step"]) for event in archive.events("task.completed")]  # type: ignore[index, call-overload]
    assert sorted(completed) == sorted(set(completed))
    assert before < set(completed)
