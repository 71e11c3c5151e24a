"""`dagwright plan | compile | execute`: the stages one at a time, with files between them."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli import options, sampling
from orchestrator.cli.output import Json, put, put_json

if TYPE_CHECKING:
    from pydantic import JsonValue

    from dagwright.program import Program
    from executor.simulation.forecast import Forecast
    from executor.workflow.definition import WorkflowDef
    from orchestrator.setup import Setup

ProposalFile = Annotated[Path, typer.Argument(metavar="PROPOSAL", help="A proposal in JSON, `-` for standard input.")]
Target = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; standard output if not given.")
]


def register(app: typer.Typer) -> None:
    """Adds the verbs."""
    app.command("plan", help="Write a proposal for a goal; nothing is executed.")(plan)
    app.command("compile", help="Compile a proposal that validates to a Conductor workflow.")(compile_)
    app.command("execute", help=_EXECUTE_HELP)(execute)


_EXECUTE_HELP = """Execute a proposal that validates, in a new run; it is not replanned.

    \b
    Examples:
      dagwright execute proposal.json
      dagwright execute proposal.json --dry-run --runs 1000 --failure-rate 0.1 --failure-rate 'web.*=0.2' --seed 0
"""


def plan(
    goal: Annotated[str, typer.Argument(metavar="GOAL", help="What you want, in words.")],
    inputs: options.Inputs = None,
    output: Target = None,
    catalogue: options.Catalogues = None,
    policy: options.PolicyFile = "",
    rules: options.RuleFiles = None,
    model: options.ModelSpec = "",
    strategy: options.StrategyName = "",
    json: Json = False,
) -> None:
    """Writes a proposal, after deterministic repair and with all findings shown."""
    from orchestrator.assembly import Names, assemble
    from orchestrator.cli.session import people_of
    from orchestrator.pipeline import plan_goal

    own = tuple(rules or ())
    names = Names(model=model, catalogues=tuple(catalogue or ()), policy=policy, strategy=strategy, rules=own)
    given = options.parsed_inputs(inputs)
    check_target(output)
    setup = assemble(names, people_of(yes=False, quiet=json or output is None))
    run, program = plan_goal(goal, given, setup)
    _write(program.proposal, output)
    if output is not None and json:
        put_json({"run": run, "proposal": str(output), "program": program.hash, **program.report.validation_result()})
    elif output is not None:
        put(f"\nproposal written to {output}; execute it with: dagwright execute {output}")


def compile_(
    proposal: ProposalFile,
    output: Target = None,
    catalogue: options.Catalogues = None,
    policy: options.PolicyFile = "",
    rules: options.RuleFiles = None,
    json: Json = False,
) -> None:
    """Prints or writes the WorkflowDef; `--json` is what it prints anyway."""
    from executor.workflow.compile import compile_workflow

    check_target(output)
    _write(compile_workflow(proven(proposal, catalogue, policy, rules)), output)
    if output is not None and not json:
        put(f"workflow written to {output}")


def execute(
    proposal: ProposalFile,
    catalogue: options.Catalogues = None,
    policy: options.PolicyFile = "",
    rules: options.RuleFiles = None,
    engine: options.EngineName = "embedded",
    model: options.ModelSpec = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Estimate; run nothing.")] = False,
    runs: sampling.Runs = None,
    failure_rate: sampling.FailureRates = None,
    timeout_rate: sampling.TimeoutRates = None,
    seed: sampling.Seed = 0,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve what policy asks about.")] = False,
    json: Json = False,
) -> None:
    """Executes a proposal as it stands."""
    from orchestrator.assembly import Names, assemble
    from orchestrator.cli.session import finish, people_of, stoppable
    from orchestrator.pipeline import run_proposal

    sampled = sampling.sampling_of(runs, failure_rate, timeout_rate, seed, dry_run=dry_run)
    program = proven(proposal, catalogue, policy, rules)
    own = tuple(rules or ())
    names = Names(model=model, catalogues=tuple(catalogue or ()), policy=policy, engine=engine, rules=own)
    setup = assemble(names, people_of(yes=yes, quiet=json))
    if dry_run:
        estimate(program, sampled, json=json)
        return
    outcome = stoppable(setup, lambda: run_proposal(program.proposal, setup, folder=proposal.absolute().parent))
    finish(outcome, setup, json=json)


def rehearse(
    goal: str,
    inputs: Mapping[str, str | Path | JsonValue],
    setup: Setup,
    sampled: sampling.Sampling | None = None,
    *,
    json: bool,
) -> None:
    """Plans and proves a goal, then prints what running it would take and reach."""
    from orchestrator.pipeline import plan_goal

    run, program = plan_goal(goal, inputs, setup)
    estimate(program, sampled, json=json)
    if not json:
        put(f"execute it with: dagwright run --resume {run}")


def estimate(program: Program, sampled: sampling.Sampling | None = None, *, json: bool) -> None:
    """Prints the calls of a program with bounds of cost and makespan, from the same compiler and scheduler.

    Where runs are to be drawn, how they end and what they take follows.
    """
    from executor.simulation.simulate import simulate
    from executor.workflow.compile import compile_workflow
    from orchestrator.view import estimate as bounds
    from orchestrator.view.terminal import console

    workflow = compile_workflow(program)
    simulation = simulate(program, workflow)
    found = _drawn(program, workflow, sampled) if sampled else None
    if json:
        more: dict[str, Any] = {} if found is None else {"forecast": found}
        others = {name: [spec.name for spec in program.fallbacks_of(name)] for name in program.by_id}
        more |= {"fallbacks": known} if (known := {name: named for name, named in others.items() if named}) else {}
        put_json({**simulation.model_dump(mode="json"), **more} if more else simulation)
        return
    console().print(bounds.drawn(program, simulation))
    if found is not None:
        from orchestrator.view import forecast as chances

        console().print(chances.drawn(found))


def _drawn(program: Program, workflow: WorkflowDef, sampled: sampling.Sampling) -> Forecast:
    from executor.simulation.forecast import forecast

    return forecast(program, workflow, sampled.faults, runs=sampled.runs, seed=sampled.seed)


def proven(path: Path, catalogue: list[str] | None = None, policy: str = "", rules: list[str] | None = None) -> Program:
    """Gives the program of a proposal in a file.

    Raises:
        InputError: the file cannot be read.
        ProposalRejected: it has errors.
    """
    from executor.archive.recertify import ALL_KINDS
    from orchestrator.assembly import open_catalogue, open_policy
    from orchestrator.planning import today
    from orchestrator.rules import open_rules
    from validation import certify

    return certify(
        read(path),
        catalogue=open_catalogue(catalogue or ()),
        policy=open_policy(policy),
        workers=ALL_KINDS,
        at=today(),
        rules=open_rules(rules or ()),
    )


def read(path: Path) -> bytes:
    """Gives the bytes of a proposal's file; what they mean is for the validator to say.

    Raises:
        InputError: it cannot be read.
    """
    from dagwright.exceptions import InputError

    try:
        if str(path) == "-":
            import sys

            return sys.stdin.buffer.read()
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"proposal {str(path)!r} cannot be read: {error.strerror or error}") from error


def check_target(target: Path | None) -> None:
    """Finds out before a model is asked that what it writes can be kept."""
    from dagwright.exceptions import InputError

    if target is not None and target.is_dir():
        raise InputError(f"{str(target)!r} cannot be written: it is a folder")
    if target is not None and not target.absolute().parent.is_dir():
        raise InputError(f"{str(target)!r} cannot be written: there is no folder {str(target.absolute().parent)!r}")


def _write(value: Any, target: Path | None) -> None:
    from dagwright.canonical import to_json

    text = jsonlib.dumps(to_json(value), ensure_ascii=False, indent=2)
    if target is None:
        put(text)
    else:
        target.write_text(text + "\n", encoding="utf-8")
