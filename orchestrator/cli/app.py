"""`dagwright`: the command line. Verbs live one group a file; heavy imports happen inside them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import typer
import typer.core

from orchestrator.cli import (
    approvals,
    bench,
    check,
    conductor,
    explain,
    knowledge,
    models,
    policy,
    run,
    runs,
    settle,
    show,
    stages,
    tools,
)


class Stoppable(typer.core.TyperGroup):
    """The commands; where one is stopped with Ctrl-C it says so, and how to go on, which typer does not."""

    def invoke(self, ctx: Any) -> Any:
        """Runs a command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            stopped(error)


def stopped(error: KeyboardInterrupt) -> NoReturn:
    """Ends the command as stopped, with what was noted on the way out."""
    sys.stderr.write("\n".join(["dagwright: stopped", *getattr(error, "__notes__", [])]) + "\n")
    sys.exit(130)


app = typer.Typer(
    name="dagwright",
    cls=Stoppable,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""A language model proposes a plan, deterministic code proves it, a workflow engine executes it.

    \b
    Examples:
      dagwright model pull                      fetch the local model, once
      dagwright run "Which species is heaviest on average?" --input penguins=@penguins.csv
      dagwright plan "…" --input sales=@sales.csv -o proposal.json
      dagwright check proposal.json             all findings, exit 1 if rejected
      dagwright show proposal.json --html p.html   the same for a person who must approve
      dagwright explain D305                    what a finding's code means
      dagwright runs show RUN                   what happened
      dagwright verify RUN                      whether its archive is whole

    \b
    Exit codes: 0 done; 1 plan or proposal rejected; 2 usage or unreadable input; 3 execution failed;
    4 waiting for approval; 5 a component is not reachable; 130 stopped with Ctrl-C.
    """,
)

for group in (run, stages, check, show, explain, approvals, settle, runs):
    group.register(app)
for name, group in (
    ("runs", runs),
    ("tools", tools),
    ("policy", policy),
    ("knowledge", knowledge),
    ("model", models),
    ("conductor", conductor),
    ("bench", bench),
):
    app.add_typer(group.app, name=name)


def main() -> None:
    """Runs the command line; errors made on purpose end as one plain message and their exit code."""
    try:
        sys.exit(app(standalone_mode="--json" not in sys.argv) or 0)
    except KeyboardInterrupt as error:
        stopped(error)
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        from dagwright.exceptions import DagwrightError, DiskError, InputError
        from orchestrator.cli.output import fail

        if isinstance(error, OSError) and DiskError.is_why(error):
            error = DiskError("what this command writes", Path(error.filename or ".").absolute(), error)
        elif isinstance(error, OSError):
            error = InputError(f"{error.filename or 'the system'}: {error.strerror or error}")
        elif usage := getattr(error, "format_message", None):  # typer's error: the command line is not one
            error = InputError(usage())
        if not isinstance(error, DagwrightError):
            raise
        fail(error)
