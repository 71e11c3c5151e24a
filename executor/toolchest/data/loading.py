"""Files into tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from pydantic import JsonValue

from dagwright.exceptions import InputError, ToolRejected
from executor.bindings.runner import ToolContext
from executor.toolchest.arguments import Arguments, Outputs
from executor.toolchest.reading import Contents, read_csv, read_json, read_sqlite
from executor.toolchest.workspace import readable


def load_csv(arguments: Outputs, context: ToolContext) -> Outputs:
    """Reads a CSV file."""
    path = readable(arguments["file"], context)
    return _rows(lambda: read_csv(path))


def load_json(arguments: Outputs, context: ToolContext) -> Outputs:
    """Reads a JSON file with an array of objects."""
    path = readable(arguments["file"], context)
    return _rows(lambda: read_json(path))


def load_sqlite(arguments: Outputs, context: ToolContext) -> Outputs:
    """Reads one table of a SQLite database."""
    path = readable(arguments["file"], context)
    return _rows(lambda: read_sqlite(path, Arguments(arguments).text("name")))


def _rows(read: Callable[[], Contents]) -> Outputs:
    try:
        return {"table": cast("JsonValue", read().rows)}
    except InputError as error:
        raise ToolRejected(str(error), code="unreadable") from error
