"""`dagwright runs`: the archive of what was run. Reading it needs no model and no network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli import options
from orchestrator.cli.output import Json, put, put_json

app = typer.Typer(
    no_args_is_help=True,
    help="""What was run: list, show, replay, verify, export.

    \b
    Examples:
      dagwright runs list
      dagwright runs show RUN                goal, plan, findings, timeline, answer
      dagwright runs replay RUN              every artefact again, without model or network
      dagwright runs verify RUN              any changed byte is found
      dagwright runs export RUN -o run.zip
    """,
)


def register(main: typer.Typer) -> None:
    """Adds `dagwright verify RUN`, the short form of `dagwright runs verify RUN`."""
    main.command("verify", help="Check that a run's archive is what was written; offline.")(verify)


@app.command("list")
def list_(json: Json = False) -> None:
    """Lists the runs in this folder, the oldest first."""
    from orchestrator.assembly import home
    from orchestrator.history import summaries

    found = summaries(home())
    if json:
        return put_json({"home": str(home()), "runs": found})
    for item in found:
        put(f"{item['run']}  {item['status']:<10}  {item['goal']}")
    if not found:
        put(f'no runs in {home()}; start one with: dagwright run "what you want"')
    return None


@app.command()
def show(run: options.RunId, json: Json = False) -> None:
    """Shows a run: its goal, plan, findings, steps, answer."""
    from orchestrator.assembly import home
    from orchestrator.history import full
    from orchestrator.view.history import drawn
    from orchestrator.view.terminal import console

    found = full(home(), run)
    if json:
        return put_json(found)
    console().print(drawn(found))
    return None


@app.command()
def replay(run: options.RunId, rules: options.RuleFiles = None, json: Json = False) -> None:
    """Makes every artefact of a run again from its archive and reports the first divergence."""
    from functools import partial

    from executor.archive import Archive
    from executor.recertify import program_of
    from executor.replay import replay as replayed
    from orchestrator.assembly import home
    from orchestrator.rules import open_rules

    own = open_rules(rules or ())
    with Archive.open(home(), run, read_only=True) as archive:
        result = replayed(archive, certified=partial(program_of, rules=own))
    if json:
        put_json(result.as_json())
    else:
        put(str(result))
    raise typer.Exit(0 if result.reproduced else 3)


@app.command()
def verify(run: options.RunId, rules: options.RuleFiles = None, json: Json = False) -> None:
    """Checks a run's hash chain, its artefacts and its certificates; any changed byte is found."""
    from functools import partial

    from executor.archive import Archive
    from executor.recertify import recertified
    from executor.verify import verify as verified
    from orchestrator.assembly import home
    from orchestrator.rules import open_rules
    from validation import VALIDATOR_VERSION

    own = open_rules(rules or ())
    with Archive.open(home(), run, read_only=True) as archive:
        problems = verified(archive, recertify=partial(recertified, rules=own))
    if json:
        put_json({"run": run, "intact": not problems, "validator": VALIDATOR_VERSION, "problems": list(problems)})
    else:
        for problem in problems:
            put(f"✗ {problem}")
        verdict = "intact" if not problems else f"{len(problems)} problems"
        put(f"{verdict} (checked with validator {VALIDATOR_VERSION})")
    raise typer.Exit(0 if not problems else 3)


@app.command()
def export(
    run: options.RunId,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="RUN.zip if not given.")] = None,
    json: Json = False,
) -> None:
    """Writes a run as one file that another machine can verify and replay."""
    from executor.export import export as exported
    from orchestrator.assembly import home

    target = output or Path(f"{run}.zip")
    if target.is_dir():
        target = target / f"{run}.zip"
    exported(home(), run, target)
    put_json({"run": run, "file": str(target)}) if json else put(f"written to {target}")
