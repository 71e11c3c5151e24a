"""Approvals: what a person is asked, what an approval binds to, and when it runs out."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from dagwright.canonical import Sha256, sha256
from dagwright.event import Event, EventKind
from dagwright.exceptions import ContentError
from dagwright.model import Frozen
from dagwright.program import Program, ProgramStep
from dagwright.tool import ControlBinding
from validation.blocks import titled


class Refused(ContentError):
    """Raised when a person said no."""

    exit_code = 1


LIFETIME = timedelta(hours=24)
"""How long an approval holds."""

Decision = Literal["approve", "reject", "later"]

DECISIONS: tuple[EventKind, ...] = ("approval.given", "approval.refused")
"""Events that `standing` and `refusals` look at."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a person is asked: whether one step may run, or whether a new version may do more than the last."""

    program: Program
    """The program that is to run."""
    digest: Sha256
    """What an answer binds to."""
    step: ProgramStep | None = None
    """The step; None where it is about the version as a whole."""
    widened: tuple[str, ...] = ()
    """What the version may do that the one before may not, one line each (P407)."""

    @property
    def subject(self) -> str:
        """The step's id; empty for the version as a whole."""
        return self.step.step.step_id if self.step else ""

    @property
    def block(self) -> str:
        """What surrounds the step, in words; empty where nothing does."""
        from orchestrator.view.blocks import words_by_task

        if self.step is None or self.step is not self.program.by_id.get(self.subject):
            return ""  # what undoes a step is in no block
        return words_by_task(self.program.proposal).get(self.step.task_id, "")

    @property
    def often(self) -> str:
        """How often at most the step will run, in words; empty where that is once."""
        from orchestrator.view.blocks import how_often

        return how_often(self.step.times) if self.step and self.step.times.high > 1 else ""

    @property
    def instead(self) -> tuple[str, ...]:
        """The operations that may take the place of the step's own where that is down: a yes is to them, too."""
        if self.step is None or self.step is not self.program.by_id.get(self.subject):
            return ()
        return tuple(spec.name for spec in self.program.fallbacks_of(self.subject))

    def __str__(self) -> str:
        if self.step:
            binding = self.step.spec.binding
            if isinstance(binding, ControlBinding):
                return titled(self.subject, self.step.task_id, binding)
            others = [f"or where that is down {name}" for name in self.instead]
            return f"step {self.subject!r} ({', '.join(filter(None, (self.step.spec.name, *others, self.often)))})"
        more = f" (and {len(self.widened) - 3} more)" if len(self.widened) > 3 else ""
        return f"version {self.program.proposal.version} of the plan ({'; '.join(self.widened[:3])}{more})"


class Approval(Frozen):
    """A person's word about one step or one version: of one program, under one policy."""

    step: str
    """The step; empty for a version that may do more than the one before."""
    digest: str
    """`Question.digest`."""
    by: str
    """Who approved."""
    at: datetime
    """When (UTC)."""
    expires: datetime
    """From when on it no longer holds (UTC)."""


class Approver(Protocol):
    """Asks a person, or stands for one who decided beforehand."""

    def __call__(self, question: Question) -> Decision:
        """Gives the decision; `later` leaves the run waiting."""
        ...


def approve_later(question: Question) -> Decision:
    """Gives `later`: nobody is there to ask."""
    return "later"


def approve_all(question: Question) -> Decision:
    """Gives `approve`, whatever it is about."""
    return "approve"


def steps_approved(otherwise: Approver) -> Approver:
    """Gives an approver for `--yes`: steps are approved beforehand, wider authority is asked about nevertheless."""

    def decided(question: Question) -> Decision:
        return "approve" if question.step else otherwise(question)

    return decided


def questions_of(program: Program, before: Program | None, done: frozenset[str] = frozenset()) -> tuple[Question, ...]:
    """Gives all that a person must say yes to before a program runs, in the order of asking.

    Args:
        program: what is to run.
        before: the version that it takes the place of, as far as there was one.
        done: steps of that version that have run: what they brought about is not brought about again.
    """
    wider = _wider(program, before, done) if before else ()
    steps = tuple(
        Question(program=program, digest=program.approval_digest(item.step.step_id), step=item)
        for item in program.steps
        if item.needs_approval
    )
    return (*wider, *steps)


def _wider(program: Program, before: Program, done: frozenset[str]) -> tuple[Question, ...]:
    from validation import widened

    lines = tuple(finding.message for finding in widened(before, program, done=done))
    if not lines:
        return ()
    bound = {"widened": lines, "before": before.hash, "program": program.hash, "policy": program.certificate.policy}
    return (Question(program=program, digest=sha256(bound), widened=lines),)


def unanswered(questions: Iterable[Question], approvals: Container[str]) -> tuple[Question, ...]:
    """Gives the questions that no approval answers: the one about the version alone, else those about steps."""
    found = tuple(question for question in questions if question.digest not in approvals)
    return found[:1] if found and not found[0].step else found


def approval_of(question: Question, *, by: str, now: datetime | None = None) -> Approval:
    """Gives an approval of exactly what was asked, valid for `LIFETIME`."""
    at = now or datetime.now(UTC)
    return Approval(step=question.subject, digest=question.digest, by=by, at=at, expires=at + LIFETIME)


def standing(events: Iterable[Event], *, now: datetime | None = None) -> dict[str, Approval]:
    """Gives the approvals that hold, by digest: given, not expired, not refused afterwards."""
    moment = now or datetime.now(UTC)
    found: dict[str, Approval] = {}
    for event in events:
        if event.kind == "approval.given":
            approval = Approval.model_validate(event.body)
            found[approval.digest] = approval
        elif event.kind == "approval.refused" and isinstance(event.body, dict):
            found.pop(str(event.body.get("digest")), None)
    return {digest: approval for digest, approval in found.items() if approval.expires > moment}


def refusals(events: Iterable[Event]) -> dict[str, str]:
    """Gives who refused, by digest, where nobody approved afterwards."""
    found: dict[str, str] = {}
    for event in events:
        if isinstance(event.body, dict) and event.kind == "approval.refused":
            found[str(event.body["digest"])] = str(event.body["by"])
        elif isinstance(event.body, dict) and event.kind == "approval.given":
            found.pop(str(event.body["digest"]), None)
    return found
