"""`open_store`: from a name and a directory to a `KnowledgeStore`."""

from __future__ import annotations

from pathlib import Path

from dagwright.exceptions import InputError
from knowledge.embedder import Embedder, MiniLm
from knowledge.store import Backend, KnowledgeStore


class _Default:
    pass


_DEFAULT = _Default()


def open_store(
    path: Path | None = None,
    *,
    backend: Backend = "edge",
    embedder: Embedder | _Default | None = _DEFAULT,
) -> KnowledgeStore:
    """Opens a store, making it where there is none.

    Args:
        path: Its directory; None keeps it for the life of this object only.
        backend: What holds the documents; `memory` takes no path.
        embedder: What makes the dense vectors (default `MiniLm()`); None searches words alone.

    Raises:
        InputError: the path cannot be used, or its vectors were made by another embedder.
        ArchiveError: another process has the directory open, or it is damaged.
    """
    chosen = MiniLm() if isinstance(embedder, _Default) else embedder
    from knowledge.hybrid import HybridStore

    if backend == "memory":
        if path is not None:
            raise InputError(f"the knowledge backend 'memory' keeps nothing on disk: leave out the path {str(path)!r}")
        from knowledge.memory import MemoryIndex

        return HybridStore(MemoryIndex(chosen.dimension if chosen else None), chosen)
    if backend == "edge":
        from knowledge.edge import EdgeIndex

        return HybridStore(EdgeIndex(path, chosen), chosen)
    raise InputError(f"no knowledge backend {backend!r}: use 'edge' or 'memory'")
