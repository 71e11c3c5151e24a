"""Instances: the executions of a step. In a pass of a block `STEP#NUMBER`, elsewhere the step's id itself."""

from __future__ import annotations

from typing import Final

Instance = str
"""Name of an execution; numbers are from 0 for the items of `each`, from 1 for the passes of `repeat`."""

Choice = str | int | None
"""What a control step decided: `yes` or `no` (when), how many passes (each), `again` or `done` (until)."""

SEPARATOR: Final = "#"
"""Part of no step's id."""


def instance(step: str, number: int | None) -> Instance:
    """Gives the instance of a step in a pass; None for a step in none."""
    return step if number is None else f"{step}{SEPARATOR}{number}"


def parts_of(instance: Instance) -> tuple[str, int | None]:
    """Gives an instance's step and the number of its pass."""
    step, found, number = instance.partition(SEPARATOR)
    return step, int(number) if found else None
