"""Every way in which the record of a run can be changed, dropped, doubled or put in another order, by class."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from dagwright.canonical import canonical_json
from dagwright.exceptions import ArchiveError
from executor.archive.archive import Archive
from executor.archive.folder import DATABASE
from executor.archive.recertify import recertified
from executor.replay.verify import verify

TABLES = ("run", "head", "event", "artefact", "ledger")

Tamper = Callable[[Path, Random], str]
"""Changes a run's folder; gives what was done, empty where there is nothing of that class."""


def tampered(whole: Path, kind: str, random: Random, scratch: Path) -> tuple[str, bool, str]:
    """Changes a copy of a run's folder and verifies it.

    Args:
        whole: the run's folder; it stays as it is.
        kind: a key of `CLASSES`.
        random: what chooses the place.
        scratch: where the copy goes; it is gone afterwards.

    Returns:
        What was done (empty where there is nothing of that class), whether it was found, and how;
        a change of bytes that changed nothing that the run recorded is `harmless`.
    """
    folder = scratch / whole.name
    shutil.copytree(whole, folder)
    try:
        done = CLASSES[kind](folder, random)
        found = problem(folder) if done else ""
        if done and not found and kind in RAW and recorded(folder) == recorded(whole):
            return done, True, "harmless"
        return done, bool(found), found
    finally:
        shutil.rmtree(folder)


def problem(folder: Path) -> str:
    """Gives the first problem of an archive; that it cannot be opened is one, too. Empty for none."""
    try:
        with Archive.at(folder, read_only=True) as archive:
            return next(iter(verify(archive, recertify=recertified)), "")
    except ArchiveError as error:
        return str(error)


def recorded(folder: Path) -> dict[str, Any]:
    """Gives everything that a run's tables and files hold."""
    with closing(_opened(folder)) as connection:
        connection.text_factory = bytes
        tables = {name: sorted(map(repr, connection.execute(f"SELECT * FROM {name}"))) for name in TABLES}  # noqa: S608
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}
    return {**tables, "files": files}


def _opened(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / DATABASE)


def _flipped(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]


def _cell(table: str, column: str) -> Tamper:
    """Flips one bit of one cell; text that is no UTF-8 any more is stored as it is."""

    def act(folder: Path, random: Random) -> str:
        with closing(_opened(folder)) as connection, connection:
            query = f"SELECT rowid, CAST({column} AS BLOB), typeof({column}) FROM {table}"  # noqa: S608
            if table in ("artefact", "ledger"):
                key = "sha256" if table == "artefact" else "key"
                query = query.replace("rowid", key)
            else:
                key = "rowid"
            rows = [row for row in connection.execute(query) if row[1]]
            if not rows:
                return ""
            row, value, kind = random.choice(rows)
            changed = _flipped(value, random)
            cast = f"CAST(? AS {'BLOB' if kind == 'blob' else 'TEXT'})"
            connection.execute(f"UPDATE {table} SET {column} = {cast} WHERE {key} = ?", (changed, row))  # noqa: S608
        return f"a bit of {table}.{column} at {row!r}"

    return act


def _row(table: str, key: str) -> Tamper:
    """Drops one row."""

    def act(folder: Path, random: Random) -> str:
        with closing(_opened(folder)) as connection, connection:
            keys = [found for (found,) in connection.execute(f"SELECT {key} FROM {table}")]  # noqa: S608
            if not keys:
                return ""
            gone = random.choice(keys)
            connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (gone,))  # noqa: S608
        return f"row {gone!r} of {table} dropped"

    return act


def _tail(folder: Path, random: Random) -> str:
    """Cuts a history off at its end, with all that the ledger and the artefacts had of it left alone."""
    with closing(_opened(folder)) as connection, connection:
        ((last,),) = connection.execute("SELECT max(seq) FROM event")
        first = random.randint(1, last)
        connection.execute("DELETE FROM event WHERE seq >= ?", (first,))
    return f"events {first} to {last} cut off"


def _doubled(folder: Path, random: Random) -> str:
    """Adds an event again, at the end or right behind itself; the chain is mended up to the stated head."""
    with closing(_opened(folder)) as connection, connection:
        ((last,),) = connection.execute("SELECT max(seq) FROM event")
        chosen = random.randint(0, last)
        place = random.choice((last, chosen))
        for seq in range(last, place, -1):
            connection.execute("UPDATE event SET seq = ? WHERE seq = ?", (seq + 1, seq))
        row = "SELECT ?, time, kind, body, prev, hash FROM event WHERE seq = ?"
        connection.execute(f"INSERT INTO event {row}", (place + 1, chosen))
    return f"event {chosen} again as {place + 1}"


