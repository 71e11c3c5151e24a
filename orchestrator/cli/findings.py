"""`dagwright runs findings`: which errors proposals had, and what fixed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.output import Json, put, put_json

if TYPE_CHECKING:
    from orchestrator.remedies import Remedies

Runs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RUN…]", help="Ids of runs, or exported files; all runs of this folder if not given."),
]

HELP = """Count the errors of proposals by code: found, fixed by a patch, fixed by the model, left.

    \b
    Examples:
      dagwright runs findings
      dagwright runs findings RUN OTHER.zip --json
"""


def findings(runs: Runs = None, json: Json = False) -> None:
    """Counts what became of the errors that were found in proposals."""
    from orchestrator.assembly import home
    from orchestrator.remedies import remedies

    found = remedies(home(), runs or ())
    if json:
        return put_json(found)
    return _shown(found)


def _shown(found: Remedies) -> None:
    from rich.table import Table

    from orchestrator.view.terminal import console

    put(f"{found.rounds} proposals in {len(found.runs)} runs")
    if found.codes:
        table = Table()
        for heading in ("code", "found", "by a patch", "by the model", "left"):
            table.add_column(heading, justify="left" if heading == "code" else "right")
        for one in found.codes:
            table.add_row(one.code, *map(str, (one.found, one.by_patch, one.by_model, one.left)))
        console().print(table)
    elif found.rounds > found.unrecorded:
        put("none had an error")
    if found.unrecorded:
        put(f"{found.unrecorded} proposals are older than these records: what a patch fixed there is not known")
    for run in found.damaged:
        put(f"{run} cannot be read; see dagwright runs verify {run}")
