"""Arrays and objects: what a producer's shape says of its parts, and how those compare with a consumer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from validation.types.facets import sizes
from validation.types.memo import Memo
from validation.types.schema import NEVER, words
from validation.types.shape import Node, Shape
from validation.types.verdict import YES, Verdict, no, unknown

Compare = Callable[[tuple[Node, ...], Node], Verdict]
"""Compares the values that fulfil all of some schemas with a consumer."""

_MOST_POSITIONS = 1_000
_ANYTHING = Node({}, {})


def _prefix(node: Node) -> list[Node]:
    listed = node.schema.get("prefixItems")
    return [node.part(item) for item in listed] if isinstance(listed, list) else []


def _items_at(node: Node, index: int) -> Node:
    listed = node.schema.get("prefixItems")
    if isinstance(listed, list) and index < len(listed):
        return node.part(listed[index])
    return node.part(node.schema["items"]) if "items" in node.schema else _ANYTHING


def item_count(shape: Shape) -> tuple[int, float]:
    """Gives the lowest and the highest number of items of an array."""
    low, high = sizes(shape, "minItems", "maxItems")
    for part in shape.parts:
        if part.schema.get("items") in (False, NEVER):
            high = min(high, len(_prefix(part)))
    return low, high


def compare_items(shape: Shape, consumer: Node, compare: Compare, *, strict: bool) -> Verdict:
    """Compares the items of an array with `prefixItems` and `items`, position by position.

    Where not even a first item fits, only the empty array would: that is `no` unless `strict`.
    """
    low, high = item_count(shape)
    positions = max([len(_prefix(node)) for node in (*shape.parts, consumer)])
    if positions > _MOST_POSITIONS:
        return unknown(f"it has more than {_MOST_POSITIONS} described items")
    worst = YES
    for index in range(positions + 1):
        if index >= high:
            break
        nodes = tuple(_items_at(part, index) for part in shape.parts)
        found = compare(nodes, _items_at(consumer, index))
        if found.answer == "yes":
            continue
        found = found.under(index if index < positions else "*")
        if found.answer == "no" and (low > index or (index == 0 and not strict)):
            return found
        worst = found.in_doubt()
    return worst


def has_distinct_items(shape: Shape) -> Verdict:
    """Whether no two items of an array are equal, for `uniqueItems`."""
    if any(found is True for found in shape.keyword("uniqueItems")) or item_count(shape)[1] <= 1:
        return YES
    return unknown("it may hold the same item twice")


def required_names(shape: Shape) -> set[str]:
    """Gives the names of the members that an object always has."""
    return {name for found in shape.keyword("required") if isinstance(found, list) for name in words(found)}


def declared_names(shape: Shape) -> dict[str, None]:
    """Gives the names of the members that an object's schemas mention, in their order."""
    declared = (found for found in shape.keyword("properties") if isinstance(found, dict))
    return dict.fromkeys(name for found in declared for name in found)


def is_closed(shape: Shape) -> bool:
    """Whether an object has no members but the declared ones."""
    return any(
        part.schema.get("additionalProperties") in (False, NEVER) and not part.schema.get("patternProperties")
        for part in shape.parts
    )


def member_count(shape: Shape) -> tuple[int, float]:
    """Gives the lowest and the highest number of members of an object."""
    low, high = sizes(shape, "minProperties", "maxProperties")
    possible = len([name for name in declared_names(shape) if can_have(shape, name)]) if is_closed(shape) else math.inf
    return max(low, len(required_names(shape))), min(high, possible)


def member(node: Node, name: str, memo: Memo) -> tuple[Node, ...] | None:
    """Gives the schemas that a node puts on one member; None where a pattern can't be decided."""
    found: list[Node] = []
    declared = node.schema.get("properties")
    if isinstance(declared, dict) and name in declared:
        found.append(node.part(declared[name]))
    patterns = node.schema.get("patternProperties")
    for pattern, inner in patterns.items() if isinstance(patterns, dict) else ():
        matches = memo.matches(pattern, name)
        if matches is None:
            return None
        if matches:
            found.append(node.part(inner))
    if not found and "additionalProperties" in node.schema:
        found.append(node.part(node.schema["additionalProperties"]))
    return tuple(found)


