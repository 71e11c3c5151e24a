"""`Event`: the append-only, hash-chained record of a run. State is a fold over events."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, JsonValue, SerializerFunctionWrapHandler, model_serializer

from dagwright.canonical import Sha256, sha256
from dagwright.model import Frozen

EventKind = Literal[
    "run.started",
    "run.resumed",
    "goal",
    "evidence",
    "llm.exchange",
    "proposal",
    "report",
    "program",
    "approval.requested",
    "approval.given",
    "approval.refused",
    "workflow",
    "task.scheduled",
    "task.started",
    "task.completed",
    "task.failed",
    "task.timed_out",
    "task.cancelled",
    "effect.intended",
    "effect.done",
    "effect.unknown",
    "effect.settled",
    "effect.undone",
    "rollback",
    "feedback",
    "replan",
    "outcome",
]
"""The closed set of kinds."""

GENESIS: Sha256 = "0" * 64
"""`prev` of the first event."""


class Event(Frozen):
    """One thing that happened. `hash` is over the canonical JSON of all other fields."""

    seq: int = Field(ge=0)
    """0, 1, 2 …"""
    time: datetime
    """When (UTC)."""
    run: str
    """The run."""
    kind: EventKind
    """What sort."""
    body: JsonValue
    """What happened; large values as artefact hashes."""
    prev: Sha256
    """Hash of the event before."""
    hash: Sha256
    """Hash of this event."""

    @model_serializer(mode="wrap")
    def _with_null(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"body": None, **handler(self)}  # null is a value here, not an absence

    def computed_hash(self) -> Sha256:
        """Gives the hash that this event should have."""
        return sha256(self.model_dump(mode="json", exclude={"hash"}))
