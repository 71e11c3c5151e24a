"""Where an interrupted run stands: a fold over its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import cast

from pydantic import JsonValue

from dagwright.event import Event
from dagwright.exceptions import ArchiveError
from dagwright.feedback import Outcome, OutcomeStatus
from dagwright.goal import Goal
from dagwright.llm.meter import added
from dagwright.llm.model import Usage
from dagwright.program import Program
from dagwright.proposal import Proposal
from executor.archive.archive import Archive
from executor.archive.recertify import program_of
from executor.engine.history import History
from orchestrator.assembly import Names, home
from orchestrator.planning import Prior
from orchestrator.replanning import finished_of
from orchestrator.rules import open_rules
from validation.rules import OwnRule

SAME_PLAN = frozenset(("settled", "fallback"))
"""Members of a `replan` event that say that no other plan was asked for."""

GIVEN = "given"
"""What a run's archive calls the strategy of a proposal that was executed as it stands."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """How far a run had come. A new run has its goal alone."""

    goal: Goal
    """What it is for."""
    outcome: Outcome | None = None
    """How it ended, if it did."""
    program: Program | None = None
    """The version that was proven last, certified again; None where planning goes on."""
    lines: Mapping[str, str] = field(default_factory=dict[str, str])
    """The calls that the model wrote for it, by step."""
    prior: Prior | None = None
    """What the version before it left, where there was one."""
    given: Proposal | None = None
    """The proposal that it was to execute as it stands, where that was not proven yet."""
    version: int = 1
    """The version that is to be planned next, where there is no program."""
    replans: int = 0
    """Versions that were given up."""
    used: Usage | None = None
    """What the model has used so far."""
    ending: tuple[OutcomeStatus, str] | None = None
    """How it is ending and why, where what it did is being taken back."""


@dataclass
class _Fold:
    goal: str = ""
    is_given: bool = False
    proposal: str = ""
    outcome: Outcome | None = None
    written: Mapping[str, str] = field(default_factory=dict[str, str])
    proven: Event | None = None
    lines: Mapping[str, str] = field(default_factory=dict[str, str])
    given_up: tuple[Event, Mapping[str, str]] | None = None
    replans: list[dict[str, JsonValue]] = field(default_factory=list[dict[str, JsonValue]])
    ending: tuple[OutcomeStatus, str] | None = None

    def take(self, event: Event) -> None:
        body = event.body if isinstance(event.body, dict) else {}
        if event.kind == "run.started":
            self.is_given = body.get("strategy") == GIVEN
        elif event.kind == "goal":
            self.goal = str(body["goal"])
        elif event.kind == "proposal":
            self.proposal = str(body["proposal"])
            self.written = cast("dict[str, str]", body.get("lines") or {})
        elif event.kind == "program":
            self.proven, self.lines = event, self.written
        elif event.kind == "replan":
            self.given_up = (self.proven, self.lines) if self.proven else self.given_up
            self.proven = None
            self.replans.append(body)
        elif event.kind == "rollback":
            begun = body["state"] == "begun"
            self.ending = (cast("OutcomeStatus", body["status"]), str(body["reason"])) if begun else self.ending
        elif event.kind == "outcome":
            self.outcome = Outcome.model_validate(event.body)


def point_of(archive: Archive, rules: tuple[OwnRule, ...] = ()) -> Point:
    """Gives how far a run had come.

    Args:
        archive: of the run.
        rules: rules of your own that its programs were certified with.

    Raises:
        ArchiveError: it stopped before its goal was written down, or its program does not
            certify to the hash that the archive names.
    """
    fold = _Fold()
    for event in archive.events():
        fold.take(event)
    if not fold.goal:
        raise ArchiveError(f"run {archive.run!r} stopped before its goal was written down; start it anew")
    if fold.is_given and not fold.proposal:
        raise ArchiveError(f"run {archive.run!r} stopped before its proposal was written down; execute that anew")
    goal = Goal.model_validate(archive.get(fold.goal))
    unproven = fold.is_given and fold.proven is None
    program = program_at(fold.proven, archive, rules) if fold.proven else None
    prior = _prior(fold.given_up, fold.replans[-1], archive, rules) if fold.given_up else None
    return Point(
        goal=goal,
        outcome=fold.outcome,
        program=program,
        lines=fold.lines,
        prior=prior,
        given=Proposal.model_validate(archive.get(fold.proposal)) if unproven else None,
        version=prior.program.proposal.version + 1 if prior else 1,
        replans=sum(replan.keys().isdisjoint(SAME_PLAN) for replan in fold.replans),
        ending=fold.ending,
        used=_used(archive),
    )


def _prior(
    given_up: tuple[Event, Mapping[str, str]],
    last: Mapping[str, JsonValue],
    archive: Archive,
    rules: tuple[OwnRule, ...],
) -> Prior:
    """Gives what the version that was given up last left to the next one."""
    event, lines = given_up
    program = program_at(event, archive, rules)
    return Prior(
        program=program,
        finished=finished_of(program, lines, History(archive, program.hash).finished()),
        reasons=tuple(cast("list[str]", last.get("reasons") or [])),
        banned=frozenset(cast("list[str]", last.get("banned") or [])),
    )


def _used(archive: Archive) -> Usage | None:
    bodies = [event.body for event in archive.events("llm.exchange") if isinstance(event.body, dict)]
    usages = [Usage.model_validate(body["usage"]) for body in bodies if "usage" in body]
    return reduce(added, usages) if usages else None


def program_at(event: Event, archive: Archive, rules: tuple[OwnRule, ...] = ()) -> Program:
    """Gives the program that a `program` event names, by certifying its proposal again.

    Raises:
        ArchiveError: what comes out is not what the archive names.
    """
    program = program_of(archive, event, rules)
    named = event.body.get("program") if isinstance(event.body, dict) else None
    if program.hash != named:
        raise ArchiveError(f"run {archive.run!r}: the archived proposal certifies to {program.hash}, not {named}")
    return program


def rules_of(archive: Archive) -> tuple[OwnRule, ...]:
    """Gives the rules of your own that a run was started with.

    Raises:
        RuleError: they cannot be loaded.
    """
    return open_rules(_names(archive).rules)


def names_of(run: str, given: Names) -> Names:
    """Gives the names that a run was started with; a model or engine named anew wins.

    Raises:
        ArchiveError: there is no such run.
    """
    with Archive.open(home(), run, read_only=True) as archive:
        kept = _names(archive)
    changed = {
        "model": given.model or kept.model,
        "engine": given.engine if given.engine != "embedded" else kept.engine,
    }
    return replace(kept, **changed)


def _names(archive: Archive) -> Names:
    body = next((event.body for event in archive.events("run.started")), None)
    settings = body.get("settings") if isinstance(body, dict) else None
    return Names.of({str(k): str(v) for k, v in settings.items()} if isinstance(settings, dict) else {})
