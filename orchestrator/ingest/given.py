"""`read_input`: a value or a file as a `GoalInput`, with the schema that planning needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from dagwright.exceptions import InputError
from dagwright.goal import GoalInput
from dagwright.model import JsonSchema
from executor.toolchest.contract import file as file_schema
from executor.toolchest.reading import Contents, NotATable, read_csv, read_json, read_sqlite, sqlite_tables
from executor.toolchest.tables import Table, column_schema, table_schema
from executor.toolchest.workspace import described, media_type
from orchestrator.ingest.copying import copied

_READERS = {
    "text/csv": read_csv,
    "text/tab-separated-values": read_csv,
    "application/json": read_json,
    "application/x-ndjson": read_json,
}
_SQLITE = "application/vnd.sqlite3"
_FORMS = {
    "text/csv": "CSV",
    "text/tab-separated-values": "TSV",
    "application/json": "JSON",
    "application/x-ndjson": "JSON lines",
}


def read_input(name: str, given: str | Path | JsonValue, *, into: Path, most_bytes: int | None = None) -> GoalInput:
    """Gives an input of a goal.

    Args:
        name: its name, for messages.
        given: a path for a file, which is copied; a text, which is JSON if it parses and else
            itself; or any JSON value.
        into: the run's folder for inputs.
        most_bytes: size limit of a file; by default `DAGWRIGHT_MAX_INPUT_MB`, or 64 MB.

    Raises:
        InputError: the file is missing, a folder, unreadable, too large, or not what its suffix says.
    """
    if isinstance(given, Path):
        return _file_input(copied(name, given, into=into, most_bytes=most_bytes), source=given)
    value = _parsed(given) if isinstance(given, str) else given
    return GoalInput(value=value, schema=value_schema(value))


def _parsed(text: str) -> JsonValue:
    try:
        return cast("JsonValue", json.loads(text, parse_constant=_no_number))
    except ValueError:
        return text


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def value_schema(value: JsonValue) -> JsonSchema:
    """Gives the schema of a value that is written into the goal itself."""
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        rows = cast("Table", value)
        if all(row.keys() == rows[0].keys() for row in rows):
            return table_schema(rows)
    if isinstance(value, list) and value:
        return {"type": "array", "items": column_schema(value)}
    if isinstance(value, dict):
        properties = {key: value_schema(member) for key, member in value.items()}
        return {"type": "object", "properties": cast("JsonValue", properties), "required": list(properties)}
    return {"type": column_schema([value])["type"]}


def _file_input(path: Path, *, source: Path) -> GoalInput:
    media = media_type(path)
    schema = file_schema(media)
    if media in _READERS:
        words = _table(schema, path, media)
    elif media == _SQLITE:
        words = _database(schema, path)
    else:
        words = f"{media} file"
    value = cast("JsonValue", described(path, f"inputs/{path.name}"))
    return GoalInput(value=value, schema=schema, description=f"{source.name}: {words}")


def _table(schema: JsonSchema, path: Path, media: str) -> str:
    """Adds the file's content to its schema and says what it is."""
    try:
        contents = _READERS[media](path)
    except NotATable as error:
        return f"{_FORMS[media]} file without a table ({error})"
    schema["x-content"] = table_schema(contents.rows, contents.columns)
    return f"{_FORMS[media]} file with {_size(contents)}{''.join(f'; {note}' for note in contents.notes)}"


def _size(contents: Contents) -> str:
    return f"{len(contents.rows)} rows and {len(contents.columns)} columns"


def _database(schema: JsonSchema, path: Path) -> str:
    tables = {name: read_sqlite(path, name) for name in sqlite_tables(path)}
    if not tables:
        raise InputError(f"{path.name!r} is a SQLite database without tables")
    schemas = {name: table_schema(contents.rows, contents.columns) for name, contents in tables.items()}
    schema["x-contents"] = cast("JsonValue", schemas)
    return f"SQLite database with {', '.join(f'{name} ({_size(found)})' for name, found in tables.items())}"
