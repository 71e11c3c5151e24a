"""Files into tables. What ingest reads beforehand and what `data.load_*` reads later is this code alone."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, cast

from pydantic import JsonValue

from dagwright.exceptions import InputError
from executor.toolchest.tables import Row, Table

MISSING = frozenset(
    ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA")
) | frozenset(("NULL", "NaN", "None", "n/a", "nan", "null"))
"""Fields of a CSV that mean that there is no value; the same as in pandas."""

_INTEGER = re.compile(r"\s*[+-]?(0|[1-9]\d*)\s*")
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_CODE = re.compile(r"\s*0\d+\s*")
_TRUTHS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
_DELIMITERS = (",", ";", "\t", "|")


class NotATable(InputError):
    """Raised when a file is sound but does not hold a table."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a file held."""

    columns: tuple[str, ...]
    """Names of the columns, also where there are no rows."""
    rows: Table
    """The rows."""
    notes: tuple[str, ...] = ()
    """What a reader should know: a fallen-back encoding, another delimiter."""


def read_csv(path: Path) -> Contents:
    """Reads a CSV file (comma, semicolon, tab or bar between fields, one header line).

    Columns become integers, numbers or booleans where all their values are; numbers with leading
    zeros stay text, because they are codes. Fields in `MISSING` become null.

    Raises:
        InputError: it is not one, is empty, has a row with another number of fields (says the
            line), or two columns of one name.
    """
    text, notes = _decoded(path)
    delimiter = _delimiter(text)
    if delimiter not in {",", "\t"}:
        notes.append(f"fields are separated by {delimiter!r}")
    names, columns = _fields(path, text, delimiter)
    typed = [_typed(column) for column in columns]
    rows: Table = [dict(zip(names, values, strict=True)) for values in zip(*typed, strict=True)]
    return Contents(columns=tuple(names), rows=rows, notes=tuple(notes))


_CONTROL = set(range(32)) - set(b"\t\n\v\f\r\x1a")
"""Bytes that no text holds."""


def _decoded(path: Path) -> tuple[str, list[str]]:
    data = path.read_bytes()
    if not data.strip():
        raise InputError(f"{path.name!r} is empty; a CSV file has at least a header line")
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16"), ["the file is UTF-16"]
    if _CONTROL & set(data[:8192]):
        raise InputError(f"{path.name!r} is not a CSV file but a binary file")
    if data[:512].lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise InputError(f"{path.name!r} is not a CSV file but an HTML page")
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        note = f"the file is not UTF-8 (byte {error.start}); it was read as Windows-1252"
        return data.decode("cp1252", errors="replace"), [note]


def _delimiter(text: str) -> str:
    first = text.lstrip("\r\n").split("\n", 1)[0]
    counts = {mark: first.count(mark) for mark in _DELIMITERS}
    return "," if counts[","] else max(_DELIMITERS, key=lambda mark: counts[mark])


