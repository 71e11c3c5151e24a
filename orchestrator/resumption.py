"""Where an interrupted run stands: a fold over its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dagwright.catalogue import Catalogue
from dagwright.event import Event
from dagwright.exceptions import ArchiveError
from dagwright.feedback import Outcome
from dagwright.goal import Goal
from dagwright.policy import Policy
from dagwright.program import Program
from dagwright.proposal import Proposal
from executor.archive import Archive
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


def point_of(archive: Archive, setup: Setup) -> Point:
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
    program = program_of(proven, archive) if proven else None
    return Point(goal=goal, outcome=outcome, program=program, lines=lines)


def last_program(archive: Archive) -> Program | None:
    """Gives the program that was proven last, certified again; None where there is none."""
    found = list(archive.events("program"))
    return program_of(found[-1], archive) if found else None


def program_of(event: Event, archive: Archive) -> Program:
    """Gives the program that a `program` event names, by certifying its proposal again.

    Raises:
        ArchiveError: what comes out is not what the archive names.
    """
    from validation import certify

    assert isinstance(event.body, dict)
    body = event.body
    program = certify(
        Proposal.model_validate(archive.get(str(body["proposal"]))),
        catalogue=Catalogue.model_validate(archive.get(str(body["catalogue"]))),
        policy=Policy.model_validate(archive.get(str(body["policy"]))),
        workers=frozenset(("python", "http", "llm", "human")),
        at=_day(str(body["at"])),
    )
    if program.hash != body["program"]:
        raise ArchiveError(
            f"run {archive.run!r}: the archived proposal certifies to {program.hash}, not {body['program']}"
        )
    return program


def _day(text: str):
    from datetime import date

    return date.fromisoformat(text)


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
