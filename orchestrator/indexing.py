"""The documents of a large catalogue, embedded once a machine and kept by the catalogue's hash."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dagwright.catalogue import Catalogue
from dagwright.exceptions import ArchiveError, InputError
from executor.archive.lock import FileLock
from knowledge.store import KnowledgeStore

if TYPE_CHECKING:
    from knowledge.document import Document

BATCH = 500
"""Operations that are embedded between two signs of progress."""
PATIENCE = 600.0
"""Seconds to wait for another process that has the same catalogue open."""
POLL = 0.2
"""Seconds between two looks whether it is done."""

OnRead = Callable[[int, int], None]
"""Told how many operations are read, of how many."""


def cache_folder() -> Path:
    """Gives the folder of all catalogues' documents: below DAGWRIGHT_CACHE if set, else the user's cache."""
    override = os.environ.get("DAGWRIGHT_CACHE")
    if override:
        return Path(override).absolute() / "knowledge"
    import platformdirs

    return Path(platformdirs.user_cache_dir("dagwright")) / "knowledge"


@contextmanager
def indexed(catalogue: Catalogue, on_read: OnRead, *, folder: Path | None = None) -> Generator[KnowledgeStore]:
    """Gives a store with a catalogue's operations; what was embedded once is not embedded again.

    The store is held by one process at a time, and only while this context lasts; others wait.

    Raises:
        InputError: the folder cannot be used.
        ArchiveError: the disk refuses, or another process held it for longer than `PATIENCE`.
    """
    from knowledge import documents_of, open_store

    place = (folder or cache_folder()) / catalogue.hash[:16]
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder {str(place)!r} for a catalogue's documents cannot be made: {error}") from error
    lock = _awaited(place / "lock")
    try:
        with open_store(place / "store") as store:
            if not (place / "complete").exists():
                _read(documents_of(catalogue), store, on_read)
                (place / "complete").touch()
            yield store
    finally:
        lock.release()


def _awaited(path: Path) -> FileLock:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return FileLock.take(path, what=f"the documents in {str(path.parent)!r}")
        except ArchiveError:
            if time.monotonic() > until:
                raise
            time.sleep(POLL)


def _read(documents: tuple[Document, ...], store: KnowledgeStore, on_read: OnRead) -> None:
    done = 0
    on_read(done, len(documents))
    for start in range(0, len(documents), BATCH):
        part = documents[start : start + BATCH]
        store.add(part)
        done += len(part)
        on_read(done, len(documents))
