"""What a person is told while a plan with blocks is run: loops by counts, what controls a block only where it fails."""

from __future__ import annotations

from io import StringIO
from typing import Any, cast

import pytest
from rich.console import Console

from dagwright.feedback import ErrorRecord, Feedback
from executor.engine.engine import Progress, ProgressState
from orchestrator.view.live import FAILURES, LiveView
from orchestrator.view.live_loops import LiveLoops

Told = list[tuple[str, ProgressState]]


def shown(program: Any, told: Told, failures: tuple[Feedback, ...] = ()) -> list[str]:
    view = LiveView(Console(width=140, file=StringIO()))
    view.executing(program)
    for step, state in told:
        view.progress(Progress(step=step, state=state))
    for feedback in failures:
        view.failed(feedback)
    return [line.strip() for line in cast("StringIO", view.console.file).getvalue().splitlines() if line.strip()]


def once(step: str, *more: ProgressState) -> Told:
    return [(step, state) for state in ("scheduled", "running", *(more or ("completed",)))]


HEAD = once("start") + once("row")
EACH: dict[str, tuple[Told, list[str]]] = {
    "all passes": (
        [(f"a1#{n}", "scheduled") for n in range(20)]
        + [told for n in range(20) for told in (once(f"a1#{n}") + once(f"a2#{n}"))],
        ["▸ block for each row of start/numbers (at most 6)", "✓ block 20 of 20 done"],
    ),
    "one failed": (
        [(f"a1#{n}", "scheduled") for n in range(3)]
        + once("a1#0", "failed")
        + once("a1#1")
        + once("a1#2")
        + once("a2#1")
        + once("a2#2"),
        ["▸ block for each row of start/numbers (at most 6)", "✓ block 2 of 3 done, 1 failed"],
    ),
    "failed at first": (
        [
            ("a1#0", "scheduled"),
            *once("a1#0"),
            *once("a2#0", "failed"),
            *once("a2#0", "retrying", "running", "completed"),
        ],
        ["▸ block for each row of start/numbers (at most 6)", "✗ block 0 of 1 done, 1 failed", "✓ block 1 of 1 done"],
    ),
}


@pytest.mark.parametrize(("told", "lines"), EACH.values(), ids=EACH)
def test_passes_are_counted(blocks: Any, told: Told, lines: list[str]) -> None:
    found = shown(blocks.construct("each"), [*HEAD, *told, *once("all-a2"), *once("c1")])
    loop = [line.rsplit(" ", 2)[0] if line.endswith(" s") else line for line in found if " block " in line]
    assert loop == lines
    assert not [line for line in found if "#" in line or "all-" in line or " row" in line.split("for each")[0]]
    assert any("c1 do c1" in line for line in found)


def test_there_is_a_line_a_second_at_the_most_about_a_loop(blocks: Any) -> None:
    now = 0.0
    loops = LiveLoops(blocks.construct("repeat"), clock=lambda: now)
    lines: list[str] = []
    for number in range(1, 101):
        for step, state in once(f"a1#{number}") + once(f"a2#{number}"):
            told = loops.line(Progress(step=step, state=state))
            lines += [told[2]] if told else []
            now += 0.01
    assert lines[0] == "again until a2/value is more than 3 (at most 4 times, 2 s apart)"
    assert lines[1] == "pass 17 of at most 4"
    assert len(lines) == 6
    assert [told[2] for told in loops.rest()] == ["pass 100 of at most 4"]
    assert loops.rest() == []


def test_what_controls_a_block_is_told_where_it_fails(blocks: Any) -> None:
    found = shown(blocks.construct("when_each"), [*once("when-block"), *once("row", "failed")])
    assert found[-1] == "✗ 'row' of the loop of task 'block'"
    assert not any("when" in line for line in found)


def test_a_skipped_step_is_told(blocks: Any) -> None:
    assert "– a1 do a1" in shown(blocks.construct("when"), [*once("when-block"), ("a1", "skipped")])


def test_the_first_failed_passes_are_told(blocks: Any) -> None:
    error = ErrorRecord(kind="content", code="no", message="not this one")
    failures = tuple(Feedback(step_id=f"a2#{n}", execution_status="failure", errors=(error,)) for n in range(50))
    found = shown(blocks.construct("each"), [], failures)
    assert found[1:] == [f"a2 (pass {n + 1}) content no: not this one" for n in range(FAILURES)]
