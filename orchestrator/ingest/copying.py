"""Files of a goal into the run's folder: a run works on what it was given, whatever happens to it later."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from dagwright.canonical import sha256_bytes
from dagwright.exceptions import DiskError, InputError

MOST_MEGABYTES = 64
LIMIT_VARIABLE = "DAGWRIGHT_MAX_INPUT_MB"
_MEGABYTE = 1_000_000


def copied(name: str, source: Path, *, into: Path, most_bytes: int | None = None) -> Path:
    """Copies a file into `into` and gives where it lies; another file of its name gets `name` before it.

    Raises:
        InputError: it is missing, a folder, unreadable or too large.
        DiskError: there is no room for it.
    """
    limit = _limit() if most_bytes is None else most_bytes
    try:
        _check(name, source, limit)
        into.mkdir(parents=True, exist_ok=True)
        target = into / source.name
        if target.exists() and _digest(target) != _digest(source):
            target = into / f"{name}-{source.name}"
        shutil.copyfile(source, target)
    except OSError as error:
        if DiskError.is_why(error):
            raise DiskError(f"the copy of input {name!r}", into / source.name, error) from error
        raise InputError(f"input {name!r}: {str(source)!r} cannot be read: {error.strerror or error}") from error
    return target


def _check(name: str, source: Path, limit: int) -> None:
    if source.is_dir():
        raise InputError(f"input {name!r}: {str(source)!r} is a folder; name a file in it")
    if not source.exists():
        raise InputError(f"input {name!r}: there is no file {str(source)!r}")
    if not source.is_file():
        raise InputError(f"input {name!r}: {str(source)!r} is not a regular file")
    size = source.stat().st_size
    if size > limit:
        raise InputError(
            f"input {name!r}: {str(source)!r} has {size / _MEGABYTE:,.0f} MB; the limit is {limit / _MEGABYTE:,.0f} MB "
            f"(set {LIMIT_VARIABLE} to another number of megabytes to change it)"
        )


def _limit() -> int:
    given = os.environ.get(LIMIT_VARIABLE, str(MOST_MEGABYTES))
    try:
        return int(float(given) * _MEGABYTE)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{LIMIT_VARIABLE} must be a number of megabytes, not {given!r}") from error


def _digest(path: Path) -> str:
    return sha256_bytes(path.read_bytes())
