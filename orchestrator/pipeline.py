"""The main path: a goal in words in, an outcome out, through six phases.

1. ingest: words, inputs and limits become a `Goal`; 2. plan: the strategy writes a proposal;
3. ground: each step refers to evidence that was shown; 4. prove: repair, certify, approve;
5. execute: compile and run; 6. conclude: answer, or replan under narrowed authority, or an honest end.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dagwright.exceptions import ApprovalRequired, Cancelled, ModelAnswerError, ProposalRejected
from dagwright.feedback import Outcome
from dagwright.goal import Constraints, Goal
from dagwright.llm.meter import BudgetExceeded
from dagwright.program import Program
from dagwright.proposal import Proposal
from executor.archive.archive import Archive
from orchestrator.approval import Refused
from orchestrator.inputs import bring_inputs
from orchestrator.observation.observed import observed
from orchestrator.opening import Inputs, ingest, opened, resumable
from orchestrator.planning import plan, prove
from orchestrator.pursuit import Pursuit
from orchestrator.resumption import GIVEN, Point, point_of
from orchestrator.setup import Setup
from orchestrator.strategy.strategy import Planned


@observed
def run_goal(text: str, inputs: Inputs, setup: Setup, *, constraints: Constraints | None = None) -> Outcome:
    """Plans, proves and executes a goal in a new run.

    Args:
        text: the goal in words.
        inputs: values by name; a `Path` is a file, which is copied into the run's folder.
        setup: model, catalogue, policy, engine, home.
        constraints: limits.

    Raises:
        InputError: an input cannot be read; the run's folder is then not left behind.
        TransportError: model or engine cannot be reached; the run can be resumed.
        ArchiveError: the disk refuses.
    """
    limits = constraints or Constraints()
    with opened(setup, setup.strategy.name, lambda archive: ingest(text, inputs, archive, limits)) as (goal, archive):
        return pursue(setup, archive, Point(goal=goal))


@observed
def plan_goal(
    text: str, inputs: Inputs, setup: Setup, *, constraints: Constraints | None = None
) -> tuple[str, Program]:
    """Plans and proves a goal in a new run that executes nothing; gives its id and the program.

    The run can be resumed, which then executes it.

    Raises:
        ProposalRejected, ModelAnswerError: no proposal could be proven; the archive says so.
        InputError, TransportError, ArchiveError: as for `run_goal`.
    """
    limits = constraints or Constraints()
    with opened(setup, setup.strategy.name, lambda archive: ingest(text, inputs, archive, limits)) as (goal, archive):
        setup.listener.ingested(goal)
        pursuit = Pursuit(goal, setup, archive, Point(goal=goal))
        try:
            program, _ = plan(goal, setup, archive, pursuit.model)
        except (ProposalRejected, ModelAnswerError) as error:
            pursuit.outcome("rejected", reason=str(error))
            raise
        return archive.run, program


@observed
def run_proposal(proposal: Proposal, setup: Setup, *, folder: Path) -> Outcome:
    """Proves and executes a proposal as it stands, in a new run; it is not replanned.

    Args:
        proposal: a proposal; its goal's files are looked for beside it and in this home's runs.
        setup: as for `run_goal`.
        folder: where the proposal lies.

    Raises:
        InputError: a file of the goal is not there, or is not the one that was planned for.
    """
    constraints = proposal.goal.constraints.model_copy(update={"max_replans": 0})
    goal = proposal.goal.model_copy(update={"constraints": constraints})

    def stated(archive: Archive) -> Goal:
        bring_inputs(goal, archive.inputs, folder, setup.home)
        return goal

    with opened(setup, GIVEN, stated) as (_, archive):
        program = prove(Planned(proposal=proposal, lines={}), setup, archive, None)
        return pursue(setup, archive, Point(goal=goal, program=program))


@observed
def resume_run(run: str, setup: Setup) -> Outcome:
    """Goes on with a run that was interrupted or waits for approval; finished steps are not repeated.

    Raises:
        ArchiveError: there is no such run, or another process holds it.
    """
    with Archive.open(setup.home, run) as archive, resumable(run):
        setup.listener.started(run, str(archive.folder))
        point = point_of(archive, setup.rules)
        if point.outcome is not None:
            setup.listener.ended(point.outcome)
            return point.outcome
        archive.append("run.resumed", {})
        if point.given is not None:
            planned = Planned(proposal=point.given, lines={})
            point = replace(point, program=prove(planned, setup, archive, None))
        return pursue(setup, archive, point)


def pursue(setup: Setup, archive: Archive, point: Point) -> Outcome:
    """Phases 2 to 6 from where a run stands; what went wrong for good is an outcome, too."""
    pursuit = Pursuit(point.goal, setup, archive, point)
    setup.listener.ingested(point.goal)
    try:
        outcome = _concluded(pursuit)
    except ApprovalRequired as error:
        outcome = pursuit.outcome("waiting", reason=str(error))
    except (Cancelled, KeyboardInterrupt):
        outcome = pursuit.outcome("cancelled", reason=f"stopped; go on with: dagwright run --resume {archive.run}")
    setup.listener.ended(outcome)
    return outcome


def _concluded(pursuit: Pursuit) -> Outcome:
    """Gives the outcome; where the run failed for good, what it did is taken back first."""
    ending = pursuit.point.ending
    try:
        return pursuit.outcome(ending[0], reason=ending[1]) if ending else pursuit.to_end()
    except (ProposalRejected, ModelAnswerError, Refused) as error:
        return pursuit.outcome("rejected", reason=str(error))
    except BudgetExceeded as error:
        return pursuit.outcome("failed", reason=str(error))
