"""Which of the operations on offer the documentation finds for some words."""

from __future__ import annotations

from collections.abc import Iterable

from dagwright.catalogue import catalogue_of
from dagwright.tool import ToolSpec
from knowledge import documents_of, open_store


class Nearest:
    """The documents of a few operations, in memory, for many short questions."""

    def __init__(self, offered: Iterable[ToolSpec]) -> None:
        specs = tuple(offered)
        self._count = len(specs)
        self._store = open_store(None, backend="memory")
        self._store.add(documents_of(catalogue_of("offered", specs)))

    def to(self, words: str) -> tuple[str, ...]:
        """Gives the full names of the operations, nearest to the words first."""
        hits = self._store.search(words, limit=self._count)
        return tuple(hit.document.operation for hit in hits if hit.document.operation)
