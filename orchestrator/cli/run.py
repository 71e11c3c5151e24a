"""`dagwright run` and `dagwright demo`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli import options, sampling
from orchestrator.cli.output import Json
from orchestrator.cli.session import finish, people_of, stoppable

DEMO_GOAL = (
    "Which species is heaviest on average? What is the correlation between bill_length_mm and body_mass_g? "
    "Draw a bar chart of the mean body_mass_g per species into chart.png, "
    "and write a short report with the results and the chart to report.md."
)


def register(app: typer.Typer) -> None:
    """Adds the verbs."""
    app.command("run", help=_RUN_HELP)(run)
    app.command("demo", help="The main job on real data: Palmer penguins, a goal whose plan branches.")(demo)


_RUN_HELP = """Plan, prove and execute a goal; answer, and keep an archive that replays.

    \b
    Examples:
      dagwright run "Which city sold most?" --input sales=@sales.csv
      dagwright run "Sort by price, write sorted.csv" -i data=@data.json --engine conductor
      dagwright run "…" -i data=@data.csv --dry-run      plan and prove, estimate, run nothing
      dagwright run "…" -i data=@data.csv --dry-run --runs 1000 --failure-rate 0.1 --seed 0
      dagwright run --resume 20260101-120000-abcdef      go on with an interrupted run
"""


def run(
    goal: Annotated[str, typer.Argument(metavar="GOAL", help="What you want, in words.")] = "",
    inputs: options.Inputs = None,
    catalogue: options.Catalogues = None,
    policy: options.PolicyFile = "",
    engine: options.EngineName = "embedded",
    model: options.ModelSpec = "",
    strategy: options.StrategyName = "",
    rules: options.RuleFiles = None,
    resume: Annotated[str, typer.Option("--resume", metavar="RUN", help="Go on with this run.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Prove and estimate; run nothing.")] = False,
    runs: sampling.Runs = None,
    failure_rate: sampling.FailureRates = None,
    timeout_rate: sampling.TimeoutRates = None,
    seed: sampling.Seed = 0,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve what policy asks about.")] = False,
    json: Json = False,
) -> None:
    """Runs a goal, or goes on with a run."""
    from dagwright.exceptions import InputError
    from orchestrator.assembly import Names, assemble
    from orchestrator.pipeline import resume_run, run_goal

    names = Names(
        model=model,
        catalogues=tuple(catalogue or ()),
        policy=policy,
        engine=engine,
        strategy=strategy,
        rules=tuple(rules or ()),
    )
    people = people_of(yes=yes, quiet=json)
    sampled = sampling.sampling_of(runs, failure_rate, timeout_rate, seed, dry_run=dry_run)
    if resume:
        from orchestrator.resumption import names_of

        setup = assemble(names_of(resume, names), people)
        outcome = stoppable(setup, lambda: resume_run(resume, setup))
        return finish(outcome, setup, json=json)
    if not goal.strip():
        raise InputError('a goal is missing: dagwright run "what you want" --input NAME=@FILE')
    given = options.parsed_inputs(inputs)
    setup = assemble(names, people)
    if dry_run:
        from orchestrator.cli.stages import rehearse

        return rehearse(goal, given, setup, sampled, json=json)
    outcome = stoppable(setup, lambda: run_goal(goal, given, setup))
    return finish(outcome, setup, json=json)


def demo(
    engine: options.EngineName = "embedded",
    model: options.ModelSpec = "",
    goal: Annotated[str, typer.Option("--goal", help="Another goal over the same data.")] = DEMO_GOAL,
    json: Json = False,
) -> None:
    """Runs the demo goal on the penguins, fetching the local model first where it is needed."""
    from dagwright.llm import default_spec
    from orchestrator.assembly import Names, assemble
    from orchestrator.cli.models import fetch
    from orchestrator.pipeline import run_goal

    spec = model or default_spec()
    if spec == "local":
        fetch(quiet=json)
    setup = assemble(Names(model=spec, engine=engine), people_of(yes=False, quiet=json))
    outcome = stoppable(setup, lambda: run_goal(goal, {"penguins": penguins()}, setup))
    finish(outcome, setup, json=json)


def penguins() -> Path:
    """Gives the path of the Palmer penguins table (CC0), as the package `palmerpenguins` ships it."""
    from importlib.util import find_spec

    found = find_spec("palmerpenguins")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "data" / "penguins.csv"
