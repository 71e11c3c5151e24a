"""Phases 2 to 4: a proposal from the model, made provable, proven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from pydantic import JsonValue, ValidationError

from dagwright.canonical import to_json
from dagwright.exceptions import ModelAnswerError, ProposalRejected
from dagwright.finding import Report
from dagwright.goal import Goal
from dagwright.llm.model import Model
from dagwright.program import Program
from dagwright.proposal import Proposal
from executor.archive.archive import Archive
from executor.archive.recertify import ALL_KINDS
from orchestrator.evidence import gather, notes
from orchestrator.setup import Setup
from orchestrator.strategy.strategy import Finished, Planned, PlanningContext

ATTEMPTS = 3
"""Proposals that are asked for before a run ends as rejected: one, and two rounds of repair."""


@dataclass(frozen=True, kw_only=True)
class Prior:
    """What a replan knows of the versions before it."""

    program: Program
    """The version that did not get through."""
    finished: tuple[Finished, ...]
    """Its steps that did."""
    reasons: tuple[str, ...]
    """Typed feedback, one line each."""
    banned: frozenset[str]
    """Lines that failed."""

    @property
    def done(self) -> frozenset[str]:
        """Ids of its steps that got through."""
        return frozenset(step.draft.step_id for step in self.finished)


def plan(
    goal: Goal, setup: Setup, archive: Archive, model: Model, *, version: int = 1, prior: Prior | None = None
) -> tuple[Program, Planned]:
    """Gives a certified program for a goal.

    Raises:
        ProposalRejected: every proposal had errors; carries the last report.
        ModelAnswerError: the model did not come to an answer.
        TransportError: the model cannot be reached.
    """
    now = datetime.now(UTC)
    found = notes(goal, setup.home / "knowledge", at=now.date())
    with setup.store() as store:
        evidence = gather(goal, setup.catalogue, setup.policy, store, at=now.date(), notes=found)
    archive.append("evidence", evidence.model_dump(mode="json"))
    context = PlanningContext(
        model=model,
        catalogue=setup.catalogue,
        evidence=evidence.documents,
        notes=tuple(evidence.notes.values()),
        at=now,
        version=version,
        finished=prior.finished if prior else (),
        feedback=prior.reasons if prior else (),
        banned=prior.banned if prior else frozenset(),
        on_line=setup.listener.line,
    )
    problem: ProposalRejected | ModelAnswerError | None = None
    for attempt in range(1, ATTEMPTS + 1):
        setup.listener.planning(version, attempt)
        try:
            planned = setup.strategy.propose(goal, context)
        except ModelAnswerError as error:
            problem = error
            context = replace(context, temperature=0.5, seed=attempt)
            continue
        try:
            return prove(planned, setup, archive, prior), planned
        except ProposalRejected as error:
            problem = error
            context = _learned(context, planned, error, attempt)
    assert problem is not None
    raise problem


def prove(planned: Planned, setup: Setup, archive: Archive, prior: Prior | None) -> Program:
    """Gives the program of a proposal, after deterministic repair.

    Raises:
        ProposalRejected: errors are left; both reports are in the archive.
    """
    setup.listener.proposed(planned.proposal)
    report = check(planned.proposal, setup)
    _record(planned.proposal, planned, archive, findings=counted(finding.code for finding in report.errors))
    proposal = planned.proposal
    if not report.is_valid:
        proposal, applied = _repaired(proposal, setup)
        if proposal != planned.proposal:
            _record(proposal, planned, archive, applied=counted(applied))
    try:
        program = certified(proposal, setup)
        if program.proposal != proposal:  # what sub-programs that it calls stand for
            _record(program.proposal, planned, archive)
        report = _with_widening(program, prior)
    except ProposalRejected as error:
        setup.listener.reported(error.report)
        archive.append("report", error.report.model_dump(mode="json"))
        raise
    setup.listener.reported(report)
    archive.append("report", report.model_dump(mode="json"))
    if not report.is_valid:
        raise ProposalRejected(report)
    archive.append("program", recorded(program, archive))
    setup.listener.certified(program)
    return program


def check(proposal: object, setup: Setup) -> Report:
    """Gives the validator's report on anything that may be a proposal."""
    from validation import validate

    return validate(
        proposal, catalogue=setup.catalogue, policy=setup.policy, workers=ALL_KINDS, at=today(), rules=setup.rules
    )


def certified(proposal: Proposal, setup: Setup) -> Program:
    """Gives the program of a proposal.

    Raises:
        ProposalRejected: it has errors.
    """
    from validation import certify

    return certify(
        proposal, catalogue=setup.catalogue, policy=setup.policy, workers=ALL_KINDS, at=today(), rules=setup.rules
    )


def recorded(program: Program, archive: Archive) -> dict[str, JsonValue]:
    """Gives the body of a `program` event: all that certifying it again takes."""
    return {
        "program": program.hash,
        "certificate": program.certificate.model_dump(mode="json"),
        "proposal": archive.put(program.proposal),
        "catalogue": archive.put(program.catalogue),
        "policy": archive.put(program.policy),
        "at": today().isoformat(),
    }


def today() -> date:
    """Gives the day (UTC) that validity is judged by."""
    return datetime.now(UTC).date()


def counted(codes: Iterable[str]) -> dict[str, JsonValue]:
    """Gives how often each code is there, for an event's body."""
    return dict(sorted(Counter(codes).items()))


def _repaired(proposal: Proposal, setup: Setup) -> tuple[Proposal, list[str]]:
    """Gives a proposal after its fixes, and the codes of the findings whose fixes were applied."""
    from validation import repair

    repaired = repair(to_json(proposal), catalogue=setup.catalogue, policy=setup.policy, workers=ALL_KINDS)
    try:
        return Proposal.model_validate(repaired.proposal), [code for code, _ in repaired.applied]
    except ValidationError:
        return proposal, []


def _record(proposal: Proposal, planned: Planned, archive: Archive, **counts: dict[str, JsonValue]) -> None:
    """Archives a proposal with counts by code: `findings`, its errors as proposed, or `applied`, its fixes."""
    body: dict[str, JsonValue] = {"version": proposal.version, "proposal": archive.put(proposal)}
    archive.append("proposal", {**body, "lines": dict(planned.lines), **counts})


def _with_widening(program: Program, prior: Prior | None) -> Report:
    from validation import widened

    found = widened(prior.program, program, done=prior.done) if prior else ()
    return Report(findings=(*program.report.findings, *found), checks_passed=program.report.checks_passed)


def _learned(context: PlanningContext, planned: Planned, error: ProposalRejected, attempt: int) -> PlanningContext:
    """Gives the context of the next attempt: lines that had errors do not come again."""
    wrong = {finding.step_id for finding in error.report.errors}
    lines = frozenset(line for step, line in planned.lines.items() if step in wrong)
    reasons = tuple(f"{finding.code} {finding.message}"[:300] for finding in error.report.errors[:5])
    return replace(
        context,
        banned=context.banned | lines,
        feedback=context.feedback + reasons,
        seed=attempt,
        temperature=0.0 if lines else 0.5,
    )
