"""Raw records of a run: JSONL, a header first, one line per finished item, a last line when all are done.

An interrupted run therefore keeps what it had, and the next run of the same kind goes on from there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from benchmarks.suite import Record
from dagwright.exceptions import InputError

FINISHED: Record = {"finished": True}
"""The last line of a complete file."""


@dataclass(frozen=True)
class Records:
    """What a records file holds."""

    header: Record
    """Which run it belongs to."""
    items: tuple[Record, ...]
    """One per item."""
    finished: bool
    """Whether the run came to its end."""

    @property
    def done(self) -> frozenset[str]:
        """Ids of the items."""
        return frozenset(str(record["item"]) for record in self.items)


def read_records(path: Path) -> Records:
    """Reads a records file; a last line that was cut off is left out.

    Raises:
        InputError: there is no such file, or it is not one.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"there are no records at {str(path)!r}: {error.strerror}") from error
    parsed = list(_parsed(path, lines))
    if not parsed or "suite" not in parsed[0]:
        raise InputError(f"{str(path)!r} holds no records: its first line must name the suite")
    items = tuple(record for record in parsed[1:] if "item" in record)
    return Records(header=parsed[0], items=items, finished=FINISHED in parsed[1:])


def write_records(path: Path, header: Record, records: Iterable[Record], *, going_on: Records | None = None) -> None:
    """Writes records as they come, each flushed at once; goes on with `going_on` where it is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for record in (header, *(going_on.items if going_on else ())):
            file.write(_line(record))
        file.flush()
        for record in records:
            file.write(_line(record))
            file.flush()
        file.write(_line(FINISHED))


def unfinished(path: Path, header: Record) -> Records | None:
    """Gives what an interrupted run of the same kind left, or None."""
    try:
        found = read_records(path)
    except InputError:
        return None
    return found if found.header == header and not found.finished and found.items else None


def _line(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False, sort_keys=True, default=str) + "\n"


def _parsed(path: Path, lines: list[str]) -> Iterator[Record]:
    for number, line in enumerate(lines, start=1):
        try:
            yield cast("Record", json.loads(line))
        except ValueError as error:
            if number == len(lines):
                return
            raise InputError(f"{str(path)!r}, line {number}, is not JSON: {error}") from error
