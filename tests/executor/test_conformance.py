"""What every engine does with the same WorkflowDef."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import pytest

from dagwright.exceptions import InputError
from executor.engine.jitter import SPREAD
from executor.workflow.definition import WorkflowDef, WorkflowTask
from tests.executor.order import order_of

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
CROSSED = {"a": [], "b": [], "c": ["a", "b"], "d": ["b"], "e": ["c"], "f": ["d", "a"]}
CHAIN = {"a": [], "b": ["a"], "c": ["b"]}
APART = {"a": [], "b": [], "c": []}


@pytest.mark.parametrize("after", [DIAMOND, CROSSED, CHAIN, APART], ids=["diamond", "crossed", "chain", "apart"])
def test_runs_each_step_once_and_none_before_its_predecessors(
    bench: Any, build: Any, after: dict[str, list[str]]
) -> None:
    from executor.workflow.compile import compile_workflow

    workflow = compile_workflow(build.program(after))
    result = bench.run(workflow)
    assert result.status == "completed"
    assert sorted(a.step for a in bench.began) == sorted(after)
    assert set(result.outputs) == set(after)
    at = {entry: index for index, entry in enumerate(bench.log)}
    for before, later in order_of(workflow):
        assert at[before, "end"] < at[later, "begin"]


def test_independent_steps_run_at_the_same_time(bench: Any, build: Any) -> None:
    from executor.workflow.compile import compile_workflow

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
    from executor.workflow.compile import compile_workflow

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


# ------------------------------------------------------------------------------------------- blocks


@dataclass(frozen=True)
class BlockCase:
    id: str
    construct: str
    """One of `blocks.CONSTRUCTS`: `start`, the block with `a1` and `a2`, `b1` beside it, then `c1`."""
    choices: dict[str, str | int]
    """What control steps decide, by instance."""
    ran: tuple[str, ...]
    """Instances that begin besides start, b1 and c1, each in its order."""
    fails: str = ""
    """The instance that fails for good."""
    status: str = "completed"
    absent: tuple[str, ...] = ()
    """Steps that have no outputs though they completed."""
    skipped: tuple[str, ...] = ()


ITEMS = ("a1#0", "a1#1", "a1#2", "a2#0", "a2#1", "a2#2")
BLOCK_CASES = [
    BlockCase("a condition that holds", "when", {"when-block": "yes"}, ("when-block", "a1", "a2")),
    BlockCase("one that does not", "when", {"when-block": "no"}, ("when-block",), skipped=("a1", "a2")),
    BlockCase("a condition fails", "when", {}, ("when-block",), fails="when-block", status="failed"),
    BlockCase("three items", "each", {"row": 3}, ("row", *ITEMS, "all-a2")),
    BlockCase("no items", "each", {"row": 0}, ("row", "all-a2"), skipped=("a1", "a2")),
    BlockCase("an item fails", "each", {"row": 1}, ("row", "a1#0"), fails="a1#0", status="failed"),
    BlockCase("one pass", "repeat", {"until-block#1": "done"}, ("a1#1", "a2#1", "until-block#1")),
    BlockCase(
        "another pass",
        "repeat",
        {"until-block#1": "again", "until-block#2": "done"},
        ("a1#1", "a2#1", "until-block#1", "a1#2", "a2#2", "until-block#2"),
    ),
    BlockCase(
        "conditions that never hold",
        "repeat",
        {"until-block#1": "again"},
        ("a1#1", "a2#1", "until-block#1", "a1#2", "a2#2", "until-block#2"),
        fails="until-block#2",
        status="failed",
    ),
    BlockCase("an optional block succeeds", "optional", {}, ("a1", "a2")),
    BlockCase("an optional block fails", "optional", {}, ("a1", "a2"), fails="a2", absent=("a1",)),
    BlockCase("it fails at once", "optional", {}, ("a1",), fails="a1", skipped=("a2",)),
    BlockCase(
        "an optional pass fails",
        "optional_each",
        {"row": 3},
        ("row", "a1#0", "a1#1", "a1#2", "a2#0", "a2#1", "a2#2", "all-a2"),
        fails="a2#1",
        absent=("a1#1",),
    ),
    BlockCase("no passes, as the condition says", "when_each", {"when-block": "no"}, ("when-block",)),
    BlockCase(
        "items under a condition", "when_each", {"when-block": "yes", "row": 3}, ("when-block", "row", *ITEMS, "all-a2")
    ),
    BlockCase(
        "an optional loop under a condition fails in its second pass",
        "all",
        {"when-block": "yes", "until-block#1": "again"},
        ("when-block", "a1#1", "a2#1", "until-block#1", "a1#2"),
        fails="a1#2",
        absent=("a1#1", "a2#1", "until-block#1", "when-block"),
        skipped=("a2#2", "until-block#2"),
    ),
]


@pytest.mark.parametrize("case", BLOCK_CASES, ids=lambda case: case.id)
def test_blocks(bench: Any, build: Any, blocks: Any, case: BlockCase) -> None:
    from executor.workflow.compile import compile_workflow

    def work(activation: Any) -> Any:
        step = activation.instance
        if step == case.fails:
            return build.failed(step, for_good=True)
        return replace(build.completed(step), choice=case.choices.get(step))

    program = blocks.construct(case.construct, wait=0)
    result = bench.run(compile_workflow(program), work)
    began = [activation.instance for activation in bench.began]
    assert result.status == case.status
    assert len(began) == len(set(began))
    if case.status == "completed":
        assert sorted(began) == sorted(("start", *case.ran, "b1", "c1"))
        assert set(result.outputs) & set(began) == set(began) - {case.fails} - set(case.absent)
        assert tuple(p.step for p in bench.progress if p.state == "skipped")[: len(case.skipped)] == case.skipped
    else:
        assert set(began) - {"b1"} == {"start", *case.ran}
        assert result.failed_step == case.fails
    at = {entry: index for index, entry in enumerate(bench.log)}
    passes = {activation.instance: activation.number for activation in bench.began}
    for before, later in order_of(compile_workflow(program)):
        for one, other in product(began, began):
            same = passes[one] is None or passes[other] is None or passes[one] == passes[other]
            if (one.partition("#")[0], other.partition("#")[0]) == (before, later) and same:
                assert at[one, "end"] < at[other, "begin"]


def test_a_call_of_a_sub_program_runs_as_the_steps_that_it_stands_for(bench: Any, build: Any, blocks: Any) -> None:
    from executor.workflow.compile import compile_workflow

    def work(activation: Any) -> Any:
        return replace(build.completed(activation.instance), choice=3 if activation.step == "c_row" else None)

    assert bench.run(compile_workflow(blocks.calling()), work).status == "completed"
    began = [activation.instance for activation in bench.began]
    assert began[:3] == ["start", "c_a1", "c_row"]
    assert sorted(began[3:6]) == ["c_a2#0", "c_a2#1", "c_a2#2"]
    assert began[6:] == ["all-c_a2", "c1"]


def test_the_passes_of_a_list_run_at_the_same_time_and_are_retried_alone(bench: Any, build: Any, blocks: Any) -> None:
    from executor.workflow.compile import compile_workflow

    meeting = threading.Barrier(3, timeout=30)

    def work(activation: Any) -> Any:
        if activation.step == "a1":
            meeting.wait()
        if activation.instance == "a2#1" and activation.attempt == 1:
            return build.failed("a2#1", for_good=False)
        return replace(build.completed(activation.instance), choice=3 if activation.step == "row" else None)

    assert bench.run(compile_workflow(blocks.construct("each")), work).status == "completed"
    tried = {a.instance: a.attempt for a in bench.began if a.step == "a2"}
    assert tried == {"a2#0": 1, "a2#1": 2, "a2#2": 1}


def test_it_waits_between_two_passes(bench: Any, build: Any, blocks: Any) -> None:
    from executor.workflow.compile import compile_workflow

    begun: dict[str, float] = {}

    def work(activation: Any) -> Any:
        begun[activation.instance] = time.monotonic()
        choice = {"until-block#1": "again", "until-block#2": "done"}.get(activation.instance)
        return replace(build.completed(activation.instance), choice=choice)

    assert bench.run(compile_workflow(blocks.construct("repeat", wait=1)), work).status == "completed"
    assert begun["a1#2"] - begun["until-block#1"] >= 1.0


def test_a_run_that_was_stopped_in_a_pass_goes_on_there(bench: Any, build: Any, blocks: Any) -> None:
    from executor.workflow.compile import compile_workflow

    workflow = compile_workflow(blocks.construct("repeat", wait=0))
    choices = {"until-block#1": "again", "until-block#2": "done"}

    def work(activation: Any) -> Any:
        if activation.instance == "a2#2" and not bench.cancelled.is_set():
            bench.cancelled.set()
            assert activation.cancelled.wait(30)
            return build.failed("a2#2", for_good=True)
        return replace(build.completed(activation.instance), choice=choices.get(activation.instance))

    assert bench.run(workflow, work).status == "cancelled"
    bench.cancelled = threading.Event()
    bench.began.clear()
    again = bench.run(workflow, lambda a: replace(build.completed(a.instance), choice=choices.get(a.instance)))
    assert again.status == "completed"
    assert [a.instance for a in bench.began if a.step != "b1"] == ["a2#2", "until-block#2", "c1"]
    assert again.outputs.keys() >= {"a1", "a2", "a1#1", "a1#2"}


def test_a_large_workflow_in_sub_workflows_runs_in_its_order(bench: Any, build: Any) -> None:
    from executor.workflow.compile import compile_workflow

    after = {"first": [], **{f"s{n}": ["first"] for n in range(220)}, "last": [f"s{n}" for n in range(220)]}
    workflow = compile_workflow(build.program(after))
    assert "SUB_WORKFLOW" in workflow.model_dump_json()
    assert bench.run(workflow).status == "completed"
    assert sorted(a.step for a in bench.began) == sorted(after)
    assert (bench.began[0].step, bench.began[-1].step) == ("first", "last")


MARK = WorkflowTask(name="done", task_reference_name="m", type="NOOP")
SIMPLE = WorkflowTask(name="test.work", task_reference_name="s", type="SIMPLE")
BAD = {
    "a case that nothing decides": (WorkflowTask(name="switch", task_reference_name="w", type="SWITCH"),),
    "a loop without an end": (
        WorkflowTask(name="l", task_reference_name="l", type="DO_WHILE", loop_over=(SIMPLE,), loop_condition="true"),
    ),
    "passes of nothing": (
        WorkflowTask(
            name="e",
            task_reference_name="e",
            type="FORK_JOIN_DYNAMIC",
            input_parameters={"dynamicTasks": "${s.output.dynamicTasks}"},
            dynamic_fork_tasks_param="dynamicTasks",
        ),
        WorkflowTask(name="join", task_reference_name="j", type="JOIN"),
    ),
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
