"""`HybridStore`: a `KnowledgeStore` over any index. Embeds, searches twice, fuses, explains."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from typing import Self

from dagwright.exceptions import InputError
from knowledge.document import Document
from knowledge.embedder import Embedder
from knowledge.fusion import Fused, fuse
from knowledge.index import Entry, Index, Scope, point_id
from knowledge.sparse import Bm25, Sparse
from knowledge.store import Added, Hit, Stats

CANDIDATES = 50
"""How many each of the two searches contributes."""
BATCH = 256
"""Documents that are embedded and written at a time."""
LONGEST_QUERY = 4_000
"""Characters of a request that are looked at."""


class HybridStore:
    """Documents searched by meaning and by words."""

    def __init__(self, index: Index, embedder: Embedder | None) -> None:
        self._index = index
        self._embedder = embedder
        self._bm25 = Bm25()
        self._open = True

    def add(self, documents: Iterable[Document]) -> Added:
        """Adds documents; those that are there with the same content cost one look-up."""
        self._check_open()
        added = unchanged = 0
        remaining = iter(documents)
        while batch := list(islice(remaining, BATCH)):
            changed = self._changed(batch)
            if changed:
                self._index.put(list(self._entries(changed)))
            added += len(changed)
            unchanged += len(batch) - len(changed)
        return Added(added=added, unchanged=unchanged)

    def _changed(self, batch: Sequence[Document]) -> list[Document]:
        last = {point_id(document): document for document in batch}
        known = self._index.hashes(list(last))
        return [document for key, document in last.items() if known.get(key) != document.hash]

    def _entries(self, documents: Sequence[Document]) -> Iterator[Entry]:
        dense = self._dense(documents)
        for document, vector in zip(documents, dense, strict=True):
            yield Entry(document=document, dense=vector, sparse=self._bm25.document(document))

    def _dense(self, documents: Sequence[Document]) -> Sequence[list[float] | None]:
        """Gives the normalised sum of title vector and vector of title and body."""
        if self._embedder is None:
            return [None] * len(documents)
        import numpy as np

        titles = [document.title for document in documents]
        bodies = [f"{document.title}\n{document.body}".strip() for document in documents]
        vectors = self._embedder.embed([*titles, *bodies])
        summed = vectors[: len(titles)] + vectors[len(titles) :]
        summed /= np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)
        return [row.tolist() for row in summed]

    def search(
        self,
        text: str,
        *,
        limit: int = 10,
        at: date | None = None,
        api: str | None = None,
        operations: Collection[str] | None = None,
    ) -> tuple[Hit, ...]:
        """Gives the documents that answer a request best; see `KnowledgeStore.search`."""
        self._check_open()
        query = " ".join(text[:LONGEST_QUERY].split())
        if not query:
            raise InputError("a search needs words to search for; the text is empty")
        if not 1 <= limit <= CANDIDATES:
            raise InputError(f"a search gives 1 to {CANDIDATES} documents, not {limit}")
        allowed = None if operations is None else tuple(sorted(set(operations)))
        if allowed == ():
            return ()
        scope = Scope(at=at or _today(), api=api, operations=allowed)
        dense, sparse = self._index.nearest(*self._vectors(query), scope, CANDIDATES)
        return tuple(self._hit(query, item) for item in islice(_newest(fuse(dense, sparse)), limit))

    def _vectors(self, query: str) -> tuple[list[float] | None, Sparse | None]:
        dense = self._embedder.embed([query])[0].tolist() if self._embedder else None
        sparse = self._bm25.query(query)
        return dense, sparse if sparse.indices else None

    def _hit(self, query: str, fused: Fused) -> Hit:
        document = fused.found.document()
        return Hit(
            document=document,
            score=fused.score,
            dense_rank=fused.dense[0] if fused.dense else None,
            dense_score=fused.dense[1] if fused.dense else None,
            sparse_rank=fused.sparse[0] if fused.sparse else None,
            sparse_score=fused.sparse[1] if fused.sparse else None,
            why=self._why(query, document, fused),
        )

    def _why(self, query: str, document: Document, fused: Fused) -> str:
        reasons: list[str] = []
        if fused.dense:
            reasons.append(f"place {fused.dense[0]} by meaning (cosine {fused.dense[1]:.2f})")
        if fused.sparse:
            words = ", ".join(self._bm25.shared_words(query, document))
            reasons.append(f"place {fused.sparse[0]} by words (BM25 {fused.sparse[1]:.1f}: {words})")
        if document.deprecated:
            reasons.append(f"deprecated, use {document.replaced_by}" if document.replaced_by else "deprecated")
        return "; ".join(reasons)

    def documents(self, ids: Iterable[str], *, at: date | None = None) -> tuple[Document, ...]:
        """Gives the documents with these ids that hold on a day, in the order asked for."""
        self._check_open()
        wanted = tuple(dict.fromkeys(ids))
        if not wanted:
            return ()
        scope = Scope(at=at or _today(), doc_ids=wanted)
        found = self._index.select(scope, limit=len(wanted) * 100)
        newest = {item.doc_id: item for item in sorted(found, key=lambda item: item.age)}
        return tuple(newest[key].document() for key in wanted if key in newest)

    def stats(self) -> Stats:
        """Tells what is in it."""
        self._check_open()
        documents, operations, apis = self._index.counts()
        return Stats(
            documents=documents,
            operations=operations,
            apis=apis,
            embedder=self._embedder.name if self._embedder else None,
            backend=self._index.backend,
            path=str(self._index.path) if self._index.path else None,
        )

    def close(self) -> None:
        """Gives the directory free; closing twice is allowed."""
        if self._open:
            self._open = False
            self._index.close()

    def _check_open(self) -> None:
        if not self._open:
            raise InputError("this knowledge store was closed")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _newest(fused: Sequence[Fused]) -> Iterator[Fused]:
    """Gives each document once: its newest revision among the candidates."""
    newest = {item.found.doc_id: item.found.id for item in sorted(fused, key=lambda item: item.found.age)}
    return (item for item in fused if newest[item.found.doc_id] == item.found.id)


def _today() -> date:
    return datetime.now(UTC).date()
