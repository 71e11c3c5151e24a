"""`Ledger`: which effects were meant, which happened, and of which nobody knows.

An effect is written down before it is tried. When a process dies in between, the entry stays
`intended`, and whoever comes next can tell that it may have happened. The events `effect.*` are the
record; the table beside them is its index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, cast

from pydantic import JsonValue

from dagwright.canonical import Sha256, sha256
from dagwright.event import EventKind
from executor.archive.archive import Archive

EffectState = Literal["intended", "done", "not_done", "unknown", "undone", "not_happened"]
"""`not_done`: it was tried and surely did not happen, its tool says; `not_happened`: that is what a person says of
one of unknown outcome; `undone`: it happened, or may have, and was taken back."""

SPENT: frozenset[EffectState] = frozenset(("undone", "not_happened"))
"""States of keys that nothing is tried under again."""

Settlement = Literal["happened", "not_happened", "undone", "compensate"]
"""What a person says of an effect: `undone` is taken back by hand, `compensate` asks for its compensation."""

_SETTLED: dict[Settlement, EffectState] = {
    "happened": "done",
    "not_happened": "not_happened",
    "undone": "undone",
    "compensate": "unknown",
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

    @property
    def is_open(self) -> bool:
        """Whether it may or may not have happened."""
        return self.state in ("unknown", "intended")

    @property
    def may_stand(self) -> bool:
        """Whether it happened and was not taken back, or may have."""
        return self.is_open or self.state == "done"


def idempotency_key(lineage: str, step: str, arguments: JsonValue) -> Sha256:
    """Gives the key of an effect: the same for each attempt and replan of a run with these arguments."""
    return sha256({"lineage": lineage, "step": step, "arguments": arguments})


def current_of(key: Sha256, find: Callable[[Sha256], Entry | None]) -> tuple[Sha256, Entry | None]:
    """Gives the first key of an effect that is not spent, and what is known of it under that."""
    while (entry := find(key)) is not None and entry.state in SPENT:
        key = sha256({"after": key})
    return key, entry


class EffectLedger(Protocol):
    """What the guarded worker writes effects down in. Thread-safe; `Ledger` says what each method does."""

    def key(self, run: str, step: str, operation: str, arguments: JsonValue) -> Sha256:
        """Gives the first idempotency key of an effect."""
        ...

    def find(self, key: Sha256) -> Entry | None:
        """Gives what is known of an effect, or None if it was never meant."""
        ...

    def current(self, key: Sha256) -> tuple[Sha256, Entry | None]:
        """Gives the key under which an effect is to be tried, and what is known of it under that."""
        ...

    def intend(
        self, key: Sha256, step: str, operation: str, *, durable: bool, more: Mapping[str, JsonValue] | None = None
    ) -> None:
        """Writes down that an effect is about to be tried."""
        ...

    def done(self, key: Sha256, output: Sha256, *, durable: bool) -> None:
        """Writes down that the effect happened and what it gave."""
        ...

    def not_done(self, key: Sha256) -> None:
        """Writes down that the effect surely did not happen."""
        ...

    def unknown(self, key: Sha256) -> None:
        """Writes down that the effect may or may not have happened."""
        ...

    def undone(self, key: Sha256, *, by: Sha256) -> None:
        """Writes down that a compensation took the effect back."""
        ...


class Ledger:
    """The ledger in a run's archive. Thread-safe."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def key(self, run: str, step: str, operation: str, arguments: JsonValue) -> Sha256:
        """Gives the first idempotency key of an effect: an effect is one of its run."""
        return idempotency_key(run, step, arguments)

    def find(self, key: Sha256) -> Entry | None:
        """Gives what is known of an effect, or None if it was never meant."""
        return next(iter(self._select("WHERE key = ?", (key,))), None)

    def entries(self) -> tuple[Entry, ...]:
        """Gives all entries by key."""
        return self._select("ORDER BY key", ())

    def current(self, key: Sha256) -> tuple[Sha256, Entry | None]:
        """Gives the key under which an effect is to be tried, another one after each that is spent.

        A provider that knows the old key would answer it: with what is no longer there where the effect was
        undone, and that it does not know where a person says that it did not happen. With the key comes what
        `find` gives for it.
        """
        return current_of(key, self.find)

    def intend(
        self, key: Sha256, step: str, operation: str, *, durable: bool, more: Mapping[str, JsonValue] | None = None
    ) -> None:
        """Writes down that an effect is about to be tried.

        Args:
            key: its idempotency key.
            step: the step.
            operation: `tool.operation`.
            durable: whether that must survive a loss of power, as it must where it must not happen twice.
            more: what undoing it takes: `program`, `arguments` (an artefact); of a compensation `undoes`, a key.
        """
        with self._archive.batch(durable=durable):
            self._archive.execute(
                "INSERT INTO ledger VALUES (?, ?, ?, 'intended', NULL) "
                "ON CONFLICT (key) DO UPDATE SET step = excluded.step, operation = excluded.operation, "
                "state = excluded.state, output = NULL",
                (key, step, operation),
            )
            self._archive.append("effect.intended", {"key": key, "step": step, "operation": operation, **(more or {})})

    def done(self, key: Sha256, output: Sha256, *, durable: bool) -> None:
        """Writes down that the effect happened and what it gave."""
        self._set("effect.done", key, "done", output, durable=durable)

    def not_done(self, key: Sha256) -> None:
        """Writes down that the effect surely did not happen."""
        self._set("effect.done", key, "not_done", None, durable=False)

    def unknown(self, key: Sha256) -> None:
        """Writes down that the effect may or may not have happened."""
        self._set("effect.unknown", key, "unknown", None, durable=True)

    def undone(self, key: Sha256, *, by: Sha256) -> None:
        """Writes down that a compensation, the effect with key `by`, took the effect back."""
        self._set("effect.undone", key, "undone", None, durable=True, more={"by": by})

    def settle(self, key: Sha256, answer: Settlement, *, by: str, output: Sha256 | None = None) -> None:
        """Writes down what a person says of an effect; `output` is what it gave, where it happened."""
        more: dict[str, JsonValue] = {"answer": answer, "by": by}
        self._set("effect.settled", key, _SETTLED[answer], output, durable=True, more=more)

    def _set(
        self,
        kind: EventKind,
        key: Sha256,
        state: EffectState,
        output: Sha256 | None,
        *,
        durable: bool,
        more: Mapping[str, JsonValue] | None = None,
    ) -> None:
        with self._archive.batch(durable=durable):
            self._archive.execute("UPDATE ledger SET state = ?, output = ? WHERE key = ?", (state, output, key))
            self._archive.append(kind, {"key": key, "happened": state == "done", "output": output, **(more or {})})

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
            known, output = found[key], str(body["output"]) if body["output"] else None
            state = _state_after(event.kind, body)
            found[key] = Entry(key=key, step=known.step, operation=known.operation, state=state, output=output)
    return tuple(found[key] for key in sorted(found))


def _state_after(kind: EventKind, body: Mapping[str, JsonValue]) -> EffectState:
    if kind == "effect.settled":
        return _SETTLED[cast("Settlement", body["answer"])]
    if kind == "effect.done":
        return "done" if body["happened"] else "not_done"
    return "undone" if kind == "effect.undone" else "unknown"
