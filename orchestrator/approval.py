"""Approvals: who is asked, what an approval binds to, and when it runs out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from pydantic import JsonValue

from dagwright.event import Event
from dagwright.exceptions import ContentError, InputError
from dagwright.model import Frozen
from dagwright.program import Program, ProgramStep
from executor.archive import Archive


class Refused(ContentError):
    """Raised when a person said no to a step."""

    exit_code = 1


LIFETIME = timedelta(hours=24)
"""How long an approval holds."""

Decision = Literal["approve", "reject", "later"]


class Approval(Frozen):
    """A person's word about one step: its exact arguments, of one program, under one policy."""

    step: str
    """The step."""
    digest: str
    """`Program.approval_digest` of the step."""
    by: str
    """Who approved."""
    at: datetime
    """When (UTC)."""
    expires: datetime
    """From when on it no longer holds (UTC)."""


class Approver(Protocol):
    """Asks a person, or stands for one who decided beforehand."""

    def __call__(self, program: Program, step: ProgramStep) -> Decision:
        """Gives the decision about one step; `later` leaves the run waiting."""
        ...


def approve_later(program: Program, step: ProgramStep) -> Decision:
    """Gives `later`: nobody is there to ask."""
    return "later"


def approve_all(program: Program, step: ProgramStep) -> Decision:
    """Gives `approve`: the person said so beforehand (`--yes`)."""
    return "approve"


def approval_of(program: Program, step_id: str, *, by: str, now: datetime | None = None) -> Approval:
    """Gives an approval of a step as the program has it, valid for `LIFETIME`."""
    at = now or datetime.now(UTC)
    return Approval(step=step_id, digest=program.approval_digest(step_id), by=by, at=at, expires=at + LIFETIME)


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


def open_steps(program: Program, approvals: dict[str, Approval]) -> tuple[ProgramStep, ...]:
    """Gives the steps that a person must still approve."""
    return tuple(
        item
        for item in program.steps
        if item.needs_approval and program.approval_digest(item.step.step_id) not in approvals
    )


def decide_waiting(home: Path, run: str, step: str, *, by: str, given: bool) -> tuple[str, ...]:
    """Writes a decision about the waiting steps of a run into its archive and gives their ids.

    Raises:
        ArchiveError: there is no such run, or another process holds it.
        InputError: nothing waits, or not that step.
    """
    from orchestrator.resumption import last_program

    with Archive.open(home, run) as archive:
        program = last_program(archive)
        waiting = open_steps(program, standing(archive.events())) if program else ()
        chosen = [item.step.step_id for item in waiting if step in ("", item.step.step_id)]
        if program is None or not chosen:
            names = ", ".join(item.step.step_id for item in waiting) or "none"
            raise InputError(f"run {run!r} has no waiting step {step!r}; waiting are: {names}")
        for name in chosen:
            if given:
                archive.append("approval.given", approval_of(program, name, by=by).model_dump(mode="json"))
            else:
                refused: dict[str, JsonValue] = {"step": name, "digest": program.approval_digest(name), "by": by}
                archive.append("approval.refused", refused)
    return tuple(chosen)
