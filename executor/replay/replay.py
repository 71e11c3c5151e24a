"""`replay`: what a run made, made again from its archive, without model, network or effect.

Made again: each program (certified), its report, its workflow (compiled), each attempt (decided),
the outputs of each step that is pure computation (executed), the answer. Taken from the archive and
checked by their hash: what models, servers and people said, and hence the proposals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import JsonValue

from dagwright.canonical import Sha256, sha256
from dagwright.event import Event
from dagwright.exceptions import DagwrightError
from dagwright.finding import Report
from dagwright.program import Program
from executor.archive.archive import Archive
from executor.archive.recertify import program_of
from executor.bindings.runner import Runner
from executor.engine.decide import Command, Execution, Finish, Schedule, Stopped
from executor.engine.history import History
from executor.replay.reexecution import Differs, Reexecution, pure_runners
from executor.worker.resolve import resolve
from executor.worker.scope import Scope
from executor.workflow.compile import compile_workflow
from executor.workflow.definition import WorkflowDef
from validation.blocks import answer_outside


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
    executed: tuple[str, ...] = ()
    """Steps that were executed again and gave the same bytes."""
    taken: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many steps were taken from the archive, by kind of binding; `model` are exchanges while planning."""
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
            "executed": list(self.executed),
            "taken": dict(self.taken),
            "divergence": self.divergence or None,
        }

    def __str__(self) -> str:
        verdict = "reproduced" if self.reproduced else f"diverges: {self.divergence}"
        taken = ", ".join(f"{count} {kind}" for kind, count in sorted(self.taken.items())) or "nothing"
        made = f"{self.events} events, {self.programs} programs, {self.decisions} decisions"
        return f"{verdict} ({made}; {len(self.executed)} steps executed again; from the archive: {taken})"


class _Divergence(Exception):
    """The first difference; raised and caught in this module only."""


def replay(
    archive: Archive,
    *,
    certified: Callable[[Archive, Event], Program] = program_of,
    runners: Mapping[str, Runner] | None = None,
) -> Replay:
    """Certifies, compiles, decides and executes again what a run recorded, and works its answer out again.

    Args:
        archive: of the run; nothing is written to it.
        certified: gives the program of a `program` event.
        runners: runners of pure operations by kind of binding; None for all that there are.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    events = list(archive.events())
    programs: dict[Sha256, Program] = {}
    again = Reexecution(archive, pure_runners() if runners is None else runners, programs)
    decisions, divergence = 0, ""
    try:
        _chain(events)
        for event in events:
            if event.kind == "program":
                program = _program(archive, event, certified)
                programs[program.hash] = program
                workflow, history = compile_workflow(program), History(archive, program.hash)
                _report(events, event, program)
                _workflow(events, program, workflow)
                decisions += _decisions(events, program, workflow, history)
                _answer(events, event, program, Scope(program, history, archive.get))
        again.to_end()
    except (_Divergence, Differs) as error:
        divergence = str(error)
    asked = sum(event.kind == "llm.exchange" for event in events)
    return Replay(
        run=archive.run,
        events=len(events),
        programs=len(programs),
        decisions=decisions,
        executed=tuple(again.executed),
        taken={**({"model": asked} if asked else {}), **again.taken},
        divergence=divergence,
    )


def _chain(events: list[Event]) -> None:
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


def _report(events: list[Event], made: Event, program: Program) -> None:
    """Compares the report that came with a program; what a replan widened comes after the program's own findings."""
    reports = [event for event in events if event.kind == "report" and event.seq < made.seq]
    if not reports:
        return
    stated = Report.model_validate(reports[-1].body)
    if stated.findings[: len(program.report.findings)] != program.report.findings:
        raise _Divergence(f"the report of event {reports[-1].seq} has other findings than its proposal gets now")


def _workflow(events: list[Event], program: Program, workflow: WorkflowDef) -> None:
    for event, body in _bodies(events, "workflow", program):
        if "workflow" in body and body["workflow"] != sha256(workflow):
            raise _Divergence(f"event {event.seq} names another workflow than program {program.hash} compiles to")


def _decisions(events: list[Event], program: Program, workflow: WorkflowDef, history: History) -> int:
    """Runs the core over what was recorded; gives how many attempts it scheduled as recorded."""
    recorded = history.scheduled()
    if not recorded:
        return 0
    execution = Execution(workflow)
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


def _answer(events: list[Event], made: Event, program: Program, scope: Scope) -> None:
    """Works the answer out again, for the program that the outcome came from."""
    outcomes = [event for event in events if event.kind == "outcome" and event.seq > made.seq]
    later = [event.seq for event in events if event.kind == "program" and event.seq > made.seq]
    if not outcomes or (later and later[0] < outcomes[0].seq):
        return
    body = cast("dict[str, Any]", outcomes[0].body)
    if body.get("status") != "done":
        return
    seen = scope.seen_by(None, None)
    inputs, answer = program.proposal.goal.inputs, answer_outside(program.proposal)
    try:
        found = {name: resolve(value, seen, inputs) for name, value in answer.items()}
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
