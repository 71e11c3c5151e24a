"""How alike texts are: in meaning, and in the words and pairs of words that they share."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.embedder import Embedder
from knowledge.kept import kept_vectors

if TYPE_CHECKING:
    from knowledge.embedder import Matrix

_WORD = re.compile(r"[\w']+|[?]")
_K = 60
"""Reciprocal rank fusion: a place counts 1 / (60 + rank)."""


class Likeness:
    """Texts by their meaning (dense vectors) and by their words (tf-idf), fused by rank."""

    def __init__(self, texts: Sequence[str], embedder: Embedder, folder: Path) -> None:
        """Remembers what is compared with.

        Args:
            texts: What is compared with.
            embedder: Gives the vectors of their meaning.
            folder: Where these are kept for the next process.
        """
        terms = [_terms(text) for text in texts]
        found = Counter(term for one in terms for term in one)
        self._texts = texts
        self._embedder = embedder
        self._folder = folder
        self._rarity = {term: math.log((1 + len(terms)) / (1 + count)) + 1 for term, count in found.items()}
        self._vectors = [self._vector(one) for one in terms]

    def nearest(self, text: str) -> list[int]:
        """Gives the places of the texts, the one most like `text` first."""
        wanted = self._vector(_terms(text))
        by_words = [sum(weight * vector.get(term, 0) for term, weight in wanted.items()) for vector in self._vectors]
        by_meaning = (self._meanings @ self._embedder.embed([text])[0]).tolist()
        ranks = zip(_ranks(by_words), _ranks(by_meaning), strict=True)
        fused = [sum(1 / (_K + rank) for rank in pair) for pair in ranks]
        return sorted(range(len(fused)), key=lambda place: -fused[place])

    @cached_property
    def _meanings(self) -> Matrix:
        return kept_vectors(self._texts, self._embedder, self._folder)

    def _vector(self, terms: Iterable[str]) -> dict[str, float]:
        weights = {term: self._rarity[term] for term in terms if term in self._rarity}
        length = math.hypot(*weights.values()) or 1
        return {term: weight / length for term, weight in weights.items()}


def _ranks(scores: Sequence[float]) -> list[int]:
    """Gives the rank of each score, from 1 for the largest."""
    ordered = sorted(range(len(scores)), key=lambda place: -scores[place])
    ranks = [0] * len(scores)
    for rank, place in enumerate(ordered, start=1):
        ranks[place] = rank
    return ranks


def _terms(text: str) -> frozenset[str]:
    words = _WORD.findall(text.lower())
    return frozenset((*words, *(f"{one} {after}" for one, after in pairwise(words))))
