"""`Waiting`: small artefacts that are in memory until the next transaction, which writes them all."""

from __future__ import annotations

from collections.abc import Iterable

from dagwright.canonical import Sha256

MAX_BYTES = 16 * 1024
"""Bytes of an artefact that is small."""

MAX_RECENT = 1_024
"""Small artefacts that are kept for those who read them soon after."""


class Waiting:
    """The artefacts by hash. Thread-safe: each access is one operation on a dictionary."""

    def __init__(self) -> None:
        self._unwritten: dict[Sha256, bytes] = {}
        self._recent: dict[Sha256, bytes] = {}

    def __bool__(self) -> bool:
        return bool(self._unwritten)

    def add(self, sha256: Sha256, data: bytes) -> None:
        """Takes one in."""
        if len(self._recent) >= MAX_RECENT:
            self._recent = {}
        self._recent[sha256] = data
        self._unwritten[sha256] = data

    def get(self, sha256: Sha256) -> bytes | None:
        """Gives one that is unwritten or recent."""
        data = self._recent.get(sha256)
        return self._unwritten.get(sha256) if data is None else data

    def take(self) -> list[tuple[Sha256, bytes]]:
        """Gives those that are unwritten, to be written now."""
        taken: list[tuple[Sha256, bytes]] = []
        while self._unwritten:
            taken.append(self._unwritten.popitem())
        return taken

    def give_back(self, taken: Iterable[tuple[Sha256, bytes]]) -> None:
        """Takes back those whose transaction came to nothing."""
        self._unwritten.update(taken)
