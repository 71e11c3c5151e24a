"""`bench faults`: its plans are sound, its faults are noticed, and its judge looks at what happened outside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.faults import SETS, run, score
from benchmarks.faults_world import MODULUS, Observer, case_of, world
from benchmarks.suite import Options
from dagwright.policy import Policy
from validation import certify


def silent(done: int, total: int, what: str) -> None:
    return


@pytest.mark.parametrize("seed", range(5))
def test_each_plan_certifies_and_every_effect_can_be_undone(seed: int) -> None:
    case = case_of(seed)
    program = certify(case.proposal, catalogue=world(), policy=Policy(name="p"), workers=frozenset({"python"}))
    for item in program.steps:
        assert (item.compensation is not None) == (item.spec.operation != "sum")
    assert all(0 <= value < MODULUS for value in case.right.values())


STANDING = {
    "an order": (("add x",), {"x": 1}),
    "taken back": (("add x", "take x"), {"x": 0}),
    "done twice": (("add x", "add x"), {"x": 2}),
    "put twice": (("put x", "put x"), {"x": 1}),
    "removed": (("put x", "remove x", "remove x"), {"x": 0}),
    "taken back before it was there": (("take x", "add x"), {"x": 1}),
}


@pytest.mark.parametrize(("lines", "stands"), STANDING.values(), ids=STANDING)
def test_the_observer_knows_what_stands(tmp_path: Path, lines: tuple[str, ...], stands: Mapping[str, int]) -> None:
    observer = Observer(tmp_path / "observed")
    assert observer.stands() == {}
    for line in lines:
        observer.note(*line.split())
    assert observer.stands() == stands


def test_one_plan_of_some_sets_ends_as_it_must() -> None:
    chosen = ("honest", "refuses", "wrong_type", "flaky_30")
    records: list[dict[str, Any]] = list(run(Options(limit=1, sets=chosen), silent))
    assert [record["set"] for record in records] == list(chosen)
    assert [record["end"] for record in records][:3] == ["right", "honest", "honest"]
    metrics = score(records)
    assert metrics["ended_wrong"].value == 0
    assert metrics["honest.right"].value == 1


def test_all_sets_have_a_fault_of_their_own() -> None:
    assert len({(fault, share) for fault, share, _ in SETS.values()}) == len(SETS)
