"""`certify`: the only maker of a Program."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from dagwright.canonical import sha256
from dagwright.catalogue import Catalogue
from dagwright.exceptions import ProposalRejected
from dagwright.finding import Report
from dagwright.model import Interval
from dagwright.policy import Policy
from dagwright.program import SEAL, Certificate, Compensation, Program, ProgramStep
from validation.codes import VALIDATOR_VERSION
from validation.compensation import compensation_of
from validation.context import Context, PlacedStep
from validation.examination import as_written, collection_paused, examine_with_fallbacks
from validation.passes import ONCE
from validation.resource import bounds_of
from validation.rules import OwnRule, named


def certify(
    proposal: object,
    *,
    catalogue: Catalogue,
    policy: Policy,
    workers: frozenset[str],
    at: date | None = None,
    rules: tuple[OwnRule, ...] = (),
) -> Program:
    """Gives the program of a proposal that has no errors: of what it stands for, where it calls sub-programs.

    Args:
        proposal: A `Proposal`, or plain JSON or JSON text of one.
        catalogue: The operations that it may use.
        policy: What it may do.
        workers: Kinds of binding that there are workers for.
        at: The day by which validity is judged; None judges no dates.
        rules: Rules of your own that must be obeyed too; the certificate names them.

    Raises:
        ProposalRejected: it has errors; carries the report.
        RuleError: a rule of your own raises, or does what no rule may.
    """
    with collection_paused():
        return _certified(proposal, catalogue=catalogue, policy=policy, workers=workers, at=at, rules=rules)


def _certified(
    proposal: object,
    *,
    catalogue: Catalogue,
    policy: Policy,
    workers: frozenset[str],
    at: date | None,
    rules: tuple[OwnRule, ...],
) -> Program:
    context, report, fallbacks = examine_with_fallbacks(
        proposal, catalogue=catalogue, policy=policy, workers=workers, at=at, rules=rules
    )
    if context is None or context.parsed.proposal is None or not report.is_valid:
        raise ProposalRejected(as_written(context, report))
    whole = context.parsed.proposal
    used = catalogue.restricted_to({*_used(context), *fallbacks.considered})
    certificate = Certificate(
        proposal=sha256(whole),
        catalogue=used.hash,
        policy=policy.hash,
        validator=VALIDATOR_VERSION,
        rules=named(rules),
        fallbacks=fallbacks.proven or None,
    )
    return Program(
        seal=SEAL,
        certificate=certificate,
        proposal=whole,
        catalogue=used,
        policy=policy,
        report=report,
        steps=tuple(_program_steps(context, report)),
        bounds=bounds_of(context),
    )


def _used(context: Context) -> Iterator[str]:
    """Gives the operations that a run may call: those of the steps, and those that undo them."""
    for step in context.steps:
        if step.controls is not None:
            continue
        yield step.operation
        if step.contract is not None and step.step.rollback_strategy == "compensate":
            yield step.contract.spec.compensation or step.operation


def _compensation(context: Context, step: PlacedStep) -> Compensation | None:
    if step.contract is None or step.step.rollback_strategy != "compensate":
        return None
    found = compensation_of(context, step)
    return found if isinstance(found, Compensation) else None


def _program_steps(context: Context, report: Report) -> Iterator[ProgramStep]:
    labels = context.labels
    to_approve = {finding.step_id for finding in report.findings if finding.needs_approval}
    undecided: dict[str | None, list[str]] = {}
    for finding in report.findings:
        if finding.code == "D308":
            undecided.setdefault(finding.step_id, []).append(str(finding.evidence["argument"]))
    for step in context.sequence:
        assert step.contract is not None
        yield ProgramStep(
            task_id=step.task_id,
            step=step.step,
            spec=step.contract.spec,
            after=_directly_before(context, step),
            output_schema=context.types.outputs[step.step_id],
            output_label=labels.output(step.step_id),
            runtime_checks=tuple(sorted(set(undecided.get(step.step_id, ())))),
            needs_approval=step.step_id in to_approve,
            times=_times(context, step),
            compensation=_compensation(context, step),
        )


def _times(context: Context, step: PlacedStep) -> Interval:
    passes = context.passes.get(step.task_id, ONCE)
    return Interval(low=passes.low, high=passes.high) if step.controls is None else Interval(low=1, high=1)


def _directly_before(context: Context, step: PlacedStep) -> tuple[str, ...]:
    """Gives the steps directly before a step in the partial order, without those that others imply."""
    steps = context.task_steps
    if step.position > 0:
        return (steps[step.task][step.position - 1].step_id,)
    return tuple(steps[task][-1].step_id for task in context.order.direct(step.task))
