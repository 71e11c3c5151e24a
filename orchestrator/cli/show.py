"""`dagwright show PROPOSAL --html FILE`: what a person must see to approve a plan, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli import options
from orchestrator.cli.output import Json, put, put_json
from orchestrator.cli.stages import ProposalFile

_HELP = """Draw a proposal for review: data flow, labels, findings, effects and bounds on one page.

    \b
    Example:
      dagwright show proposal.json --html review.html
"""


def register(app: typer.Typer) -> None:
    """Adds the verb."""
    app.command("show", help=_HELP)(show)


def show(
    proposal: ProposalFile,
    html: Annotated[Path, typer.Option("--html", metavar="FILE", help="Where the page goes; it needs no network.")],
    catalogue: options.Catalogues = None,
    policy: options.PolicyFile = "",
    rules: options.RuleFiles = None,
    json: Json = False,
) -> None:
    """Writes the page, also of a proposal that is rejected; no model is asked and nothing is run."""
    from executor.archive.recertify import ALL_KINDS
    from orchestrator.assembly import open_catalogue, open_policy
    from orchestrator.cli.stages import check_target, read
    from orchestrator.planning import today
    from orchestrator.rules import open_rules
    from orchestrator.view.review import review
    from orchestrator.view.review_page import page

    check_target(html)
    found = review(
        read(proposal),
        catalogue=open_catalogue(catalogue or (), to_run=False),
        policy=open_policy(policy),
        workers=ALL_KINDS,
        at=today(),
        rules=open_rules(rules or ()),
    )
    html.write_text(page(found), encoding="utf-8")
    if json:
        put_json({"page": str(html), "verdict": found.verdict, "findings": len(found.report.findings)})
    else:
        put(f"{found.verdict}: {html}")
    raise typer.Exit(0 if found.report.is_valid else 1)
