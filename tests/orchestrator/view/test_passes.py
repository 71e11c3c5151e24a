"""One line per step, however often it was run; what controls blocks only where it went wrong."""

from __future__ import annotations

from io import StringIO
from typing import Any, cast

import pytest
from rich.console import Console

from dagwright.proposal import Proposal
from executor.replay.timeline import Attempt, AttemptState, Row, Timeline
from orchestrator.view import run_table
from orchestrator.view.gantt import gantt
from orchestrator.view.history import timeline
from orchestrator.view.passes import folded
from orchestrator.view.timeline_page import figures


def row(step: str, state: AttemptState = "completed", at: float = 0.0, operation: str = "work.number") -> Row:
    ended = None if state in ("running", "scheduled") else at + 1
    started = None if state == "scheduled" else at
    error = "content no" if state == "failed" else ""
    attempt = Attempt(number=1, scheduled=at, started=started, ended=ended, state=state, error=error)
    task = "block" if "#" in step or operation.startswith("control.") else ""
    return Row(step=step, operation=operation, version=1, task=task, attempts=[attempt])


def states(step: str, *found: AttemptState) -> list[Row]:
    return [row(f"{step}#{number}", state, at=number) for number, state in enumerate(found)]


TALLIES: dict[str, tuple[list[Row], str, str, str]] = {
    "in no loop": ([row("a1")], "a1", "completed", ""),
    "all done": (states("a1", *["completed"] * 20), "a1", "completed", "20 of 20 done"),
    "some failed": (states("a1", "completed", "failed", "completed"), "a1", "partly", "2 of 3 done, 1 failed"),
    "all failed": (states("a1", "failed", "failed"), "a1", "failed", "0 of 2 done, 2 failed"),
    "failed and given up": (states("a1", "failed", "cancelled"), "a1", "failed", "0 of 2 done, 1 failed, 1 cancelled"),
    "on its way": (states("a1", "completed", "running", "scheduled"), "a1", "running", "1 of 3 done, 1 running"),
    "a condition that failed": (
        [row("when-block", "failed", operation="control.when")],
        "block (condition)",
        "failed",
        "",
    ),
    "too many items": ([row("city", "failed", operation="control.each")], "city (loop)", "failed", ""),
    "a loop without an end": (
        [row("until-block#2", "failed", operation="control.until")],
        "block (loop)",
        "failed",
        "0 of 1 done, 1 failed",
    ),
}


@pytest.mark.parametrize(("rows", "step", "state", "tally"), TALLIES.values(), ids=TALLIES)
def test_the_passes_of_a_step_are_one_line(rows: list[Row], step: str, state: str, tally: str) -> None:
    (line,) = folded(rows)
    assert (line.step, line.state, line.tally) == (step, state, tally)


def test_a_step_that_not_all_passes_reached_says_so() -> None:
    rows = [*states("a1", "completed", "failed", "completed"), row("a2#0"), row("a2#2")]
    assert [line.tally for line in folded(rows)] == ["2 of 3 done, 1 failed", "2 of 3 done"]


def test_what_controls_blocks_is_left_out_where_it_went_well() -> None:
    rows = [row(step, operation=f"control.{kind}") for step, kind in (("row", "each"), ("all-a1", "collect"))]
    assert [line.step for line in folded([*rows, row("a1#0")])] == ["a1"]


def line_of(*rows: Row) -> Timeline:
    return Timeline(run="r", seconds=9, phases=(), calls=(), rows=rows)


def printed(drawn: Any) -> str:
    console = Console(width=140, file=StringIO())
    console.print(drawn)
    return cast("StringIO", console.file).getvalue()


def test_table_timeline_and_picture_have_a_line_per_step() -> None:
    many = line_of(row("start"), row("row", operation="control.each"), *states("a1", *["completed"] * 999, "failed"))
    for drawn in (printed(run_table.table(many)), printed(run_table.bars(many))):
        assert "999 of 1000 done, 1 failed" in drawn
        assert len(drawn.splitlines()) < 8
    assert ">a1 ×1000</text>" in gantt(many)
    assert gantt(many).rindex("bar failed pass") > gantt(many).rindex("bar completed"), "seen over those that went well"
    assert ("Steps", "2 in 1001 passes, 1 failed, 0 retries") in figures(many)


def test_the_tree_says_why_a_block_was_not_run(blocks: Any) -> None:
    def tree(name: str, *rows: Row) -> str:
        return printed(run_table.tree(Proposal.model_validate(blocks.plan(name)), line_of(*rows)))

    condition, head = row("when-block", operation="control.when"), row("row", operation="control.each")
    assert "skipped: the condition did not hold" in tree("when", row("start"), condition)
    assert "there was no item" in tree("when_each", row("start"), condition, head)
    assert "was not run in this version" in tree("when", row("start"))
    assert "✓ a1 work.number 3 of 3 done" in tree("each", head, *states("a1", *["completed"] * 3))
    assert "for each row of start/numbers (at most 6)" in tree("each")


def test_a_run_is_shown_with_one_bar_per_step() -> None:
    events = [
        {"step": f"{step}#{number}", "attempt": 1, "kind": f"task.{kind}", "seconds": number + at}
        for number in range(50)
        for step in ("a1", "until-block")
        for at, kind in ((0.0, "started"), (0.5, "failed" if number == 7 and step == "a1" else "completed"))
    ]
    lines = [str(line) for line in timeline(cast("Any", events))]
    assert len(lines) == 1
    assert lines[0].split("█")[-1].strip() == "49.500 s 1 failed, 49 completed"
