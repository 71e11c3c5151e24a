"""`Archive`: everything that a run leaves behind, in one folder, written by one process at a time.

`HOME/runs/RUN/` holds `archive.db` (hash-chained events, content-addressed artefacts, the ledger
of effects), `inputs/` (the goal's files) and `files/` (what tools write). An artefact is written before
the event that names it, or in one transaction with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from dagwright.canonical import Sha256, canonical_json, sha256_bytes
from dagwright.event import GENESIS, Event, EventKind
from dagwright.exceptions import ArchiveError
from executor.archive.database import Database, Values
from executor.archive.folder import DATABASE, folder_of, new_folder, runs
from executor.archive.waiting import MAX_BYTES, Waiting

SCHEMA_VERSION = 2
"""Version 1 had no `head`: where a history was cut off at its end, nothing said so."""

_TABLES = """
CREATE TABLE run (id TEXT NOT NULL);
CREATE TABLE head (hash TEXT NOT NULL);
CREATE TABLE event (
    seq INTEGER PRIMARY KEY, time TEXT NOT NULL, kind TEXT NOT NULL,
    body TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL);
CREATE INDEX event_kind ON event (kind, seq);
CREATE TABLE artefact (sha256 TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE ledger (
    key TEXT PRIMARY KEY, step TEXT NOT NULL, operation TEXT NOT NULL,
    state TEXT NOT NULL, output TEXT) WITHOUT ROWID;
"""

_ADD_ARTEFACT = "INSERT OR IGNORE INTO artefact VALUES (?, ?)"


class Archive:
    """The record of one run. Thread-safe; made by `create` or `open`, closed by `close` or `with`."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        """The run's folder."""
        self.files = folder / "files"
        """The folder for everything that tools write."""
        self.inputs = folder / "inputs"
        """The folder with the goal's files."""
        self._database = database
        self.run: str = database.read("SELECT id FROM run")[0][0]
        """The run's id."""
        self._run_json = canonical_json(self.run).decode()
        self._has_head: bool = database.read("PRAGMA user_version")[0][0] > 1
        self._seq, self._head = self._last()
        self._rows: list[Values] = []
        self._waiting = Waiting()

    @classmethod
    def create(cls, home: Path, run: str) -> Archive:
        """Makes the folder of a new run and opens its archive for writing.

        Raises:
            DiskError: the disk is full or broken.
            ArchiveError: the name is not usable, the run exists, or its folder may not be made.
        """
        with new_folder(home, run) as folder:
            path, what = folder / DATABASE, _what(run)
            database = Database.create(path, what=what, tables=_TABLES, version=SCHEMA_VERSION)
            try:
                database.write("INSERT INTO run VALUES (?)", (run,))
                database.write("INSERT INTO head VALUES (?)", (GENESIS,))
                return cls(folder, database)
            except BaseException:
                database.close()
                raise

    @classmethod
    def open(cls, home: Path, run: str, *, read_only: bool = False) -> Archive:
        """Opens the archive of a run; read-only also while another process writes to it.

        Raises:
            ArchiveError: there is no such run, another process holds it (says which), or the
                file is not an archive.
        """
        folder = folder_of(home, run)
        if not (folder / DATABASE).is_file():
            known = ", ".join(runs(home)[-10:]) or "none"
            raise ArchiveError(f"there is no run {run!r} in {str(home)!r}; the latest are: {known}")
        return cls.at(folder, read_only=read_only)

    @classmethod
    def at(cls, folder: Path, *, read_only: bool = False) -> Archive:
        """Opens the archive in a folder, wherever it lies. Errors as for `open`."""
        path, what = folder / DATABASE, _what(folder.name)
        versions = range(1, SCHEMA_VERSION + 1)
        database = Database.open(path, what=what, versions=versions, read_only=read_only)
        try:
            archive = cls(folder, database)
            if not read_only and archive.stated_head != archive.head:
                raise ArchiveError(
                    f"{_what(archive.run)} was cut off at its end; `dagwright verify` says what is wrong"
                )
        except ArchiveError:
            database.close()
            raise
        return archive

    @property
    def head(self) -> Sha256:
        """Hash of the last event; `GENESIS` where there is none. Names the whole history."""
        return self._head

    @property
    def stated_head(self) -> Sha256:
        """What the archive itself says that its head is, apart from its events.

        Raises:
            ArchiveError: it says nothing, or several things.
        """
        if not self._has_head:
            return self._head
        rows = self._database.read("SELECT hash FROM head")
        if len(rows) != 1:
            raise ArchiveError(f"the archive of run {self.run!r} names {len(rows)} heads, not one")
        return str(rows[0][0])

    def append(self, kind: EventKind, body: JsonValue) -> Event:
        """Adds an event, durably unless inside a `batch` that is not.

        Raises:
            DiskError: the disk is full or broken; the archive then takes nothing more.
            ValueError: the body is not JSON (a number that is not finite, a lone surrogate).
        """
        time, text = datetime.now(UTC), canonical_json(body)
        with self._database.guard:
            seq, prev = self._seq + 1, self._head
            self._add(kind, text, time)
            return _event(self.run, (seq, time, kind, body, prev, self._head))

    def note(self, kind: EventKind, body: JsonValue) -> int:
        """Adds an event as `append` does, and gives its number only."""
        text = canonical_json(body)
        with self._database.guard:
            self._add(kind, text, datetime.now(UTC))
            return self._seq

    def _add(self, kind: EventKind, text: bytes, time: datetime) -> None:
        """Adds an event to those of the batch, or in a batch of its own; the guard is held."""
        if not self._database.is_batch:
            with self.batch():
                self._add(kind, text, time)
            return
        seq, prev, stamp = self._seq + 1, self._head, _stamp(time)
        digest = _digest(text, kind, prev, self._run_json, seq, stamp)
        self._rows.append((seq, stamp, kind, text.decode(), prev, digest))
        self._seq, self._head = seq, digest

    @contextmanager
    def batch(self, *, durable: bool = True) -> Generator[None]:
        """Writes all that is added inside it in one transaction: all or nothing, one sync.

        Other threads wait meanwhile, so it encloses no effect and no waiting. Batches nest; the
        outermost decides. Errors as for `append`.
        """
        with self._database.batch(durable=durable) as is_outermost:
            if not is_outermost:
                yield
                return
            before, waited = (self._seq, self._head), list[tuple[Sha256, bytes]]()
            try:
                yield
                waited = self._waiting.take()
                self._database.write_all(_ADD_ARTEFACT, waited)
                self._write_events()
                if self._head != before[1] and self._has_head:
                    self._database.write("UPDATE head SET hash = ?", (self._head,))
            except BaseException:
                self._seq, self._head = before
                self._rows.clear()
                self._waiting.give_back(waited)
                raise

    def _write_events(self) -> None:
        """Writes the events of the batch so far; the guard is held."""
        rows, self._rows = self._rows, []
        self._database.write_all("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", rows)

    def sync(self) -> None:
        """Makes all that was added survive a loss of power. Errors as for `append`."""
        self._database.sync()

    def events(self, *kinds: EventKind, after: int = -1) -> Iterator[Event]:
        """Gives the events in order, only those of some kinds if any is given, with `seq` > `after`."""
        only = f" AND kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
        query = f"SELECT seq, time, kind, body, prev, hash FROM event WHERE seq > ?{only} ORDER BY seq"  # noqa: S608
        for seq, time, found, body, prev, digest in self.rows(query, (after, *kinds)):
            try:
                parsed = datetime.fromisoformat(time)
                value = json.loads(body)
            except ValueError as error:
                raise ArchiveError(f"event {seq} of run {self.run!r} is damaged: {error}") from error
            yield Event.model_construct(
                seq=seq, time=parsed, run=self.run, kind=found, body=value, prev=prev, hash=digest
            )

    def put(self, value: Any) -> Sha256:
        """Stores a model or JSON value as canonical JSON and gives its hash.

        Raises:
            DiskError: the disk is full or broken.
            ValueError: it is not JSON.
        """
        return self.put_bytes(canonical_json(value))

    def put_bytes(self, data: bytes) -> Sha256:
        """Stores bytes and gives their hash. Errors as for `put`."""
        digest = sha256_bytes(data)
        with self.batch(durable=False):
            self._database.write(_ADD_ARTEFACT, (digest, data))
        return digest

    def keep_bytes(self, data: bytes) -> Sha256:
        """Stores bytes no later than the next event, which may name them, and gives their hash. Errors as for `put`.

        Small ones wait for that event's transaction; a crash before it leaves nothing of them.
        """
        if len(data) > MAX_BYTES:
            return self.put_bytes(data)
        self._database.check_writable()
        digest = sha256_bytes(data)
        self._waiting.add(digest, data)
        return digest

    def get(self, sha256: Sha256) -> JsonValue:
        """Gives the JSON value with this hash.

        Raises:
            ArchiveError: it is not there, or it is not what was stored.
        """
        data = self.get_bytes(sha256)
        try:
            return json.loads(data.decode())
        except ValueError as error:
            raise ArchiveError(f"artefact {sha256} of run {self.run!r} is not JSON: {error}") from error

    def get_bytes(self, sha256: Sha256) -> bytes:
        """Gives the bytes with this hash; checks them. Errors as for `get`."""
        waiting = self._waiting.get(sha256)
        if waiting is not None:
            return waiting
        rows = self._database.read("SELECT data FROM artefact WHERE sha256 = ?", (sha256,))
        if not rows:
            raise ArchiveError(f"artefact {sha256} is not in the archive of run {self.run!r}")
        data = bytes(rows[0][0])
        if sha256_bytes(data) != sha256:
            raise ArchiveError(f"artefact {sha256} of run {self.run!r} is damaged: its bytes have another hash")
        return data

    def rows(self, query: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Gives the rows of a SELECT, for `verify` and the ledger."""
        with self._database.guard:
            if self._rows:
                self._write_events()
            return self._database.read(query, values)

    def execute(self, statement: str, values: Values) -> None:
        """Runs one writing statement, for the ledger, inside a `batch`. Errors as for `append`."""
        with self.batch():
            self._database.write(statement, values)

    def close(self) -> None:
        """Closes the file and lets go of the lock; doing so twice is harmless."""
        with suppress(ArchiveError):
            if self._waiting:
                with self.batch(durable=False):
                    pass
        self._database.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _last(self) -> tuple[int, Sha256]:
        rows = self._database.read("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1")
        return (rows[0][0], rows[0][1]) if rows else (-1, GENESIS)


def _what(run: str) -> str:
    return f"the archive of run {run!r}"


def _event(run: str, row: tuple[int, datetime, EventKind, JsonValue, Sha256, Sha256]) -> Event:
    seq, time, kind, body, prev, digest = row
    return Event.model_construct(seq=seq, time=time, run=run, kind=kind, body=body, prev=prev, hash=digest)


def _digest(body: bytes, kind: EventKind, prev: Sha256, run: str, seq: int, stamp: str) -> Sha256:
    """Gives the hash of an event, `sha256` of its canonical JSON without `hash`, from what need not be made again.

    `body` and `run` are canonical JSON; kinds, hashes and time stamps have nothing to escape.
    """
    others = f',"kind":"{kind}","prev":"{prev}","run":{run},"seq":{seq},"time":"{stamp}"}}'
    return hashlib.sha256(b'{"body":' + body + others.encode()).hexdigest()


def _stamp(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
