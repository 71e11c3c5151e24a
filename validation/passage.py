"""`Passage`: how an operation passes a field of a table on unchanged, as its output rules say."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from dagwright.tool import (
    CollectRule,
    DropRule,
    ElementRule,
    FirstRule,
    ItemRule,
    ListRule,
    OutputRule,
    SameRule,
    SelectRule,
)
from dagwright.value import InputReference, StepReference
from validation.contract import Contract
from validation.types.schema import words

if TYPE_CHECKING:
    from validation.context import PlacedStep, Reference

Tokens = tuple[str, ...]


class Passage(NamedTuple):
    """Where one place of a step's outputs comes from."""

    of: str
    """The argument that holds the table."""
    source: Reference
    """What that argument refers to."""
    inside: Tokens
    """Where in it the value lies."""
    looked_at: tuple[Tokens, ...]
    """Places in it that decide which rows there are, and further ones that go with the value."""


def passage_of(step: PlacedStep, tokens: Tokens) -> Passage | None:
    """Gives where a place of a step's outputs comes from; None where the operation makes the value itself.

    Only code that runs in the worker itself is taken at its rules' word.
    """
    contract = step.contract
    if contract is None or not tokens or not (contract.spec.binding.kind == "python" or step.controls):
        return None
    rule = contract.spec.output_rules.get(tokens[0])
    if isinstance(rule, ItemRule | CollectRule):
        return _through_a_loop(step, rule, tokens[1:])
    if not isinstance(rule, SameRule | SelectRule | DropRule | FirstRule | ElementRule | ListRule):
        return None
    source = step.step.tool_intent.required_inputs.get(rule.of)
    place = _place(step, rule, tokens[1:])
    if place is None or not isinstance(source, StepReference | InputReference):
        return None
    inside, beside = place
    looked_at = _deciding(step, rule.of) if isinstance(rule, SameRule) else ()
    return Passage(rule.of, source, inside, (*beside, *looked_at))


def _through_a_loop(step: PlacedStep, rule: ItemRule | CollectRule, rest: Tokens) -> Passage | None:
    """Gives where an item of a loop comes from, or what its passes gave."""
    source = step.step.tool_intent.required_inputs.get(rule.of)
    if not isinstance(source, StepReference | InputReference):
        return None
    inside = ("*", *rest) if isinstance(rule, ItemRule) else rest[1:]
    return Passage(rule.of, source, inside, ())


def _place(step: PlacedStep, rule: OutputRule, rest: Tokens) -> tuple[Tokens, tuple[Tokens, ...]] | None:
    """Gives a place in the table, and further places that the same output holds."""
    if isinstance(rule, SameRule):
        return rest, ()
    if isinstance(rule, FirstRule):
        return ("*", *rest), ()
    if isinstance(rule, ElementRule | ListRule):
        column = step.literals.get(rule.column)
        skipped = 1 if isinstance(rule, ListRule) else 0
        return (("*", column, *rest[skipped:]), ()) if isinstance(column, str) else None
    if len(rest) > 1:
        return rest, ()
    columns = words(step.literals.get(rule.columns)) if isinstance(rule, SelectRule) else ()
    places = [("*", column) for column in columns]
    return (places[0], tuple(places[1:])) if places else None


def _deciding(step: PlacedStep, table: str) -> tuple[Tokens, ...]:
    """Gives the places of a table that an operation looks at to decide which rows it gives, and in what order."""
    assert step.contract is not None
    columns: list[Tokens] = []
    for name in _naming(step.contract, table):
        value = step.literals.get(name)
        named = (value,) if isinstance(value, str) else words(value)
        if not named:
            return ((),)
        columns.extend(("*", column) for column in named)
    return tuple(columns) or ((),)


@lru_cache(maxsize=4096)
def _naming(contract: Contract, table: str) -> tuple[str, ...]:
    """Gives the arguments that name columns of the table that another argument holds."""
    return tuple(
        name for name in contract.properties if (contract.argument_schema(name) or {}).get("x-column-of") == table
    )
