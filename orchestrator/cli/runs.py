"""`dagwright runs`: the archive of what was run. Reading it needs no model and no network."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import findings, options
from orchestrator.cli.output import Json, put, put_json

if TYPE_CHECKING:
    from executor.archive.archive import Archive
    from validation.rules import OwnRule

app = typer.Typer(
    no_args_is_help=True,
    help="""What was run: list, show, diff, replay, verify, export.

    RUN is a run's id, or the path of a file that `export` wrote, here or on another machine.

    \b
    Examples:
      dagwright runs list
      dagwright runs show RUN                    goal, plan, findings, timeline, answer
      dagwright runs show RUN --as timeline      tree, table or timeline of its steps
      dagwright runs show RUN -o run.html        the timeline as a page (or .svg)
      dagwright runs diff RUN OTHER              where two runs part
      dagwright runs replay RUN                  every artefact again, without model or network
      dagwright runs replay RUN --policy p.yaml  what would now be decided otherwise
      dagwright runs verify RUN                  any changed byte is found
      dagwright runs findings                    errors of proposals, and what fixed them
      dagwright runs export RUN -o run.zip
      dagwright verify run.zip
    """,
)


class View(StrEnum):
    """How `runs show` shows a run."""

    all = "all"
    tree = "tree"
    timeline = "timeline"
    table = "table"


def register(main: typer.Typer) -> None:
    """Adds `dagwright verify RUN`, the short form of `dagwright runs verify RUN`."""
    app.command("findings", help=findings.HELP)(findings.findings)
    main.command("verify", help="Check that a run's archive, or an exported file, is what was written; offline.")(
        verify
    )


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
def show(
    run: options.Recorded,
    view: Annotated[View, typer.Option("--as", help="Everything, or the steps as one of these.")] = View.all,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Draw the timeline: .html or .svg.")
    ] = None,
    json: Json = False,
) -> None:
    """Shows a run: its goal, plan, findings, steps, answer; or its timeline as a picture or page."""
    if output is not None:
        return _draw(run, output, json=json)
    return _whole(run, json=json) if view == View.all else _steps(run, view, json=json)


def _whole(run: str, *, json: bool) -> None:
    from orchestrator.assembly import home
    from orchestrator.history import full
    from orchestrator.view.history import drawn
    from orchestrator.view.terminal import console

    found = full(home(), run)
    put_json(found) if json else console().print(drawn(found))


def _draw(run: str, target: Path, *, json: bool) -> None:
    from dagwright.exceptions import InputError
    from executor.archive.export import opened
    from executor.replay.timeline import timeline
    from orchestrator.assembly import home
    from orchestrator.cli.stages import check_target
    from orchestrator.history import full
    from orchestrator.view.gantt import gantt
    from orchestrator.view.timeline_page import page

    check_target(target)
    if target.suffix not in (".html", ".svg"):
        raise InputError(f"a timeline is drawn into a .html or .svg file, not {str(target)!r}")
    with opened(home(), run) as archive:
        line = timeline(archive)
    target.write_text(gantt(line) if target.suffix == ".svg" else page(full(home(), run), line), encoding="utf-8")
    put_json({"run": line.run, "file": str(target)}) if json else put(f"written to {target}")


def _steps(run: str, view: View, *, json: bool) -> None:
    from executor.archive.export import opened
    from executor.replay.timeline import timeline
    from orchestrator.assembly import home
    from orchestrator.view import run_table
    from orchestrator.view.pictures import latest_proposal
    from orchestrator.view.terminal import console

    with opened(home(), run) as archive:
        line, proposal = timeline(archive), latest_proposal(archive)
    if json:
        return put_json(line.as_json())
    if view == View.tree and proposal is not None:
        return console().print(run_table.tree(proposal, line))
    return console().print(run_table.bars(line) if view == View.timeline else run_table.table(line))


@app.command()
def diff(
    run: options.Recorded,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Another run's id, or an exported file.")],
    json: Json = False,
) -> None:
    """Compares two runs: goal, inputs, plan, findings, steps, answer, figures; exits with 3 where they differ."""
    from executor.archive.export import opened
    from executor.replay.comparison import compare
    from orchestrator.assembly import home
    from orchestrator.view.comparison import drawn
    from orchestrator.view.terminal import console

    with opened(home(), run) as left, opened(home(), other) as right:
        found = compare(left, right)
    if json:
        put_json(found.as_json())
    else:
        console().print(drawn(found))
    raise typer.Exit(0 if found.first is None else 3)


@app.command()
def replay(
    run: options.Recorded,
    policy: options.PolicyFile = "",
    catalogue: options.Catalogues = None,
    rules: options.RuleFiles = None,
    rejudge: Annotated[
        bool, typer.Option("--rejudge", help="Judge the plans again; --policy and --catalogue mean it too.")
    ] = False,
    json: Json = False,
) -> None:
    """Makes every artefact of a run again from its archive and reports the first divergence.

    With a policy, a catalogue or --rejudge: says what would now be decided otherwise, by the
    validator that is here. Exits with 3 where anything differs.
    """
    from executor.archive.export import opened
    from orchestrator.assembly import home
    from orchestrator.rules import open_rules

    own = open_rules(rules or ())
    with opened(home(), run) as archive:
        if rejudge or policy or catalogue:
            same = _rejudged(archive, policy, catalogue, own, json=json)
        else:
            same = _replayed(archive, own, json=json)
    raise typer.Exit(0 if same else 3)


def _replayed(archive: Archive, rules: tuple[OwnRule, ...], *, json: bool) -> bool:
    from functools import partial

    from executor.archive.recertify import program_of
    from executor.replay.replay import replay as replayed

    result = replayed(archive, certified=partial(program_of, rules=rules))
    put_json(result.as_json()) if json else put(str(result))
    return result.reproduced


def _rejudged(
    archive: Archive, policy: str, catalogue: list[str] | None, rules: tuple[OwnRule, ...], *, json: bool
) -> bool:
    from executor.replay.rejudgement import rejudge
    from orchestrator.assembly import open_catalogue, open_policy
    from orchestrator.view.rejudgement import drawn
    from orchestrator.view.terminal import console
    from validation import VALIDATOR_VERSION

    found = rejudge(
        archive,
        policy=open_policy(policy) if policy else None,
        catalogue=open_catalogue(catalogue, to_run=False) if catalogue else None,
        rules=rules,
    )
    differs = any(judged.differs for judged in found)
    if json:
        versions = [judged.as_json() for judged in found]
        put_json({"run": archive.run, "differs": differs, "validator": VALIDATOR_VERSION, "versions": versions})
    else:
        console().print(drawn(found))
    return not differs


@app.command()
def verify(
    run: options.Recorded,
    rules: options.RuleFiles = None,
    head: Annotated[
        str, typer.Option("--head", metavar="HASH", help="Hash of the last event, as it was noted elsewhere.")
    ] = "",
    json: Json = False,
) -> None:
    """Checks a run's hash chain, its artefacts and its certificates; any changed byte is found."""
    from functools import partial

    from executor.archive.export import opened
    from executor.archive.recertify import recertified
    from executor.replay.verify import verify as verified
    from orchestrator.assembly import home
    from orchestrator.rules import open_rules
    from validation import VALIDATOR_VERSION

    own = open_rules(rules or ())
    with opened(home(), run) as archive:
        problems = verified(archive, recertify=partial(recertified, rules=own), head=head)
        named, found = archive.run, archive.head
    if json:
        body = {"run": named, "intact": not problems, "validator": VALIDATOR_VERSION, "head": found}
        put_json({**body, "problems": list(problems)})
    else:
        for problem in problems:
            put(f"✗ {problem}")
        verdict = "intact" if not problems else f"{len(problems)} problems"
        put(f"{verdict} (checked with validator {VALIDATOR_VERSION}; head {found})")
    raise typer.Exit(0 if not problems else 3)


@app.command()
def export(
    run: options.RunId,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="RUN.zip if not given.")] = None,
    json: Json = False,
) -> None:
    """Writes a run as one file that another machine can verify, show and replay."""
    from executor.archive.archive import Archive
    from executor.archive.export import export as exported
    from orchestrator.assembly import home

    target = output or Path(f"{run}.zip")
    if target.is_dir():
        target = target / f"{run}.zip"
    exported(home(), run, target)
    with Archive.open(home(), run, read_only=True) as archive:
        head = archive.head
    put_json({"run": run, "file": str(target), "head": head}) if json else put(f"written to {target}; head {head}")
