"""Vectors kept on disk: computed once, and again where the file is of no use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from knowledge.embedder import MiniLm
from knowledge.kept import kept_vectors

TEXTS = ("one", "another one")


class Counting(MiniLm):
    """Counts the texts that are computed."""

    computed = 0

    def embed(self, texts):
        self.computed += len(texts)
        return super().embed(texts)


def test_the_same_texts_are_computed_once(tmp_path: Path) -> None:
    embedder = Counting()
    first = kept_vectors(TEXTS, embedder, tmp_path / "new")
    assert first.shape == (2, embedder.dimension)
    assert np.array_equal(kept_vectors(TEXTS, embedder, tmp_path / "new"), first)
    assert embedder.computed == len(TEXTS)


def test_other_texts_are_computed_by_themselves(tmp_path: Path) -> None:
    embedder = Counting()
    kept_vectors(TEXTS, embedder, tmp_path)
    kept_vectors(TEXTS[:1], embedder, tmp_path)
    assert embedder.computed == 3
    assert len(list(tmp_path.glob("*.npy"))) == 2


@pytest.mark.parametrize("damaged", [b"", b"no vectors", b"\x93NUMPY"])
def test_a_damaged_file_is_written_anew(tmp_path: Path, damaged: bytes) -> None:
    embedder = Counting()
    first = kept_vectors(TEXTS, embedder, tmp_path)
    [path] = tmp_path.glob("*.npy")
    path.write_bytes(damaged)
    assert np.array_equal(kept_vectors(TEXTS, embedder, tmp_path), first)
    assert np.array_equal(np.load(path), first)


def test_a_folder_that_cannot_be_made_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert kept_vectors(TEXTS, MiniLm(), tmp_path / "file" / "folder").shape[0] == len(TEXTS)
