"""`dagwright approve | reject RUN [STEP]`: a person's word about a waiting run."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli import options
from orchestrator.cli.output import Json, put, put_json

StepId = Annotated[str, typer.Argument(metavar="[STEP]", help="One step; all that waits if not given.")]


def register(app: typer.Typer) -> None:
    """Adds the verbs."""
    app.command("approve", help="Approve what a run waits for, exactly as it is; then `run --resume`.")(approve)
    app.command("reject", help="Refuse what a run waits for.")(reject)


def approve(run: options.RunId, step: StepId = "", json: Json = False) -> None:
    """Approves."""
    _decide(run, step, json=json, given=True)


def reject(run: options.RunId, step: StepId = "", json: Json = False) -> None:
    """Refuses."""
    _decide(run, step, json=json, given=False)


def _decide(run: str, step: str, *, json: bool, given: bool) -> None:
    import getpass

    from orchestrator.assembly import home
    from orchestrator.permission import decide_waiting

    decided = decide_waiting(home(), run, step, by=getpass.getuser(), given=given)
    if json:
        steps = [question.subject for question in decided if question.step]
        widened = [line for question in decided for line in question.widened]
        put_json({"run": run, "decision": "approved" if given else "rejected", "steps": steps, "widened": widened})
        return
    put(f"{'approved' if given else 'rejected'}: {', '.join(map(str, decided))}")
    if given:
        put(f"go on with: dagwright run --resume {run}")
