"""Rollback: a run that failed for good takes back what it did, the last effect first.

`rollback` events say that it has begun (with how the run ended) and what became of it; one that was
interrupted is gone on with. What could not be taken back is named with what a person can do about it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from dagwright.canonical import Sha256
from dagwright.feedback import Outcome, OutcomeStatus
from dagwright.llm.model import Model
from executor.archive.archive import Archive
from executor.ledger.effects import effects_of
from executor.worker.compensation import Compensator, Undone, before
from orchestrator.approval import DECISIONS, Refused, standing
from orchestrator.execution import working
from orchestrator.permission import ask
from orchestrator.resumption import point_of
from orchestrator.setup import Setup
from orchestrator.undoing import Due, begun_of, due_of


@dataclass(frozen=True, kw_only=True)
class Rollback:
    """What became of the effects of a run that failed for good."""

    run: str
    results: tuple[Undone, ...] = ()

    @property
    def undone(self) -> tuple[str, ...]:
        """Effects that were taken back, a line each."""
        return tuple(str(result) for result in self.results if result.state == "undone")

    @property
    def standing(self) -> tuple[str, ...]:
        """Effects that still stand, with what a person can do about each."""
        return tuple(f"{found}; {self._remedy(found)}" for found in self.results if found.state != "undone")

    def _remedy(self, result: Undone) -> str:
        again = f"dagwright runs compensate {self.run}"
        settle = f"dagwright settle {self.run} {result.subject or result.effect.entry.step}"
        if result.state == "unknown":
            return f"look, then say: {settle} --happened | --not-happened | --undone, and: {again}"
        if result.state == "failed":
            return f"try again: {again}; or undo it by hand and say: {settle} --undone"
        return f"then: {again}" if result.state == "held" else f"undo it by hand and say: {settle} --undone"


def roll_back(
    archive: Archive, setup: Setup, model: Model, *, status: OutcomeStatus, reason: str, requested: bool = False
) -> Rollback:
    """Takes back what a run did, as far as its steps say so and a way was proven.

    Args:
        archive: of the run, open for writing.
        setup: runners, credentials, who is asked.
        model: for compensations that are `llm` steps.
        status: how the run ended.
        reason: why.
        requested: whether a person asked for it; where policy says `on_request`, nothing is done otherwise.

    Raises:
        ApprovalRequired: policy wants a person's word about a compensation, and nobody decided yet.
        Cancelled: it was stopped; it can be gone on with.
        ArchiveError: the disk refuses.
    """
    effects = effects_of(archive)
    due = due_of(effects, archive, setup.rules)
    earlier = tuple(Undone(effect=it, state="undone") for it in effects if it.entry.state == "undone")
    if not due:
        return Rollback(run=archive.run, results=earlier)
    if not requested and setup.policy.rollback == "on_request":
        return Rollback(run=archive.run, results=tuple(_held(it, "policy waits for a request") for it in due))
    if begun_of(archive.events("rollback")) is None:
        archive.append("rollback", {"state": "begun", "status": status, "reason": reason})
    refused = _refused(due, setup, archive)
    programs = {item.program.hash: item.program for item in due}
    with working(Compensator, programs.values(), setup, archive, model) as found:
        results = (*earlier, *_taken_back(due, found, refused, setup))
    body: list[JsonValue] = [result.as_json() for result in results]
    archive.append("rollback", {"state": "ended", "effects": body})
    return Rollback(run=archive.run, results=results)


def left_behind(archive: Archive, outputs: Collection[Sha256]) -> Rollback:
    """Gives the effects of versions that were given up, where a later one has succeeded: nothing undoes them.

    Args:
        archive: of the run.
        outputs: hashes of what the steps of the version that succeeded gave.
    """
    found: list[Undone] = []
    for effect in effects_of(archive):
        if effect.undoes is not None:
            continue
        if effect.is_open:
            found.append(Undone(effect=effect, state="unknown", why="nobody knows whether it happened"))
        elif effect.entry.state == "done" and effect.entry.output not in outputs:
            found.append(Undone(effect=effect, state="by_hand", why="the plan that it was part of was given up"))
    return Rollback(run=archive.run, results=tuple(found))


def compensate_run(run: str, setup: Setup) -> Rollback:
    """Takes back what a run did because a person asks for it; one that was open has then failed.

    Raises:
        ArchiveError: there is no such run, or another process holds it.
        ApprovalRequired, Cancelled: as for `roll_back`.
    """
    with Archive.open(setup.home, run) as archive:
        point = point_of(archive, setup.rules)
        ended = point.outcome
        status, reason = (ended.status, ended.reason) if ended else ("failed", "a person asked for it to be undone")
        rollback = roll_back(archive, setup, setup.model, status=status, reason=reason, requested=True)
        if ended is None:
            outcome = Outcome(
                run=run,
                status=status,
                reason=reason,
                replans=point.replans,
                undone=rollback.undone,
                not_undone=rollback.standing,
            )
            archive.append("outcome", outcome.model_dump(mode="json"))
        return rollback


def shown_effects(archive: Archive) -> list[JsonValue]:
    """Gives the effects of a run that were undone, should be, or of which nobody knows whether they happened."""
    said: dict[str, str] = {}
    for event in archive.events("rollback"):
        if isinstance(event.body, dict) and event.body["state"] == "ended":
            results = cast("list[dict[str, str]]", event.body["effects"])
            said = {result["key"]: result["why"] for result in results}
    return [
        {
            "step": effect.entry.step,
            "operation": effect.entry.operation,
            "state": effect.entry.state,
            "why": "" if effect.entry.state == "undone" else said.get(effect.entry.key, ""),
        }
        for effect in effects_of(archive)
        if effect.undoes is None and (effect.entry.state == "undone" or effect.is_open or said.get(effect.entry.key))
    ]


def _refused(due: Iterable[Due], setup: Setup, archive: Archive) -> dict[str, str]:
    """Asks about the compensations that policy asks about; gives who refused, by key of the effect."""
    given, refused = standing(archive.events(*DECISIONS)), dict[str, str]()
    for item in due:
        question = item.question(archive)
        if question is None or question.digest in given:
            continue
        try:
            ask(question, setup, archive)
        except Refused as error:
            refused[item.effect.entry.key] = str(error)
    return refused


def _taken_back(
    due: Iterable[Due], found: dict[str, Compensator], refused: dict[str, str], setup: Setup
) -> tuple[Undone, ...]:
    results: list[Undone] = []
    held: set[str] = set()
    for item in due:
        effect = item.effect
        if item.item.step.rollback_strategy == "manual":
            result = Undone(effect=effect, state="by_hand", why="its step says that a person undoes it")
        elif effect.step in held:
            result = _held(item, "what came after it still stands")
        elif effect.entry.key in refused:
            result = Undone(effect=effect, state="by_hand", why=refused[effect.entry.key])
        elif not item.is_certain:
            result = Undone(effect=effect, state="unknown", why="nobody knows whether it happened")
        else:
            result = found[item.program.hash].undo(effect, setup.cancelled)
        if result.state in ("failed", "unknown"):
            held |= before(item.program, effect.step)
        results.append(result)
    return tuple(results)


def _held(item: Due, why: str) -> Undone:
    return Undone(effect=item.effect, state="held", why=why)
