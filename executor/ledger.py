"""`Ledger`: which effects were meant, which happened, and of which nobody knows.

An effect is written down before it is tried. When a process dies in between, the entry stays
`intended`, and whoever comes next can tell that it may have happened. The events `effect.*` are the
record; the table beside them is its index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from dagwright.canonical import Sha256, sha256
from dagwright.event import EventKind
from executor.archive import Archive

EffectState = Literal["intended", "done", "not_done", "unknown"]
"""`not_done`: it was tried and surely did not happen."""

STATES: dict[EventKind, EffectState] = {
    "effect.intended": "intended",
    "effect.done": "done",
    "effect.unknown": "unknown",
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is known of one effect."""

    key: Sha256
    """Its idempotency key."""
    step: str
    operation: str
    state: EffectState
    output: Sha256 | None
    """Artefact with the outputs, once it is done."""


def idempotency_key(lineage: str, step: str, arguments: JsonValue) -> Sha256:
    """Gives the key of an effect: the same for each attempt and replan of a run with these arguments."""
    return sha256({"lineage": lineage, "step": step, "arguments": arguments})


class Ledger:
    """The ledger in a run's archive. Thread-safe."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def find(self, key: Sha256) -> Entry | None:
        """Gives what is known of an effect, or None if it was never meant."""
        return next(iter(self._select("WHERE key = ?", (key,))), None)

    def entries(self) -> tuple[Entry, ...]:
        """Gives all entries by key."""
        return self._select("ORDER BY key", ())

    def intend(self, key: Sha256, step: str, operation: str, *, durable: bool) -> None:
        """Writes down that an effect is about to be tried; `durable` where it must not happen twice."""
        with self._archive.batch(durable=durable):
            self._archive.execute(
                "INSERT INTO ledger VALUES (?, ?, ?, 'intended', NULL) "
                "ON CONFLICT (key) DO UPDATE SET state = 'intended', output = NULL",
                (key, step, operation),
            )
            self._archive.append("effect.intended", {"key": key, "step": step, "operation": operation})

    def done(self, key: Sha256, output: Sha256, *, durable: bool) -> None:
        """Writes down that the effect happened and what it gave."""
        self._set(key, "done", output, durable=durable)

    def not_done(self, key: Sha256) -> None:
        """Writes down that the effect surely did not happen."""
        self._set(key, "not_done", None, durable=False)

    def unknown(self, key: Sha256) -> None:
        """Writes down that the effect may or may not have happened."""
        self._set(key, "unknown", None, durable=True)

    def _set(self, key: Sha256, state: EffectState, output: Sha256 | None, *, durable: bool) -> None:
        with self._archive.batch(durable=durable):
            self._archive.execute("UPDATE ledger SET state = ?, output = ? WHERE key = ?", (state, output, key))
            kind: EventKind = "effect.unknown" if state == "unknown" else "effect.done"
            self._archive.append(kind, {"key": key, "happened": state == "done", "output": output})

    def _select(self, condition: str, values: tuple[str, ...]) -> tuple[Entry, ...]:
        rows = self._archive.rows(f"SELECT key, step, operation, state, output FROM ledger {condition}", values)  # noqa: S608
        return tuple(
            Entry(key=key, step=step, operation=operation, state=state, output=output)
            for key, step, operation, state, output in rows
        )


def ledger_of(archive: Archive) -> tuple[Entry, ...]:
    """Gives the entries that the events say there are, by key, for `verify`."""
    found: dict[Sha256, Entry] = {}
    for event in archive.events():
        body = event.body
        if not event.kind.startswith("effect.") or not isinstance(body, dict):
            continue
        key = str(body["key"])
        if event.kind == "effect.intended":
            step, operation = str(body["step"]), str(body["operation"])
            found[key] = Entry(key=key, step=step, operation=operation, state="intended", output=None)
        else:
            known = found[key]
            state: EffectState = (
                "unknown" if event.kind == "effect.unknown" else "done" if body["happened"] else "not_done"
            )
            output = str(body["output"]) if body["output"] else None
            found[key] = Entry(key=key, step=known.step, operation=known.operation, state=state, output=output)
    return tuple(found[key] for key in sorted(found))
