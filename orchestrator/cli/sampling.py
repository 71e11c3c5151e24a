"""Options of a dry run that draws many runs, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from dagwright.exceptions import InputError

if TYPE_CHECKING:
    from executor.simulation.forecast import FaultRate, Faults

RUNS = 1_000
"""Runs where rates are given, but no number of runs."""

Runs = Annotated[int | None, typer.Option("--runs", metavar="N", help="With --dry-run: draw so many runs.")]
FailureRates = Annotated[
    list[str] | None,
    typer.Option(
        "--failure-rate",
        metavar="[GLOB=]P",
        help="With --dry-run: how often an attempt fails; of all, or of the operations that GLOB matches.",
    ),
]
TimeoutRates = Annotated[
    list[str] | None,
    typer.Option("--timeout-rate", metavar="[GLOB=]P", help="With --dry-run: how often an attempt runs out of time."),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="With --runs: the same seed draws the same runs.")]


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Which runs a dry run draws."""

    runs: int
    faults: Faults
    seed: int


def sampling_of(
    runs: int | None, failures: list[str] | None, timeouts: list[str] | None, seed: int, *, dry_run: bool
) -> Sampling | None:
    """Gives what is to be drawn; None for nothing.

    Raises:
        InputError: a rate is none, or there is no dry run to draw for.
    """
    if runs is None and not failures and not timeouts:
        return None
    if not dry_run:
        raise InputError("--runs, --failure-rate and --timeout-rate belong to a dry run: add --dry-run")
    from executor.simulation.forecast import Faults

    faults = Faults(failures=_rates("--failure-rate", failures), timeouts=_rates("--timeout-rate", timeouts))
    return Sampling(runs=RUNS if runs is None else runs, faults=faults, seed=seed)


def _rates(option: str, given: list[str] | None) -> tuple[FaultRate, ...]:
    """Gives rates by operation; those of all operations come last, so that they hold for the others."""
    rates = [_rate(option, text) for text in given or ()]
    return tuple(sorted(rates, key=lambda rate: rate.tools == "*"))


def _rate(option: str, text: str) -> FaultRate:
    from executor.simulation.forecast import FaultRate

    glob, _, number = text.rpartition("=")
    try:
        rate = float(number)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise InputError(f"{option} {text!r} is not a probability (0 to 1), nor GLOB=PROBABILITY")
    return FaultRate(tools=glob or "*", rate=rate)