def _fields(path: Path, text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    try:
        names = _names(path, next(row for row in reader if row))
        rows: list[list[str]] = []
        for row in reader:
            if len(row) == len(names):
                rows.append(row)
            elif row:
                raise InputError(
                    f"{path.name!r} line {reader.line_num} has {len(row)} fields, but the header has {len(names)}"
                )
    except csv.Error as error:
        raise InputError(f"{path.name!r} is not a CSV file: line {reader.line_num}: {error}") from error
    return names, [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in names]


def _names(path: Path, fields: list[str]) -> list[str]:
    names = [field.strip() or f"Unnamed: {index}" for index, field in enumerate(fields)]
    return _unique(path, names)


def _unique(path: Path, names: list[str]) -> list[str]:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise InputError(f"{path.name!r} has more than one column named {', '.join(map(repr, repeated))}; rename them")
    return names


def _typed(column: list[str]) -> list[JsonValue]:
    present = set(column) - MISSING
    convert = _converter(present)
    known: dict[str, JsonValue] = {text: convert(text) for text in present}
    return [known.get(text) for text in column]


def _converter(present: set[str]) -> Callable[[str], JsonValue]:
    if present and present <= _TRUTHS.keys():
        return _TRUTHS.__getitem__
    if all(_INTEGER.fullmatch(text) for text in present):
        return int
    if all(_NUMBER.fullmatch(text) and not _CODE.fullmatch(text) for text in present):
        return _number
    return str


def _number(text: str) -> JsonValue:
    value = float(text)
    return value if abs(value) != float("inf") else None


def read_json(path: Path) -> Contents:
    """Reads a JSON file that holds an array of objects, or one object a line.

    Members that an object lacks become null.

    Raises:
        InputError: it is not JSON; says where.
        NotATable: it is other JSON.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name!r} is not a JSON file: it is not UTF-8 (byte {error.start})") from error
    if not text.strip():
        raise InputError(f"{path.name!r} is empty; a table in JSON is an array of objects")
    data = _parsed(path, text)
    if not isinstance(data, list):
        raise NotATable(f"{path.name!r} holds no table: it is {type(data).__name__}, not an array of objects")
    listed = cast("list[Any]", data)
    for index, row in enumerate(listed):
        if not isinstance(row, dict):
            raise NotATable(f"{path.name!r} holds no table: element {index} is {type(row).__name__}, not an object")
    return _aligned(cast("list[Row]", listed))


def _parsed(path: Path, text: str) -> object:
    try:
        return _loads(text)
    except ValueError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2 or not lines[0].lstrip().startswith("{"):
            raise InputError(f"{path.name!r} is not a JSON file: {error}") from error
    rows: list[object] = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(_loads(line))
        except ValueError as error:
            raise InputError(f"{path.name!r} is not a JSON file: line {number}: {error}") from error
    return rows


def _loads(text: str) -> object:
    return json.loads(text, parse_constant=lambda _: None)


def _aligned(rows: list[Row]) -> Contents:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return Contents(columns=tuple(names), rows=[{name: row.get(name) for name in names} for row in rows])


def sqlite_tables(path: Path) -> tuple[str, ...]:
    """Gives the names of a SQLite database's tables and views, sorted.

    Raises:
        InputError: it is not a SQLite database.
    """
    query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
    with closing(_database(path)) as connection:
        return tuple(str(name) for (name,) in _rows(path, connection, query))


def read_sqlite(path: Path, name: str) -> Contents:
    """Reads all rows of one table of a SQLite database, in the order in which they lie there.

    Columns declared BOOLEAN become booleans; bytes become hexadecimal text.

    Raises:
        InputError: it is not a SQLite database, or has no such table; names those that it has.
    """
    there = sqlite_tables(path)
    if name not in there:
        listed = ", ".join(map(repr, there)) or "none"
        raise InputError(f"{path.name!r} has no table {name!r}; its tables are: {listed}")
    quoted = name.replace('"', '""')
    with closing(_database(path)) as connection:
        declared = _rows(path, connection, f'PRAGMA table_xinfo("{quoted}")')
        names = _unique(path, [str(row[1]) for row in declared])
        found = _rows(path, connection, f'SELECT * FROM "{quoted}"')  # noqa: S608 - the name is one of the database's own
    truths = [str(row[2]).upper().startswith("BOOL") for row in declared]
    rows: Table = [dict(zip(names, map(_cell, row, truths), strict=True)) for row in found]
    return Contents(columns=tuple(names), rows=rows)


def _cell(value: object, truth: bool) -> JsonValue:
    if isinstance(value, bytes):
        return value.hex()
    if truth and value in {0, 1}:
        return bool(value)
    if isinstance(value, float) and value in {float("inf"), float("-inf")}:
        return None
    return cast("JsonValue", value)


def _database(path: Path) -> sqlite3.Connection:
    with path.open("rb") as stream:
        if stream.read(16) != b"SQLite format 3\0":
            raise InputError(f"{path.name!r} is not a SQLite database")
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def _rows(path: Path, connection: sqlite3.Connection, query: str) -> Sequence[tuple[Any, ...]]:
    try:
        return connection.execute(query).fetchall()
    except sqlite3.DatabaseError as error:
        raise InputError(f"{path.name!r} is not a sound SQLite database: {error}") from error
