"""Replanning: what a planner learns from a failed version, and what it keeps."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pydantic import JsonValue

from dagwright.feedback import Feedback
from dagwright.program import Program
from executor.archive.archive import Archive
from executor.engine.engine import EngineResult
from executor.workflow.block import controls_of
from executor.workflow.instance import parts_of
from orchestrator.planning import Prior
from orchestrator.strategy.strategy import Finished
from planner.derivation import Draft

REPLANNABLE = frozenset(("content", "criterion", "guard", "transport", "timeout"))
"""Kinds of error after which another plan may help; a cancelled or unknown effect needs a person."""


def worth_replanning(result: EngineResult) -> bool:
    """Whether another plan may help: something failed, and nothing is of unknown outcome."""
    if result.status not in {"failed", "timed_out"}:
        return False
    kinds = {error.kind for feedback in result.feedback.values() for error in feedback.errors}
    return "unknown_outcome" not in kinds and bool(kinds & REPLANNABLE)


def prior_of(program: Program, lines: Mapping[str, str], result: EngineResult, earlier: Prior | None) -> Prior:
    """Gives what the next version knows: finished steps, typed reasons, lines that failed."""
    failed = [feedback for feedback in result.feedback.values() if feedback.execution_status == "failure"]
    reasons = tuple(reason(feedback, program, lines) for feedback in failed)
    steps = {parts_of(feedback.step_id)[0] for feedback in failed}
    banned = frozenset(line for step in steps if (line := _line(program, lines, step)))
    return Prior(
        program=program,
        finished=finished_of(program, lines, result.outputs),
        reasons=(*(earlier.reasons if earlier else ()), *reasons),
        banned=banned | (earlier.banned if earlier else frozenset[str]()),
    )


def note_replan(archive: Archive, version: int, prior: Prior, **same: JsonValue) -> None:
    """Writes down that a further version is made, and what it knows, so that a resumed run knows it too.

    `same` says why it is the same plan, where it is: `settled` after a question about an effect was answered,
    `fallback` where another operation takes the place of one that is down.
    """
    body: dict[str, JsonValue] = {"version": version, "reasons": list(prior.reasons), **same}
    archive.append("replan", {**body, "banned": list[JsonValue](sorted(prior.banned))})


def finished_of(program: Program, lines: Mapping[str, str], outputs: Collection[str]) -> tuple[Finished, ...]:
    """Gives the steps of a program that gave outputs, as the next version takes them over: those in no block."""
    controls = controls_of(program.proposal)
    return tuple(
        Finished(
            draft=Draft(
                step_id=item.step.step_id,
                intent=item.step.tool_intent,
                spec=item.spec,
                evidence=item.step.documentation_references,
            ),
            line=lines.get(item.step.step_id, ""),
            schema=item.output_schema,
        )
        for item in program.steps
        if item.step.step_id in outputs and item.task_id not in controls
    )


def reason(feedback: Feedback, program: Program, lines: Mapping[str, str]) -> str:
    """Gives a failure as a planner may see it: the call, the kind and the code of the error, no raw text."""
    step = parts_of(feedback.step_id)[0]
    call = _line(program, lines, step) or program.by_id[step].spec.name
    errors = ", ".join(
        f"{error.kind} {error.code}{f' at {error.path}' if error.path else ''}" for error in feedback.errors[-1:]
    )
    return f"{step} = {call} failed: {errors or 'unknown'}"


def _line(program: Program, lines: Mapping[str, str], step_id: str) -> str | None:
    """Gives the line that a planner wrote for a step, or for the call of a sub-program that it is of."""
    callers = program.by_id[step_id].step.called_by
    return lines.get(callers[0].step if callers else step_id)
