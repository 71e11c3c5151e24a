"""`dagwright tools list | import`: catalogues of operations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli import options
from orchestrator.cli.output import Json, put, put_json

app = typer.Typer(
    no_args_is_help=True,
    help="""Operations that plans may use: list them, import an API's.

    \b
    Examples:
      dagwright tools list                                   the default toolchest
      dagwright tools list --catalogue text
      dagwright tools import openapi.json --name shop -o shop.json
      dagwright tools import conductor --name conductor -o conductor.json     the Conductor server in use
    """,
)


@app.command("list")
def list_(catalogue: options.Catalogues = None, json: Json = False) -> None:
    """Lists the operations of the default toolchest, or of the catalogues named."""
    from executor.toolchest import packs
    from orchestrator.assembly import open_catalogue
    from planner.signature import signature

    found = open_catalogue(catalogue or ())
    if json:
        return put_json(
            {"catalogue": found.name, "hash": found.hash, "packs": list(packs()), "tools": list(found.tools)}
        )
    for tool in found.tools:
        put(f"{tool.effect:<12} {signature(tool.name, tool)}")
    put(f"\n{len(found.tools)} operations of {found.name}; packs: {', '.join(packs())}")
    return None


@app.command("import")
def import_(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="An OpenAPI 3.0 or 3.1 document: file, URL, or `conductor`.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The catalogue, as JSON.")],
    name: Annotated[str, typer.Option("--name", help="Name of the API in operations.")] = "api",
    base_url: Annotated[str, typer.Option("--base-url", help="Where it is served, if not as the document says.")] = "",
    json: Json = False,
) -> None:
    """Makes a catalogue of an API's operations, with safe defaults, and says what it assumed."""
    import json as jsonlib

    from dagwright.canonical import to_json
    from knowledge import import_openapi
    from orchestrator.fetching import fetched

    with fetched(source) as path:
        imported = import_openapi(path, name=name, base_url=base_url or None)
    output.write_text(jsonlib.dumps(to_json(imported.catalogue), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if json:
        return put_json(
            {"catalogue": str(output), "tools": len(imported.catalogue.tools), "notes": list(imported.notes)}
        )
    for note in imported.notes:
        put(f"assumed: {note}")
    put(f"{len(imported.catalogue.tools)} operations written to {output}; use them with --catalogue {output}")
    return None
