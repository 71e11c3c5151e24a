"""Where an interrupted run stands: a fold over its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dagwright.event import Event
from dagwright.exceptions import ArchiveError
from dagwright.feedback import Outcome
from dagwright.goal import Goal
from dagwright.program import Program
from executor.archive import Archive
from executor.recertify import program_of
from orchestrator.assembly import Names, home
from orchestrator.setup import Setup


@dataclass(frozen=True, kw_only=True)
class Point:
    """How far a run had come."""

    goal: Goal
    """What it is for."""
    outcome: Outcome | None
    """How it ended, if it did."""
    program: Program | None
    """The version that was proven last, certified again; None where planning goes on."""
    lines: Mapping[str, str] = field(default_factory=dict[str, str])
    """The calls that the model wrote for it, by step."""


def point_of(archive: Archive) -> Point:
    """Gives how far a run had come.

    Raises:
        ArchiveError: it stopped before its goal was written down, or its program does not
            certify to the hash that the archive names.
    """
    goal: Goal | None = None
    outcome: Outcome | None = None
    proven: Event | None = None
    lines: Mapping[str, str] = {}
    for event in archive.events():
        body = event.body if isinstance(event.body, dict) else {}
        if event.kind == "goal":
            goal = Goal.model_validate(archive.get(str(body["goal"])))
        elif event.kind == "proposal":
            lines = {str(step): str(line) for step, line in dict(body.get("lines") or {}).items()}  # pyright: ignore[reportArgumentType, reportCallIssue, reportUnknownArgumentType, reportUnknownVariableType]
        elif event.kind == "program":
            proven = event
        elif event.kind == "replan":
            proven = None
        elif event.kind == "outcome":
            outcome = Outcome.model_validate(event.body)
    if goal is None:
        raise ArchiveError(f"run {archive.run!r} stopped before its goal was written down; start it anew")
    program = program_at(proven, archive) if proven else None
    return Point(goal=goal, outcome=outcome, program=program, lines=lines)


def last_program(archive: Archive) -> Program | None:
    """Gives the program that was proven last, certified again; None where there is none."""
    found = list(archive.events("program"))
    return program_at(found[-1], archive) if found else None


def program_at(event: Event, archive: Archive) -> Program:
    """Gives the program that a `program` event names, by certifying its proposal again.

    Raises:
        ArchiveError: what comes out is not what the archive names.
    """
    program = program_of(archive, event)
    named = event.body.get("program") if isinstance(event.body, dict) else None
    if program.hash != named:
        raise ArchiveError(f"run {archive.run!r}: the archived proposal certifies to {program.hash}, not {named}")
    return program


def names_of(run: str, given: Names) -> Names:
    """Gives the names that a run was started with; a model or engine named anew wins.

    Raises:
        ArchiveError: there is no such run.
    """
    with Archive.open(home(), run, read_only=True) as archive:
        body = next((event.body for event in archive.events("run.started")), None)
    settings = body.get("settings") if isinstance(body, dict) else None
    kept = Names.of({str(k): str(v) for k, v in settings.items()} if isinstance(settings, dict) else {})
    changed = {
        "model": given.model or kept.model,
        "engine": given.engine if given.engine != "embedded" else kept.engine,
    }
    return replace(kept, **changed)
