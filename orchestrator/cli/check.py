"""`dagwright check PROPOSAL…`: all findings at once, for people, programs, code scanning and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from orchestrator.cli import options
from orchestrator.cli.output import Json, put_json

if TYPE_CHECKING:
    from dagwright.catalogue import Catalogue
    from dagwright.finding import Report
    from validation.reports.sarif import Row

Format = Literal["text", "json", "sarif", "rows"]

Files = Annotated[
    list[Path],
    typer.Argument(metavar="PROPOSAL…", help="Proposals in JSON, `-` for standard input.", show_default=False),
]
FormatName = Annotated[
    Format,
    typer.Option("--format", "-f", help="rows: comma-separated values; sarif: SARIF 2.1.0, for code scanning."),
]
_HELP = """Validate proposals: all findings at once; exit 1 if one is rejected.

    \b
    Examples:
      dagwright check proposal.json --catalogue shop.json
      dagwright check plans/*.json --format sarif > findings.sarif
      dagwright check proposal.json --rules rules.py
"""


def register(app: typer.Typer) -> None:
    """Adds the verb."""
    app.command("check", help=_HELP)(check)


def check(
    proposals: Files,
    catalogue: options.Catalogues = None,
    policy: options.PolicyFile = "",
    rules: options.RuleFiles = None,
    format_: FormatName = "text",
    json: Json = False,
) -> None:
    """Prints the reports on some proposals."""
    from executor.archive.recertify import ALL_KINDS
    from orchestrator.assembly import open_catalogue, open_policy
    from orchestrator.cli.stages import read
    from orchestrator.planning import today
    from orchestrator.rules import open_rules
    from validation import CODES, validate

    own = open_rules(rules or ())
    operations, allowed = open_catalogue(catalogue or (), to_run=False), open_policy(policy)
    say_unbound(operations)
    texts = {name_of(path): read(path) for path in proposals}
    reports = {
        name: validate(text, catalogue=operations, policy=allowed, workers=ALL_KINDS, at=today(), rules=own)
        for name, text in texts.items()
    }
    codes: dict[str, Row] = {**CODES, **{rule.code: rule for rule in own}}
    put_reports("json" if json else format_, reports, texts, codes)
    raise typer.Exit(0 if all(report.is_valid for report in reports.values()) else 1)


def say_unbound(catalogue: Catalogue) -> None:
    """Says on standard error what was assumed of operations that have no binding."""
    import sys

    from dagwright.catalogue import UNBOUND

    count = sum(tool.binding == UNBOUND for tool in catalogue.tools)
    if count:
        said = f"{count} operations have no binding: they are checked, not run, and what they give is untrusted"
        sys.stderr.write(f"assumed: {said} unless `output_labels` says otherwise\n")


def put_reports(
    format_: Format, reports: Mapping[str, Report], texts: Mapping[str, bytes], codes: Mapping[str, Row]
) -> None:
    """Prints reports by the name of the file that each is about."""
    if format_ == "sarif":
        from validation.reports.sarif import Examined, sarif

        decoded = {name: texts.get(name, b"").decode("utf-8", errors="replace") for name in reports}
        found = [Examined(name=name, text=decoded[name], findings=it.findings) for name, it in reports.items()]
        put_json(sarif(found, codes))
    elif format_ == "rows":
        import sys

        from validation.reports.rows import comma_separated

        sys.stdout.write(comma_separated([(name, report.findings) for name, report in reports.items()]))
    elif format_ == "json":
        _put_objects(list(reports.items()))
    else:
        _put_text(reports)


def _put_objects(reports: Sequence[tuple[str, Report]]) -> None:
    if len(reports) == 1:
        put_json(reports[0][1].validation_result())
    else:
        put_json({"reports": [{"file": name, **report.validation_result()} for name, report in reports]})


def _put_text(reports: Mapping[str, Report]) -> None:
    from orchestrator.view import text
    from orchestrator.view.terminal import console
    from validation import CODES

    out = console()
    for name, report in reports.items():
        if len(reports) > 1:
            out.print(f"{name}:", markup=False)
        out.print(text.findings(report))
    mentioned = next((it.code for report in reports.values() for it in report.findings if it.code in CODES), None)
    if mentioned is not None:
        out.print(f"what a code means, with examples: dagwright explain {mentioned}", markup=False, highlight=False)


def name_of(path: Path) -> str:
    """Gives what reports call a file: its path from here with `/` where it lies below, else as it was given."""
    if str(path) == "-":
        return "stdin"
    absolute, here = path.absolute(), Path.cwd()
    return (absolute.relative_to(here) if absolute.is_relative_to(here) else path).as_posix()
