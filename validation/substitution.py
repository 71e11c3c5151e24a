"""Values with other values in the place of their references: what writing a sub-program's call out takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dagwright.value import (
    EACH,
    CoalesceValue,
    InputReference,
    ListValue,
    LiteralValue,
    ObjectValue,
    StepReference,
    Value,
    index_of,
    part,
    tokens_of,
)
from validation.types.schema import pointer_of

Replacement = Callable[[StepReference | InputReference], Value]
"""Gives what stands in the place of a reference."""


def replaced(value: Value, replacement: Replacement) -> Value:
    """Gives a value with each of its references replaced; the very same where no reference is."""
    if isinstance(value, LiteralValue):
        return value
    if isinstance(value, StepReference | InputReference):
        return replacement(value)
    if isinstance(value, ObjectValue):
        members = {name: replaced(item, replacement) for name, item in value.object.items()}
        unchanged = all(members[name] is item for name, item in value.object.items())
        return value if unchanged else ObjectValue(object=members)
    items = tuple(replaced(item, replacement) for item in _items(value))
    if all(new is old for new, old in zip(items, _items(value), strict=True)):
        return value
    return ListValue(list=items) if isinstance(value, ListValue) else CoalesceValue(coalesce=items)


def at(value: Value, tokens: Sequence[str]) -> Value:
    """Gives a part of a value as a value of its own: resolved, it is what lies there in the resolved value.

    Args:
        value: the whole.
        tokens: of a path as `dagwright.value.part` follows it.

    Raises:
        LookupError: nothing can lie there, or what lies there cannot be said in one value; says which and why.
    """
    if not tokens:
        return value
    first, rest = tokens[0], tokens[1:]
    if isinstance(value, StepReference | InputReference):
        return value.model_copy(update={"path": _joined(value.path, tokens)})
    if isinstance(value, LiteralValue):
        try:
            return LiteralValue(literal=part(value.literal, pointer_of(*tokens)))
        except LookupError as error:
            raise LookupError(f"a constant has nothing at {pointer_of(*tokens)!r}") from error
    if isinstance(value, CoalesceValue):
        return CoalesceValue(coalesce=tuple(at(item, tokens) for item in value.coalesce))
    if isinstance(value, ObjectValue):
        if first not in value.object:
            raise LookupError(f"an object has no member {first!r}")
        return at(value.object[first], rest)
    if first == EACH:
        return ListValue(list=tuple(at(item, rest) for item in value.list))
    index = index_of(first)
    if index is None or index >= len(value.list):
        raise LookupError(f"a list has nothing at {first!r}")
    return at(value.list[index], rest)


def is_within(value: Value, *, parts: int, depth: int) -> bool:
    """Whether a value is made of at most so many values, nested at most so deep."""
    waiting = [(value, 1)]
    for count, (item, level) in enumerate(waiting, 1):
        if count > parts or level > depth:
            return False
        inner = item.object.values() if isinstance(item, ObjectValue) else _items(item)
        waiting.extend((one, level + 1) for one in inner)  # the list is looked at as it grows
    return True


def _joined(path: str, tokens: Sequence[str]) -> str:
    """Gives the path of what lies at `tokens` in what lies at `path`.

    What lies at `/rows/*/id` is a list: in it, `/*/name` is what lies at `/rows/*/id/name`, and `/0` has no path.
    """
    own, rest = tokens_of(path), list(tokens)
    for _ in range(own.count(EACH)):
        if rest and rest.pop(0) != EACH:
            raise LookupError(f"of the list at {path!r} only all items together, or a part of each, can be referred to")
    return pointer_of(*own, *rest)


def _items(value: Value) -> tuple[Value, ...]:
    if isinstance(value, ListValue):
        return value.list
    return value.coalesce if isinstance(value, CoalesceValue) else ()
