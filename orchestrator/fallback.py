"""Fallbacks: where a step's operation is down, a run goes on with another one that was proven and approved with it.

The version that calls it is certified, and must be one that the certificate of the version before names. It runs
in a workflow of its own, in which finished steps are taken over. Nothing is done again for it: where a step that
it changes has brought something about, or may have, the run fails as it would without a fallback.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from dagwright.exceptions import ProposalRejected
from dagwright.program import Program
from dagwright.tool import ToolSpec
from executor.archive.archive import Archive
from executor.engine.engine import EngineResult
from executor.engine.history import intents_of
from executor.ledger.ledger import Ledger
from executor.workflow.instance import Instance, parts_of
from orchestrator.permission import carry_over
from orchestrator.planning import Prior, certified, prove
from orchestrator.replanning import note_replan, prior_of
from orchestrator.setup import Setup
from orchestrator.strategy.strategy import Planned
from planner.signature import words_of
from validation.fallback import substituted
from validation.widening import foreseen

DOWN = frozenset(("transport", "timeout"))
"""Kinds of error after which another operation may do what a step's own did not."""

ELSEWHERE = "held_elsewhere"
"""Code of an effect that another run is about: it is not down."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One operation that takes another's place."""

    step: Instance
    """What failed."""
    given: ToolSpec
    """The operation that is down."""
    instead: ToolSpec
    """The one that takes its place."""
    kind: str
    """Kind of the last error, `transport` or `timeout`."""
    code: str
    """Its code, such as `circuit_open` or `http_503`."""

    def as_json(self) -> dict[str, JsonValue]:
        """Gives it as JSON."""
        names: dict[str, JsonValue] = {"from": self.given.name, "to": self.instead.name}
        return {"step": self.step, **names, "kind": self.kind, "code": self.code}


@dataclass(frozen=True, kw_only=True)
class Following:
    """A further version of the same plan, with which a run goes on."""

    program: Program
    """The version."""
    prior: Prior
    """What the version before left."""
    lines: Mapping[str, str]
    """The calls as the model wrote them, by step; the one that is made otherwise with its operation's word."""


def exchange_of(program: Program, result: EngineResult) -> Exchange | None:
    """Gives what may take the place of the operation that a workflow failed for; None where nothing may."""
    feedback = result.feedback.get(result.failed_step or "")
    if result.status != "failed" or feedback is None or not feedback.errors:
        return None
    error, step = feedback.errors[-1], parts_of(feedback.step_id)[0]
    others = program.fallbacks_of(step) if error.kind in DOWN and error.code != ELSEWHERE else ()
    if not others:
        return None
    given = program.by_id[step].spec
    return Exchange(step=feedback.step_id, given=given, instead=others[0], kind=error.kind, code=error.code)


def fall_back(
    exchange: Exchange,
    program: Program,
    lines: Mapping[str, str],
    result: EngineResult,
    earlier: Prior | None,
    setup: Setup,
    archive: Archive,
) -> Following | str:
    """Gives the version that goes on with another operation, or in words why there is none.

    The approvals that stand for the version before stand for it: they were given with it in sight.
    """
    if setup.shared is not None and exchange.given.effect != "read":
        return "runs that share their effects know them by their operation"
    step = parts_of(exchange.step)[0]
    proposal = substituted(program.proposal, step, exchange.instead)
    try:
        following = certified(proposal, setup)
    except ProposalRejected as error:
        return str(error)
    if not foreseen(program, following):
        return "it is no longer what was proven with the plan"
    if acted := _acted(program, following, archive):
        return f"what step {acted!r} did, or may have done, must not be done again"
    prior = prior_of(program, lines, result, earlier)
    setup.listener.falling_back(exchange.step, exchange.given.name, exchange.instead.name, exchange.code)
    called = {step: _calling(lines[step], exchange.instead, setup)} if step in lines else {}
    written = {**lines, **called}
    with archive.batch():
        note_replan(archive, proposal.version, prior, fallback=exchange.as_json())
        following = prove(Planned(proposal=proposal, lines=written), setup, archive, prior)
        carry_over(program, following, archive)
    return Following(program=following, prior=prior, lines=written)


def _calling(line: str, operation: ToolSpec, setup: Setup) -> str:
    """Gives a call as the model would have written it with another operation."""
    words = {spec.name: word for word, spec in words_of(setup.catalogue.tools).items()}
    _, bracket, arguments = line.partition("(")
    return f"{words[operation.name]}{bracket}{arguments}"


def _acted(program: Program, following: Program, archive: Archive) -> Instance:
    """Gives a step that means something else in the following version and has acted, or may have; empty for none."""
    before = intents_of(program.proposal, program.catalogue)
    after = intents_of(following.proposal, following.catalogue)
    stands = (entry for entry in Ledger(archive).entries() if entry.may_stand)
    return next((entry.step for entry in stands if _differs(parts_of(entry.step)[0], before, after)), "")


def _differs(step: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    return step in after and before.get(step) != after[step]
