"""What every engine does with the same WorkflowDef."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from dagwright.exceptions import InputError
from executor.jitter import SPREAD
from executor.order import order_of
from executor.workflow import WorkflowDef, WorkflowTask

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
CROSSED = {"a": [], "b": [], "c": ["a", "b"], "d": ["b"], "e": ["c"], "f": ["d", "a"]}
CHAIN = {"a": [], "b": ["a"], "c": ["b"]}
APART = {"a": [], "b": [], "c": []}


@pytest.mark.parametrize("after", [DIAMOND, CROSSED, CHAIN, APART], ids=["diamond", "crossed", "chain", "apart"])
def test_runs_each_step_once_and_none_before_its_predecessors(
    bench: Any, build: Any, after: dict[str, list[str]]
) -> None:
    from executor.compile import compile_workflow

    workflow = compile_workflow(build.program(after))
    result = bench.run(workflow)
    assert result.status == "completed"
    assert sorted(a.step for a in bench.began) == sorted(after)
    assert set(result.outputs) == set(after)
    at = {entry: index for index, entry in enumerate(bench.log)}
    for before, later in order_of(workflow):
        assert at[before, "end"] < at[later, "begin"]


def test_independent_steps_run_at_the_same_time(bench: Any, build: Any) -> None:
    from executor.compile import compile_workflow

    meeting = threading.Barrier(3, timeout=30)

    def work(activation: Any) -> Any:
        meeting.wait()  # breaks unless all three are there together
        return build.completed(activation.step)

    assert bench.run(compile_workflow(build.program(APART)), work).status == "completed"


@dataclass(frozen=True)
class Case:
    id: str
    outcomes: tuple[str, ...]
    """What successive attempts at step `a` end with: ok, again, never."""
    status: str
    attempts: int
    retries: int = 2
    optional: bool = False
    after: tuple[str, ...] = field(default=("b",))
    """Other steps that run."""


CASES = [
    Case("succeeds at once", ("ok",), "completed", 1),
    Case("succeeds after a retry", ("again", "ok"), "completed", 2),
    Case("succeeds with the last attempt", ("again", "again", "ok"), "completed", 3),
    Case("uses all its retries up", ("again", "again", "again"), "failed", 3, after=()),
    Case("has no retries", ("again",), "failed", 1, retries=0, after=()),
    Case("fails for good: no retry", ("never",), "failed", 1, after=()),
    Case("optional, fails for good: the rest runs", ("never",), "completed", 1, optional=True),
    Case("optional, uses its retries up: the rest runs", ("again",) * 3, "completed", 3, optional=True),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_retries(bench: Any, build: Any, case: Case) -> None:
    workflow = build.workflow(
        build.simple("a", optional=case.optional),
        build.simple("b", "test.other"),
        definitions=[build.definition(retry_count=case.retries), build.definition("test.other")],
    )

    def work(activation: Any) -> Any:
        if activation.step != "a" or case.outcomes[activation.attempt - 1] == "ok":
            return build.completed(activation.step)
        return build.failed("a", for_good=case.outcomes[activation.attempt - 1] == "never")

    result = bench.run(workflow, work)
    assert result.status == case.status
    assert bench.attempts("a") == list(range(1, case.attempts + 1))
    assert tuple(a.step for a in bench.began if a.step != "a") == case.after
    assert result.failed_step == ("a" if case.status == "failed" else None)
    assert ("a" in result.outputs) == (case.outcomes[-1] == "ok")
    assert result.feedback["a"].execution_status == ("success" if case.outcomes[-1] == "ok" else "failure")


def test_waits_before_a_retry_as_the_task_says(bench: Any, build: Any) -> None:
    workflow = build.workflow(build.simple("a"), definitions=[build.definition(retry_count=1, retry_delay_seconds=1)])
    times: list[float] = []

    def work(activation: Any) -> Any:
        times.append(time.monotonic())
        return build.failed("a", for_good=False) if activation.attempt == 1 else build.completed("a")

    assert bench.run(workflow, work).status == "completed"
    assert times[1] - times[0] >= 1.0 * (1 - SPREAD)


def fork(*branches: tuple[WorkflowTask, ...], build: Any) -> tuple[WorkflowTask, ...]:
    marked: list[tuple[WorkflowTask, ...]] = []
    for number, branch in enumerate(branches):
        marked.append((*branch, WorkflowTask(name="done", task_reference_name=f"done-{number}", type="NOOP")))
    return (
        WorkflowTask(name="fork", task_reference_name="fork-all", type="FORK_JOIN", fork_tasks=tuple(marked)),
        WorkflowTask(
            name="join",
            task_reference_name="join-all",
            type="JOIN",
            join_on=tuple(f"done-{number}" for number in range(len(branches))),
        ),
    )


def test_a_failure_cancels_the_other_branches(bench: Any, build: Any) -> None:
    running = threading.Event()

    def work(activation: Any) -> Any:
        if activation.step == "slow":
            running.set()
            activation.cancelled.wait(30)
            return build.failed("slow", for_good=True)
        assert running.wait(30)
        return build.failed("bad", for_good=True)

    tasks = fork((build.simple("slow"), build.simple("never")), (build.simple("bad"),), build=build)
    result = bench.run(build.workflow(*tasks), work)
    assert (result.status, result.failed_step) == ("failed", "bad")
    assert "never" not in {activation.step for activation in bench.began}
    assert bench.kinds("slow")[-1] == "task.cancelled"


def test_what_another_branch_finishes_while_it_is_stopped_is_kept(bench: Any, build: Any) -> None:
    def work(activation: Any) -> Any:
        if activation.step == "slow":
            activation.cancelled.wait(30)
            return build.completed("slow", "5" * 64)
        return build.failed("bad", for_good=True)

    result = bench.run(build.workflow(*fork((build.simple("slow"),), (build.simple("bad"),), build=build)), work)
    assert result.status == "failed"
    assert result.outputs == {"slow": "5" * 64}


@pytest.mark.parametrize(
    ("policy", "retries", "status", "attempts"),
    [("RETRY", 1, "completed", [1, 2]), ("RETRY", 0, "timed_out", [1]), ("TIME_OUT_WF", 1, "timed_out", [1])],
    ids=["is retried", "without retries ends the run", "may end the run at once"],
)
def test_an_attempt_that_hangs_times_out(
    bench: Any, build: Any, policy: str, retries: int, status: str, attempts: list[int]
) -> None:
    release = threading.Event()

    def work(activation: Any) -> Any:
        if activation.attempt == 1:
            release.wait(30)  # does not look at `cancelled`
        return build.completed("a")

    limits = build.definition(timeout=1, retry_count=retries, timeout_policy=policy)
    begun = time.monotonic()
    result = bench.run(build.workflow(build.simple("a"), definitions=[limits]), work)
    assert time.monotonic() - begun < 25, "the engine waited for an attempt that hangs"
    release.set()
    assert result.status == status
    assert bench.attempts("a") == attempts
    assert bench.began[0].cancelled.is_set()
    assert "task.timed_out" in bench.kinds("a")


def test_a_run_that_takes_too_long_times_out(bench: Any, build: Any) -> None:
    def work(activation: Any) -> Any:
        activation.cancelled.wait(30)
        return build.failed("a", for_good=True)

    assert bench.run(build.workflow(build.simple("a"), timeout=1), work).status == "timed_out"


def test_cancelling_stops_the_run_and_it_goes_on_later(bench: Any, build: Any) -> None:
    workflow = build.workflow(build.simple("a"), build.simple("b"), build.simple("c"))

    def stop_in_b(activation: Any) -> Any:
        if activation.step == "b":
            bench.cancelled.set()
            assert activation.cancelled.wait(30)
            return build.failed("b", for_good=True)
        return build.completed(activation.step)

    result = bench.run(workflow, stop_in_b)
    assert result.status == "cancelled"
    assert bench.kinds("b")[-1] == "task.cancelled"
    bench.cancelled.clear()
    bench.began.clear()
    again = bench.run(workflow)
    assert again.status == "completed"
    assert [activation.step for activation in bench.began] == ["b", "c"]
    assert set(again.outputs) == {"a", "b", "c"}


def test_a_run_that_has_ended_is_not_run_again(bench: Any, build: Any) -> None:
    workflow = build.workflow(build.simple("a"))
    first = bench.run(workflow)
    assert bench.run(workflow) == first
    assert len(bench.began) == 1


def test_another_program_of_the_run_does_not_repeat_what_is_finished(bench: Any, build: Any) -> None:
    from executor.compile import compile_workflow

    first = build.program({"a": [], "b": ["a"]}, inputs={"b": {"x": {"from": "a"}}})
    second = build.program(
        {"a": [], "b": ["a"], "c": ["b"]},
        inputs={"b": {"x": {"from": "a", "path": "/changed"}}, "c": {"x": {"from": "b"}}},
        version=2,
    )
    for program in (first, second):
        build.record(bench.archive, program)
        result = bench.run(compile_workflow(program), program=program.hash)
        assert result.status == "completed"
    assert [a.step for a in bench.began] == ["a", "b", "b", "c"], "`a` is the same, `b` is not"
    assert set(result.outputs) == {"a", "b", "c"}


def test_progress_tells_the_story_of_each_step(bench: Any, build: Any) -> None:
    workflow = build.workflow(build.simple("a"), definitions=[build.definition(retry_count=1)])
    bench.run(workflow, lambda a: build.failed("a", for_good=False) if a.attempt == 1 else build.completed("a"))
    assert [(p.state, p.attempt) for p in bench.progress] == [
        ("scheduled", 1),
        ("running", 1),
        ("failed", 1),
        ("retrying", 2),
        ("running", 2),
        ("completed", 2),
    ]


MARK = WorkflowTask(name="done", task_reference_name="m", type="NOOP")
BAD = {
    "two tasks of one name": (MARK, MARK),
    "joins on what does not exist": (WorkflowTask(name="join", task_reference_name="j", type="JOIN", join_on=("x",)),),
    "fork without join": (WorkflowTask(name="fork", task_reference_name="f", type="FORK_JOIN", fork_tasks=((MARK,),)),),
    "empty branch": (
        WorkflowTask(name="fork", task_reference_name="f", type="FORK_JOIN", fork_tasks=((),)),
        WorkflowTask(name="join", task_reference_name="j", type="JOIN"),
    ),
    "waits for itself": (
        WorkflowTask(name="join", task_reference_name="j", type="JOIN", join_on=("m",)),
        MARK,
    ),
}


@pytest.mark.parametrize("tasks", BAD.values(), ids=BAD.keys())
def test_a_workflow_that_cannot_end_is_refused(bench: Any, tasks: tuple[WorkflowTask, ...]) -> None:
    with pytest.raises(InputError):
        bench.run(WorkflowDef(name="bad", tasks=tasks))
