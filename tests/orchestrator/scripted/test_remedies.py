"""What became of the errors in proposals: counted per code, over rounds and runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagwright.canonical import to_json
from dagwright.exceptions import ArchiveError, ProposalRejected
from dagwright.goal import Goal
from dagwright.proposal import Proposal
from executor.archive.archive import Archive
from executor.replay.replay import replay
from executor.replay.verify import verify
from orchestrator.pipeline import plan_goal
from orchestrator.remedies import Round, remedies, rounds_of, tally
from orchestrator.strategy.interleaved import Interleaved
from orchestrator.strategy.strategy import Planned, PlanningContext

Change = Mapping[str, Any]
"""What a proposal gets wrong in its last step's intent."""

RIGHT: Change = {}
FIXABLE: Change = {"operation": "agregate"}
HOPELESS: Change = {"operation": "levitate"}


@dataclass
class Wrong:
    """A strategy whose proposals have errors: as `changes` say, one a round."""

    changes: Sequence[Change]
    name: str = "wrong"

    def __post_init__(self) -> None:
        self._rest = iter(self.changes)

    def propose(self, goal: Goal, context: PlanningContext) -> Planned:
        planned = Interleaved().propose(goal, replace(context, banned=frozenset()))
        data: Any = to_json(planned.proposal)
        change = next(self._rest)
        intent = data["decompositions"][-1]["steps"][-1]["tool_intent"]
        intent |= change
        return Planned(proposal=Proposal.model_validate(data), lines=planned.lines)


LINES = ('aggregate(table=sales, column="price", function="mean")', "answer(s1)")


def planned(bench: Any, sales: Path, *changes: Change) -> str:
    """Plans with a strategy that is wrong in these ways; gives the run."""
    setup = replace(bench.setup(*LINES * len(changes)), strategy=Wrong(changes))
    rejected, before = changes[-1] is HOPELESS, set(bench.runs())
    with pytest.raises(ProposalRejected) if rejected else nullcontext():
        plan_goal("What is the mean price?", {"sales": sales}, setup)
    (run,) = set(bench.runs()) - before
    return str(run)


def counts(bench: Any, *named: str) -> dict[str, tuple[int, int, int, int]]:
    """Gives found, by patch, by model, left by code."""
    found = remedies(bench.home, named)
    return {one.code: (one.found, one.by_patch, one.by_model, one.left) for one in found.codes}


CASES: dict[str, tuple[tuple[Change, ...], dict[str, tuple[int, int, int, int]]]] = {
    "right at once": ((RIGHT,), {}),
    "a patch fixes it": ((FIXABLE,), {"M202": (1, 1, 0, 0)}),
    "the model fixes it": ((HOPELESS, RIGHT), {"M202": (1, 0, 1, 0)}),
    "the model makes it fixable": ((HOPELESS, FIXABLE), {"M202": (1, 1, 0, 0)}),
    "two rounds by the model": ((HOPELESS, HOPELESS, RIGHT), {"M202": (1, 0, 1, 0)}),
    "nobody fixes it": ((HOPELESS, HOPELESS, HOPELESS), {"M202": (1, 0, 0, 1)}),
}


@pytest.mark.parametrize(("changes", "expected"), CASES.values(), ids=CASES)
def test_what_became_of_the_errors(
    bench: Any, sales: Path, changes: tuple[Change, ...], expected: dict[str, tuple[int, int, int, int]]
) -> None:
    run = planned(bench, sales, *changes)
    assert counts(bench) == counts(bench, run) == expected
    assert len(bench.events(run, "report")) == len(changes)
    with Archive.open(bench.home, run, read_only=True) as archive:
        assert verify(archive) == ()
        assert replay(archive).reproduced
        assert {one.version for one in rounds_of(archive)} == {1}


def test_the_archive_says_what_was_found_and_what_was_applied(bench: Any, sales: Path) -> None:
    first, second = bench.events(planned(bench, sales, FIXABLE), "proposal")
    assert (first.body["findings"], second.body["applied"]) == ({"M202": 1}, {"M202": 1})
    assert first.body["proposal"] != second.body["proposal"]


def test_all_runs_count_and_damaged_ones_are_named(bench: Any, sales: Path) -> None:
    for changes in ((FIXABLE,), (HOPELESS, RIGHT), (RIGHT,)):
        run = planned(bench, sales, *changes)
    (bench.home / "runs" / run / "archive.db").write_bytes(b"no database")
    found = remedies(bench.home)
    assert counts(bench) == {"M202": (2, 1, 1, 0)}
    assert (len(found.runs), found.damaged, found.rounds, found.unrecorded) == (2, (run,), 3, 0)
    with pytest.raises(ArchiveError):
        remedies(bench.home, [run])


def test_older_archives_tell_what_was_left(bench: Any, sales: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append = Archive.append

    def without_counts(self: Archive, kind: Any, body: Any) -> Any:
        if kind == "proposal":
            body = {name: value for name, value in body.items() if name not in ("findings", "applied")}
        return append(self, kind, body)

    monkeypatch.setattr(Archive, "append", without_counts)
    run = planned(bench, sales, HOPELESS, FIXABLE)
    assert counts(bench) == {"M202": (1, 0, 1, 0)}, "that a patch did it is not known"
    assert remedies(bench.home).unrecorded == 2
    with Archive.open(bench.home, run, read_only=True) as archive:
        assert verify(archive) == ()
        assert replay(archive).reproduced


def test_the_command_line_shows_it(bench: Any, sales: Path, dagwright: Any, home: Path) -> None:
    assert "0 proposals in 0 runs" in dagwright("runs", "findings").out
    there = replace(bench, home=home)
    run = planned(there, sales, HOPELESS, FIXABLE)
    found = dagwright("runs", "findings", run, "--json").json
    assert found["codes"] == [{"code": "M202", "found": 1, "by_patch": 1, "by_model": 0, "left": 0}]
    assert (found["runs"], found["rounds"]) == ([run], 2)
    shown = dagwright("runs", "findings").out
    assert "2 proposals in 1 runs" in shown
    assert "M202" in shown
    assert dagwright("runs", "findings", "nowhere").code == 2


codes = st.dictionaries(st.sampled_from("ABC"), st.integers(0, 4)).map(lambda found: +Counter(found))
rounds = st.lists(st.builds(Round, st.integers(1, 2), st.none() | codes, codes)).map(
    lambda found: sorted(found, key=lambda one: one.version)
)


@given(rounds)
def test_every_error_that_was_found_is_fixed_by_somebody_or_left(given_rounds: list[Round]) -> None:
    total = tally(given_rounds)
    assert total.found == total.by_patch + total.by_model + total.left
