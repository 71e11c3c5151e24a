"""A dry run names the steps that a proposal lists, how often each may run, and what its blocks do."""

from __future__ import annotations

from io import StringIO
from typing import Any, cast

import pytest
from rich.console import Console

from executor.simulation.simulate import simulate
from executor.workflow.compile import compile_workflow
from orchestrator.view.blocks import called
from orchestrator.view.estimate import drawn

CALLS: dict[str, tuple[str, list[str]]] = {
    "when": ("0 – 1", ["only if start/flag is true:", "  a1 = work.number(x=1)", "  a2 = work.effect(x=a1/value)"]),
    "each": ("0 – 6", ["for each row of start/numbers (at most 6):", "  a1 = work.number(x=row/item)"]),
    "repeat": (
        "1 – 4",
        ["again until a2/value is more than 3 (at most 4 times, 2 s apart):", "  a1 = work.number(x=1)"],
    ),
    "optional": ("0 – 1", ["may fail:", "  a1 = work.number(x=1)"]),
}


@pytest.mark.parametrize(("name", "times", "calls"), [(name, *case) for name, case in CALLS.items()], ids=CALLS)
def test_calls_of_a_block_stand_below_what_it_does(blocks: Any, name: str, times: str, calls: list[str]) -> None:
    program = blocks.construct(name)
    console = Console(width=160, file=StringIO())
    console.print(drawn(program, simulate(program, compile_workflow(program))))
    found = cast("StringIO", console.file).getvalue()
    assert "\n".join(f"  {line}" for line in calls) in found
    assert [row.split("│")[3].strip() for row in found.splitlines() if row.startswith("│ a1")] == [times]
    assert not any(word in found for word in ("control.", "when-", "until-", "all-"))
    order = [row.split()[1] for row in found.splitlines() if row.startswith("│")]
    assert order[0] == "start"
    assert order.index("a1") < order.index("a2") < order.index("c1")


def test_plans_without_blocks_have_no_column_for_them(blocks: Any) -> None:
    program = blocks.certified({"begin": blocks.START}, {"n": blocks.ref("start", "/numbers")})
    console = Console(width=160, file=StringIO())
    console.print(drawn(program, simulate(program, compile_workflow(program))))
    assert "times" not in cast("StringIO", console.file).getvalue()


@pytest.mark.parametrize(
    ("step", "words"),
    [("s1", "s1"), ("until-t1", "the loop of t1"), ("when-t1", "the condition of t1"), ("all-s1", "all passes of s1")],
)
def test_what_controls_a_block_is_called_by_its_task(step: str, words: str) -> None:
    assert called(step) == words
