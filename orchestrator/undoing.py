"""What of a run is to be taken back, by which calls, and what a person must say of them first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, cast

from dagwright.canonical import Sha256
from dagwright.event import Event
from dagwright.exceptions import GuardViolation
from dagwright.feedback import OutcomeStatus
from dagwright.policy import Policy
from dagwright.program import Program, ProgramStep
from executor.archive.archive import Archive
from executor.ledger.effects import Effect
from executor.worker.compensation import Undoing, undoing_of
from executor.worker.guard import action_for
from orchestrator.approval import Question
from orchestrator.resumption import program_at
from validation.rules import OwnRule


@dataclass(frozen=True, kw_only=True)
class Due:
    """One effect that is to be taken back."""

    effect: Effect
    item: ProgramStep
    """Its step."""
    program: Program
    """The program that meant it."""

    @property
    def stands(self) -> bool:
        """Whether it happened, or may have."""
        return self.effect.entry.state == "done" or self.effect.is_open

    def undoing(self, archive: Archive) -> Undoing | None:
        """Gives the call that takes it back; None where none can be made."""
        try:
            return undoing_of(self.effect, self.program, archive)
        except GuardViolation:
            return None

    def question(self, archive: Archive) -> Question | None:
        """Gives what a person must say yes to first; None where policy asks nobody."""
        undoing = self.undoing(archive) if self.is_certain else None
        if undoing is None or self.item.step.rollback_strategy != "compensate":
            return None
        action, _ = action_for(undoing.item.spec, undoing.arguments, self.program.policy)
        asked = action == "ask" or undoing.item.needs_approval
        return Question(program=self.program, digest=undoing.digest, step=undoing.item) if asked else None

    @property
    def is_certain(self) -> bool:
        """Whether it is to be taken back without knowing more: it happened, or that is how doubt is to end."""
        effect = self.effect
        return not effect.is_open or effect.wanted or doubt_of(effect, self.program.policy) == "compensate"


def due_of(effects: Iterable[Effect], archive: Archive, rules: tuple[OwnRule, ...]) -> tuple[Due, ...]:
    """Gives those of a run's effects that stand, or may stand, and are to be taken back, in the order of doing so.

    Raises:
        ArchiveError: a program does not certify to the hash that the archive names.
    """
    meant = [effect for effect in effects if effect.undoes is None]
    programs = programs_of(archive, rules, {effect.program for effect in meant})
    found = [(effect, programs[effect.program]) for effect in meant if effect.program in programs]
    due = [
        Due(effect=effect, item=program.by_id[effect.step], program=program)
        for effect, program in found
        if effect.step in program.by_id
    ]
    return tuple(item for item in due if item.stands and item.item.step.rollback_strategy in ("compensate", "manual"))


def programs_of(archive: Archive, rules: tuple[OwnRule, ...], hashes: Iterable[Sha256]) -> dict[Sha256, Program]:
    """Gives the programs of a run with these hashes, certified again."""
    wanted, found = set(hashes), dict[Sha256, Program]()
    for event in archive.events("program"):
        name = str(event.body.get("program")) if isinstance(event.body, dict) else ""
        if name in wanted and name not in found:
            found[name] = program_at(event, archive, rules)
    return found


def doubt_of(effect: Effect, policy: Policy) -> Literal["ask", "compensate"]:
    """Gives what policy says about an effect of which nobody knows whether it happened."""
    operation = effect.entry.operation
    rule = next((rule for rule in policy.unknown_outcomes or () if fnmatchcase(operation, rule.tools)), None)
    return rule.action if rule is not None else "ask"


def begun_of(events: Iterable[Event]) -> tuple[OutcomeStatus, str] | None:
    """Gives how a run ended whose rollback was interrupted; None for any other run."""
    found: tuple[OutcomeStatus, str] | None = None
    for event in events:
        if event.kind == "rollback" and isinstance(event.body, dict):
            begun = event.body["state"] == "begun"
            found = (cast("OutcomeStatus", event.body["status"]), str(event.body["reason"])) if begun else None
    return found
