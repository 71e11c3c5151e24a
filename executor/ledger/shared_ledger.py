"""`SharedLedger`: effects that must happen at most once in all runs and on all machines of one scope, in PostgreSQL.

Two runs that would do the same (the same operation with the same arguments in the same scope) have one
key there. Whoever claims it first tries the effect; the others take over what it gave, once it is done,
and are put off before. Claiming and stating are single statements, committed before they return.

Each run's own archive keeps its record as always. There is no transaction over both: a claim is
committed in PostgreSQL before it is written to the archive, an end is written to the archive before it is
stated in PostgreSQL, and `find` states again what a crash in between left out. So a crash never frees a
claim: at worst an effect stays claimed by a run until that run is resumed, or a person settles it there.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic import JsonValue

from dagwright.canonical import Sha256, sha256
from dagwright.exceptions import ToolUnavailable, Unreachable
from executor.archive.archive import Archive
from executor.ledger.ledger import SPENT, EffectState, Entry, Ledger, current_of

if TYPE_CHECKING:
    from psycopg import Connection

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS dagwright_effect (
    key text PRIMARY KEY, scope text NOT NULL, run text NOT NULL, step text NOT NULL, operation text NOT NULL,
    state text NOT NULL, output bytea, changed timestamptz NOT NULL DEFAULT now())
"""
_CLAIM: Final = """
INSERT INTO dagwright_effect (key, scope, run, step, operation, state) VALUES (%s, %s, %s, %s, %s, 'intended')
ON CONFLICT (key) DO UPDATE SET
    run = excluded.run, step = excluded.step, state = 'intended', output = NULL, changed = now()
WHERE dagwright_effect.state = 'not_done'
   OR (dagwright_effect.run = excluded.run AND dagwright_effect.state NOT IN ('done', 'undone', 'not_happened'))
RETURNING key
"""
_STATE: Final = """
UPDATE dagwright_effect SET state = %s, output = %s, changed = now() WHERE key = %s AND run = %s
"""

_CONNECT: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "options": "-c statement_timeout=10000 -c synchronous_commit=on",
    "autocommit": True,
    "application_name": "dagwright",
}
"""Seconds to connect; milliseconds of a statement."""


class SharedLedger:
    """The ledger of a scope, as one run sees it. Thread-safe; an `executor.ledger.ledger.EffectLedger`."""

    def __init__(self, archive: Archive, address: str, *, scope: str) -> None:
        """Connects and makes the table if it is not there.

        Args:
            archive: of the run, open for writing.
            address: of the database, as `postgresql://…` or `host=… dbname=…`; it may hold a password.
            scope: within which an operation with the same arguments is the same effect, e.g. `payroll-2026-01`.

        Raises:
            Unreachable: the database is not there.
        """
        self._archive, self._own, self._address, self._scope = archive, Ledger(archive), address, scope
        self._guard = threading.Lock()
        self._connection: Connection[Any] | None = None
        self._run("SELECT pg_advisory_lock(4711)")  # tables made at the same time collide
        try:
            self._run(_TABLE)
        finally:
            self._run("SELECT pg_advisory_unlock(4711)")

    def key(self, run: str, step: str, operation: str, arguments: JsonValue) -> Sha256:
        """Gives the idempotency key of an effect: the same in all runs of the scope."""
        return sha256({"scope": self._scope, "operation": operation, "arguments": arguments})

    def find(self, key: Sha256) -> Entry | None:
        """Gives what is known of an effect; None if it was never meant, or another run is about it.

        Raises:
            Unreachable: the database is not there.
        """
        own, shared = self._own.find(key), self._shared(key)
        if shared is None:
            return None  # what only this archive knows was never claimed
        run, step, operation, state, output = shared
        if run == self._archive.run:
            return self._agreed(own, state) if own is not None else None
        if state == "done" or state in SPENT:
            return self._taken_over(key, step, operation, state, output)
        return None

    def current(self, key: Sha256) -> tuple[Sha256, Entry | None]:
        """Gives the key under which an effect is to be tried, and what `find` gives for it. Errors as for `find`."""
        return current_of(key, self.find)

    def intend(
        self, key: Sha256, step: str, operation: str, *, durable: bool, more: Mapping[str, JsonValue] | None = None
    ) -> None:
        """Claims an effect and writes down that it is about to be tried.

        Raises:
            ToolUnavailable: `held_elsewhere`; another run is about it, or has done it meanwhile.
            Unreachable: the database is not there; nothing was tried.
        """
        if not self._run(_CLAIM, (key, self._scope, self._archive.run, step, operation)):
            found = self._shared(key)
            holder = f"run {found[0]!r}" if found else "another run"
            raise ToolUnavailable(f"{operation} with these arguments is held by {holder}", code="held_elsewhere")
        self._own.intend(key, step, operation, durable=durable, more=more)

    def done(self, key: Sha256, output: Sha256, *, durable: bool) -> None:
        """Writes down that the effect happened and what it gave, here and then for all.

        Raises:
            Unreachable: the database is not there; this archive knows it, and the next `find` states it.
        """
        self._own.done(key, output, durable=durable)
        self._state(key, "done", output)

    def not_done(self, key: Sha256) -> None:
        """Writes down that the effect surely did not happen. Errors as for `done`."""
        self._own.not_done(key)
        self._state(key, "not_done")

    def unknown(self, key: Sha256) -> None:
        """Writes down that the effect may or may not have happened. Errors as for `done`."""
        self._own.unknown(key)
        self._state(key, "unknown")

    def undone(self, key: Sha256, *, by: Sha256) -> None:
        """Writes down that a compensation, the effect with key `by`, took the effect back. Errors as for `done`."""
        self._own.undone(key, by=by)
        self._state(key, "undone")

    def close(self) -> None:
        """Closes the connection; doing so twice is harmless."""
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _agreed(self, own: Entry, state: EffectState) -> Entry:
        """Gives what this archive knows of an effect of its own, and states it where a crash left that out."""
        if own.state != state:
            self._state(own.key, own.state, own.output)
        return own

    def _taken_over(self, key: Sha256, step: str, operation: str, state: EffectState, output: bytes | None) -> Entry:
        """Gives what another run did; its outputs become an artefact here, so that this run's history holds them."""
        kept = self._archive.put_bytes(output) if output is not None else None
        if state == "done" and kept is not None and self._own.find(key) is None:
            with self._archive.batch():
                self._own.intend(key, step, operation, durable=True)
                self._own.done(key, kept, durable=True)
        return Entry(key=key, step=step, operation=operation, state=state, output=kept)

    def _shared(self, key: Sha256) -> tuple[str, str, str, EffectState, bytes | None] | None:
        rows = self._run("SELECT run, step, operation, state, output FROM dagwright_effect WHERE key = %s", (key,))
        return rows[0] if rows else None

    def _state(self, key: Sha256, state: EffectState, output: Sha256 | None = None) -> None:
        data = self._archive.get_bytes(output) if output is not None else None
        self._run(_STATE, (state, data, key, self._archive.run))

    def _run(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        import psycopg

        with self._guard:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg.connect(self._address, **_CONNECT)
                cursor = self._connection.execute(statement.encode(), values)
                return cursor.fetchall() if cursor.description else []
            except psycopg.Error as error:
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None
                said = (str(error).splitlines() or [type(error).__name__])[0]
                advice = "The ledger's database must be there before effects are tried"
                raise Unreachable("the shared ledger", said, advice=advice) from error
