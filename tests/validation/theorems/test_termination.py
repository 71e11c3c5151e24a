"""T4: validation ends, and the work of every level grows with the size of the proposal, not with its square.

Work is counted in calls of Python functions, which no other process disturbs.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
SHAPES: dict[str, Callable[[int], list[int]]] = {
    "chain": lambda place: [place - 1] if place else [],
    "star": lambda place: [0] if place else [],
    "side by side": lambda place: [],
    "layers of ten": lambda place: [other for other in range(place // 10 * 10 - 10, place // 10 * 10) if other >= 0],
}


def proposal(world: Any, count: int, shape: str) -> Json:
    waits = SHAPES[shape]
    needs = {f"s{place}": [f"s{other}" for other in waits(place)] for place in range(count)}
    steps = [
        world.step(
            name,
            "lab.work",
            {"texts": {"list": [{"from": other, "path": "/text"} for other in others] or [{"literal": "x"}]}},
        )
        | {"preconditions": [{"fact": "ready"}] if others else [], "postconditions": [{"fact": "ready"}]}
        for name, others in needs.items()
    ]
    return {**world.proposal(steps, needs=needs), "answer": {"a": {"from": f"s{count - 1}", "path": "/text"}}}


def work(world: Any, count: int, shape: str) -> int:
    """Gives the calls of functions that judging a plan of so many steps takes."""
    done = Counter[str]()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event in ("call", "c_call"):
            done["calls"] += 1

    tool = world.spec("lab.work", {"texts": {"type": "array", "items": TEXT}}, {"text": TEXT})
    catalogue, made = world.catalogue(tool), proposal(world, count, shape)
    sys.setprofile(note)
    try:
        report = world.judged(made, catalogue, world.allowed)
    finally:
        sys.setprofile(None)
    assert report.is_valid, report.errors[:2]
    return done["calls"]


@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_steps_are_twice_the_work(world: Any, shape: str) -> None:
    work(world, 20, shape)  # what is compiled once is not counted
    assert work(world, 400, shape) < 2.3 * work(world, 200, shape)


def test_a_level_that_compares_all_pairs_is_found_out(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_pairs(context: Any) -> Any:
        for one in context.steps:
            for other in context.steps:
                context.upstream(one, other)
        return ()

    monkeypatch.setattr("validation.examination.rollback_findings", all_pairs)
    work(world, 20, "chain")
    assert work(world, 400, "chain") > 2.3 * work(world, 200, "chain")
