"""Predicates over outputs and facts: criteria, preconditions and postconditions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, JsonValue, Tag, model_validator

from dagwright.model import Frozen, Pointer

Operator = Literal[
    "exists",
    "equals",
    "not_equals",
    "less",
    "less_or_equal",
    "greater",
    "greater_or_equal",
    "min_length",
    "max_length",
    "one_of",
    "has_member",
    "matches_type",
]
"""The closed set of operators; `validation.predicates` documents and evaluates each."""


class OutputPredicate(Frozen):
    """Something that must hold of a step's outputs."""

    path: Pointer
    """Where in the outputs."""
    op: Operator
    """How it is compared."""
    value: JsonValue = None
    """What it is compared with; unused by `exists`."""


class FactPredicate(Frozen):
    """A named fact that must have been established (or, negated, must not have been)."""

    fact: str
    """Name of the fact."""
    negated: bool = False
    """True when the fact must not hold."""


class Note(Frozen):
    """Natural language; allowed, and reported as not machine-checked. A bare text is one."""

    note: str
    """The text."""

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, data: Any) -> Any:
        return {"note": data} if isinstance(data, str) else data


_KINDS = {OutputPredicate: "output", FactPredicate: "fact", Note: "note"}


def _tag(value: Any) -> str | None:
    if isinstance(value, str):
        return "note"
    if not isinstance(value, dict):
        return _KINDS.get(value.__class__)
    for key, tag in (("op", "output"), ("path", "output"), ("fact", "fact"), ("note", "note")):
        if key in value:
            return tag
    return None


Predicate = Annotated[
    Annotated[OutputPredicate, Tag("output")] | Annotated[FactPredicate, Tag("fact")] | Annotated[Note, Tag("note")],
    Discriminator(
        _tag,
        custom_error_type="predicate_kind",
        custom_error_message="a predicate is one of {path, op, value}, {fact}, {note}",
    ),
]
"""Closed tagged union: output, fact or note."""
