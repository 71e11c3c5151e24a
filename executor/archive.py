"""`Archive`: everything that a run leaves behind, in one folder, written by one process at a time.

`HOME/runs/RUN/` holds `archive.db` (SQLite in WAL mode: hash-chained events, content-addressed
artefacts, the ledger of effects), `inputs/` (the goal's files) and `files/` (what tools write).
What was added survives the end of the process at once. It survives a loss of power when it was
added durably (the default: the log is synced after the commit, as SQLite does in synchronous=FULL)
or when anything was added durably, or `sync` called, after it. An artefact always comes before
the event that names it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from dagwright.canonical import Sha256, canonical_json, sha256_bytes
from dagwright.event import GENESIS, Event, EventKind
from dagwright.exceptions import ArchiveError
from executor.lock import FileLock

SCHEMA_VERSION = 1

_TABLES = """
CREATE TABLE run (id TEXT NOT NULL);
CREATE TABLE event (
    seq INTEGER PRIMARY KEY, time TEXT NOT NULL, kind TEXT NOT NULL,
    body TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL);
CREATE INDEX event_kind ON event (kind, seq);
CREATE TABLE artefact (sha256 TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE ledger (
    key TEXT PRIMARY KEY, step TEXT NOT NULL, operation TEXT NOT NULL,
    state TEXT NOT NULL, output TEXT) WITHOUT ROWID;
"""

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,99}")


class Archive:
    """The record of one run. Thread-safe; made by `create` or `open`, closed by `close` or `with`."""

    def __init__(self, folder: Path, connection: sqlite3.Connection, lock: FileLock | None) -> None:
        self.folder = folder
        """The run's folder."""
        self._connection = connection
        self._lock = lock
        self._guard = threading.RLock()
        self._depth = 0
        self._log: int | None = None
        self._broken: str | None = None
        self.run: str = self._read("SELECT id FROM run", ())[0][0]
        """The run's id."""
        self._seq, self._head = self._last()

    @classmethod
    def create(cls, home: Path, run: str) -> Archive:
        """Makes the folder of a new run and opens its archive for writing.

        Raises:
            ArchiveError: the name is not usable, the run exists, or the disk refuses.
        """
        folder = _folder(home, run)
        try:
            folder.mkdir(parents=True)
            (folder / "inputs").mkdir()
            (folder / "files").mkdir()
        except FileExistsError:
            raise ArchiveError(f"run {run!r} exists already in {str(home)!r}; choose another name") from None
        except OSError as error:
            raise ArchiveError(f"the folder of run {run!r} cannot be made: {error}") from error
        lock = None
        try:
            lock = FileLock.take(folder / "archive.lock", what=f"the archive of run {run!r}")
            with _reporting(run):
                connection = _connect(folder / "archive.db")
                connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version={SCHEMA_VERSION};")
                connection.execute("INSERT INTO run VALUES (?)", (run,))
                connection.execute("COMMIT")
        except ArchiveError:
            if lock is not None:
                lock.release()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return cls(folder, connection, lock)

    @classmethod
    def open(cls, home: Path, run: str, *, read_only: bool = False) -> Archive:
        """Opens the archive of a run; read-only also while another process writes to it.

        Raises:
            ArchiveError: there is no such run, another process holds it (says which), or the
                file is not an archive.
        """
        folder = _folder(home, run)
        if not (folder / "archive.db").is_file():
            known = ", ".join(runs(home)[-10:]) or "none"
            raise ArchiveError(f"there is no run {run!r} in {str(home)!r}; the latest are: {known}")
        return cls.at(folder, read_only=read_only)

    @classmethod
    def at(cls, folder: Path, *, read_only: bool = False) -> Archive:
        """Opens the archive in a folder, wherever it lies. Errors as for `open`."""
        lock = None
        if not read_only:
            lock = FileLock.take(folder / "archive.lock", what=f"the archive of run {folder.name!r}")
        try:
            with _reporting(folder.name):
                connection = _connect(folder / "archive.db", read_only=read_only)
                found = connection.execute("PRAGMA user_version").fetchone()[0]
                if found != SCHEMA_VERSION:
                    raise ArchiveError(f"run {folder.name!r} has archive version {found}, expected {SCHEMA_VERSION}")
                return cls(folder, connection, lock)
        except ArchiveError:
            if lock is not None:
                lock.release()
            raise

    @property
    def files(self) -> Path:
        """The folder for everything that tools write."""
        return self.folder / "files"

    @property
    def inputs(self) -> Path:
        """The folder with the goal's files."""
        return self.folder / "inputs"

    @property
    def head(self) -> Sha256:
        """Hash of the last event; `GENESIS` where there is none. Names the whole history."""
        return self._head

    def append(self, kind: EventKind, body: JsonValue) -> Event:
        """Adds an event, durably unless inside a `batch` that is not.

        Raises:
            ArchiveError: the disk is full or broken; the archive then takes nothing more.
            ValueError: the body is not JSON (a number that is not finite, a lone surrogate).
        """
        time = datetime.now(UTC)
        with self.batch():
            values: dict[str, Any] = {
                "seq": self._seq + 1,
                "time": _stamp(time),
                "run": self.run,
                "kind": kind,
                "body": body,
                "prev": self._head,
            }
            digest = hashlib.sha256(canonical_json(values)).hexdigest()
            row = (values["seq"], values["time"], kind, canonical_json(body).decode(), self._head, digest)
            self._write("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", row)
            self._seq, self._head = self._seq + 1, digest
            return _event(self.run, (values["seq"], time, kind, body, values["prev"], digest))

    @contextmanager
    def batch(self, *, durable: bool = True) -> Generator[None]:
        """Writes all that is added inside it in one transaction: all or nothing, one sync.

        Other threads wait meanwhile, so it encloses no effect and no waiting. Batches nest; the
        outermost decides.
        """
        with self._guard:
            self._check_writable()
            if self._depth:
                yield
                return
            before = (self._seq, self._head)
            self._write("BEGIN IMMEDIATE", ())
            self._depth = 1
            try:
                yield
                self._write("COMMIT", ())
            except BaseException:
                self._seq, self._head = before
                self._roll_back()
                raise
            finally:
                self._depth = 0
            if durable:
                self.sync()

    def sync(self) -> None:
        """Makes all that was added survive a loss of power.

        Raises:
            ArchiveError: the disk refuses; the archive then takes nothing more.
        """
        with self._guard:
            try:
                if self._log is None:
                    self._log = os.open(f"{self.folder / 'archive.db'}-wal", os.O_RDWR)
                os.fsync(self._log)
            except OSError as error:
                raise self._break(error) from error

    def events(self, kind: EventKind | None = None, *, after: int = -1) -> Iterator[Event]:
        """Gives the events in order, only those of a kind if one is given, with `seq` > `after`."""
        query = "SELECT seq, time, kind, body, prev, hash FROM event WHERE seq > ?"
        rows = self._read(
            query + (" AND kind = ?" if kind else "") + " ORDER BY seq", (after, kind) if kind else (after,)
        )
        for seq, time, found, body, prev, digest in rows:
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
            ArchiveError: the disk is full or broken.
            ValueError: it is not JSON.
        """
        return self.put_bytes(canonical_json(value))

    def put_bytes(self, data: bytes) -> Sha256:
        """Stores bytes and gives their hash. Errors as for `put`."""
        digest = sha256_bytes(data)
        with self.batch(durable=False):
            self._write("INSERT OR IGNORE INTO artefact VALUES (?, ?)", (digest, data))
        return digest

    def get(self, sha256: Sha256) -> JsonValue:
        """Gives the JSON value with this hash.

        Raises:
            ArchiveError: it is not there, or it is not what was stored.
        """
        data = self.get_bytes(sha256)
        try:
            return json.loads(data)
        except ValueError as error:
            raise ArchiveError(f"artefact {sha256} of run {self.run!r} is not JSON: {error}") from error

    def get_bytes(self, sha256: Sha256) -> bytes:
        """Gives the bytes with this hash; checks them. Errors as for `get`."""
        rows = self._read("SELECT data FROM artefact WHERE sha256 = ?", (sha256,))
        if not rows:
            raise ArchiveError(f"artefact {sha256} is not in the archive of run {self.run!r}")
        data = bytes(rows[0][0])
        if sha256_bytes(data) != sha256:
            raise ArchiveError(f"artefact {sha256} of run {self.run!r} is damaged: its bytes have another hash")
        return data

    def rows(self, query: str, values: tuple[str | int, ...] = ()) -> list[tuple[Any, ...]]:
        """Gives the rows of a SELECT, for `verify` and the ledger."""
        return self._read(query, values)

    def execute(self, statement: str, values: tuple[str | int | None, ...]) -> None:
        """Runs one writing statement, for the ledger, inside a `batch`. Errors as for `append`."""
        with self.batch():
            self._write(statement, values)

    def close(self) -> None:
        """Closes the file and lets go of the lock; doing so twice is harmless."""
        with self._guard:
            self._broken = self._broken or f"the archive of run {self.run!r} is closed"
            self._connection.close()
            if self._log is not None:
                os.close(self._log)
                self._log = None
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_writable(self) -> None:
        if self._lock is None:
            raise ArchiveError(f"the archive of run {self.run!r} was opened for reading only")
        if self._broken is not None:
            raise ArchiveError(self._broken)

    def _write(self, statement: str, values: tuple[Any, ...]) -> None:
        try:
            self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise self._break(error) from error

    def _break(self, error: Exception) -> ArchiveError:
        self._broken = f"the archive of run {self.run!r} failed: {error}; mend that and open the run again"
        return ArchiveError(self._broken)

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self._break(error)

    def _read(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with self._guard, _reporting(self.folder.name):
            return self._connection.execute(query, values).fetchall()

    def _last(self) -> tuple[int, Sha256]:
        rows = self._read("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1", ())
        return (rows[0][0], rows[0][1]) if rows else (-1, GENESIS)


def runs(home: Path) -> tuple[str, ...]:
    """Gives the ids of all runs below a home folder, the oldest first."""
    found = [path.parent for path in (home / "runs").glob("*/archive.db")]
    return tuple(folder.name for folder in sorted(found, key=lambda folder: (folder.stat().st_ctime, folder.name)))


def _folder(home: Path, run: str) -> Path:
    if not _RUN.fullmatch(run):
        raise ArchiveError(f"{run!r} is no name of a run: letters, digits, '_', '-' and '.', at most 100")
    return home / "runs" / run


def _connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    if read_only:
        return _connect_reading(path)
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")  # `Archive.sync` adds what FULL does, once per batch
    return connection


def _connect_reading(path: Path) -> sqlite3.Connection:
    address = f"{path.resolve().as_uri()}?mode=ro"
    for suffix in ("", "&immutable=1"):  # the second for folders that cannot be written to
        connection = sqlite3.connect(address + suffix, uri=True, timeout=5.0, check_same_thread=False)
        try:
            connection.execute("SELECT 1 FROM event LIMIT 1")
        except sqlite3.OperationalError:
            connection.close()
        else:
            return connection
    raise sqlite3.DatabaseError("it cannot be read as an archive")


@contextmanager
def _reporting(run: str) -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _failure(run, error) from error


def _failure(run: str, error: sqlite3.Error) -> ArchiveError:
    return ArchiveError(f"the archive of run {run!r} failed: {error}")


def _event(run: str, row: tuple[int, datetime, EventKind, JsonValue, Sha256, Sha256]) -> Event:
    seq, time, kind, body, prev, digest = row
    return Event.model_construct(seq=seq, time=time, run=run, kind=kind, body=body, prev=prev, hash=digest)


def _stamp(time: datetime) -> str:
    text = time.isoformat(timespec="microseconds" if time.microsecond else "seconds")
    return text.replace("+00:00", "Z")
