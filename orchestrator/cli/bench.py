"""`dagwright bench`: the suites of a checkout; they are not part of an installed package."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dagwright.exceptions import InputError

app = typer.Typer(
    help="Benchmark suites (in a checkout): bench list, bench run SUITE.",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)


@app.callback(invoke_without_command=True)
def bench(arguments: Annotated[list[str] | None, typer.Argument(metavar="list | run SUITE …")] = None) -> None:
    """Hands everything over to the suites' own command."""
    import importlib

    sys.path.insert(0, "")
    try:
        command = importlib.import_module("benchmarks.command")
    except ImportError as error:
        raise InputError(f"there are no benchmarks here ({error}); run this in a checkout of dagwright") from error
    raise typer.Exit(command.main(list(arguments or [])))
