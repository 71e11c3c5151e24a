"""A person's word about a program, before it runs: asked at once, or waited for and given later."""

from __future__ import annotations

from pathlib import Path

from pydantic import JsonValue

from dagwright.exceptions import ApprovalRequired, InputError
from dagwright.program import Program
from executor.archive.archive import Archive
from executor.ledger.effects import effects_of
from orchestrator.approval import (
    DECISIONS,
    Question,
    Refused,
    approval_of,
    questions_of,
    refusals,
    standing,
    unanswered,
)
from orchestrator.planning import Prior
from orchestrator.resumption import point_of, rules_of
from orchestrator.setup import Setup
from orchestrator.undoing import begun_of, due_of


def permit(program: Program, prior: Prior | None, setup: Setup, archive: Archive) -> None:
    """Gets a person's yes to what a version may do beyond the one before, and to each step that needs one.

    Args:
        program: what is to run.
        prior: the version that it takes the place of; None for the first.
        setup: who is asked.
        archive: where questions and answers are written down.

    Raises:
        Refused: a person said no.
        ApprovalRequired: nobody decided yet.
    """
    given = standing(archive.events(*DECISIONS))
    for question in _asked_of(program, prior):
        if question.digest not in given:
            ask(question, setup, archive)


def _asked_of(program: Program, prior: Prior | None) -> tuple[Question, ...]:
    return questions_of(program, prior.program, prior.done) if prior else questions_of(program, None)


def carry_over(program: Program, following: Program, archive: Archive) -> None:
    """Gives the approvals of a program to a version that they were given for, too: the same plan, or its fallback."""
    given = standing(archive.events(*DECISIONS))
    for item in following.steps:
        step = item.step.step_id
        approval = given.get(program.approval_digest(step))
        if approval is not None:
            digest = following.approval_digest(step)
            archive.append("approval.given", approval.model_copy(update={"digest": digest}).model_dump(mode="json"))


def decide_waiting(home: Path, run: str, step: str, *, by: str, given: bool) -> tuple[Question, ...]:
    """Writes a decision about what a run waits for into its archive and gives what was decided.

    Args:
        home: folder of all runs.
        run: the run.
        step: one step; empty for all that waits.
        by: who decides.
        given: whether it is a yes.

    Raises:
        ArchiveError: there is no such run, or another process holds it.
        InputError: nothing waits, or not that step.
    """
    with Archive.open(home, run) as archive:
        point = point_of(archive, rules_of(archive))
        questions = _asked_of(point.program, point.prior) if point.program and not point.outcome else ()
        if begun_of(archive.events("rollback")) is not None:
            due = due_of(effects_of(archive), archive, rules_of(archive))
            questions = tuple(question for item in due if (question := item.question(archive)))
        waiting = unanswered(questions, standing(archive.events(*DECISIONS)))
        chosen = tuple(question for question in waiting if step in ("", question.subject))
        if not chosen:
            sought = f"no waiting step {step!r}" if step else "nothing that waits"
            raise InputError(f"run {run!r} has {sought}; waiting are: {', '.join(map(str, waiting)) or 'none'}")
        for question in chosen:
            _answered(question, archive, by=by, given=given)
    return chosen


def ask(question: Question, setup: Setup, archive: Archive) -> None:
    """Gets a person's yes to one question. Errors as for `permit`."""
    refused = refusals(archive.events(*DECISIONS))
    if question.digest in refused:
        raise Refused(f"{question} was refused by {refused[question.digest]}")
    archive.append("approval.requested", _body(question))
    decision = setup.approver(question)
    if decision == "later":
        command = f"dagwright approve {archive.run} {question.subject}".rstrip()
        raise ApprovalRequired(f"{question} waits for approval: {command}")
    _answered(question, archive, by=setup.approver_name, given=decision == "approve")
    if decision == "reject":
        raise Refused(f"{question} was refused by {setup.approver_name}")


def _answered(question: Question, archive: Archive, *, by: str, given: bool) -> None:
    if given:
        archive.append("approval.given", approval_of(question, by=by).model_dump(mode="json"))
    else:
        archive.append("approval.refused", {**_body(question), "by": by})


def _body(question: Question) -> dict[str, JsonValue]:
    wider: dict[str, JsonValue] = {"widened": list(question.widened)} if question.widened else {}
    return {"step": question.subject, "digest": question.digest, **wider}
