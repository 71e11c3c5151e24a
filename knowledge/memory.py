"""Qdrant's Python client in memory: for tests and for up to about 2,000 documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from knowledge.index import DENSE, FOUND_FIELDS, SPARSE, Entry, Found, Index, Scope, found
from knowledge.sparse import Sparse

if TYPE_CHECKING:
    from qdrant_client import models

COLLECTION = "knowledge"


class MemoryIndex(Index):
    """One collection of the local client; it is not thread-safe, hence the lock."""

    backend: Literal["edge", "memory"] = "memory"
    path = None

    def __init__(self, dimension: int | None) -> None:
        from qdrant_client import QdrantClient, models

        self._lock = Lock()
        self._client = QdrantClient(":memory:")
        dense = {DENSE: models.VectorParams(size=dimension, distance=models.Distance.COSINE)} if dimension else {}
        self._client.create_collection(
            COLLECTION,
            vectors_config=dense,
            sparse_vectors_config={SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
        )

    def hashes(self, ids: Sequence[str]) -> dict[str, str]:
        """Gives the content hash of each of these points that is there."""
        with self._lock:
            records = self._client.retrieve(COLLECTION, list(ids), with_payload=["hash"])
        return {str(record.id): str((record.payload or {})["hash"]) for record in records}

    def put(self, entries: Sequence[Entry]) -> None:
        """Writes points."""
        from qdrant_client import models

        points = [models.PointStruct(id=item.id, vector=_vectors(item), payload=item.payload()) for item in entries]
        with self._lock:
            self._client.upsert(COLLECTION, points)

    def nearest(
        self, dense: list[float] | None, sparse: Sparse | None, scope: Scope, limit: int
    ) -> tuple[list[Found], list[Found]]:
        """Gives the best points by meaning and by words."""
        by_meaning = [] if dense is None else self._query(dense, DENSE, scope, limit)
        by_words = [] if sparse is None else self._query(_sparse(sparse), SPARSE, scope, limit)
        return by_meaning, by_words

    def _query(self, vector: Any, using: str, scope: Scope, limit: int) -> list[Found]:
        with self._lock:
            answer = self._client.query_points(
                COLLECTION,
                query=vector,
                using=using,
                query_filter=_filter(scope),
                limit=limit,
                with_payload=FOUND_FIELDS,
            )
        return [found(point.id, point.score, point.payload) for point in answer.points]

    def select(self, scope: Scope, limit: int) -> list[Found]:
        """Gives points in scope."""
        with self._lock:
            records, _ = self._client.scroll(COLLECTION, _filter(scope), limit=limit, with_payload=FOUND_FIELDS)
        return [found(record.id, 0.0, record.payload) for record in records]

    def counts(self) -> tuple[int, int, dict[str, int]]:
        """Counts points, operations and points by API."""
        with self._lock:
            total = self._client.count(COLLECTION).count
            records, _ = self._client.scroll(COLLECTION, limit=max(total, 1), with_payload=["api", "operation"])
        payloads = [record.payload or {} for record in records]
        apis = Counter(payload["api"] for payload in payloads if payload["api"])
        return total, sum(bool(payload["operation"]) for payload in payloads), dict(apis.most_common(100))

    def close(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._client.close()


def _sparse(sparse: Sparse) -> models.SparseVector:
    from qdrant_client import models

    return models.SparseVector(indices=sparse.indices, values=sparse.values)


def _vectors(entry: Entry) -> dict[str, Any]:
    vectors: dict[str, Any] = {SPARSE: _sparse(entry.sparse)}
    return vectors | ({DENSE: entry.dense} if entry.dense is not None else {})


def _filter(scope: Scope) -> models.Filter:
    from qdrant_client import models

    conditions: list[Any] = [
        models.FieldCondition(key=field, range=models.Range(**{bound: day})) for field, bound, day in scope.validity()
    ]
    conditions += [
        models.FieldCondition(key=field, match=models.MatchAny(any=list(values))) for field, values in scope.matches()
    ]
    return models.Filter(must=conditions)
