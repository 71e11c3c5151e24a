"""`Pursuit`: phases 2 to 6 of one run, version after version, until there is an outcome."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from dagwright.exceptions import Cancelled, ModelAnswerError, ProposalRejected
from dagwright.feedback import Outcome, OutcomeStatus
from dagwright.goal import Goal
from dagwright.limit import least
from dagwright.llm.meter import Meter
from dagwright.llm.model import ModelReply, ModelRequest
from dagwright.program import Program
from executor.archive.archive import Archive
from executor.engine.engine import EngineResult
from orchestrator.answer import answer_of, digests_of, files_of
from orchestrator.approval import Refused
from orchestrator.execution import execute
from orchestrator.fallback import Following, exchange_of, fall_back
from orchestrator.permission import permit
from orchestrator.planning import Prior, plan
from orchestrator.replanning import note_replan, prior_of, worth_replanning
from orchestrator.resumption import Point
from orchestrator.rollback import Rollback, left_behind, roll_back
from orchestrator.settlement import go_on, is_open, settle_open
from orchestrator.setup import Setup


@dataclass
class Pursuit:
    """One run's way to its outcome, with what it has used up so far."""

    goal: Goal
    setup: Setup
    archive: Archive
    point: Point
    """Where it stood when this process took it up."""
    program: Program | None = None
    result: EngineResult | None = None
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        limits = self.goal.constraints
        budget = self.setup.policy.budget
        self.replans = self.point.replans
        self.failed = self.point.prior.reasons[-1] if self.point.prior and self.point.prior.reasons else ""
        self.model = Meter(
            self.setup.model,
            max_tokens=least(limits.max_tokens, budget.max_tokens),
            max_cost=least(limits.max_cost, budget.max_cost),
            used=self.point.used,
            on_exchange=self._exchanged,
        )

    def to_end(self) -> Outcome:
        """Gives the outcome: done, or failed after as many plan versions as the goal allows.

        Raises:
            ProposalRejected, ModelAnswerError: no proposal could be proven.
            ApprovalRequired: a person has not decided yet, or not said what happened.
            Refused: a person said no.
            Cancelled: the run was stopped.
            BudgetExceeded: the model may not be asked any more.
            TransportError: model or engine cannot be reached.
            ArchiveError: the disk refuses.
        """
        program, lines, prior, version = self.point.program, self.point.lines, self.point.prior, self.point.version
        while True:
            if program is None:
                try:
                    program, lines = self._planned(version, prior)
                except (ProposalRejected, ModelAnswerError) as error:
                    if prior is None:
                        raise
                    return self.outcome("failed", reason=f"{self.failed}; no other plan held: {error}")
            self.program, self.result = program, None
            try:
                permit(program, prior, self.setup, self.archive)
            except Refused as error:
                if prior is None:
                    raise
                return self.outcome("rejected", reason=f"{self.failed}; then {error}")
            self.result = self._executed(program)
            if self.result.status == "completed":
                return self.outcome("done")
            self.failed = failure(self.result)
            if (following := self._following(program, lines, self.result, prior)) is not None:
                prior, program, lines = following.prior, following.program, following.lines
                continue
            if self._is_final(self.result):
                return self.outcome("failed", reason=self.failed)
            prior, version = self._narrowed(program, lines, self.result, prior), program.proposal.version + 1
            program = None

    def _executed(self, program: Program) -> EngineResult:
        result = execute(program, self.setup, self.archive, self.model)
        if result.status == "cancelled":
            raise Cancelled("the run was stopped")
        self._report_failures(result)
        return result

    def _following(
        self, program: Program, lines: Mapping[str, str], result: EngineResult, earlier: Prior | None
    ) -> Following | None:
        """Gives the same plan as a further version, where it goes on with that.

        That is after a question about an effect is answered, and where another operation takes the place of
        one that is down.
        """
        if is_open(result):
            settle_open(program, self.setup, self.archive, self.model)
            prior, again = go_on(program, lines, result, earlier, self.setup, self.archive)
            return Following(program=again, prior=prior, lines=lines)
        exchange = exchange_of(program, result)
        if exchange is None:
            return None
        following = fall_back(exchange, program, lines, result, earlier, self.setup, self.archive)
        if isinstance(following, Following):
            return following
        self.failed += f"; {exchange.instead.name!r} did not take its place: {following}"
        return None

    def _is_final(self, result: EngineResult) -> bool:
        return self.replans >= self.goal.constraints.max_replans or not worth_replanning(result)

    def _planned(self, version: int, prior: Prior | None) -> tuple[Program, Mapping[str, str]]:
        program, planned = plan(self.goal, self.setup, self.archive, self.model, version=version, prior=prior)
        return program, planned.lines

    def _narrowed(
        self, program: Program, lines: Mapping[str, str], result: EngineResult, earlier: Prior | None
    ) -> Prior:
        """Gives what the next version knows, written down so that a resumed run knows it too."""
        prior = prior_of(program, lines, result, earlier)
        version = program.proposal.version + 1
        self.replans += 1
        note_replan(self.archive, version, prior)
        self.setup.listener.replanning(version, prior.reasons)
        return prior

    def _report_failures(self, result: EngineResult) -> None:
        for feedback in result.feedback.values():
            if feedback.execution_status == "failure":
                self.archive.append("feedback", feedback.model_dump(mode="json"))
                self.setup.listener.failed(feedback)

    def outcome(self, status: OutcomeStatus, *, reason: str = "") -> Outcome:
        """Gives the outcome and writes it down; a run that waits or was stopped gets none in the archive."""
        answer: dict[str, JsonValue] = {}
        if status == "done" and self.program is not None and self.result is not None:
            answer = answer_of(self.program, self.result.outputs, self.archive)
        rollback = self._taken_back(status, reason)
        outcome = Outcome(
            run=self.archive.run,
            status=status,
            answer=answer,
            reason=reason,
            replans=self.replans,
            files=(files := files_of(self.archive.files)),
            digests=digests_of(self.archive.files, files),
            undone=rollback.undone,
            not_undone=rollback.standing,
            tokens=self.model.used.prompt_tokens + self.model.used.completion_tokens,
            cost=self.model.used.cost,
            seconds=round(time.monotonic() - self.started, 3),
        )
        if status not in {"waiting", "cancelled"}:
            self.archive.append("outcome", outcome.model_dump(mode="json"))
        return outcome

    def _taken_back(self, status: OutcomeStatus, reason: str) -> Rollback:
        if status in ("failed", "rejected"):
            return roll_back(self.archive, self.setup, self.model, status=status, reason=reason)
        if status == "done" and self.replans and self.result is not None:
            return left_behind(self.archive, self.result.outputs.values())
        return Rollback(run=self.archive.run)

    def _exchanged(self, request: ModelRequest, reply: ModelReply | Exception) -> None:
        answered: dict[str, JsonValue] = {"request": self.archive.put(request), "model": self.model.name}
        if isinstance(reply, Exception):
            answered |= {"error": type(reply).__name__, "message": str(reply)[:500]}
            usage = getattr(reply, "usage", None)
        else:
            answered["reply"] = self.archive.put(reply)
            usage = reply.usage
        if usage is not None:
            answered["usage"] = usage.model_dump(mode="json")
        self.archive.append("llm.exchange", answered)


def failure(result: EngineResult) -> str:
    """Gives in words why a workflow did not complete: the step, the code, the message."""
    feedback = result.feedback.get(result.failed_step or "")
    if feedback is None or not feedback.errors:
        return f"the workflow ended as {result.status}"
    error = feedback.errors[-1]
    return f"step {feedback.step_id!r} failed ({error.code}): {error.message or error.kind}"
