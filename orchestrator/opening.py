"""The beginning of a run: its folder, its archive, its goal. What cannot begin leaves nothing behind."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from pydantic import JsonValue, ValidationError

from dagwright.exceptions import DagwrightError, InputError, ModelAnswerError, ProposalRejected
from dagwright.goal import Constraints, Goal
from executor.archive.archive import Archive
from orchestrator.ingest import read_input
from orchestrator.setup import Setup

Inputs = Mapping[str, str | Path | JsonValue]
"""Values by name; a `Path` is a file."""


def new_run_id() -> str:
    """Gives a name for a run: sortable by time, unique."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"


@contextmanager
def opened(setup: Setup, strategy: str, stated: Callable[[Archive], Goal]) -> Generator[tuple[Goal, Archive]]:
    """Gives goal and archive of a new run, the goal written down; the archive is closed afterwards.

    Args:
        setup: where, and whom to tell.
        strategy: by what name the archive knows how the plan comes to be.
        stated: gives the goal; it may bring files into the archive's folder.

    Raises:
        InputError: the goal cannot be stated; the run's folder is then gone again.
        ArchiveError: the disk refuses.
    """
    archive = Archive.create(setup.home, new_run_id())
    try:
        archive.append("run.started", {"settings": dict(setup.settings), "strategy": strategy})
        goal = stated(archive)
        archive.append("goal", {"goal": archive.put(goal)})
    except BaseException:
        archive.close()
        shutil.rmtree(archive.folder, ignore_errors=True)
        raise
    with archive, resumable(archive.run):
        setup.listener.started(archive.run, str(archive.folder))
        yield goal, archive


@contextmanager
def resumable(run: str) -> Generator[None]:
    """Adds to whatever interrupts a run how to go on with it; a rejection is an end, not an interruption."""
    try:
        yield
    except (ProposalRejected, ModelAnswerError):
        raise
    except (DagwrightError, KeyboardInterrupt) as error:
        error.add_note(f"nothing is lost; go on with: dagwright run --resume {run}")
        raise


def ingest(text: str, inputs: Inputs, archive: Archive, constraints: Constraints) -> Goal:
    """Phase 1: gives the goal, its files copied and read.

    Raises:
        InputError: an input cannot be read, or the words are none.
    """
    given = {name: read_input(name, value, into=archive.inputs) for name, value in inputs.items()}
    goal_id = f"goal_{archive.run.replace('-', '_')}"
    try:
        return Goal(goal_id=goal_id, text=text, inputs=given, constraints=constraints, created_at=datetime.now(UTC))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"the goal cannot be used, at {'/'.join(map(str, first['loc']))}: {first['msg']}") from error
