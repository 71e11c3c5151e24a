"""`Value`: the only thing that an input of a step may be. References are data, never text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

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
    """Where in that step's outputs, e.g. `/table`."""


class InputReference(Frozen):
    """An input of the goal, or a part of it."""

    input: Identifier
    """Name of the goal input."""
    path: Pointer = ""
    """Where in that input."""


class ListValue(Frozen):
    """A list put together from values."""

    list: tuple[Value, ...]
    """The elements, in order."""


class ObjectValue(Frozen):
    """An object put together from values."""

    object: dict[str, Value]
    """The members by name."""


TAGS = {"literal": "literal", "from": "from", "from_": "from", "input": "input", "list": "list", "object": "object"}


_KINDS = {
    LiteralValue: "literal",
    StepReference: "from",
    InputReference: "input",
    ListValue: "list",
    ObjectValue: "object",
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
    | Annotated[ObjectValue, Tag("object")],
    Discriminator(
        _tag,
        custom_error_type="value_kind",
        custom_error_message="a value is exactly one of {literal}, {from, path}, {input, path}, {list}, {object}",
    ),
]
"""Closed tagged union: literal, from, input, list or object; nesting allowed."""

ListValue.model_rebuild()
ObjectValue.model_rebuild()


def leaves(value: Value, path: str = "") -> Iterator[tuple[str, LiteralValue | StepReference | InputReference]]:
    """Gives every leaf of a value with its JSON Pointer inside the value."""
    if isinstance(value, ListValue):
        for index, item in enumerate(value.list):
            yield from leaves(item, f"{path}/list/{index}")
    elif isinstance(value, ObjectValue):
        for name, item in value.object.items():
            yield from leaves(item, f"{path}/object/{name.replace('~', '~0').replace('/', '~1')}")
    else:
        yield path, value
