"""`Index`: the little that a backend has to do. `HybridStore` makes a `KnowledgeStore` of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, Protocol
from uuid import NAMESPACE_URL, uuid5

from knowledge.document import Document
from knowledge.sparse import Sparse

FIRST_DAY = 0
"""Day number that stands for "always" in `valid_from`."""
LAST_DAY = 10_000_000
"""Day number that stands for "never" in `valid_to`."""

DENSE = "dense"
SPARSE = "sparse"


@dataclass(frozen=True)
class Entry:
    """A document as a point of an index."""

    document: Document
    dense: list[float] | None
    sparse: Sparse

    @property
    def id(self) -> str:
        """Id of the point: one per revision of a document."""
        return point_id(self.document)

    def payload(self) -> dict[str, Any]:
        """Gives what is stored beside the vectors: the document, its hash, and what is filtered by."""
        document = self.document
        return {
            "document": document.model_dump_json(),
            "hash": document.hash,
            "doc_id": document.doc_id,
            "version": document.version,
            "api": document.api or "",
            "operation": document.operation or "",
            "from": document.valid_from.toordinal() if document.valid_from else FIRST_DAY,
            "to": document.valid_to.toordinal() if document.valid_to else LAST_DAY,
        }


def point_id(document: Document) -> str:
    """Gives the id of the point that holds this revision of a document."""
    return str(uuid5(NAMESPACE_URL, f"{document.doc_id}\n{document.version}"))


@dataclass(frozen=True)
class Scope:
    """What a search may find."""

    at: date
    """Only what holds on this day."""
    api: str | None = None
    """Only this API."""
    operations: tuple[str, ...] | None = None
    """Only these operations."""
    doc_ids: tuple[str, ...] | None = None
    """Only these documents."""

    def matches(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Gives the fields to match with their allowed values; validity comes on top."""
        if self.api is not None:
            yield "api", (self.api,)
        if self.operations is not None:
            yield "operation", self.operations
        if self.doc_ids is not None:
            yield "doc_id", self.doc_ids

    def validity(self) -> Iterator[tuple[str, Literal["lte", "gt"], int]]:
        """Gives `valid_from` ≤ day < `valid_to` as bounds on two fields."""
        day = self.at.toordinal()
        yield "from", "lte", day
        yield "to", "gt", day


@dataclass(frozen=True)
class Found:
    """A point that a search found."""

    id: str
    """Id of the point."""
    score: float
    """Cosine or BM25 score; 0 where nothing was compared."""
    doc_id: str
    """Id of the document, the same for all its revisions."""
    age: tuple[int, str]
    """First day and version: the greater, the newer."""
    content: str
    """The document as JSON."""

    def document(self) -> Document:
        """Gives the document."""
        return Document.model_validate_json(self.content)


FOUND_FIELDS = ["document", "doc_id", "from", "version"]
"""The part of the payload that `found` needs."""


def found(key: object, score: float, payload: dict[str, Any] | None) -> Found:
    """Gives a point as it was found. Scores keep six decimals: the rest depends on where vectors lie in memory."""
    facts = payload or {}
    age = (int(facts["from"]), str(facts["version"]))
    return Found(
        id=str(key), score=round(score, 6), doc_id=str(facts["doc_id"]), age=age, content=str(facts["document"])
    )


class Index(Protocol):
    """A backend: points with two vectors and a payload."""

    backend: Literal["edge", "memory"]
    path: Path | None

    def hashes(self, ids: Sequence[str]) -> dict[str, str]:
        """Gives the content hash of each of these points that is there."""
        ...

    def put(self, entries: Sequence[Entry]) -> None:
        """Writes points, replacing those with the same id."""
        ...

    def nearest(
        self, dense: list[float] | None, sparse: Sparse | None, scope: Scope, limit: int
    ) -> tuple[list[Found], list[Found]]:
        """Gives the best `limit` points by meaning and by words."""
        ...

    def select(self, scope: Scope, limit: int) -> list[Found]:
        """Gives points in scope, at most `limit`, in no particular order."""
        ...

    def counts(self) -> tuple[int, int, dict[str, int]]:
        """Gives the number of points, of operations among them, and of points by API."""
        ...

    def close(self) -> None:
        """Gives everything free."""
        ...
