"""`Effect`: what the events of a run say of each effect that can be undone or asked about, the latest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from dagwright.canonical import Sha256
from dagwright.event import EventKind
from executor.archive.archive import Archive
from executor.ledger.ledger import Entry, Ledger
from executor.workflow.instance import parts_of

_EVENTS: tuple[EventKind, ...] = (
    "effect.intended",
    "effect.done",
    "effect.unknown",
    "effect.settled",
    "effect.undone",
)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One effect of a run."""

    entry: Entry
    """What the ledger knows of it."""
    program: Sha256
    """Hash of the program that meant it last."""
    arguments: Sha256
    """Artefact with the arguments of its call."""
    seq: int
    """Number of the event by which it was done, else of the one by which it was meant."""
    undoes: Sha256 | None = None
    """Of a compensation: the key of the effect that it takes back."""
    wanted: bool = False
    """Whether a person has said that it is to be compensated, and nothing was tried since."""

    @property
    def step(self) -> str:
        """Id of its step."""
        return parts_of(self.entry.step)[0]

    @property
    def is_open(self) -> bool:
        """Whether it may or may not have happened."""
        return self.entry.is_open


def effects_of(archive: Archive) -> tuple[Effect, ...]:
    """Gives the effects that the ledger kept arguments of, in reverse order of completion."""
    meant: dict[str, Mapping[str, JsonValue]] = {}
    done: dict[str, int] = {}
    wanted: set[str] = set()
    for event in archive.events(*_EVENTS):
        body = event.body
        if not isinstance(body, dict):
            continue
        key = str(body["key"])
        wanted.discard(key)
        if event.kind == "effect.intended":
            meant[key], done[key] = body, event.seq
        elif body.get("happened"):
            done[key] = event.seq
        elif body.get("answer") == "compensate":
            wanted.add(key)
    entries = {entry.key: entry for entry in Ledger(archive).entries()}
    found = [
        Effect(
            entry=entries[key],
            program=str(body["program"]),
            arguments=str(body["arguments"]),
            seq=done[key],
            undoes=str(body["undoes"]) if body.get("undoes") else None,
            wanted=key in wanted,
        )
        for key, body in meant.items()
        if body.get("arguments") and key in entries
    ]
    return tuple(sorted(found, key=lambda effect: -effect.seq))
