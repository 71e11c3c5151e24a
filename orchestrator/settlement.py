"""Effects of unknown outcome: what policy says, what a person says, and how the run then goes on.

An effect that may have happened and must not happen twice is a question, bound to its idempotency key.
Answered, the same plan is certified as a further version, in a workflow of its own: finished steps are
taken over, the effect that happened gives what the person says it gave, one that did not is tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from dagwright.exceptions import ApprovalRequired, GuardViolation, InputError
from dagwright.llm.model import Model
from dagwright.program import Program
from executor.archive.archive import Archive
from executor.engine.engine import EngineResult
from executor.ledger.effects import Effect, effects_of
from executor.ledger.ledger import Ledger, Settlement
from executor.worker.compensation import Compensator
from executor.worker.guard import check_schema
from orchestrator.execution import working
from orchestrator.permission import carry_over
from orchestrator.planning import Prior, prove
from orchestrator.replanning import finished_of, note_replan
from orchestrator.resumption import rules_of
from orchestrator.setup import Setup
from orchestrator.strategy.strategy import Planned
from orchestrator.undoing import doubt_of, programs_of

AUTOMATIC = 3
"""How often policy may undo one step's effect and have it tried again before a person is asked."""


def is_open(result: EngineResult) -> bool:
    """Whether a workflow failed because nobody knows whether an effect happened."""
    kinds = {error.kind for feedback in result.feedback.values() for error in feedback.errors}
    return result.status in ("failed", "timed_out") and "unknown_outcome" in kinds


def settle_open(program: Program, setup: Setup, archive: Archive, model: Model) -> None:
    """Settles the effects of unknown outcome as policy and people say.

    Raises:
        ApprovalRequired: of at least one a person has to say what happened; it names the command.
        Cancelled, ArchiveError: as for `rollback.roll_back`.
    """
    waiting: list[str] = []
    for effect in open_effects(archive, program):
        why = _compensated(effect, program, setup, archive, model)
        if why is None:
            continue
        body: dict[str, JsonValue] = {"step": effect.entry.step, "digest": effect.entry.key, "unknown": True}
        archive.append("approval.requested", body)
        waiting.append(_question(effect, archive.run, why))
    if waiting:
        raise ApprovalRequired("; ".join(waiting))


def open_effects(archive: Archive, program: Program) -> tuple[Effect, ...]:
    """Gives the effects of a program that may have happened and must not happen twice."""
    return tuple(
        effect
        for effect in effects_of(archive)
        if effect.is_open
        and effect.undoes is None
        and effect.step in program.by_id
        and not program.by_id[effect.step].spec.idempotent
    )


def go_on(
    program: Program,
    lines: Mapping[str, str],
    result: EngineResult,
    earlier: Prior | None,
    setup: Setup,
    archive: Archive,
) -> tuple[Prior, Program]:
    """Gives the next version: the same plan, certified again, with the approvals that stand for this one.

    Raises:
        ProposalRejected: the plan no longer holds, as where an operation is no longer valid.
    """
    version = program.proposal.version + 1
    prior = Prior(
        program=program,
        finished=finished_of(program, lines, result.outputs),
        reasons=earlier.reasons if earlier else (),
        banned=earlier.banned if earlier else frozenset(),
    )
    with archive.batch():
        note_replan(archive, version, prior, settled=True)
        proposal = program.proposal.model_copy(update={"version": version})
        following = prove(Planned(proposal=proposal, lines=lines), setup, archive, prior)
        carry_over(program, following, archive)
    return prior, following


def _compensated(effect: Effect, program: Program, setup: Setup, archive: Archive, model: Model) -> str | None:
    """Gives None where the effect was taken back, so that it can be tried again; else why it was not."""
    again = sum(it.entry.state == "undone" and it.entry.step == effect.entry.step for it in effects_of(archive))
    automatic = doubt_of(effect, program.policy) == "compensate" and again < AUTOMATIC
    if not effect.wanted and not automatic:
        return ""
    with working(Compensator, (program,), setup, archive, model) as found:
        result = found[program.hash].undo(effect, setup.cancelled)
    return None if result.state == "undone" else result.why


def _question(effect: Effect, run: str, why: str) -> str:
    said = f" ({why})" if why else ""
    command = f"dagwright settle {run} {effect.entry.step}"
    return (
        f"nobody knows whether step {effect.entry.step!r} ({effect.entry.operation}) happened{said}; look, then say: "
        f"{command} --happened [--outputs JSON] | --not-happened | --compensate"
    )


def settle(
    home: Path, run: str, step: str, answer: Settlement, *, by: str, outputs: JsonValue = None
) -> tuple[str, str]:
    """Writes down what a person says of an effect, and gives its step and operation.

    Args:
        home: folder of all runs.
        run: the run.
        step: the step, as the question named it; empty where there is only one question.
        answer: `undone` also says of an effect that happened that it was taken back by hand.
        by: who says so.
        outputs: what it gave, where it happened; None is no outputs.

    Raises:
        ArchiveError: there is no such run, or another process holds it.
        InputError: there is no such question, or the outputs are none that the operation can give.
    """
    with Archive.open(home, run) as archive:
        effect = _asked(archive, step, answer)
        output = archive.put(_checked(effect, outputs, archive)) if answer == "happened" else None
        Ledger(archive).settle(effect.entry.key, answer, by=by, output=output)
        undone = effect.undoes if answer in ("happened", "undone") else None
        if undone is not None:  # what it takes back is taken back
            Ledger(archive).undone(undone, by=effect.entry.key)
    return effect.entry.step, effect.entry.operation


def _asked(archive: Archive, step: str, answer: Settlement) -> Effect:
    known = effects_of(archive)
    states = ("unknown", "intended", "done") if answer == "undone" else ("unknown", "intended")
    open_ = [effect for effect in known if effect.entry.state in states and step in ("", effect.entry.step)]
    if len(open_) == 1:
        return open_[0]
    named = ", ".join(sorted({effect.entry.step for effect in known if effect.is_open})) or "none"
    problem = "no effect" if not open_ else "several effects"
    what = f" of step {step!r}" if step else ""
    raise InputError(f"run {archive.run!r} has {problem}{what} to be settled so; of unknown outcome are: {named}")


def _checked(effect: Effect, outputs: JsonValue, archive: Archive) -> JsonValue:
    if effect.undoes is not None:
        return {}  # nothing uses what a compensation gives
    program = programs_of(archive, rules_of(archive), (effect.program,))[effect.program]
    spec = program.by_id[effect.step].spec
    given: JsonValue = {} if outputs is None else outputs
    try:
        check_schema(given, spec.output_schema, what=f"outputs of {spec.name}", code="bad_outputs")
    except GuardViolation as error:
        raise InputError(f"{error}; say what it gave with --outputs JSON") from error
    return given
