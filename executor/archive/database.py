"""`Database`: one SQLite file in WAL mode, written by one process at a time, all or nothing.

What was written survives the end of the process at once. It survives a loss of power when its
batch was durable (the log is synced after the commit, as SQLite does in synchronous=FULL) or when
any later one was, or `sync` was called after it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Container, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagwright.exceptions import ArchiveError, DiskError
from executor.archive.lock import FileLock

Values = tuple[str | int | bytes | None, ...]
"""What a statement is given for its question marks."""


class Database:
    """An open file. Thread-safe; made by `create` or `open`. `what` is what errors call it."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: FileLock | None, *, what: str) -> None:
        self._path, self._connection, self._lock, self._what = path, connection, lock, what
        self.guard = threading.RLock()
        """Held by the thread that reads or writes, for as long as its batch lasts."""
        self.is_batch = False
        """Whether the thread that holds the guard is inside a batch."""
        self._log: int | None = None
        self._refusal: Callable[[], ArchiveError] | None = None

    @classmethod
    def create(cls, path: Path, *, what: str, tables: str, version: int) -> Database:
        """Makes the file with its tables and opens it for writing.

        Raises:
            DiskError: the disk refuses.
        """
        lock = FileLock.take(path.with_suffix(".lock"), what=what)
        try:
            connection = _connect(path)
        except sqlite3.Error as error:
            lock.release()
            raise DiskError(what, path, error) from error
        database = cls(path, connection, lock, what=what)
        try:
            connection.executescript(f"BEGIN; {tables} PRAGMA user_version={version}; COMMIT;")
        except sqlite3.Error as error:
            database.close()
            raise DiskError(what, path, error) from error
        return database

    @classmethod
    def open(cls, path: Path, *, what: str, versions: Container[int], read_only: bool = False) -> Database:
        """Opens a file; read-only also while another process writes to it.

        Raises:
            ArchiveError: another process holds it (says which), or it is not such a file.
        """
        lock = None if read_only else FileLock.take(path.with_suffix(".lock"), what=what)
        try:
            connection = _connect_reading(path) if read_only else _connect(path)
        except sqlite3.Error as error:
            if lock is not None:
                lock.release()
            raise ArchiveError(f"{what} failed: {error}") from error
        database = cls(path, connection, lock, what=what)
        try:
            ((found,),) = database.read("PRAGMA user_version")
            if found not in versions:
                raise ArchiveError(f"{what} has version {found}, which this dagwright does not read")
        except ArchiveError:
            database.close()
            raise
        return database

    @contextmanager
    def batch(self, *, durable: bool = True) -> Generator[bool]:
        """Writes all that is written inside it in one transaction: all or nothing, one sync.

        Other threads wait meanwhile, so it encloses no effect and no waiting. Batches nest; the
        outermost decides, and is told that it does.

        Raises:
            DiskError: the disk is full or broken; the file then takes nothing more.
            ArchiveError: it is closed, or was opened for reading only.
        """
        with self.guard:
            self.check_writable()
            if self.is_batch:
                yield False
                return
            self.write("BEGIN IMMEDIATE")
            self.is_batch = True
            try:
                yield True
                self.check_writable()
                self.write("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            finally:
                self.is_batch = False
            if durable:
                self.sync()

    def write(self, statement: str, values: Values = ()) -> None:
        """Runs one writing statement, inside a `batch`. Errors as for `batch`."""
        try:
            self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise self._refused(error) from error

    def write_all(self, statement: str, rows: Sequence[Values]) -> None:
        """Runs one writing statement for each of the rows, inside a `batch`. Errors as for `batch`."""
        try:
            self._connection.executemany(statement, rows)
        except sqlite3.Error as error:
            raise self._refused(error) from error

    def read(self, query: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Gives the rows of a SELECT.

        Raises:
            ArchiveError: the file is damaged, or closed.
        """
        with self.guard:
            try:
                return self._connection.execute(query, values).fetchall()
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise ArchiveError(f"{self._what} failed: {error}") from error

    def sync(self) -> None:
        """Makes all that was written survive a loss of power. Errors as for `batch`."""
        with self.guard:
            try:
                if self._log is None:
                    self._log = os.open(f"{self._path}-wal", os.O_RDWR)
                os.fsync(self._log)
            except OSError as error:
                raise self._refused(error) from error

    def close(self) -> None:
        """Closes the file and lets go of the lock; doing so twice is harmless."""
        with self.guard:
            self._refusal = self._refusal or (lambda: ArchiveError(f"{self._what} is closed"))
            self._connection.close()
            if self._log is not None:
                os.close(self._log)
                self._log = None
            if self._lock is not None:
                self._lock.release()

    def check_writable(self) -> None:
        """Raises what `batch` raises where it takes nothing."""
        if self._lock is None:
            raise ArchiveError(f"{self._what} was opened for reading only")
        if self._refusal is not None:
            raise self._refusal()

    def _refused(self, error: Exception) -> DiskError:
        self._refusal = lambda: DiskError(self._what, self._path, error)
        return self._refusal()

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self._refused(error)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")  # `Database.sync` adds what FULL does, once per batch
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _connect_reading(path: Path) -> sqlite3.Connection:
    address = f"{path.resolve().as_uri()}?mode=ro"
    for suffix in ("", "&immutable=1"):  # the second for folders that cannot be written to
        connection = sqlite3.connect(address + suffix, uri=True, timeout=5.0, check_same_thread=False)
        try:
            connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1")
        except (sqlite3.Error, UnicodeDecodeError):
            connection.close()
        else:
            return connection
    raise sqlite3.DatabaseError("it cannot be read")
