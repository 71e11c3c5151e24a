"""Dense vectors of texts that come again in every process, kept on disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dagwright.canonical import sha256
from knowledge.embedder import Embedder

if TYPE_CHECKING:
    from knowledge.embedder import Matrix


def kept_vectors(texts: Sequence[str], embedder: Embedder, folder: Path) -> Matrix:
    """Gives one vector of length 1 per text, shape (texts, dimension); computed once for the same texts.

    A file that is damaged, or a folder that cannot be written to, costs the computing again and nothing else.
    """
    import numpy as np

    path = folder / f"{sha256([embedder.name, *texts])}.npy"
    with suppress(OSError, ValueError, EOFError):
        found = np.load(path, allow_pickle=False)
        if found.shape == (len(texts), embedder.dimension) and found.dtype == np.float32:
            return found
    vectors = embedder.embed(texts)
    with suppress(OSError):
        _keep(vectors, path)
    return vectors


def _keep(vectors: Matrix, path: Path) -> None:
    import numpy as np

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            np.save(file, vectors)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
