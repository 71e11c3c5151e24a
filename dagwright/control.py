"""`Control`: how a task's steps are run as one block: under a condition, per item, repeatedly, optionally."""

from __future__ import annotations

from pydantic import Field, JsonValue

from dagwright.model import Frozen, Identifier
from dagwright.predicate import Operator
from dagwright.value import Value


class Condition(Frozen):
    """A comparison of what is known when it is evaluated."""

    value: Value
    """What is compared: as a rule a reference to an earlier step."""
    op: Operator
    """How."""
    to: JsonValue = None
    """With what; unused by `exists`."""


class Each(Frozen):
    """Runs the block once per item of a list, the passes side by side.

    Steps of the block refer to their item by the name of this loop: `{"from": NAME, "path": "/item/…"}`
    (`/number` is its place in the list, from 0). Steps outside see the outputs of all passes, in the
    order of the items: `{"from": STEP, "path": "/items/*/…"}`. With `optional`, each pass may fail by
    itself, and what failed is left out.
    """

    name: Identifier
    """What its item is called; unique among the ids of steps."""
    items: Value
    """The list."""
    at_most: int | None = Field(default=None, ge=1)
    """Items that it may have; with more the block fails. None is no bound, which no proposal may have (R506)."""


class Repeat(Frozen):
    """Runs the block again until conditions hold. Steps outside see the outputs of the last pass."""

    until: tuple[Condition, ...] = Field(min_length=1)
    """All must hold after a pass; they may refer to the block's own steps."""
    at_most: int | None = Field(default=None, ge=1)
    """Passes; the block fails where they do not hold after the last one. None is no bound (R506)."""
    wait: int = Field(default=0, ge=0, le=3_600)
    """Seconds between two passes."""


class Control(Frozen):
    """What surrounds the steps of a task. First `when`, then `each` or `repeat`, within them the steps in order."""

    when: tuple[Condition, ...] = ()
    """The block is run only if all hold; else it is skipped, and its steps have no outputs (D314)."""
    each: Each | None = None
    """Once per item."""
    repeat: Repeat | None = None
    """Again and again; not together with `each`."""
    optional: bool = False
    """Whether the plan goes on where the block fails; its steps then have no outputs (D314)."""
