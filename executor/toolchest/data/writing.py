"""Tables into files."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from dagwright.exceptions import DiskError, ToolRejected
from executor.bindings.runner import ToolContext
from executor.toolchest.arguments import Arguments, Outputs
from executor.toolchest.data.rows import as_outputs
from executor.toolchest.markdown import table_block
from executor.toolchest.tables import Table, header, kind_of
from executor.toolchest.workspace import write_file

_SQL_TYPES = {"boolean": "BOOLEAN", "integer": "INTEGER", "number": "REAL", "string": "TEXT"}


def write_csv(arguments: Outputs, context: ToolContext) -> Outputs:
    """Writes a CSV file, or with suffix tsv one with tabs."""
    call = Arguments(arguments)
    table, path = call.table(), call.text("path")
    columns = header(table) or context.columns.get("table", ())

    def write(target: Path) -> None:
        with target.open("w", encoding="utf-8", newline="") as stream:
            delimiter = "\t" if path.endswith(".tsv") else ","
            lines = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
            if columns:
                lines.writerow(columns)
            lines.writerows([_field(value) for value in row.values()] for row in table)

    return _file(path, context, write)


def _field(value: JsonValue) -> object:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value


def write_json(arguments: Outputs, context: ToolContext) -> Outputs:
    """Writes a JSON file with an array of objects."""
    call = Arguments(arguments)
    text = json.dumps(call.table(), ensure_ascii=False, indent=1, allow_nan=False)
    return _file(call.text("path"), context, lambda target: _put(target, text + "\n"))


def _put(target: Path, text: str) -> None:
    target.write_text(text, encoding="utf-8", newline="\n")


def _file(path: str, context: ToolContext, write: Callable[[Path], None]) -> Outputs:
    return {"file": cast("JsonValue", write_file(path, context, write))}


def write_sqlite(arguments: Outputs, context: ToolContext) -> Outputs:
    """Writes a table into a SQLite database; another of that name is replaced."""
    call = Arguments(arguments)
    columns = context.columns.get("table", ())
    table, name = call.table() if columns else call.rows(), call.text("name")

    def write(target: Path) -> None:
        try:
            with closing(sqlite3.connect(target)) as connection, connection:
                _fill(connection, name, table, header(table) or columns)
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
                raise DiskError("the database", target, error) from error
            raise ToolRejected(f"the database cannot be written: {error}", code="not_written") from error

    return _file(call.text("path"), context, write)


def _fill(connection: sqlite3.Connection, name: str, table: Table, columns: Sequence[str]) -> None:
    if len({column.casefold() for column in columns}) < len(columns):
        raise ToolRejected("a database tells columns apart without case; rename one before", code="name_clash")
    declared = ", ".join(f"{_quoted(column)} {_declared(table, column)}".rstrip() for column in columns)
    connection.execute(f"DROP TABLE IF EXISTS {_quoted(name)}")
    connection.execute(f"CREATE TABLE {_quoted(name)} ({declared})")
    marks = ", ".join("?" for _ in columns)
    rows = ([_bound(value) for value in row.values()] for row in table)
    try:
        connection.executemany(f"INSERT INTO {_quoted(name)} VALUES ({marks})", rows)  # noqa: S608 - quoted, values bound
    except OverflowError as error:
        raise ToolRejected("a whole number is too large for a database", code="too_large") from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _declared(table: Table, column: str) -> str:
    kinds = {kind_of(row[column]) for row in table} - {"null"}
    if kinds == {"integer", "number"}:
        return "REAL"
    if "boolean" in kinds and len(kinds) > 1 and not kinds & {"integer", "number"}:
        return "BOOLEAN BLOB"  # read as truths again, and text stays as it is
    # Without a declared type a column takes each value as it is.
    return _SQL_TYPES.get(kinds.pop(), "") if len(kinds) == 1 else ""


def _bound(value: JsonValue) -> str | int | float | None:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def log_table(arguments: Outputs, context: ToolContext) -> Outputs:
    """Writes the first rows of a table to `logs/STEP.md` and passes the table on."""
    call = Arguments(arguments)
    table, most = call.table(), call.integer("rows", 20)
    text = f"# {context.step}: {len(table)} rows\n\n{table_block(table, most=most)}\n"
    write_file(f"logs/{context.step}.md", context, lambda target: _put(target, text))
    return as_outputs(table)
