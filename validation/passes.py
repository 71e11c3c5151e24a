"""`Passes`: how often the steps of a block are run, as far as that is known beforehand."""

from __future__ import annotations

from typing import Final, NamedTuple

from dagwright.control import Control
from dagwright.model import JsonSchema
from validation.types.schema import constants, subschemas


class Passes(NamedTuple):
    """How often a block is run in one run of the plan."""

    low: int = 1
    """0 where it may be skipped, fail, or have no item."""
    high: int = 1
    in_turn: bool = True
    """Whether one pass begins when the one before has ended; else all may be run side by side."""
    wait: int = 0
    """Seconds between two passes that are run in turn."""

    def side_by_side(self, times: int) -> int:
        """Gives how many of so many passes may be run at a time."""
        return min(1, times) if self.in_turn else times

    def in_a_row(self, times: int) -> int:
        """Gives how many of so many passes are run one after the other at the least."""
        return times if self.in_turn else min(1, times)


ONCE: Final = Passes()


def passes_of(control: Control, items: JsonSchema | None) -> Passes:
    """Gives how often a block is run; `items` is the schema of the list that it is run for, where it is.

    A loop without any bound (R506) counts as one pass, so that nothing else is said of it that is only so
    because of that.
    """
    certain = not control.when and not control.optional
    if control.each is not None:
        least, most = length_of(items or {})
        bounds = [bound for bound in (control.each.at_most, most) if bound is not None]
        high = min(bounds, default=1)
        return Passes(min(least, high) if certain else 0, high, in_turn=False)
    if control.repeat is not None:
        return Passes(int(certain), control.repeat.at_most or 1, wait=control.repeat.wait)
    return Passes(int(certain))


def may_be_absent(control: Control) -> bool:
    """Whether a block may be skipped or fail while the plan goes on, so that its steps have no outputs."""
    return bool(control.when) or (control.optional and control.each is None)


def length_of(schema: JsonSchema) -> tuple[int, int | None]:
    """Gives the least and the largest number of items of the lists of a schema; None where nothing bounds it."""
    values = constants(schema)
    if values is not None:
        lengths = [len(value) for value in values if isinstance(value, list)]
        return min(lengths, default=0), max(lengths, default=0)
    for keyword in ("anyOf", "oneOf"):
        branches = [length_of(branch) for branch in subschemas(schema.get(keyword))]
        if branches:
            highs = [high for _, high in branches if high is not None]
            return min(low for low, _ in branches), max(highs) if len(highs) == len(branches) else None
    least, most = schema.get("minItems"), schema.get("maxItems")
    if schema.get("items") is False:
        most = min(len(subschemas(schema.get("prefixItems"))), most if isinstance(most, int) else 1 << 62)
    return least if isinstance(least, int) else 0, most if isinstance(most, int) else None
