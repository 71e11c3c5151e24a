"""Reciprocal rank fusion of the searches by meaning and by words (Cormack, Clarke, Büttcher 2009)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.index import Found

K = 60
"""Damping: at 60, places far down still count; Qdrant's own default of 2 lets the first place decide."""


@dataclass(frozen=True)
class Fused:
    """A candidate with its places and scores in both searches."""

    found: Found
    score: float
    dense: tuple[int, float] | None
    """Rank from 1, cosine."""
    sparse: tuple[int, float] | None
    """Rank from 1, BM25 score."""


def fuse(dense: Sequence[Found], sparse: Sequence[Found]) -> list[Fused]:
    """Gives all candidates by falling sum of 1 / (K + rank); equal ones by cosine, then by id."""
    by_meaning = {found.id: (rank, found.score) for rank, found in enumerate(dense, start=1)}
    by_words = {found.id: (rank, found.score) for rank, found in enumerate(sparse, start=1)}
    candidates = {found.id: found for found in (*dense, *sparse)}
    fused = [
        Fused(found, _share(by_meaning.get(key)) + _share(by_words.get(key)), by_meaning.get(key), by_words.get(key))
        for key, found in candidates.items()
    ]
    return sorted(fused, key=lambda item: (-item.score, -(item.dense or (0, -2.0))[1], item.found.id))


def _share(place: tuple[int, float] | None) -> float:
    return 0.0 if place is None else 1 / (K + place[0])
