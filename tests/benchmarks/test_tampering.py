"""Whatever is changed, dropped, doubled or moved in the record of a run is found: each class, many places."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.recordings import recorded_run
from benchmarks.tampering import CLASSES, problem, tampered
from benchmarks.trial import setup_of
from dagwright.exceptions import ArchiveError, ToolRejected
from executor.archive.archive import Archive
from executor.replay.replay import replay


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that read a table, wrote files (one of them untold) and kept a ledger."""
    home = tmp_path_factory.mktemp("home")
    outcome = recorded_run(0, 0, setup_of("local", home))
    assert outcome.status == "done", outcome.reason
    assert outcome.files
    return home / "runs" / outcome.run


def test_what_nobody_touched_is_whole(whole: Path) -> None:
    assert problem(whole) == ""


@pytest.mark.parametrize("kind", CLASSES)
def test_every_kind_of_change_has_something_to_change_here(whole: Path, kind: str, tmp_path: Path) -> None:
    done, found, how = tampered(whole, kind, Random(1), tmp_path)
    assert done
    assert found, f"{done}: nothing noticed"
    assert how


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(sorted(CLASSES)), seed=st.integers(0, 2**32))
def test_a_change_is_found_wherever_it_is(whole: Path, tmp_path: Path, kind: str, seed: int) -> None:
    done, found, _ = tampered(whole, kind, Random(seed), tmp_path / str(seed))
    assert found or not done, f"{kind}, {done}: nothing noticed"


@pytest.mark.slow(reason="some 600 verifications")
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(sorted(CLASSES)), seed=st.integers(0, 2**32))
def test_a_change_is_found_wherever_it_is_at_length(whole: Path, tmp_path: Path, kind: str, seed: int) -> None:
    done, found, _ = tampered(whole, kind, Random(seed), tmp_path / str(seed))
    assert found or not done, f"{kind}, {done}: nothing noticed"


def test_a_cut_history_is_not_gone_on_with(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "run")
    with closing(sqlite3.connect(tmp_path / "run" / "archive.db")) as connection, connection:
        connection.execute("DELETE FROM event WHERE kind = 'outcome'")
    with pytest.raises(ArchiveError, match="was cut off at its end"):
        Archive.at(tmp_path / "run")


# -------------------------------------------------------------------------------------- replay


def test_pure_steps_are_executed_again(whole: Path) -> None:
    with Archive.at(whole, read_only=True) as archive:
        found = replay(archive)
        completed = [event.body["step"] for event in archive.events("task.completed")]  # type: ignore[index, call-overload]
    assert found.reproduced, found.divergence
    assert list(found.executed) == completed
    assert found.taken == {}


def test_a_tool_that_gives_other_bytes_is_named(whole: Path) -> None:
    def other(spec: Any, arguments: Any, context: Any) -> Any:
        return {"table": [{"x": 1}]}

    with Archive.at(whole, read_only=True) as archive:
        found = replay(archive, runners={"python": other})
    assert "step 's0' (data.load_csv) now gives other bytes, first at '/table'" in found.divergence


def test_a_tool_that_fails_now_is_named(whole: Path) -> None:
    def refusing(spec: Any, arguments: Any, context: Any) -> Any:
        raise ToolRejected("not today", code="closed")

    with Archive.at(whole, read_only=True) as archive:
        found = replay(archive, runners={"python": refusing})
    assert "was completed once, and now fails: not today" in found.divergence


def test_what_has_no_runner_is_taken_from_the_archive(whole: Path) -> None:
    with Archive.at(whole, read_only=True) as archive:
        found = replay(archive, runners={})
    assert found.reproduced
    assert found.executed == ()
    assert found.taken["python"] > 0
