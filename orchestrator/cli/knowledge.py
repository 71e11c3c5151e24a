"""`dagwright knowledge add | search | stats`: documents and what is found in them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dagwright.exceptions import InputError
from orchestrator.cli import options
from orchestrator.cli.output import Json, put, put_json

if TYPE_CHECKING:
    from knowledge.store import KnowledgeStore

app = typer.Typer(
    no_args_is_help=True,
    help="""Documents of operations and APIs: add, search, count.

    \b
    Examples:
      dagwright knowledge add                       the operations of the default toolchest
      dagwright knowledge add openapi.json          an API; also Markdown files and folders
      dagwright knowledge search "sort a table"
    """,
)


@app.command()
def add(
    source: Annotated[
        Path | None, typer.Argument(metavar="[SOURCE]", help="OpenAPI or Markdown file, or a folder.")
    ] = None,
    catalogue: options.Catalogues = None,
    json: Json = False,
) -> None:
    """Adds a file's documents, or a catalogue's operations (the default toolchest if nothing is named)."""
    from knowledge import add_source, documents_of
    from orchestrator.assembly import open_catalogue

    if source is not None and catalogue:
        raise InputError("name either a SOURCE or a --catalogue, not both")
    with _store() as store:
        if source is not None:
            found = add_source(store, source)
            body = asdict(found)
        else:
            found = store.add(documents_of(open_catalogue(catalogue or ())))
            body = found.model_dump(mode="json")
    if json:
        return put_json(body)
    for note in body.get("notes", ()):
        put(f"assumed: {note}")
    put(f"{found.added} documents added, {found.unchanged} were there")
    return None


@app.command()
def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What you look for, in words.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="How many.")] = 8,
    json: Json = False,
) -> None:
    """Searches by meaning and by words, and says why each document was found."""
    with _store() as store:
        hits = store.search(query, limit=limit)
    if json:
        return put_json({"query": query, "hits": list(hits)})
    for hit in hits:
        put(
            f"{hit.score:.4f}  {hit.document.operation or hit.document.doc_id}: {hit.document.title}\n        {hit.why}"
        )
    if not hits:
        put("nothing found; add documents with: dagwright knowledge add")
    return None


@app.command()
def stats(json: Json = False) -> None:
    """Counts what the store holds."""
    with _store() as store:
        found = store.stats()
    if json:
        return put_json(found)
    put(f"{found.documents} documents, {found.operations} of operations, embedder {found.embedder or 'none'}")
    for api, count in found.apis.items():
        put(f"  {api}: {count}")
    return None


def _store() -> KnowledgeStore:
    from knowledge import open_store
    from orchestrator.assembly import home

    return open_store(home() / "knowledge")
