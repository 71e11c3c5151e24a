"""Shapes: a producer's schema as a union of simple cases, each of one type or one value.

A shape may describe more values than the schema does (`if`, most of `not` and too many combinations
are left out), never fewer: whatever holds of all shapes holds of all values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pydantic import JsonValue

from dagwright.model import JsonSchema
from validation.types.schema import (
    NEVER,
    base_of,
    constants,
    json_equal,
    referred,
    subschema,
    subschemas,
    type_of,
    words,
)

Kind = Literal["number", "integer", "string", "array", "object", "constant"]

_ALL = frozenset(("null", "boolean", "integer", "fraction", "string", "array", "object"))
_NUMBER = frozenset(("integer", "fraction"))
_MOST_CASES = 64
_MOST_VALUES = 256
_MOST_PARTS = 200


class Node(NamedTuple):
    """A schema with the one in which its local references are looked up."""

    schema: JsonSchema
    base: JsonSchema

    def part(self, value: JsonValue) -> Node:
        """Gives what stands inside this schema, as a node."""
        found = subschema(value)
        return Node(found, base_of(found, self.base))

    def referred(self) -> Node | None:
        """Gives what `$ref` names; None where it can't be followed."""
        found = referred(self.schema["$ref"], self.base)
        return None if found is None else self.part(found)


def node_of(schema: JsonSchema) -> Node:
    """Gives a whole schema as a node."""
    return Node(schema, schema)


@dataclass(frozen=True, slots=True)
class Shape:
    """Values of one type under some schemas, or a single value."""

    kind: Kind
    parts: tuple[Node, ...]
    """Schemas that all hold; their type and their unions are accounted for already."""
    value: JsonValue = None
    """The value of a constant."""

    def keyword(self, name: str) -> list[JsonValue]:
        """Gives the values that the parts have for a keyword."""
        return [part.schema[name] for part in self.parts if name in part.schema]

    def numbers(self, name: str) -> list[int | float]:
        """Gives the numbers that the parts have for a keyword."""
        found = self.keyword(name)
        return [value for value in found if isinstance(value, int | float) and not isinstance(value, bool)]


def shapes(nodes: Iterable[Node]) -> list[Shape]:
    """Gives the shapes of the values that fulfil all of the schemas; none where none can."""
    return list(_cases(list(nodes), [], [_MOST_CASES]))


def _cases(pending: list[Node], parts: list[Node], budget: list[int]) -> Iterator[Shape]:
    flat, choices = _flattened(pending, parts)
    if flat is None:
        return
    for position, choice in enumerate(choices):
        count = len(branches_of(choice))
        if count > budget[0]:
            continue
        budget[0] //= count
        left = choices[position + 1 :]
        for branch in branches_of(choice):
            yield from _cases([branch, *left], flat, [budget[0]])
        return
    yield from _simple(tuple(flat))


def branches_of(choice: Node) -> list[Node]:
    """Gives the schemas of which one must hold."""
    return [choice.part(inner) for inner in subschemas(choice.schema.get("anyOf"))]


def _flattened(pending: list[Node], parts: list[Node]) -> tuple[list[Node] | None, list[Node]]:
    """Follows references and `allOf`; gives the schemas that all hold, and the choices left among them."""
    flat, choices = list(parts), list[Node]()
    seen = {(id(node.schema), id(node.base)) for node in flat}
    queue = list(reversed(pending))
    while queue and len(flat) < _MOST_PARTS:
        node = queue.pop()
        if (id(node.schema), id(node.base)) in seen or not node.schema:
            continue
        if node.schema == NEVER:
            return None, []
        seen.add((id(node.schema), id(node.base)))
        flat.append(node)
        queue.extend(node.part(inner) for inner in subschemas(node.schema.get("allOf")))
        excluded = node.schema.get("not")
        if isinstance(excluded, dict) and excluded.keys() == {"not"}:
            queue.append(node.part(excluded["not"]))
        target = node.referred() if "$ref" in node.schema else None
        if target is not None:
            queue.append(target)
        for keyword in ("anyOf", "oneOf"):
            listed = node.schema.get(keyword)
            if isinstance(listed, list) and listed:
                choices.append(Node({"anyOf": listed}, node.base))
    return flat, choices


def _simple(parts: tuple[Node, ...]) -> Iterator[Shape]:
    kinds = _kinds(parts)
    values = _values(parts)
    if values is not None and len(values) <= _MOST_VALUES:
        yield from (Shape("constant", parts, value) for value in values if _atom(value) in kinds)
        return
    if values is not None:
        kinds &= {_atom(value) for value in values}
    if "null" in kinds:
        yield Shape("constant", parts, None)
    if "boolean" in kinds:
        yield from (Shape("constant", parts, value) for value in (False, True))
    if kinds & _NUMBER:
        yield Shape("number" if "fraction" in kinds else "integer", parts)
    for kind in ("string", "array", "object"):
        if kind in kinds:
            yield Shape(kind, parts)


def _atom(value: JsonValue) -> str:
    kind = type_of(value)
    return "fraction" if kind == "number" else kind


def _kinds(parts: tuple[Node, ...]) -> frozenset[str]:
    kinds = _ALL
    for part in parts:
        named = words(part.schema.get("type"))
        if named:
            allowed = {*named, "null"} if part.schema.get("nullable") is True else set(named)
            kinds &= allowed | _NUMBER if "number" in allowed else allowed
        kinds -= _excluded(part.schema.get("not"))
    return kinds


def _excluded(schema: JsonValue) -> frozenset[str]:
    """Gives the kinds that a schema under `not` takes away: all of a type, where the type is all that it says."""
    named = words(schema["type"]) if isinstance(schema, dict) and schema.keys() == {"type"} else ()
    return frozenset(named) | _NUMBER if "number" in named else frozenset(named)


def _values(parts: tuple[Node, ...]) -> list[JsonValue] | None:
    found: list[JsonValue] | None = None
    for part in parts:
        listed = constants(part.schema)
        if listed is not None:
            kept = listed if found is None else [v for v in found if any(json_equal(v, other) for other in listed)]
            found = kept
    return found
