"""A new version that may do more than the last: a person is asked, and the answer binds to exactly that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dagwright.exceptions import InputError
from dagwright.policy import Policy, Rule
from executor.archive.archive import Archive
from executor.replay.replay import replay
from executor.replay.verify import verify
from orchestrator.approval import LIFETIME, Question, approve_all, approve_later, steps_approved
from orchestrator.history import status_of
from orchestrator.permission import decide_waiting
from orchestrator.pipeline import resume_run, run_goal

GOAL = "What is the mean price in Rome and in C01?"
PIVOT = 'pivot_table(table=sales, index="month", columns="city", value="price", function="mean")'
FAILS = (PIVOT, 'aggregate(table=s1, column="Rome", function="mean")', "answer(s2)")
WIDER = ('write_csv(table=s1, path="pivot.csv")', "answer(s2)")
OTHER = ('write_csv(table=s1, path="other.csv")', "answer(s2)")
ASKING = Policy(name="asking", rules=(Rule(tools="data.write_csv", action="ask", reason="it writes"),))


@pytest.fixture
def cities(tmp_path: Path) -> Path:
    """A table with so many cities that the columns of a pivot over them are not known beforehand."""
    path = tmp_path / "sales.csv"
    rows = [f"{month},C{city:02},{city + month}" for month in (1, 2) for city in range(20)]
    path.write_text("\n".join(["month,city,price", *rows]) + "\n", encoding="utf-8")
    return path


def status(bench: Any, run: str) -> str:
    with Archive.open(bench.home, run, read_only=True) as archive:
        return status_of(archive)


def test_nobody_there_leaves_it_waiting_and_says_what_is_widened(bench: Any, cities: Path) -> None:
    waiting = run_goal(GOAL, {"sales": cities}, bench.setup(*FAILS, *WIDER))
    assert (waiting.status, waiting.replans, waiting.files) == ("waiting", 1, ())
    assert waiting.reason.startswith("version 2 of the plan (")
    assert "write 'file:pivot.csv' by 'data.write_csv'" in waiting.reason
    assert waiting.reason.endswith(f"waits for approval: dagwright approve {waiting.run}")
    findings = bench.events(waiting.run, "report")[-1].body["findings"]
    widened = [finding["message"] for finding in findings if finding["code"] == "P407"]
    (requested,) = bench.events(waiting.run, "approval.requested")
    assert (requested.body["step"], requested.body["widened"]) == ("", widened)
    assert (len(widened), status(bench, waiting.run)) == (3, "waiting")


def test_an_approval_lets_it_go_on_where_it_stood(bench: Any, cities: Path) -> None:
    waiting = run_goal(GOAL, {"sales": cities}, bench.setup(*FAILS, *WIDER))
    (decided,) = decide_waiting(bench.home, waiting.run, "", by="boss", given=True)
    assert (decided.subject, len(decided.widened)) == ("", 3)
    outcome = resume_run(waiting.run, bench.setup())
    assert (outcome.status, outcome.replans, outcome.files) == ("done", 1, ("pivot.csv",))
    assert bench.attempts(outcome.run, "s1") == ["task.completed"]
    with Archive.open(bench.home, outcome.run, read_only=True) as archive:
        assert verify(archive) == ()
        assert replay(archive).reproduced


def test_a_refusal_is_an_honest_end(bench: Any, cities: Path) -> None:
    waiting = run_goal(GOAL, {"sales": cities}, bench.setup(*FAILS, *WIDER))
    decide_waiting(bench.home, waiting.run, "", by="boss", given=False)
    outcome = resume_run(waiting.run, bench.setup())
    assert (outcome.status, outcome.files, outcome.answer) == ("rejected", (), {})
    assert "'s2' failed (missing_column)" in outcome.reason or "missing_column" in outcome.reason
    assert outcome.reason.endswith("was refused by boss")
    with pytest.raises(InputError, match="nothing that waits; waiting are: none"):
        decide_waiting(bench.home, waiting.run, "", by="boss", given=True)


@pytest.mark.parametrize(("decision", "ends"), [("approve", "done"), ("reject", "rejected"), ("later", "waiting")])
def test_who_is_there_is_asked_at_once(bench: Any, cities: Path, decision: Any, ends: str) -> None:
    asked: list[Question] = []

    def person(question: Question) -> Any:
        asked.append(question)
        return decision

    outcome = run_goal(GOAL, {"sales": cities}, bench.setup(*FAILS, *WIDER, approver=person))
    assert outcome.status == ends
    (question,) = asked
    assert question.step is None
    assert any("pivot.csv" in line for line in question.widened)


def test_yes_beforehand_covers_steps_and_not_wider_authority(bench: Any, cities: Path) -> None:
    yes = steps_approved(approve_later)
    setup = bench.setup(PIVOT, *OTHER, policy=ASKING, approver=yes)
    assert run_goal(GOAL, {"sales": cities}, setup).status == "done"
    setup = bench.setup(*FAILS, *WIDER, policy=ASKING, approver=yes)
    assert run_goal(GOAL, {"sales": cities}, setup).status == "waiting"
    setup = bench.setup(*FAILS, *WIDER, policy=ASKING, approver=approve_all)
    assert run_goal(GOAL, {"sales": cities}, setup).status == "done"


def test_the_version_is_decided_before_its_steps(bench: Any, cities: Path) -> None:
    waiting = run_goal(GOAL, {"sales": cities}, bench.setup(*FAILS, *WIDER, policy=ASKING))
    with pytest.raises(InputError, match=r"no waiting step 's3'; waiting are: version 2 of the plan"):
        decide_waiting(bench.home, waiting.run, "s3", by="boss", given=True)
    decide_waiting(bench.home, waiting.run, "", by="boss", given=True)
    waiting = resume_run(waiting.run, bench.setup(policy=ASKING))
    assert waiting.status == "waiting"
    (step,) = decide_waiting(bench.home, waiting.run, "", by="boss", given=True)
    assert step.step is not None
    outcome = resume_run(waiting.run, bench.setup(policy=ASKING))
    assert (outcome.status, outcome.files) == ("done", ("pivot.csv",))


def test_an_approval_that_ran_out_is_asked_for_again(bench: Any, cities: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = run_goal(GOAL, {"sales": cities}, bench.setup(*FAILS, *WIDER))
    decide_waiting(bench.home, waiting.run, "", by="boss", given=True)

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(UTC) + LIFETIME + timedelta(seconds=1)

    monkeypatch.setattr("orchestrator.approval.datetime", Later)
    assert resume_run(waiting.run, bench.setup()).status == "waiting"


def test_an_approval_is_of_that_version_alone(bench: Any, cities: Path) -> None:
    """Another version may ask for the same authority; its program is another, and so is the question."""
    asked: list[str] = []

    def person(question: Question) -> Any:
        asked.append(question.digest)
        return "approve"

    second = (WIDER[0], 'aggregate(table=s1, column="Oslo", function="mean")', "answer(s3)")
    third = ('write_csv(table=s1, path="other.csv")', "answer(s3)")
    outcome = run_goal(GOAL, {"sales": cities}, bench.setup(*FAILS, *second, *third, approver=person))
    assert (outcome.status, outcome.replans) == ("done", 2), outcome.reason
    assert len(set(asked)) == len(asked) == 2


def test_authority_that_stays_within_the_last_version_is_not_asked_about(bench: Any, cities: Path) -> None:
    lines = (*FAILS, 'aggregate(table=s1, column="C01", function="mean")', "answer(s2)")
    outcome = run_goal(GOAL, {"sales": cities}, bench.setup(*lines))
    assert (outcome.status, outcome.replans) == ("done", 1)
    assert bench.events(outcome.run, "approval.requested") == []
