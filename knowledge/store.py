"""`KnowledgeStore`: where documents are kept and found."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Literal, Protocol, Self

from pydantic import Field

from dagwright.model import Frozen
from knowledge.document import Document

Backend = Literal["edge", "memory"]
"""`edge`: Qdrant's engine in this process, on disk or in a temporary folder; `memory`: Qdrant's
Python client, for tests and up to about 2,000 documents."""


class Hit(Frozen):
    """One document that was found, and why."""

    document: Document
    """The document."""
    score: float
    """Fused score: the sum of 1 / (60 + rank) over both searches; comparable within one search only."""
    dense_score: float | None = None
    """Cosine with the request, -1 to 1; None if it was not among the candidates by meaning."""
    dense_rank: int | None = None
    """Place by meaning, from 1."""
    sparse_score: float | None = None
    """BM25 score; None if it was not among the candidates by words."""
    sparse_rank: int | None = None
    """Place by words, from 1."""
    why: str
    """The same in words."""


class Added(Frozen):
    """What adding documents came to."""

    added: int = Field(ge=0)
    """Documents that were new or had changed."""
    unchanged: int = Field(ge=0)
    """Documents that were there already, with the same content."""


class Stats(Frozen):
    """What a store holds."""

    documents: int
    """Revisions of documents."""
    operations: int
    """Of these, revisions of operations."""
    apis: dict[str, int]
    """Documents by API, the largest first; at most 100."""
    embedder: str | None
    """Name of the embedder; None when only words are searched."""
    backend: Backend
    """What holds them."""
    path: str | None
    """Directory; None in memory."""


class KnowledgeStore(Protocol):
    """Keeps revisions of documents and finds those that hold on a day. Safe to share between threads."""

    def add(self, documents: Iterable[Document]) -> Added:
        """Adds documents. What is there already with the same content is neither embedded nor written again."""
        ...

    def search(
        self,
        text: str,
        *,
        limit: int = 10,
        at: date | None = None,
        api: str | None = None,
        operations: Collection[str] | None = None,
    ) -> tuple[Hit, ...]:
        """Gives the documents that answer a request best, the best first, one revision of each.

        Args:
            text: The request in words.
            limit: How many at most; 1 to 50.
            at: Only what holds on this day; None is today (UTC).
            api: Only documents of this API.
            operations: Only documents of these operations (`tool.operation`).
        """
        ...

    def documents(self, ids: Iterable[str], *, at: date | None = None) -> tuple[Document, ...]:
        """Gives the documents with these ids that hold on a day, in the order asked for; unknown ids are left out."""
        ...

    def stats(self) -> Stats:
        """Tells what is in it."""
        ...

    def close(self) -> None:
        """Gives the directory free; closing twice is allowed."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
