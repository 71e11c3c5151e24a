from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from knowledge.document import Document
from knowledge.embedder import MiniLm
from knowledge.opening import open_store
from knowledge.store import KnowledgeStore

MINI_LM = MiniLm()
KNOWN: dict[str, np.ndarray] = {}


class CountingEmbedder:
    """The real embedder; counts the texts that it is asked for, and embeds each once a session."""

    name = MINI_LM.name
    dimension = MINI_LM.dimension

    def __init__(self) -> None:
        self.texts = 0

    def embed(self, texts):
        self.texts += len(texts)
        KNOWN.update((text, MINI_LM.embed([text])[0]) for text in texts if text not in KNOWN)
        return np.stack([KNOWN[text] for text in texts])


@pytest.fixture(scope="session")
def mini_lm() -> MiniLm:
    return MINI_LM


@pytest.fixture(scope="session")
def operation() -> Callable[..., Document]:
    def make(name: str, title: str, **fields) -> Document:
        base = {"doc_id": f"tool:{name}", "title": title, "api": name.split(".")[0], "operation": name}
        return Document.model_validate(base | fields)

    return make


@pytest.fixture(scope="session")
def documents(operation: Callable[..., Document]) -> tuple[Document, ...]:
    return (
        operation("data.read_csv", "data read csv. Reads a CSV file into a table."),
        operation("data.group", "data group. Aggregates the rows of a table by the values of a column."),
        operation("files.write_text", "files write text. Writes text into a file.", body="path: where the file goes"),
        operation("mail.send", "mail send. Sends an e-mail to a person."),
        operation("chart.bars", "chart bars. Draws a bar chart of two columns."),
        Document(doc_id="text:guide.md#penguins", title="Penguins", body="Gentoo penguins are the heaviest."),
    )


@pytest.fixture(params=["edge", "memory"])
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture
def store(backend: str, embedder: CountingEmbedder) -> Iterator[KnowledgeStore]:
    with open_store(backend=backend, embedder=embedder) as opened:
        yield opened


@pytest.fixture
def open_here(tmp_path: Path) -> Iterator[Callable[..., KnowledgeStore]]:
    """Opens edge stores in one directory, and closes what a test leaves open."""
    stores: list[KnowledgeStore] = []

    def open_edge(embedder=MINI_LM, path: Path | None = None) -> KnowledgeStore:
        stores.append(open_store(path or tmp_path / "store", embedder=embedder))
        return stores[-1]

    yield open_edge
    for store in stores:
        store.close()
