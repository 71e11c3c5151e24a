"""`Value`: the only thing that an input of a step may be. References are data, never text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

from pydantic import Discriminator, Field, JsonValue, SerializerFunctionWrapHandler, Tag, model_serializer

from dagwright.model import Frozen, Identifier, Pointer


class LiteralValue(Frozen):
    """A constant, written into the plan."""

    literal: JsonValue
    """Any JSON."""

    @model_serializer(mode="wrap")
    def _with_null(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"literal": None, **handler(self)}  # null is a value here, not an absence


class StepReference(Frozen):
    """What an earlier step gave, or a part of it."""

    from_: Identifier = Field(alias="from")
    """The step that gives it."""
    path: Pointer = ""
    """Where in that step's outputs, e.g. `/table`; `*` stands for each item of a list: see `part`."""


class InputReference(Frozen):
    """An input of the goal, or a part of it."""

    input: Identifier
    """Name of the goal input."""
    path: Pointer = ""
    """Where in that input; `*` stands for each item of a list: see `part`."""


class ListValue(Frozen):
    """A list put together from values."""

    list: tuple[Value, ...]
    """The elements, in order."""


class ObjectValue(Frozen):
    """An object put together from values."""

    object: dict[str, Value]
    """The members by name."""


class CoalesceValue(Frozen):
    """The first of several values that is there: a step of a block that was skipped or failed gives none."""

    coalesce: tuple[Value, ...] = Field(min_length=1)
    """The alternatives, the preferred one first."""


TAGS = {
    "literal": "literal",
    "from": "from",
    "from_": "from",
    "input": "input",
    "list": "list",
    "object": "object",
    "coalesce": "coalesce",
}


_KINDS = {
    LiteralValue: "literal",
    StepReference: "from",
    InputReference: "input",
    ListValue: "list",
    ObjectValue: "object",
    CoalesceValue: "coalesce",
}


def _tag(value: Any) -> str | None:
    kind = value.__class__
    if kind is not dict and not isinstance(value, dict):
        return _KINDS.get(kind)
    for name in value:  # pyright: ignore[reportUnknownVariableType]
        if name in TAGS:
            return TAGS[name]
    return None


Value = Annotated[
    Annotated[LiteralValue, Tag("literal")]
    | Annotated[StepReference, Tag("from")]
    | Annotated[InputReference, Tag("input")]
    | Annotated[ListValue, Tag("list")]
    | Annotated[ObjectValue, Tag("object")]
    | Annotated[CoalesceValue, Tag("coalesce")],
    Discriminator(
        _tag,
        custom_error_type="value_kind",
        custom_error_message=(
            "a value is exactly one of {literal}, {from, path}, {input, path}, {list}, {object}, {coalesce}"
        ),
    ),
]
"""Closed tagged union: literal, from, input, list, object or coalesce; nesting allowed."""

ListValue.model_rebuild()
ObjectValue.model_rebuild()
CoalesceValue.model_rebuild()


EACH: Final = "*"
"""The token of a path that stands for each item of a list."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


def tokens_of(path: str) -> tuple[str, ...]:
    """Gives the unescaped tokens of a JSON Pointer (RFC 6901); none for the whole value."""
    if not path:
        return ()
    tokens = path[1:].split("/")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in tokens) if "~" in path else tuple(tokens)


def index_of(token: str) -> int | None:
    """Gives the number of the list item that a token names; None where it names none."""
    return int(token) if _INDEX.fullmatch(token) else None


def part(value: JsonValue, path: str) -> JsonValue:
    """Gives what lies at a path: a JSON Pointer in which `*`, at a list, stands for each of its items.

    `/rows/*/id` is the list of the ids of all rows, in their order, and empty where there are no rows;
    each further `*` makes lists of lists. At an object, `*` is a member's name like any other.

    Raises:
        LookupError: there is nothing, or not in every item; its argument is the token that is missing.
    """
    return _part(value, tokens_of(path))


def _part(value: JsonValue, tokens: Sequence[str]) -> JsonValue:
    here = value
    for position, token in enumerate(tokens):
        if isinstance(here, dict) and token in here:
            here = here[token]
        elif isinstance(here, list) and token == EACH:
            return [_part(item, tokens[position + 1 :]) for item in here]
        elif isinstance(here, list) and (index := index_of(token)) is not None and index < len(here):
            here = here[index]
        else:
            raise LookupError(token)
    return here


def leaves(value: Value, path: str = "") -> Iterator[tuple[str, LiteralValue | StepReference | InputReference]]:
    """Gives every leaf of a value with its JSON Pointer inside the value."""
    if isinstance(value, ListValue):
        for index, item in enumerate(value.list):
            yield from leaves(item, f"{path}/list/{index}")
    elif isinstance(value, ObjectValue):
        for name, item in value.object.items():
            yield from leaves(item, f"{path}/object/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, CoalesceValue):
        for index, item in enumerate(value.coalesce):
            yield from leaves(item, f"{path}/coalesce/{index}")
    else:
        yield path, value
