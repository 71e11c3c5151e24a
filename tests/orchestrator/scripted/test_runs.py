"""What was run can be looked at, compared and judged again, here or from an exported file; offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from dagwright.exceptions import ArchiveError
from dagwright.policy import Policy, Rule
from dagwright.proposal import Proposal
from executor.archive.archive import Archive
from executor.replay.comparison import compare
from executor.replay.rejudgement import rejudge
from executor.replay.timeline import timeline
from orchestrator.pipeline import run_goal, run_proposal
from orchestrator.view.gantt import duration, ticks

MEAN = 'aggregate(table=sales, column="price", function="mean")'
GOAL = "What is the mean price?"


@pytest.fixture
def run(bench: Any, sales: Path) -> str:
    outcome = run_goal(GOAL, {"sales": sales}, bench.setup(MEAN, "answer(s1)"))
    assert outcome.status == "done", outcome.reason
    return outcome.run


def opened(bench: Any, run: str) -> Archive:
    return Archive.open(bench.home, run, read_only=True)


# ------------------------------------------------------------------------------------ timeline


def test_a_timeline_has_phases_calls_and_a_row_per_step(bench: Any, run: str) -> None:
    with opened(bench, run) as archive:
        line = timeline(archive)
    assert [phase.name for phase in line.phases][:3] == ["ingest", "planning", "execution"]
    assert [call.tokens for call in line.calls] == [15, 15]
    assert [(row.operation, row.state) for row in line.rows] == [
        ("data.load_csv", "completed"),
        ("data.aggregate", "completed"),
    ]
    assert all(row.is_critical for row in line.rows)
    (attempt,) = line.rows[1].attempts
    assert attempt.scheduled <= attempt.started <= attempt.ended  # type: ignore[operator]
    assert line.rows[0].end <= attempt.scheduled


def test_phases_fill_the_run_without_a_gap(bench: Any, run: str) -> None:
    with opened(bench, run) as archive:
        line = timeline(archive)
    ends = [0.0, *(phase.ended for phase in line.phases)]
    assert [phase.begun for phase in line.phases] == ends[:-1]
    assert ends[-1] == line.seconds


DURATIONS = [
    (0.0, "0 ms"),
    (0.0123, "12.3 ms"),
    (0.5, "0.50 s"),
    (59.2, "59.20 s"),
    (75, "1 min 15 s"),
    (7300, "2 h 01 min"),
]


@pytest.mark.parametrize(("seconds", "text"), DURATIONS)
def test_durations_are_in_the_unit_that_reads_best(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("span", [0.0, 1e-6, 0.0031, 0.8, 1.0, 47, 86_400.0])
def test_an_axis_has_few_round_marks_inside_its_span(span: float) -> None:
    marks = ticks(span)
    assert marks[0] == 0
    assert 1 <= len(marks) <= 10
    assert marks[-1] <= span * (1 + 1e-6)


# --------------------------------------------------------------------------------------- views


@pytest.fixture
def at_home(bench: Any, monkeypatch: pytest.MonkeyPatch, dagwright: Any, tmp_path: Path) -> Any:
    monkeypatch.setenv("DAGWRIGHT_HOME", str(bench.home))
    monkeypatch.chdir(tmp_path)
    return dagwright


def test_a_run_is_shown_as_tree_timeline_and_table(run: str, at_home: Any) -> None:
    assert "✓ s1 data.aggregate" in at_home("runs", "show", run, "--as", "tree").out
    assert "█ critical path" in at_home("runs", "show", run, "--as", "timeline").out
    assert "data.aggregate" in at_home("runs", "show", run, "--as", "table").out
    steps = at_home("runs", "show", run, "--as", "table", "--json").json["steps"]
    assert [step["state"] for step in steps] == ["completed", "completed"]


def test_a_page_stands_by_itself(run: str, at_home: Any, tmp_path: Path) -> None:
    assert at_home("runs", "show", run, "-o", "run.html").code == 0
    page = (tmp_path / "run.html").read_text()
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert at_home("runs", "show", run, "-o", "run.svg").code == 0
    root = ElementTree.fromstring((tmp_path / "run.svg").read_text())
    assert root.tag.endswith("svg")


def test_a_timeline_goes_into_html_or_svg_only(run: str, at_home: Any) -> None:
    ran = at_home("runs", "show", run, "-o", "run.pdf")
    assert ran.code == 2
    assert "a .html or .svg file" in ran.err


def test_an_exported_file_is_verified_shown_and_replayed_elsewhere(
    run: str, at_home: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    head = at_home("runs", "export", run, "-o", "run.zip", "--json").json["head"]
    monkeypatch.setenv("DAGWRIGHT_HOME", str(tmp_path / "fresh"))
    assert "intact" in at_home("verify", "run.zip", "--head", head).out
    assert at_home("runs", "replay", "run.zip").code == 0
    assert GOAL in at_home("runs", "show", "run.zip").out
    assert not (tmp_path / "fresh").exists()
    ran = at_home("verify", "run.zip", "--head", "0" * 64)
    assert ran.code == 3
    assert "the history ends with event" in ran.out


# ------------------------------------------------------------------------------- judged again


def test_the_same_rules_decide_the_same(bench: Any, run: str) -> None:
    with opened(bench, run) as archive:
        (found,) = rejudge(archive)
    assert not found.differs
    assert found.certificate == {}


JUDGED = {
    "asked": (Policy(name="p", rules=(Rule(tools="data.aggregate", action="ask"),)), "asked", True, {"P403"}),
    "denied": (Policy(name="p", rules=(Rule(tools="data.aggregate", action="deny"),)), "denied", False, {"P401"}),
}


@pytest.mark.parametrize(("policy", "verdict", "valid", "codes"), JUDGED.values(), ids=JUDGED.keys())
def test_another_policy_decides_otherwise(
    bench: Any, run: str, policy: Policy, verdict: str, valid: bool, codes: set[str]
) -> None:
    with opened(bench, run) as archive:
        (found,) = rejudge(archive, policy=policy)
    assert found.differs
    assert found.is_valid is valid
    assert {finding.code for finding in found.added} == codes
    assert [(step.step, step.then, step.now) for step in found.steps] == [("s1", "allowed", verdict)]
    assert "policy" in found.certificate


def test_a_catalogue_without_an_operation_rejects_what_used_it(bench: Any, run: str) -> None:
    from executor.toolchest import load_pack

    with opened(bench, run) as archive:
        (found,) = rejudge(archive, catalogue=load_pack("files"))
    assert not found.is_valid
    assert {step.now for step in found.steps} == {"denied"}


def test_arguments_that_were_really_used_are_judged(bench: Any, run: str) -> None:
    when = {"properties": {"function": {"const": "mean"}}}
    policy = Policy(name="p", rules=(Rule(tools="data.aggregate", action="deny", when=when),))
    with opened(bench, run) as archive:
        (found,) = rejudge(archive, policy=policy)
    assert [step.now for step in found.steps] == ["denied"]


def test_what_was_rejected_brings_no_catalogue_along(bench: Any, sales: Path) -> None:
    outcome = run_goal(GOAL, {"sales": sales}, bench.setup(*["drop_table(sales)"] * 9))
    with opened(bench, outcome.run) as archive, pytest.raises(ArchiveError, match=r"no proposal|name both"):
        rejudge(archive)


def test_the_command_says_what_is_decided_otherwise(run: str, at_home: Any, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(json.dumps({"name": "p", "rules": [{"tools": "data.*", "action": "ask"}]}))
    ran = at_home("runs", "replay", run, "--policy", "p.yaml", "--json")
    assert ran.code == 3
    assert ran.json["differs"] is True
    assert "allowed → asked" in at_home("runs", "replay", run, "--policy", "p.yaml").out
    ran = at_home("runs", "replay", run, "--rejudge")
    assert ran.code == 0
    assert "nothing is decided otherwise" in ran.out


# --------------------------------------------------------------------------------------- diff


def test_a_run_is_the_same_as_itself(bench: Any, run: str) -> None:
    with opened(bench, run) as one, opened(bench, run) as other:
        found = compare(one, other)
    assert found.first is None
    assert all(pair.same_output for pair in found.steps)


def test_two_runs_of_one_goal_differ_in_times_alone(bench: Any, run: str, sales: Path) -> None:
    again = run_goal(GOAL, {"sales": sales}, bench.setup(MEAN, "answer(s1)")).run
    with opened(bench, run) as one, opened(bench, again) as other:
        assert compare(one, other).differences == ()


def test_the_first_divergence_is_the_cause(bench: Any, run: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    changed = tmp_path / "other" / "sales.csv"
    changed.write_text("city,price\nRome,3\nOslo,5\nRome,7\n", encoding="utf-8")
    again = run_goal(GOAL, {"sales": changed}, bench.setup(MEAN, "answer(s1)")).run
    with opened(bench, run) as one, opened(bench, again) as other:
        found = compare(one, other)
    assert found.first is not None
    assert (found.first.aspect, found.first.name) == ("input", "sales")
    assert {difference.aspect for difference in found.differences} == {"input", "execution", "answer"}


def test_another_plan_is_a_difference_of_steps(bench: Any, run: str, sales: Path, at_home: Any) -> None:
    with opened(bench, run) as archive:
        (event,) = archive.events("program")
        text = archive.get_bytes(event.body["proposal"]).decode()  # type: ignore[index, call-overload]
    changed = Proposal.model_validate_json(text.replace('{"literal":"mean"}', '{"literal":"median"}'))
    again = run_proposal(changed, bench.setup(), folder=sales.parent).run
    with opened(bench, run) as one, opened(bench, again) as other:
        found = compare(one, other)
    assert (found.first.aspect, found.first.name) == ("step", "s1")  # type: ignore[union-attr]
    ran = at_home("runs", "diff", run, again)
    assert ran.code == 3
    assert "first divergence: step s1" in ran.out
    assert at_home("runs", "diff", run, again, "--json").json["first_divergence"]["aspect"] == "step"
