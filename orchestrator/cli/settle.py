"""`dagwright settle RUN STEP` and `dagwright runs compensate RUN`: what is in doubt, and what is to be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dagwright.exceptions import InputError
from orchestrator.cli import options
from orchestrator.cli.output import Json, put, put_json

if TYPE_CHECKING:
    from pydantic import JsonValue

    from executor.ledger.ledger import Settlement

_SETTLE = """Say of an effect of unknown outcome whether it happened; then `run --resume`.

    \b
    Examples:
      dagwright settle RUN s3 --happened --outputs '{"id": 17}'   it happened, and this is what it gave
      dagwright settle RUN s3 --not-happened                      it did not; it is tried again
      dagwright settle RUN s3 --compensate                        undo it by its compensation, then try again
      dagwright settle RUN s3 --undone                            I have undone it by hand
"""
_COMPENSATE = """Undo what a run did, the last effect first, as its steps' rollback strategies say.

    \b
    Example:
      dagwright runs compensate RUN
"""

StepId = Annotated[str, typer.Argument(metavar="[STEP]", help="The step; the only one in doubt if not given.")]


def register(main: typer.Typer) -> None:
    """Adds the verbs."""
    from orchestrator.cli import runs

    main.command("settle", help=_SETTLE)(settle)
    runs.app.command("compensate", help=_COMPENSATE)(compensate)


def settle(
    run: options.RunId,
    step: StepId = "",
    happened: Annotated[bool, typer.Option("--happened", help="It happened.")] = False,
    not_happened: Annotated[bool, typer.Option("--not-happened", help="It did not happen.")] = False,
    compensate: Annotated[bool, typer.Option("--compensate", help="Undo it, then try it again.")] = False,
    undone: Annotated[bool, typer.Option("--undone", help="It was undone by hand.")] = False,
    outputs: Annotated[str, typer.Option("--outputs", metavar="JSON", help="What it gave, if it happened.")] = "",
    json: Json = False,
) -> None:
    """Writes down what a person says of an effect."""
    import getpass

    from orchestrator.assembly import home
    from orchestrator.settlement import settle as settled

    answers: dict[Settlement, bool] = {
        "happened": happened,
        "not_happened": not_happened,
        "compensate": compensate,
        "undone": undone,
    }
    given: list[Settlement] = [answer for answer, is_given in answers.items() if is_given]
    if len(given) != 1:
        raise InputError("say exactly one of --happened, --not-happened, --compensate, --undone")
    if outputs and not happened:
        raise InputError("--outputs is what an effect gave that --happened")
    found, operation = settled(home(), run, step, given[0], by=getpass.getuser(), outputs=_parsed(outputs))
    if json:
        return put_json({"run": run, "step": found, "operation": operation, "answer": given[0]})
    put(f"{given[0].replace('_', ' ')}: step {found!r} ({operation})")
    put(f"go on with: dagwright run --resume {run}")
    return None


def compensate(run: options.RunId, json: Json = False) -> None:
    """Takes back what a run did; exit 3 if something still stands."""
    from orchestrator.assembly import Names, assemble
    from orchestrator.cli.session import people_of
    from orchestrator.resumption import names_of
    from orchestrator.rollback import compensate_run

    setup = assemble(names_of(run, Names()), people_of(yes=False, quiet=json))
    rollback = compensate_run(run, setup)
    if json:
        put_json({"run": run, "undone": list(rollback.undone), "not_undone": list(rollback.standing)})
    else:
        for line in rollback.undone:
            put(f"undone: {line}")
        for line in rollback.standing:
            put(f"stands: {line}")
        if not rollback.results:
            put("there is nothing to undo")
    raise typer.Exit(3 if rollback.standing else 0)


def _parsed(text: str) -> JsonValue:
    import json

    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"--outputs is no JSON: {error}") from error
