"""`add_source`: whatever a path holds, as documents in a store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dagwright.catalogue import load_catalogue
from dagwright.exceptions import InputError
from knowledge.document import Document, documents_of
from knowledge.ingest.markdown import import_markdown
from knowledge.ingest.openapi import import_openapi, read_document
from knowledge.store import KnowledgeStore

Kind = Literal["openapi", "catalogue", "markdown"]


@dataclass(frozen=True)
class Ingested:
    """What became of a source."""

    source: str
    """The path."""
    kind: Kind
    """What it was taken for."""
    added: int
    """Documents that were new or had changed."""
    unchanged: int
    """Documents that were there already."""
    notes: tuple[str, ...]
    """Assumptions, and what was left out."""


def add_source(store: KnowledgeStore, path: Path, *, name: str | None = None, base_url: str | None = None) -> Ingested:
    """Adds what a path holds: an OpenAPI document, a catalogue, a Markdown file or a folder of Markdown files.

    Args:
        store: Where to.
        path: JSON, YAML or Markdown file, or a folder with Markdown files.
        name: Name of the API; by default made of the file's name.
        base_url: Where an OpenAPI document's API is; by default its first server.

    Raises:
        InputError: it cannot be read, or is none of these.
        CatalogueError: it is a broken OpenAPI document or catalogue; all problems are listed.
    """
    kind, documents, notes = _read(path, name, base_url)
    result = store.add(documents)
    return Ingested(str(path), kind, result.added, result.unchanged, notes)


def _read(path: Path, name: str | None, base_url: str | None) -> tuple[Kind, tuple[Document, ...], tuple[str, ...]]:
    if not path.exists():
        raise InputError(f"{str(path)!r} does not exist")
    if path.is_dir() or path.suffix.lower() in {".md", ".markdown"}:
        return "markdown", import_markdown(path, api=name), ()
    if path.suffix.lower() not in {".json", ".yaml", ".yml"}:
        raise InputError(f"{str(path)!r} is no source of documents: give an OpenAPI, catalogue or Markdown file")
    content = read_document(path)
    if "openapi" in content or "swagger" in content:
        imported = import_openapi(content, name=name or _api_name(path), base_url=base_url)
        return "openapi", imported.documents, imported.notes
    if "tools" in content:
        return "catalogue", documents_of(load_catalogue(path)), ()
    raise InputError(f"{str(path)!r} has neither 'openapi' nor 'tools': it is no OpenAPI document and no catalogue")


def _api_name(path: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9_\-]+", "_", path.stem).strip("_-")
    return (name if name[:1].isalpha() else f"api_{name}")[:64]
