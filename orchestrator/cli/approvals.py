"""`dagwright approve | reject RUN [STEP]`: a person's word about a waiting run."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli import options
from orchestrator.cli.output import Json, put, put_json

StepId = Annotated[str, typer.Argument(metavar="[STEP]", help="One step; all that wait if not given.")]


def register(app: typer.Typer) -> None:
    """Adds the verbs."""
    app.command("approve", help="Approve the waiting steps of a run, exactly as they are; then `run --resume`.")(
        approve
    )
    app.command("reject", help="Refuse the waiting steps of a run.")(reject)


def approve(run: options.RunId, step: StepId = "", json: Json = False) -> None:
    """Approves."""
    _decide(run, step, json=json, given=True)


def reject(run: options.RunId, step: StepId = "", json: Json = False) -> None:
    """Refuses."""
    _decide(run, step, json=json, given=False)


def _decide(run: str, step: str, *, json: bool, given: bool) -> None:
    import getpass

    from orchestrator.approval import decide_waiting
    from orchestrator.assembly import home

    steps = decide_waiting(home(), run, step, by=getpass.getuser(), given=given)
    if json:
        put_json({"run": run, "decision": "approved" if given else "rejected", "steps": list(steps)})
        return
    put(f"{'approved' if given else 'rejected'}: {', '.join(steps)}")
    if given:
        put(f"go on with: dagwright run --resume {run}")