def _swapped(folder: Path, random: Random) -> str:
    """Puts two events in each other's place."""
    with closing(_opened(folder)) as connection, connection:
        ((last,),) = connection.execute("SELECT max(seq) FROM event")
        one, other = random.sample(range(last + 1), 2)
        for old, new in ((one, -1), (other, one), (-1, other)):
            connection.execute("UPDATE event SET seq = ? WHERE seq = ?", (new, old))
    return f"events {one} and {other} swapped"


def _forged(folder: Path, random: Random) -> str:
    """Replaces an event and gives it the hash that it should have; those behind it stay."""
    with closing(_opened(folder)) as connection, connection:
        rows = connection.execute("SELECT seq, time, kind, prev FROM event").fetchall()
        ((run,),) = connection.execute("SELECT id FROM run")
        seq, time, kind, prev = random.choice(rows)
        body = canonical_json({"forged": random.random()})
        plain = {"seq": seq, "time": time, "run": run, "kind": kind, "prev": prev}
        digest = hashlib.sha256(b'{"body":' + body + b"," + canonical_json(plain)[1:]).hexdigest()
        connection.execute("UPDATE event SET body = ?, hash = ? WHERE seq = ?", (body.decode(), digest, seq))
    return f"event {seq} forged, with its own hash"


def _file(part: str, change: Callable[[bytes, Random], bytes | None]) -> Tamper:
    """Changes one file of a part of the folder."""

    def act(folder: Path, random: Random) -> str:
        paths = [path for path in _files(folder / part) if path.stat().st_size]
        if not paths:
            return ""
        path = random.choice(paths)
        changed = change(path.read_bytes(), random)
        if changed is None:
            path.unlink()
        else:
            path.write_bytes(changed)
        return f"{path.relative_to(folder).as_posix()} changed"

    return act


def _pages(of: Callable[[int, Random], int]) -> Tamper:
    """Flips a bit of the database's file."""

    def act(folder: Path, random: Random) -> str:
        path = folder / DATABASE
        data = bytearray(path.read_bytes())
        at = of(len(data), random)
        data[at] ^= 1 << random.randrange(8)
        path.write_bytes(data)
        return f"byte {at} of {len(data)} of the database"

    return act


def _truncated(folder: Path, random: Random) -> str:
    path = folder / DATABASE
    size = random.randrange(path.stat().st_size)
    path.write_bytes(path.read_bytes()[:size])
    return f"the database cut to {size} bytes"


def _files(folder: Path) -> list[Path]:
    parts = (folder,) if folder.name in ("inputs", "files") else (folder / "inputs", folder / "files")
    return [path for part in parts for path in sorted(part.rglob("*")) if path.is_file()]


def _cut(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data))]


RAW = frozenset(("database header", "database page"))
"""Classes that may hit bytes that say nothing: free pages, counters."""

CLASSES: Mapping[str, Tamper] = {
    **{f"event {column}": _cell("event", column) for column in ("time", "kind", "body", "prev", "hash")},
    "artefact data": _cell("artefact", "data"),
    "artefact hash": _cell("artefact", "sha256"),
    **{f"ledger {column}": _cell("ledger", column) for column in ("key", "step", "operation", "state", "output")},
    "head": _cell("head", "hash"),
    "run id": _cell("run", "id"),
    "event dropped": _row("event", "seq"),
    "events cut off": _tail,
    "event doubled": _doubled,
    "events swapped": _swapped,
    "event forged": _forged,
    "artefact dropped": _row("artefact", "sha256"),
    "ledger row dropped": _row("ledger", "key"),
    "input changed": _file("inputs", _flipped),
    "input cut": _file("inputs", _cut),
    "input removed": _file("inputs", lambda _data, _random: None),
    "output changed": _file("files", _flipped),
    "output removed": _file("files", lambda _data, _random: None),
    "database header": _pages(lambda _size, random: random.randrange(100)),
    "database page": _pages(lambda size, random: random.randrange(100, size)),
    "database truncated": _truncated,
}
"""The classes of changes by name."""
