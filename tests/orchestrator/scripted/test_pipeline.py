"""A goal's way to its outcome, with plan lines that were written beforehand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dagwright.exceptions import ArchiveError, DiskError, InputError, ModelAnswerError, TransportError, Unreachable
from dagwright.goal import Constraints
from dagwright.policy import Policy, Rule
from executor.archive.archive import Archive
from executor.replay.replay import replay
from executor.replay.verify import verify
from orchestrator.approval import approve_all
from orchestrator.history import summaries
from orchestrator.permission import decide_waiting
from orchestrator.pipeline import plan_goal, resume_run, run_goal, run_proposal

MEAN = 'aggregate(table=sales, column="price", function="mean")'
GOAL = "What is the mean price?"


def test_a_goal_is_planned_proven_executed_and_answered(bench: Any, sales: Any) -> None:
    outcome = run_goal(GOAL, {"sales": sales}, bench.setup(MEAN, "answer(s1)"))
    assert (outcome.status, list(outcome.answer.values()), outcome.tokens) == ("done", [4.0], 30)
    with Archive.open(bench.home, outcome.run, read_only=True) as archive:
        assert verify(archive) == ()
        assert replay(archive).reproduced


@pytest.mark.parametrize(
    ("text", "given"),
    [(GOAL, "nowhere.csv"), ("", None), ("x" * 20_001, None)],
    ids=["missing file", "no words", "too many words"],
)
def test_what_cannot_begin_leaves_no_folder(bench: Any, tmp_path: Any, text: str, given: str | None) -> None:
    inputs = {"sales": tmp_path / given} if given else {}
    with pytest.raises(InputError):
        run_goal(text, inputs, bench.setup())
    assert bench.runs() == []


def test_an_unreachable_model_leaves_a_run_that_can_be_resumed(bench: Any, sales: Any) -> None:
    gone = Unreachable("the model", "no answer", remedy="start it")
    with pytest.raises(Unreachable) as raised:
        run_goal(GOAL, {"sales": sales}, bench.setup(gone))
    (run,) = bench.runs()
    assert raised.value.__notes__ == [f"nothing is lost; go on with: dagwright run --resume {run}"]
    assert resume_run(run, bench.setup(MEAN, "answer(s1)")).status == "done"


@pytest.mark.parametrize(
    "lines",
    [
        ["I am sorry, I cannot help with that."] * 9,
        [ModelAnswerError("the model refused")] * 9,
        ["drop_table(sales)"] * 9,
        ['aggregate(table=sales, column="price", function="mean"'] * 9,
        [f'filter_rows(table=sales, column="price", operator=">", value={i})' for i in range(99)],
    ],
    ids=["prose", "refusal", "unknown operation", "cut off", "never answers"],
)
def test_a_model_that_answers_garbage_ends_as_rejected(bench: Any, sales: Any, lines: list[Any]) -> None:
    outcome = run_goal(GOAL, {"sales": sales}, bench.setup(*lines))
    assert outcome.status == "rejected"
    assert outcome.reason
    assert bench.events(outcome.run, "outcome")[0].body["status"] == "rejected"


def test_a_used_up_budget_is_an_outcome(bench: Any, sales: Any) -> None:
    limits = Constraints(max_tokens=20)
    outcome = run_goal(GOAL, {"sales": sales}, bench.setup(*[MEAN] * 9), constraints=limits)
    assert outcome.status == "failed"
    assert "budget of 20 tokens" in outcome.reason


def test_a_resumed_run_goes_on_counting(bench: Any, sales: Any) -> None:
    limits = Constraints(max_tokens=35)
    with pytest.raises(TransportError):
        run_goal(GOAL, {"sales": sales}, bench.setup(MEAN, MEAN, TransportError("gone")), constraints=limits)
    outcome = resume_run(bench.runs()[0], bench.setup(*[MEAN] * 9))
    assert (outcome.status, outcome.tokens) == ("failed", 45)


def test_a_planned_goal_is_executed_when_it_is_resumed(bench: Any, sales: Any) -> None:
    run, program = plan_goal(GOAL, {"sales": sales}, bench.setup(MEAN, "answer(s1)"))
    assert summaries(bench.home)[0]["status"] == "planned"
    assert bench.events(run, "workflow") == []
    outcome = resume_run(run, bench.setup())
    assert outcome.status == "done"
    assert bench.events(run, "workflow")[0].body["program"] == program.hash


def test_a_finished_run_is_not_run_again(bench: Any, sales: Any) -> None:
    done = run_goal(GOAL, {"sales": sales}, bench.setup(MEAN, "answer(s1)"))
    with Archive.open(bench.home, done.run, read_only=True) as archive:
        head = archive.head
    assert resume_run(done.run, bench.setup()) == done
    with Archive.open(bench.home, done.run, read_only=True) as archive:
        assert archive.head == head


def test_an_interrupted_run_goes_on_where_it_was(bench: Any, sales: Any) -> None:
    setup = bench.setup(MEAN, "answer(s1)")

    def interrupt(progress: Any) -> None:
        if progress.step == "load_sales" and progress.state == "completed":
            setup.cancelled.set()

    setup.listener.progress = interrupt
    stopped = run_goal(GOAL, {"sales": sales}, setup)
    assert stopped.status == "cancelled"
    assert f"--resume {stopped.run}" in stopped.reason
    outcome = resume_run(stopped.run, bench.setup())
    assert outcome.status == "done"
    assert bench.attempts(stopped.run, "load_sales") == ["task.completed"]


def test_ctrl_c_while_planning_keeps_the_goal(bench: Any, sales: Any) -> None:
    class Interrupting:
        name, accepts_grammar = "interrupting", False

        def complete(self, request: Any) -> Any:
            raise KeyboardInterrupt

    stopped = run_goal(GOAL, {"sales": sales}, bench.setup(model=Interrupting()))
    assert stopped.status == "cancelled"
    assert resume_run(stopped.run, bench.setup(MEAN, "answer(s1)")).status == "done"


def test_a_second_process_is_told_who_holds_the_run(bench: Any, sales: Any) -> None:
    done = run_goal(GOAL, {"sales": sales}, bench.setup(MEAN, "answer(s1)"))
    with Archive.open(bench.home, done.run), pytest.raises(ArchiveError, match="held by process"):
        resume_run(done.run, bench.setup())


@pytest.mark.parametrize("kind", ["proposal", "program", "task.completed", "outcome"])
def test_a_full_disk_ends_in_an_error_that_says_how_to_go_on(
    bench: Any, sales: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def full(write: Any) -> Any:
        def written(self: Archive, found: Any, body: Any) -> Any:
            if found == kind:
                raise DiskError("the archive", self.folder, OSError(28, "No space left on device"))
            return write(self, found, body)

        return written

    with monkeypatch.context() as patch:
        patch.setattr(Archive, "append", full(Archive.append))
        patch.setattr(Archive, "note", full(Archive.note))
        with pytest.raises(ArchiveError, match="No space left") as raised:
            run_goal(GOAL, {"sales": sales}, bench.setup(MEAN, "answer(s1)"))
    (run,) = bench.runs()
    assert f"--resume {run}" in raised.value.__notes__[0]
    outcome = resume_run(run, bench.setup(MEAN, "answer(s1)"))
    assert (outcome.status, list(outcome.answer.values())) == ("done", [4.0])


ASKING = Policy(name="asking", rules=(Rule(tools="data.write_csv", action="ask", reason="it writes"),))
WRITE = ('write_csv(table=sales, path="copy.csv")', "answer(s1)")


@pytest.mark.parametrize("decision", ["approve", "reject", "yes beforehand"])
def test_a_step_that_policy_asks_about_waits_for_a_person(bench: Any, sales: Any, decision: str) -> None:
    goal = "Copy the sales into copy.csv"
    setup = bench.setup(*WRITE, policy=ASKING)
    if decision == "yes beforehand":
        assert run_goal(goal, {"sales": sales}, replace(setup, approver=approve_all)).status == "done"
        return
    waiting = run_goal(goal, {"sales": sales}, setup)
    assert (waiting.status, waiting.files) == ("waiting", ())
    assert f"dagwright approve {waiting.run} s1" in waiting.reason
    decide_waiting(bench.home, waiting.run, "", by="boss", given=decision == "approve")
    outcome = resume_run(waiting.run, bench.setup(policy=ASKING))
    if decision == "approve":
        assert (outcome.status, outcome.files) == ("done", ("copy.csv",))
    else:
        assert (outcome.status, outcome.files) == ("rejected", ())
        assert "refused by boss" in outcome.reason


@pytest.mark.parametrize("kind", ["proposal", "program", "workflow"])
def test_a_given_proposal_is_executed_as_it_stands_also_when_resumed(
    bench: Any, sales: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    planned, program = plan_goal(GOAL, {"sales": sales}, bench.setup(MEAN, "answer(s1)"))

    def full(write: Any) -> Any:
        def written(self: Archive, found: Any, body: Any) -> Any:
            if found == kind:
                raise DiskError("the archive", self.folder, OSError(28, "No space left on device"))
            return write(self, found, body)

        return written

    with monkeypatch.context() as patch:
        patch.setattr(Archive, "append", full(Archive.append))
        patch.setattr(Archive, "note", full(Archive.note))
        with pytest.raises(ArchiveError):
            run_proposal(program.proposal, bench.setup(), folder=sales.parent)
    (run,) = (name for name in bench.runs() if name != planned)
    if kind == "proposal":
        with pytest.raises(ArchiveError, match="execute that anew"):
            resume_run(run, bench.setup())
        return
    outcome = resume_run(run, bench.setup())
    assert (outcome.status, outcome.tokens) == ("done", 0)
