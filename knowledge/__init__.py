"""Documents in, evidence out: ingest, store, embed, retrieve."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from knowledge.document import Document, documents_of
    from knowledge.embedder import Embedder, MiniLm, SentenceTransformers
    from knowledge.ingest.markdown import import_markdown
    from knowledge.ingest.mcp import McpImport, import_mcp
    from knowledge.ingest.openapi import OpenApiImport, import_openapi
    from knowledge.ingest.source import Ingested, add_source
    from knowledge.opening import open_store
    from knowledge.store import Added, Hit, KnowledgeStore, Stats

__all__ = [
    "Added",
    "Document",
    "Embedder",
    "Hit",
    "Ingested",
    "KnowledgeStore",
    "McpImport",
    "MiniLm",
    "OpenApiImport",
    "SentenceTransformers",
    "Stats",
    "add_source",
    "documents_of",
    "import_markdown",
    "import_mcp",
    "import_openapi",
    "open_store",
]

_MODULES = {
    "Added": "store",
    "Document": "document",
    "Embedder": "embedder",
    "Hit": "store",
    "Ingested": "ingest.source",
    "KnowledgeStore": "store",
    "McpImport": "ingest.mcp",
    "MiniLm": "embedder",
    "OpenApiImport": "ingest.openapi",
    "SentenceTransformers": "embedder",
    "Stats": "store",
    "add_source": "ingest.source",
    "documents_of": "document",
    "import_markdown": "ingest.markdown",
    "import_mcp": "ingest.mcp",
    "import_openapi": "ingest.openapi",
    "open_store": "opening",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used, so that `import knowledge` costs nothing."""
    if name not in _MODULES:
        raise AttributeError(f"module 'knowledge' has no attribute {name!r}")
    return getattr(import_module(f"knowledge.{_MODULES[name]}"), name)
