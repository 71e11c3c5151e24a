"""`dagwright tools list | import | lint`: catalogues of operations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from orchestrator.cli import options
from orchestrator.cli.check import FormatName
from orchestrator.cli.output import Json, put, put_json

if TYPE_CHECKING:
    from dagwright.catalogue import Catalogue
    from knowledge import McpImport, OpenApiImport

_WRITTEN = {"name", "rules", "allowed_hosts", "allowed_commands"}
"""What of a policy to begin with is written down; all else is as it is where nothing is said."""

app = typer.Typer(
    no_args_is_help=True,
    help="""Operations that plans may use: list them, import an API's, judge a catalogue.

    \b
    Examples:
      dagwright tools list                                   the default toolchest
      dagwright tools list --catalogue text
      dagwright tools import openapi.json --name shop -o shop.json
      dagwright tools lint shop.json
      dagwright tools import conductor --name conductor -o conductor.json     the Conductor server in use
      dagwright tools import mcp:https://HOST/mcp --name wiki -o wiki.json --policy wiki.yaml
      dagwright tools import "mcp:npx -y SERVER" --name files -o files.json    a server that is a program
      dagwright tools import program:monthly.proposal.json --name reports -o reports.json     a plan, to be called
    """,
)


class ProgramImport(NamedTuple):
    """What became of a proposal."""

    catalogue: Catalogue
    """The one operation."""
    notes: tuple[str, ...]
    """What was found out about it."""


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
        str,
        typer.Argument(
            metavar="SOURCE",
            help="An OpenAPI 3.0 or 3.1 document (file, URL, or `conductor`); an MCP server: "
            "`mcp:URL`, or `mcp:COMMAND`, which is run; or a proposal that others may call: `program:FILE`.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The catalogue, as JSON.")],
    name: Annotated[
        str, typer.Option("--name", help="Name of the API in operations; of a proposal, TOOL or TOOL.OPERATION.")
    ] = "api",
    base_url: Annotated[str, typer.Option("--base-url", help="Where it is served, if not as the document says.")] = "",
    credential: Annotated[
        list[str] | None,
        typer.Option(
            "--credential",
            metavar="NAME|VARIABLE=NAME",
            help="Of an MCP server: the credential's name; for a command, with the variable that holds it.",
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help="Of an MCP server: writes a policy to begin with, as YAML."),
    ] = None,
    catalogue: options.Catalogues = None,
    json: Json = False,
) -> None:
    """Makes a catalogue of an API's operations, with safe defaults, and says what it assumed."""
    import json as jsonlib

    from dagwright.canonical import to_json

    if source.startswith("mcp:"):
        imported = _from_server(source, credential or (), name, policy)
    elif credential or policy:
        raise typer.BadParameter("--credential and --policy are for MCP servers (mcp:…) only")
    elif source.startswith("program:"):
        imported = _from_proposal(Path(source.removeprefix("program:")), name, catalogue or ())
    else:
        imported = _from_document(source, name, base_url)
    output.write_text(jsonlib.dumps(to_json(imported.catalogue), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if json:
        return put_json(
            {"catalogue": str(output), "tools": len(imported.catalogue.tools), "notes": list(imported.notes)}
        )
    for note in imported.notes:
        put(f"assumed: {note}")
    put(f"{len(imported.catalogue.tools)} operations written to {output}; use them with --catalogue {output}")
    return None


def _from_proposal(path: Path, name: str, catalogues: Sequence[str]) -> ProgramImport:
    """Makes an operation of a proposal; without an operation's name it is called like its file."""
    from dagwright.catalogue import catalogue_of
    from dagwright.exceptions import InputError, ProposalRejected
    from executor.archive.recertify import ALL_KINDS
    from orchestrator.assembly import open_catalogue, open_policy
    from orchestrator.cli.stages import read
    from validation import validate
    from validation.salvage import parsed
    from validation.subprogram import operation_of
    from validation.text import parse_proposal

    operations, policy, text = open_catalogue(catalogues), open_policy(""), read(path)
    proposal = parsed(parse_proposal(text).data).proposal
    if proposal is None:
        raise ProposalRejected(validate(text, catalogue=operations, policy=policy, workers=ALL_KINDS))
    called = name if "." in name else f"{name}.{re.sub('[^A-Za-z0-9_-]', '_', path.name.split('.')[0])}"
    try:
        spec = operation_of(proposal, name=called, catalogue=operations, policy=policy, workers=ALL_KINDS)
    except ValueError as error:
        raise InputError(f"no operation can be called {called!r}: {error}") from error
    steps = [step for _, step in spec.binding.proposal.steps()] if spec.binding.kind == "program" else []
    used = ", ".join(sorted({step.tool_intent.operation_name for step in steps}))
    notes = (
        f"{called} has effect {spec.effect}, as the strictest of its {len(steps)} steps",
        f"plans that call it need the operations that it uses: {used}",
    )
    return ProgramImport(catalogue_of(spec.tool_name, [spec]), notes)


def _from_document(source: str, name: str, base_url: str) -> OpenApiImport:
    from knowledge import import_openapi
    from orchestrator.fetching import fetched

    with fetched(source) as path:
        return import_openapi(path, name=name, base_url=base_url or None)


def _from_server(source: str, credentials: Sequence[str], name: str, policy: Path | None) -> McpImport:
    """Imports an MCP server's tools; writes the policy that asks about all that changes something."""
    import yaml

    from knowledge import import_mcp
    from orchestrator.servers import ask, server_of

    offer = ask(server_of(source, credentials))
    imported = import_mcp(offer.tools, name=name, server=offer.server, version=offer.version)
    if policy is not None:
        told = imported.policy.model_dump(mode="json", exclude_none=True, include=_WRITTEN)
        policy.write_text(yaml.safe_dump(told, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return imported


@app.command("lint")
def lint_(
    catalogues: Annotated[list[str], typer.Argument(metavar="FILE|PACK…", help="Catalogues: files or packs.")],
    format_: FormatName = "text",
    json: Json = False,
) -> None:
    """Judges catalogues themselves; exit 1 where one contradicts itself."""
    from orchestrator.assembly import open_catalogue
    from orchestrator.cli.check import name_of, put_reports
    from validation.lint import LINT_CODES, lint

    files = {name: Path(name) for name in catalogues if Path(name).suffix in {".yaml", ".yml", ".json"}}
    names = {name: name_of(files[name]) if name in files else name for name in catalogues}
    reports = {names[name]: lint(open_catalogue([name], to_run=False)) for name in catalogues}
    # Only JSON has places with lines.
    texts = {names[name]: path.read_bytes() for name, path in files.items() if path.suffix == ".json"}
    put_reports("json" if json else format_, reports, texts, LINT_CODES)
    raise typer.Exit(0 if all(report.is_valid for report in reports.values()) else 1)
