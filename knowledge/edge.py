"""Qdrant's engine in this process (qdrant-edge): the default backend, on disk."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dagwright.exceptions import ArchiveError, InputError
from knowledge.embedder import Embedder
from knowledge.index import DENSE, FOUND_FIELDS, SPARSE, Entry, Found, Index, Scope, found
from knowledge.sparse import Sparse

if TYPE_CHECKING:
    import qdrant_edge

FORMAT = 1
"""Version of what a directory holds; raised when stored vectors or payloads change their meaning."""
OPTIMISE_AFTER = 1_000
"""Points written since the last optimisation that are worth another one."""


class EdgeIndex(Index):
    """A shard in a directory, held by one process at a time."""

    backend: Literal["edge", "memory"] = "edge"

    def __init__(self, path: Path | None, embedder: Embedder | None) -> None:
        self.path = path
        self._temporary = tempfile.TemporaryDirectory(prefix="dagwright-knowledge-") if path is None else None
        self._home = path or Path(self._temporary.name if self._temporary else "")
        self._dense = embedder is not None
        self._unoptimised = 0
        with self._errors():
            self._shard = self._opened(embedder)

    def _opened(self, embedder: Embedder | None) -> qdrant_edge.EdgeShard:
        import qdrant_edge

        folder = self._home / "shard"
        self._claim({"format": FORMAT, "embedder": embedder.name if embedder else None})
        if folder.exists():
            return qdrant_edge.EdgeShard.load(str(folder))
        folder.mkdir(parents=True)
        shard = qdrant_edge.EdgeShard.create(str(folder), _config(embedder.dimension if embedder else None))
        for field, schema in _payload_indexes():
            shard.update(qdrant_edge.UpdateOperation.create_field_index(field, schema))
        shard.flush()
        return shard

    def _claim(self, expected: dict[str, Any]) -> None:
        """Writes down what the vectors are made with, or checks it where it is written already."""
        manifest = self._home / "knowledge.json"
        if manifest.exists():
            self._check_manifest(json.loads(manifest.read_text(encoding="utf-8")), expected)
            return
        if self._home.exists() and any(self._home.iterdir()):
            raise InputError(f"{str(self._home)!r} is neither empty nor a knowledge store: choose another directory")
        self._home.mkdir(parents=True, exist_ok=True)
        manifest.write_text(json.dumps(expected), encoding="utf-8")

    def _check_manifest(self, found: dict[str, Any], expected: dict[str, Any]) -> None:
        for key, value in expected.items():
            if found.get(key) != value:
                raise InputError(
                    f"the knowledge store in {str(self._home)!r} was made with {key} {found.get(key)!r}, "
                    f"not {value!r}: open it with that, or add the documents to a store in another directory"
                )

    @contextmanager
    def _errors(self) -> Generator[None]:
        """Names the directory in whatever goes wrong with it."""
        where = repr(str(self._home))
        try:
            yield
        except (NotADirectoryError, FileExistsError, PermissionError) as error:
            raise InputError(f"the knowledge store cannot use the directory {where}: {error}") from error
        except (InputError, ArchiveError):
            raise
        except json.JSONDecodeError as error:
            raise ArchiveError(f"the knowledge store in {where} is damaged: knowledge.json: {error}") from error
        except Exception as error:  # the engine raises plain Exception
            if "WouldBlock" in str(error):
                raise ArchiveError(
                    f"the knowledge store in {where} is held by another process: "
                    "close it there, or use another directory"
                ) from error
            raise ArchiveError(f"the knowledge store in {where} failed: {error}") from error

    def hashes(self, ids: Sequence[str]) -> dict[str, str]:
        """Gives the content hash of each of these points that is there."""
        with self._errors():
            records = self._shard.retrieve(list(ids), ["hash"], False)
        return {str(record.id): str((record.payload or {})["hash"]) for record in records}

    def put(self, entries: Sequence[Entry]) -> None:
        """Writes points through the write-ahead log."""
        import qdrant_edge

        points = [qdrant_edge.Point(entry.id, _vectors(entry), entry.payload()) for entry in entries]
        self._unoptimised += len(points)
        with self._errors():
            self._shard.update(qdrant_edge.UpdateOperation.upsert_points(points))
            self._shard.flush()
            if self._unoptimised >= OPTIMISE_AFTER:
                self._unoptimised = 0
                self._shard.optimize()

    def nearest(
        self, dense: list[float] | None, sparse: Sparse | None, scope: Scope, limit: int
    ) -> tuple[list[Found], list[Found]]:
        """Gives the best points by meaning and by words, both found in one pass."""
        import qdrant_edge

        nearest, matching = qdrant_edge.Query.Nearest, _filter(scope)
        queries: list[qdrant_edge.Query] = []
        if dense is not None:
            queries.append(nearest(dense, using=DENSE))
        if sparse is not None:
            queries.append(nearest(qdrant_edge.SparseVector(sparse.indices, sparse.values), using=SPARSE))
        requests = [
            qdrant_edge.QueryRequest(limit=limit, query=query, filter=matching, with_payload=FOUND_FIELDS)
            for query in queries
        ]
        with self._errors():
            answers = self._shard.query_batch(qdrant_edge.QueryBatchRequest(requests)) if requests else []
        groups = iter([[found(point.id, point.score, point.payload) for point in points] for points in answers])
        by_meaning = next(groups) if dense is not None else []
        by_words = next(groups) if sparse is not None else []
        return by_meaning, by_words

    def select(self, scope: Scope, limit: int) -> list[Found]:
        """Gives points in scope."""
        import qdrant_edge

        request = qdrant_edge.ScrollRequest(limit=limit, filter=_filter(scope), with_payload=FOUND_FIELDS)
        with self._errors():
            records, _ = self._shard.scroll(request)
        return [found(record.id, 0.0, record.payload) for record in records]

    def counts(self) -> tuple[int, int, dict[str, int]]:
        """Counts points, operations and points by API."""
        import qdrant_edge

        plain_text = qdrant_edge.FieldCondition("operation", match=qdrant_edge.MatchValue(""))
        with self._errors():
            total = self._shard.count(qdrant_edge.CountRequest())
            texts = self._shard.count(qdrant_edge.CountRequest(filter=qdrant_edge.Filter(must=[plain_text])))
            facets = self._shard.facet(qdrant_edge.FacetRequest("api", limit=100, exact=True))
        return total, total - texts, {str(hit.value): hit.count for hit in facets.hits if hit.value}

    def close(self) -> None:
        """Writes everything to disk and gives the directory free."""
        with self._errors():
            self._shard.flush()
            self._shard.close()
        if self._temporary:
            self._temporary.cleanup()


def _config(dimension: int | None) -> qdrant_edge.EdgeConfig:
    import qdrant_edge

    dense = qdrant_edge.EdgeVectorParams(size=dimension, distance=qdrant_edge.Distance.Cosine) if dimension else None
    return qdrant_edge.EdgeConfig(
        vectors={DENSE: dense} if dense else None,
        sparse_vectors={SPARSE: qdrant_edge.EdgeSparseVectorParams(modifier=qdrant_edge.Modifier.Idf)},
    )


def _payload_indexes() -> list[tuple[str, Any]]:
    import qdrant_edge

    day = qdrant_edge.IntegerIndexParams(range=True, lookup=False)
    keyword = qdrant_edge.PayloadSchemaType.Keyword
    return [("doc_id", keyword), ("api", keyword), ("operation", keyword), ("from", day), ("to", day)]


def _vectors(entry: Entry) -> dict[str, Any]:
    import qdrant_edge

    vectors: dict[str, Any] = {SPARSE: qdrant_edge.SparseVector(entry.sparse.indices, entry.sparse.values)}
    return vectors | ({DENSE: entry.dense} if entry.dense is not None else {})


def _filter(scope: Scope) -> qdrant_edge.Filter:
    import qdrant_edge

    conditions: list[Any] = [
        qdrant_edge.FieldCondition(field, range=qdrant_edge.RangeFloat(**{bound: float(day)}))
        for field, bound, day in scope.validity()
    ]
    conditions += [
        qdrant_edge.FieldCondition(field, match=qdrant_edge.MatchAny(list(values))) for field, values in scope.matches()
    ]
    return qdrant_edge.Filter(must=conditions)
