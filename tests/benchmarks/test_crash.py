"""`bench crash`: plans certify, records become figures, and one run is killed and ends right."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.crash import SETS, run, score
from benchmarks.crash_victim import STARTS, Conductor
from benchmarks.crash_world import ONCE, case_of, world
from benchmarks.suite import Options
from dagwright.exceptions import TimedOut
from dagwright.policy import Policy
from executor.conductor import server
from executor.conductor.server import ServerStatus
from validation import validate


@pytest.mark.parametrize("acts", sorted({plan.acts for plan in SETS.values()}))
def test_plans_hold_and_all_kinds_of_blocks_are_drawn(acts: tuple[str, ...]) -> None:
    cases = [case_of(seed, acts) for seed in range(12)]
    policy = Policy(name="crash", allowed_hosts=("127.0.0.1:1",))
    workers = frozenset({"python", "control", "worker"})
    for case in cases:
        assert validate(case.proposal, catalogue=world(1), policy=policy, workers=workers).is_valid
    assert {block.kind for case in cases for block in case.blocks} == {"plain", "when", "each", "repeat", "optional"}
    assert any(block.operation in ONCE for case in cases for block, _ in case.effects())


def record(**more: Any) -> dict[str, Any]:
    known = {"item": "embedded/0", "set": "embedded", "kills": 4, "effects": 5, "duplicated": 0, "end": "right"}
    return {**known, "damaged": False, "asked": 0, "resume_seconds": [1.0]} | more


def test_figures_count_what_must_not_be() -> None:
    found = score([record(), record(item="embedded/1", end="lost", duplicated=1, asked=2, resume_seconds=[3.0])])
    assert {name: found[name].value for name in ("kills", "lost", "duplicated_effects", "wrong", "asked")} == {
        "kills": 8,
        "lost": 0.5,
        "duplicated_effects": 0.1,
        "wrong": 0,
        "asked": 0.5,
    }
    assert found["embedded.resume_seconds"].value == 2.0


def test_a_conductor_server_that_is_slow_to_start_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def up(on_progress: Any, *, port: int, home: Path) -> ServerStatus:
        asked.append(port)
        if len(asked) < STARTS:
            raise TimedOut("it was not healthy in time")
        return ServerStatus(state="up", url=f"http://127.0.0.1:{port}/api", port=port)

    monkeypatch.setattr(server, "up", up)
    assert Conductor(tmp_path).url == f"http://127.0.0.1:{asked[0]}/api"
    assert len(set(asked)) == 1


@pytest.mark.slow(reason="starts and kills some eight processes")
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
def test_a_run_that_is_killed_ends_right(tmp_path: Path) -> None:
    (found,) = run(Options(limit=1, sets=("embedded",), out=tmp_path), lambda done, total, text: None)
    assert (found["end"], found["duplicated"], found["damaged"]) == ("right", 0, False)
    assert found["kills"]
