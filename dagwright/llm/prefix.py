"""`PrefixCache`: what a local model has read of a stable opening, kept on disk for the next process.

Reading a catalogue of operations takes a small machine most of a minute; taking up what an earlier
process read takes a fraction of a second and gives the same numbers. Only openings that a request
declares `stable` are ever written: they hold nothing of a user's own.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from dagwright.canonical import sha256

LEAST = 1_000
"""Characters; shorter openings are read again each time."""
MOST_BYTES = 1_000_000_000
"""Bytes of all files together; what was not used for longest goes first."""
ABANDONED = 3_600.0
"""Seconds after which an unfinished file is taken for what a killed process left."""
_BLOCK = 8 << 20


class Reader(Protocol):
    """A loaded model that reads text into its state; `Engine` is one."""

    @property
    def identity(self) -> str:
        """What distinguishes models whose states do not fit each other."""
        ...

    def read(self, prompt: str, *, timeout: float, cancelled: threading.Event) -> int:
        """Reads a prompt without answering it and gives its number of tokens."""
        ...

    def save(self, name: str) -> int | None:
        """Writes its state to a file of this name; gives the tokens in it, None if it could not."""
        ...

    def restore(self, name: str) -> bool:
        """Takes up the state in a file of this name; says whether it could."""
        ...


class PrefixStore:
    """A folder of states: `KEY-SHA256.state`, the second part being the checksum of the content.

    Nothing here raises: a cache that cannot be read or written is an empty one.
    """

    def __init__(self, folder: Path, *, most: int = MOST_BYTES) -> None:
        """Makes the folder, for this user alone.

        Args:
            folder: Where the states lie.
            most: Bytes of all files together.
        """
        self.folder = folder
        self._most = most
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def find(self, key: str) -> str | None:
        """Gives the name of an undamaged state, which now counts as just used; damaged ones are removed."""
        for path in self.folder.glob(f"{key}-*.state"):
            with contextlib.suppress(OSError):
                if _checksum(path) == path.stem.partition("-")[2]:
                    path.touch()
                    return path.name
                path.unlink()
        return None

    def begin(self, key: str) -> str:
        """Gives the name of a file to write a state to; it is none of the store's until `finish`."""
        return f"{key}-{secrets.token_hex(8)}.part"

    def finish(self, name: str) -> None:
        """Takes a written state in, and removes what is too much."""
        part = self.folder / name
        with contextlib.suppress(OSError):
            part.replace(part.with_name(f"{name.partition('-')[0]}-{_checksum(part)}.state"))
        self.discard(name)
        self._prune()

    def discard(self, name: str) -> None:
        """Removes a file, if it is there."""
        with contextlib.suppress(OSError):
            (self.folder / name).unlink()

    def _prune(self) -> None:
        left = self._most
        for path, size, used in sorted(self._files(), key=lambda file: file[2], reverse=True):
            left -= size
            if left < 0 or (path.suffix == ".part" and time.time() - used > ABANDONED):
                self.discard(path.name)

    def _files(self) -> Iterator[tuple[Path, int, float]]:
        for path in (*self.folder.glob("*.state"), *self.folder.glob("*.part")):
            with contextlib.suppress(OSError):
                status = path.stat()
                yield path, status.st_size, status.st_mtime


class PrefixCache:
    """Puts stable openings into a model's state: from disk where they are, else by reading them once."""

    def __init__(self, reader: Reader, store: PrefixStore) -> None:
        """Starts with an unknown state.

        Args:
            reader: The loaded model; it writes and reads its states in the store's folder.
            store: Where they lie.
        """
        self._reader = reader
        self._store = store
        self._current: str | None = None

    def prepare(self, opening: str, *, timeout: float, cancelled: threading.Event) -> int:
        """Puts an opening in front of the next request and gives the tokens that were read for it now.

        Raises:
            ContentError: it is longer than the context.
            TimedOut: reading it took longer than `timeout` seconds.
            Cancelled: `cancelled` was set.
        """
        if len(opening) < LEAST:
            self._current = None
            return 0
        key = sha256({"model": self._reader.identity, "opening": opening})
        if key == self._current:
            return 0
        self._current = None
        known = self._store.find(key)
        read = 0
        if known is None or not self._reader.restore(known):
            read = self._reader.read(opening, timeout=timeout, cancelled=cancelled)
            self._keep(key, read)
        self._current = key
        return read

    def _keep(self, key: str, tokens: int) -> None:
        name = self._store.begin(key)
        # More tokens than were just read would be those of some earlier request.
        if self._reader.save(name) == tokens:
            self._store.finish(name)
        else:
            self._store.discard(name)


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
