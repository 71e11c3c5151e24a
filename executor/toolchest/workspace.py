"""Files of a run: what tools may read and where they may write. Nothing outside the run's folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import cast

from pydantic import JsonValue

from dagwright.exceptions import DiskError, ToolRejected
from executor.bindings.runner import ToolContext

MEDIA_TYPES = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".db": "application/vnd.sqlite3",
    ".sqlite": "application/vnd.sqlite3",
    ".sqlite3": "application/vnd.sqlite3",
    ".md": "text/markdown",
    ".html": "text/html",
    ".txt": "text/plain",
    ".log": "text/plain",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
}
"""Media types by suffix; anything else is `application/octet-stream`."""

_FOLDERS = ("files", "inputs")


def media_type(path: str | Path) -> str:
    """Gives the media type that a file's suffix tells."""
    return MEDIA_TYPES.get(Path(path).suffix.lower(), "application/octet-stream")


def described(path: Path, name: str) -> dict[str, JsonValue]:
    """Gives `{path, sha256, bytes, media_type}` of a file that the run knows as `name`."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"path": name, "sha256": digest, "bytes": path.stat().st_size, "media_type": media_type(name)}


def readable(file: JsonValue, context: ToolContext) -> Path:
    """Gives the real path of a described file of this run.

    Raises:
        ToolRejected: `path_outside`, `file_missing`, or `file_changed` since it was described.
    """
    given = cast("dict[str, JsonValue]", file)
    name = str(given["path"])
    folder, _, rest = name.partition("/")
    if folder not in _FOLDERS:
        raise ToolRejected(f"{name!r} is not a file of this run", code="path_outside")
    path = _inside(context.files if folder == "files" else context.inputs, rest)
    if not path.is_file():
        raise ToolRejected(f"the file {name!r} is not there", code="file_missing")
    if "sha256" in given and described(path, name)["sha256"] != given["sha256"]:
        raise ToolRejected(f"the file {name!r} has changed since it was described", code="file_changed")
    return path


def writable(name: str, context: ToolContext) -> Path:
    """Gives the real path for a file that may be written; makes the folders above it.

    Raises:
        ToolRejected: `path_outside` the run's folder, `path_denied` by the policy, or `is_folder`.
    """
    allowed = context.policy.allowed_paths
    if not any(fnmatchcase(name, pattern) for pattern in allowed):
        raise ToolRejected(f"the policy does not allow to write {name!r}", code="path_denied")
    path = _inside(context.files, name)
    if path.is_dir():
        raise ToolRejected(f"{name!r} is a folder", code="is_folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _inside(folder: Path, name: str) -> Path:
    parts = PurePosixPath(name).parts
    bad = not parts or name.startswith(("/", "~")) or ".." in parts or "\\" in name or "\0" in name or ":" in parts[0]
    root = folder.resolve()
    path = root if bad else (root / name).resolve()
    if path == root or not path.is_relative_to(root):
        raise ToolRejected(f"{name!r} is not a path inside the run's folder", code="path_outside")
    return path


def write_file(name: str, context: ToolContext, write: Callable[[Path], None]) -> dict[str, JsonValue]:
    """Writes a file whole or not at all and gives its description.

    Args:
        name: where, relative to the folder that tools may write.
        context: the call.
        write: writes the content to the path that it gets; what lay there before is there too.

    Raises:
        ToolRejected: `path_outside`, `path_denied`, `is_folder`, or `not_written` (no permission).
        DiskError: the disk is full or broken; no other plan would help.
    """
    try:
        path = writable(name, context)
        with _scratch(path) as scratch:
            if path.exists():
                scratch.write_bytes(path.read_bytes())
            write(scratch)
            scratch.chmod(0o644)
            scratch.replace(path)
    except OSError as error:
        if DiskError.is_why(error):
            raise DiskError(f"the file {name!r}", context.files / name, error) from error
        raise ToolRejected(f"{name!r} cannot be written: {error.strerror or error}", code="not_written") from error
    return described(path, f"files/{path.relative_to(context.files.resolve()).as_posix()}")


@contextmanager
def _scratch(path: Path) -> Generator[Path]:
    """Gives an empty file beside `path`, gone afterwards unless it was moved."""
    handle, name = tempfile.mkstemp(prefix=".writing-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
