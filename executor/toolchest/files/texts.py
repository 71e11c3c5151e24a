"""Texts of the run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from pydantic import JsonValue

from dagwright.exceptions import ToolRejected
from executor.bindings.runner import ToolContext
from executor.toolchest.arguments import Arguments, Outputs
from executor.toolchest.workspace import media_type, readable, write_file

MOST_BYTES = 4 * 1024 * 1024
"""Size up to which a file is read as text."""


def read_text(arguments: Outputs, context: ToolContext) -> Outputs:
    """Reads a UTF-8 text."""
    path = readable(arguments["file"], context)
    if path.stat().st_size > MOST_BYTES:
        raise ToolRejected(f"{path.name!r} has more than {MOST_BYTES} bytes", code="too_large")
    try:
        return {"text": path.read_text(encoding="utf-8-sig")}
    except UnicodeDecodeError as error:
        raise ToolRejected(f"{path.name!r} is not a UTF-8 text (byte {error.start})", code="unreadable") from error


def write_text(arguments: Outputs, context: ToolContext) -> Outputs:
    """Writes a UTF-8 text."""
    call = Arguments(arguments)

    def write(target: Path) -> None:
        target.write_text(call.text("text"), encoding="utf-8", newline="\n")

    return {"file": cast("JsonValue", write_file(call.text("path"), context, write))}


def list_files(arguments: Outputs, context: ToolContext) -> Outputs:
    """Lists what the run has written, by path; files being written are left out."""
    root = context.files
    found = sorted(path for path in root.rglob("*") if path.is_file() and not path.name.startswith(".writing-"))
    rows = [
        {"path": path.relative_to(root).as_posix(), "bytes": path.stat().st_size, "media_type": media_type(path)}
        for path in found
    ]
    return {"table": cast("JsonValue", rows)}
