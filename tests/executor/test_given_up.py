"""What an optional block did not give, it does not give in a later version either: others have gone on without it."""

from __future__ import annotations

from typing import Any

import pytest

from dagwright.exceptions import ToolRejected, ToolUnavailable
from executor.archive.archive import Archive
from executor.engine.decide import Finish
from executor.engine.engine import Activation, EngineResult
from executor.engine.history import History
from executor.ledger.ledger import Ledger
from executor.worker.failure import failure_of


def plan(blocks: Any, version: int) -> Any:
    """begin → an optional block with an effect → end, which does without it → last."""
    proposal = blocks.plan("optional", wait=0)
    proposal["plan"]["nodes"].append({"task_id": "after", "description": "after", "dependencies": ["end"]})
    proposal["decompositions"].append({"task_id": "after", "steps": [blocks.step("last", x=blocks.ref("c1"))]})
    return blocks.proven(proposal | {"answer": {"a": blocks.ref("last")}, "version": version})


def run(archive: Archive, build: Any, program: Any, failing: dict[str, Exception]) -> tuple[EngineResult, list[str]]:
    called: list[str] = []

    def call(spec: Any, arguments: Any, context: Any) -> Any:
        called.append(context.step)
        if context.step in failing:
            raise failing[context.step]
        return {"numbers": [1], "flag": True} if context.step == "start" else {"value": 1}

    build.record(archive, program)
    return build.executed(program, archive, {"python": call}), called


FAILURES = {
    "it was refused": ToolRejected("never", code="http_409"),
    "nobody knows whether it happened": ToolUnavailable("it broke", code="http_broken"),
}


@pytest.mark.parametrize("why", FAILURES)
def test_a_block_that_was_given_up_stays_given_up(archive: Archive, build: Any, blocks: Any, why: str) -> None:
    stop = ToolRejected("never", code="http_409")
    first, _ = run(archive, build, plan(blocks, 1), {"a2": FAILURES[why], "last": stop})
    assert (first.status, first.failed_step) == ("failed", "last")
    assert "c1" in first.outputs
    for entry in Ledger(archive).entries():
        if entry.state == "unknown":  # a person says that it happened, and what it gave
            Ledger(archive).settle(entry.key, "happened", by="me", output=archive.put({"value": 7}))
    second, called = run(archive, build, plan(blocks, 2), {})
    assert second.status == "completed"
    assert called == ["last"]
    assert "a2" not in second.outputs, "what followed was computed without it"


def test_what_ended_the_earlier_version_is_tried_again(archive: Archive, build: Any, blocks: Any) -> None:
    stop = ToolRejected("never", code="http_409")
    run(archive, build, plan(blocks, 1), {"last": stop})
    second, called = run(archive, build, plan(blocks, 2), {})
    assert second.status == "completed"
    assert called == ["last"]
    assert "a2" in second.outputs


def test_a_step_that_failed_beside_the_one_that_ended_the_version_is_tried_again(
    archive: Archive, build: Any, blocks: Any
) -> None:
    """Two passes may fail in one round: neither was gone on without."""
    program = blocks.proven(blocks.plan("each"))
    build.record(archive, program)
    history, stop = History(archive, program.hash), ToolRejected("never", code="http_409")
    failed = failure_of(stop, Activation(run="run", program=program.hash, step="a2", attempt=1), 0.0)
    for step in ("a2#0", "a2#1"):
        history.record("task.scheduled", step, 1)
        history.record_result(step, 1, failed)
    history.record_end(Finish("failed", "a2#1"))
    again = blocks.proven(blocks.plan("each") | {"version": 2})
    build.record(archive, again)
    assert History(archive, again.hash).given_up() == frozenset()