def can_have(shape: Shape, name: str) -> bool:
    """Whether an object may have a member of this name."""
    return not any(_forbids(part, name) for part in shape.parts)


def _forbids(part: Node, name: str) -> bool:
    declared = part.schema.get("properties")
    if isinstance(declared, dict) and name in declared:
        return declared[name] in (False, NEVER)
    return part.schema.get("additionalProperties") in (False, NEVER) and not part.schema.get("patternProperties")


def compare_required(shape: Shape, consumer: Node) -> Verdict:
    """Compares with `required`."""
    always = required_names(shape)
    worst = YES
    for name in words(consumer.schema["required"]):
        if name in always:
            continue
        if not can_have(shape, name):
            return no(f"it has no {name!r}, which is required").under(name)
        worst = unknown(f"it may have no {name!r}, which is required").under(name)
    return worst


def compare_members(shape: Shape, consumer: Node, compare: Compare, memo: Memo) -> Verdict:
    """Compares an object's members with `properties`, `patternProperties` and `additionalProperties`."""
    needed = required_names(shape) | set(words(consumer.schema.get("required")))
    worst = YES
    for name in _compared_names(shape, consumer):
        if not can_have(shape, name):
            continue
        wanted = member(consumer, name, memo)
        given = _given(shape, name, memo)
        if wanted is None:
            worst = unknown(f"{name!r} may match a pattern that can't be read").under(name)
            continue
        for node in wanted:
            found = compare(given, node)
            if found.answer == "no" and name in needed:
                return found.under(name)
            if found.answer != "yes":
                worst = found.in_doubt().under(name)
    rest = _compare_rest(shape, consumer, compare)
    return worst if rest.answer == "yes" else rest if worst.answer == "yes" else worst


def _compared_names(shape: Shape, consumer: Node) -> Iterator[str]:
    wanted = consumer.schema.get("properties")
    named = wanted if isinstance(wanted, dict) else {}
    yield from named
    if consumer.schema.get("patternProperties") or consumer.schema.get("additionalProperties", True) not in (True, {}):
        yield from (name for name in declared_names(shape) if name not in named)


def _given(shape: Shape, name: str, memo: Memo) -> tuple[Node, ...]:
    return tuple(node for part in shape.parts for node in member(part, name, memo) or ())


def _compare_rest(shape: Shape, consumer: Node, compare: Compare) -> Verdict:
    """Compares the members that neither side names."""
    if is_closed(shape):
        return YES
    patterns = consumer.schema.get("patternProperties")
    wanted = [consumer.part(inner) for inner in patterns.values()] if isinstance(patterns, dict) else []
    if consumer.schema.get("additionalProperties", True) not in (True, {}):
        wanted.append(consumer.part(consumer.schema["additionalProperties"]))
    given = tuple(
        part.part(part.schema["additionalProperties"])
        for part in shape.parts
        if "additionalProperties" in part.schema and not part.schema.get("patternProperties")
    )
    for node in wanted:
        found = compare(given, node)
        if found.answer != "yes":
            return unknown(f"it may have members that aren't declared: {found.reason}").under("*")
    return YES


def compare_names(shape: Shape, consumer: Node, memo: Memo) -> Verdict:
    """Compares with `propertyNames`: proof needs an object whose names are all declared."""
    names = [name for name in declared_names(shape) if can_have(shape, name)]
    node = consumer.part(consumer.schema["propertyNames"])
    accepted = {name: memo.accepts(node, name) for name in names}
    refused = [name for name in required_names(shape) if accepted.get(name) is False]
    if refused:
        return no(f"the name {refused[0]!r} isn't allowed").under(refused[0])
    if is_closed(shape) and all(accepted.values()):
        return YES
    return unknown("its names may not be allowed")
