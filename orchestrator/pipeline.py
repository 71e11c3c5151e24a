"""The main path: a goal in words in, an outcome out, through six phases.

1. ingest: words, inputs and limits become a `Goal`; 2. plan: the strategy writes a proposal;
3. ground: each step refers to evidence that was shown; 4. prove: repair, certify, approve;
5. execute: compile and run; 6. conclude: answer, or replan under narrowed authority, or an honest end.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from pydantic import JsonValue

from dagwright.canonical import ordered_json
from dagwright.exceptions import (
    ApprovalRequired,
    Cancelled,
    ModelAnswerError,
    ProposalRejected,
)
from dagwright.feedback import Outcome, OutcomeStatus
from dagwright.goal import Constraints, Goal
from dagwright.llm.meter import Meter
from dagwright.llm.model import ModelReply, ModelRequest
from dagwright.program import Program
from dagwright.proposal import Proposal
from executor.archive import Archive
from executor.engine import EngineResult
from orchestrator.answer import answer_of, files_of
from orchestrator.execution import approve, execute
from orchestrator.ingest import read_input
from orchestrator.inputs import bring_inputs
from orchestrator.planning import Prior, plan, prove
from orchestrator.replanning import prior_of, worth_replanning
from orchestrator.resumption import Point, point_of
from orchestrator.setup import Setup
from orchestrator.strategy.strategy import Planned


def run_goal(
    text: str, inputs: Mapping[str, str | Path | JsonValue], setup: Setup, *, constraints: Constraints | None = None
) -> Outcome:
    """Plans, proves and executes a goal in a new run.

    Args:
        text: the goal in words.
        inputs: values by name; a `Path` is a file, which is copied into the run's folder.
        setup: model, catalogue, policy, engine, home.
        constraints: limits.

    Raises:
        InputError: an input cannot be read; the run's folder is then not left behind.
        TransportError: model or engine cannot be reached.
        ApprovalRequired: never; the outcome is then `waiting`.
    """
    run = new_run_id()
    with Archive.create(setup.home, run) as archive:
        archive.append("run.started", {"settings": dict(setup.settings), "strategy": setup.strategy.name})
        setup.listener.started(run, str(archive.folder))
        goal = ingest(text, inputs, archive, constraints or Constraints())
        return pursue(goal, setup, archive)


def plan_goal(
    text: str, inputs: Mapping[str, str | Path | JsonValue], setup: Setup, *, constraints: Constraints | None = None
) -> Program:
    """Plans and proves a goal in a new run that executes nothing; its archive keeps how it came to be.

    Raises:
        ProposalRejected, ModelAnswerError: no proposal could be proven.
        InputError, TransportError: as for `run_goal`.
    """
    with Archive.create(setup.home, new_run_id()) as archive:
        archive.append("run.started", {"settings": dict(setup.settings), "strategy": setup.strategy.name})
        goal = ingest(text, inputs, archive, constraints or Constraints())
        setup.listener.ingested(goal)
        program, _ = plan(goal, setup, archive, _Attempt(goal, setup, archive, started=time.monotonic()).model)
        return program


def run_proposal(proposal: Proposal, setup: Setup, *, folder: Path) -> Outcome:
    """Proves and executes a proposal as it stands, in a new run; it is not replanned.

    Args:
        proposal: a proposal; its goal's files are looked for beside it and in this home's runs.
        setup: as for `run_goal`.
        folder: where the proposal lies.

    Raises:
        InputError: a file of the goal is not there, or is not the one that was planned for.
    """
    with Archive.create(setup.home, new_run_id()) as archive:
        archive.append("run.started", {"settings": dict(setup.settings), "strategy": "given"})
        setup.listener.started(archive.run, str(archive.folder))
        bring_inputs(proposal.goal, archive.inputs, folder, setup.home)
        goal = proposal.goal.model_copy(
            update={"constraints": proposal.goal.constraints.model_copy(update={"max_replans": 0})}
        )
        archive.append("goal", {"goal": archive.put_bytes(ordered_json(goal))})
        planned = Planned(proposal=proposal, lines={})
        program = prove(planned, setup, archive, None)
        return pursue(goal, setup, archive, Point(goal=goal, outcome=None, program=program))


def resume_run(run: str, setup: Setup) -> Outcome:
    """Goes on with a run that was interrupted or waits for approval; finished steps are not repeated.

    Raises:
        ArchiveError: there is no such run, or another process holds it.
    """
    with Archive.open(setup.home, run) as archive:
        archive.append("run.resumed", {})
        setup.listener.started(run, str(archive.folder))
        point = point_of(archive)
        if point.outcome is not None:
            return point.outcome
        return pursue(point.goal, setup, archive, point)


def ingest(text: str, inputs: Mapping[str, str | Path | JsonValue], archive: Archive, constraints: Constraints) -> Goal:
    """Phase 1: gives the goal, its files copied and read."""
    given = {name: read_input(name, value, into=archive.inputs) for name, value in inputs.items()}
    goal_id = f"goal_{archive.run.replace('-', '_')}"
    goal = Goal(goal_id=goal_id, text=text, inputs=given, constraints=constraints, created_at=datetime.now(UTC))
    archive.append("goal", {"goal": archive.put_bytes(ordered_json(goal))})
    return goal


def pursue(goal: Goal, setup: Setup, archive: Archive, point: Point | None = None) -> Outcome:
    """Phases 2 to 6, version after version, until there is an outcome."""
    ledger = _Attempt(goal, setup, archive, started=time.monotonic())
    setup.listener.ingested(goal)
    try:
        outcome = ledger.versions(point)
    except ProposalRejected as error:
        outcome = ledger.outcome("rejected", reason=str(error))
    except ModelAnswerError as error:
        outcome = ledger.outcome("rejected", reason=str(error))
    except ApprovalRequired as error:
        outcome = ledger.outcome("waiting", reason=str(error))
    except (Cancelled, KeyboardInterrupt):
        outcome = ledger.outcome("cancelled", reason=f"stopped; go on with: dagwright run --resume {archive.run}")
    setup.listener.ended(outcome)
    return outcome


@dataclass
class _Attempt:
    goal: Goal
    setup: Setup
    archive: Archive
    started: float
    replans: int = 0
    program: Program | None = None
    result: EngineResult | None = None

    def __post_init__(self) -> None:
        limits = self.goal.constraints
        budget = self.setup.policy.budget
        self.model = Meter(
            self.setup.model,
            max_tokens=_least(limits.max_tokens, budget.max_tokens),
            max_cost=_least(limits.max_cost, budget.max_cost),
            on_exchange=self._exchanged,
        )

    def versions(self, point: Point | None) -> Outcome:
        prior: Prior | None = None
        version = 1
        program, lines = (point.program, point.lines) if point and point.program else (None, {})
        while True:
            if program is None:
                program, planned = plan(self.goal, self.setup, self.archive, self.model, version=version, prior=prior)
                lines = planned.lines
            self.program = program
            approve(program, self.setup, self.archive)
            self.result = execute(program, self.setup, self.archive, self.model)
            if self.result.status == "completed":
                return self.outcome("done")
            if self.result.status == "cancelled":
                raise Cancelled("the run was stopped")
            self._report_failures()
            if self.replans >= self.goal.constraints.max_replans or not worth_replanning(self.result):
                return self.outcome("failed", reason=_reason(self.result))
            prior = prior_of(program, lines, self.result, prior)
            self.replans += 1
            version = program.proposal.version + 1
            self.archive.append("replan", {"version": version, "reasons": list(prior.reasons)})
            self.setup.listener.replanning(version, prior.reasons)
            program = None

    def _report_failures(self) -> None:
        assert self.result is not None
        for feedback in self.result.feedback.values():
            if feedback.execution_status == "failure":
                self.setup.listener.failed(feedback)

    def outcome(self, status: OutcomeStatus, *, reason: str = "") -> Outcome:
        """Gives the outcome and writes it down; a run that waits or was stopped gets none in the archive."""
        done = status == "done" and self.program is not None and self.result is not None
        answer = (
            answer_of(self.program, self.result.outputs, self.archive) if done and self.program and self.result else {}
        )
        outcome = Outcome(
            run=self.archive.run,
            status=status,
            answer=answer,
            reason=reason,
            replans=self.replans,
            files=files_of(self.archive.files),
            tokens=self.model.used.prompt_tokens + self.model.used.completion_tokens,
            cost=self.model.used.cost,
            seconds=round(time.monotonic() - self.started, 3),
        )
        if status not in {"waiting", "cancelled"}:
            self.archive.append("outcome", outcome.model_dump(mode="json"))
        return outcome

    def _exchanged(self, request: ModelRequest, reply: ModelReply | Exception) -> None:
        answered: dict[str, JsonValue] = {"request": self.archive.put(request), "model": self.model.name}
        if isinstance(reply, Exception):
            answered["error"] = type(reply).__name__
        else:
            answered |= {"reply": self.archive.put(reply), "usage": reply.usage.model_dump(mode="json")}
        self.archive.append("llm.exchange", answered)


def new_run_id() -> str:
    """Gives a name for a run: sortable by time, unique."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"


def _least(*limits: float | int | None) -> int | None:
    known = [limit for limit in limits if limit is not None]
    return int(min(known)) if known else None


def _reason(result: EngineResult) -> str:
    feedback = result.feedback.get(result.failed_step or "")
    if feedback is None or not feedback.errors:
        return f"the workflow ended as {result.status}"
    error = feedback.errors[-1]
    return f"step {feedback.step_id!r} failed: {error.message or error.code}"
