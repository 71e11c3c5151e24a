"""`replay`: every artefact of a run made again from its archive, without model, network or effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from pydantic import JsonValue

from dagwright.canonical import sha256
from dagwright.event import Event
from dagwright.exceptions import DagwrightError
from dagwright.program import Program
from executor.archive import Archive
from executor.compile import compile_workflow
from executor.decide import Command, Execution, Finish, Schedule, Stopped
from executor.history import History
from executor.recertify import program_of
from executor.resolve import resolve


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What replaying a run showed."""

    run: str
    events: int
    """Events read."""
    programs: int
    """Programs certified and compiled again."""
    decisions: int
    """Attempts that the core scheduled again, as recorded."""
    divergence: str = ""
    """The first difference between the archive and what came out now; empty for none."""

    @property
    def reproduced(self) -> bool:
        """Whether everything came out as archived."""
        return not self.divergence

    def as_json(self) -> JsonValue:
        """Gives it as JSON."""
        return {
            "run": self.run,
            "reproduced": self.reproduced,
            "events": self.events,
            "programs": self.programs,
            "decisions": self.decisions,
            "divergence": self.divergence or None,
        }

    def __str__(self) -> str:
        verdict = "reproduced" if self.reproduced else f"diverges: {self.divergence}"
        return f"{verdict} ({self.events} events, {self.programs} programs, {self.decisions} decisions)"


class _Divergence(Exception):
    """The first difference; raised and caught in this module only."""


def replay(archive: Archive, *, certified: Callable[[Archive, Event], Program] = program_of) -> Replay:
    """Certifies, compiles and decides again what a run recorded, and works its answer out again.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    events = list(archive.events())
    programs, decisions = 0, 0
    try:
        _chain(archive, events)
        for event in events:
            if event.kind == "program":
                program = _program(archive, event, certified)
                programs += 1
                _workflow(archive, events, program)
                decisions += _decisions(archive, events, program)
                _answer(archive, events, event, program)
    except _Divergence as error:
        return _result(archive, events, programs, decisions, str(error))
    return _result(archive, events, programs, decisions, "")


def _result(archive: Archive, events: list[Event], programs: int, decisions: int, divergence: str) -> Replay:
    return Replay(run=archive.run, events=len(events), programs=programs, decisions=decisions, divergence=divergence)


def _chain(archive: Archive, events: list[Event]) -> None:
    for event in events:
        if event.computed_hash() != event.hash:
            raise _Divergence(f"event {event.seq} ({event.kind}) has another hash than its content")


def _program(archive: Archive, event: Event, certified: Callable[[Archive, Event], Program]) -> Program:
    stated = cast("dict[str, Any]", event.body)["program"]
    try:
        program = certified(archive, event)
    except DagwrightError as error:
        raise _Divergence(f"the proposal of event {event.seq} cannot be certified again: {error}") from error
    if program.hash != stated:
        raise _Divergence(f"the proposal of event {event.seq} certifies to {program.hash}, not {stated}")
    return program


def _workflow(archive: Archive, events: list[Event], program: Program) -> None:
    for event, body in _bodies(events, "workflow", program):
        if "workflow" in body and body["workflow"] != sha256(compile_workflow(program)):
            raise _Divergence(f"event {event.seq} names another workflow than program {program.hash} compiles to")


def _decisions(archive: Archive, events: list[Event], program: Program) -> int:
    """Runs the core over what was recorded; gives how many attempts it scheduled as recorded."""
    history = History(archive, program.hash)
    recorded = history.scheduled()
    if not recorded:
        return 0
    execution = Execution(compile_workflow(program))
    commands: list[Command] = execution.start(history.inherited())
    for occurrence in history.occurrences():
        commands += execution.advance(occurrence)
    ends = [body for _, body in _bodies(events, "workflow", program) if body.get("state") == "ended"]
    if ends and ends[-1]["status"] in ("cancelled", "timed_out") and execution.ended is None:
        execution.advance(Stopped(ends[-1]["status"]))
    scheduled = {(command.step, command.attempt) for command in commands if isinstance(command, Schedule)}
    stopped = bool(ends) and ends[-1]["status"] != "completed" and ends[-1]["failed_step"] is None
    different = sorted(recorded - scheduled if stopped else scheduled ^ recorded)
    if different:
        step, attempt = different[0]
        known = "recorded, but not decided" if (step, attempt) in recorded else "decided, but not recorded"
        raise _Divergence(f"attempt {attempt} at step {step!r} of program {program.hash[:16]} was {known}")
    if ends and execution.ended != Finish(ends[-1]["status"], ends[-1]["failed_step"]):
        raise _Divergence(f"program {program.hash[:16]} ended as {ends[-1]['status']}, replayed as {execution.ended}")
    return len(scheduled)


def _answer(archive: Archive, events: list[Event], made: Event, program: Program) -> None:
    """Works the answer out again, for the program that the outcome came from."""
    outcomes = [event for event in events if event.kind == "outcome" and event.seq > made.seq]
    later = [event.seq for event in events if event.kind == "program" and event.seq > made.seq]
    if not outcomes or (later and later[0] < outcomes[0].seq):
        return
    body = cast("dict[str, Any]", outcomes[0].body)
    if body.get("status") != "done":
        return
    finished, inputs = History(archive, program.hash).finished(), program.proposal.goal.inputs
    try:
        found = {
            name: resolve(value, lambda step: archive.get(finished[step]), inputs)
            for name, value in program.proposal.answer.items()
        }
    except (DagwrightError, KeyError) as error:
        raise _Divergence(f"the answer of event {outcomes[0].seq} cannot be worked out again: {error}") from error
    if found != body.get("answer", {}):
        different = sorted(name for name in found if found[name] != body.get("answer", {}).get(name))
        raise _Divergence(f"the answer of event {outcomes[0].seq} differs in {different}")


def _bodies(events: list[Event], kind: str, program: Program) -> Iterator[tuple[Event, dict[str, Any]]]:
    for event in events:
        if event.kind == kind:
            body = cast("dict[str, Any]", event.body)
            if body.get("program") == program.hash:
                yield event, body
