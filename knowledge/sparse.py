"""BM25 as sparse vectors: stemmed English words without stop words; the index supplies the IDF."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from knowledge.document import Document
from knowledge.words import split_name

if TYPE_CHECKING:
    import qdrant_edge

TITLE_WEIGHT = 3
"""How often the title's words count."""
AVERAGE_LENGTH = 64
"""Words of a usual document, title repeated; BM25's length normalisation is relative to it."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Sparse:
    """A sparse vector: weights at term numbers."""

    indices: list[int]
    """Terms, as hashes of their stems."""
    values: list[float]
    """Their weights."""


class Bm25:
    """Qdrant's own BM25 encoder, the same for every backend."""

    def document(self, document: Document) -> Sparse:
        """Gives the term weights of a document: title three times, then body."""
        return _sparse(self._model.embed_document(self.text_of(document)))

    def query(self, text: str) -> Sparse:
        """Gives the terms of a request; identifiers in it are split into words."""
        return _sparse(self._model.embed_query(_with_split_names(text)))

    def shared_words(self, text: str, document: Document) -> list[str]:
        """Gives the words of `text`, in order, whose stems occur in the document."""
        known = set(self._model.embed_document(self.text_of(document)).indices)
        words = dict.fromkeys(_WORD.findall(_with_split_names(text).lower()))
        return [word for word in words if known.intersection(self._model.embed_query(word).indices)]

    @staticmethod
    def text_of(document: Document) -> str:
        """Gives the text whose words are counted."""
        return _with_split_names("\n".join([*([document.title] * TITLE_WEIGHT), document.body]))

    @cached_property
    def _model(self) -> qdrant_edge.Bm25:
        import qdrant_edge

        return qdrant_edge.Bm25(qdrant_edge.Bm25Config(language="english", avg_len=AVERAGE_LENGTH))


def _sparse(vector: qdrant_edge.SparseVector) -> Sparse:
    return Sparse(indices=list(vector.indices), values=list(vector.values))


def _with_split_names(text: str) -> str:
    """Splits what looks like an identifier (`getUserById`, `user_id`) and keeps other words."""
    return _IDENTIFIER.sub(lambda match: split_name(match.group()), text)


_IDENTIFIER = re.compile(r"\b[A-Za-z]+(?:_[A-Za-z0-9]+)+\b|\b[a-z]+(?:[A-Z][a-z0-9]*)+\b")
