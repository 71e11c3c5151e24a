"""Where constants stand in a draft, each with its schema; and where references stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from benchmarks.mutation.operator import Draft, Json


@dataclass(frozen=True)
class Site:
    """A constant in a call's arguments, or a part of one."""

    step: Json
    argument: str
    holder: Any
    """The list or object that holds it."""
    key: str | int
    schema: Json
    """Its schema, local references followed."""
    depth: int
    """0 for a whole argument."""

    @property
    def value(self) -> Any:
        """What stands there."""
        return self.holder[self.key]

    def write(self, value: Any) -> None:
        """Puts another value there."""
        self.holder[self.key] = value


@dataclass(frozen=True)
class Link:
    """A reference to a step in a call's arguments."""

    step: Json
    argument: str
    holder: Any
    """The list or object that holds it."""
    key: str | int
    whole: bool
    """Whether it is a whole argument."""

    @property
    def reference(self) -> Json:
        """The reference."""
        return self.holder[self.key]


def constants(draft: Draft) -> list[Site]:
    """Gives every constant argument and every part of one, where the schema says what it is."""
    found: list[Site] = []
    for step in draft.steps:
        schema = cast("Json", draft.spec(step).input_schema)
        for name, value in step["tool_intent"]["required_inputs"].items():
            inner = schema.get("properties", {}).get(name)
            if inner is not None and "literal" in value:
                found.extend(_inside(step, name, value, "literal", inner, schema, 0))
    return found


def followed(schema: Any, whole: Json) -> Json:
    """Gives a schema with its reference into the definitions followed."""
    while isinstance(schema, dict) and "$ref" in schema:
        schema = whole["$defs"][str(cast("Json", schema)["$ref"]).rpartition("/")[2]]
    return cast("Json", schema) if isinstance(schema, dict) else {}


def links(draft: Draft) -> list[Link]:
    """Gives every reference to a step."""
    return [
        found
        for step in draft.steps
        for name in step["tool_intent"]["required_inputs"]
        for found in _links(step, name, step["tool_intent"]["required_inputs"], name, whole=True)
    ]


def _inside(
    step: Json, argument: str, holder: Any, key: str | int, schema: Any, whole: Json, depth: int
) -> Iterator[Site]:
    known = followed(schema, whole)
    yield Site(step, argument, holder, key, known, depth)
    value = holder[key]
    if isinstance(value, dict):
        members = cast("Json", value)
        for name in members:
            inner = known.get("properties", {}).get(name, known.get("additionalProperties"))
            if isinstance(inner, dict):
                yield from _inside(step, argument, members, name, inner, whole, depth + 1)
    elif isinstance(value, list) and isinstance(known.get("items"), dict):
        items = cast("list[Any]", value)
        for index in range(len(items)):
            yield from _inside(step, argument, items, index, known["items"], whole, depth + 1)


def _links(step: Json, argument: str, holder: Any, key: str | int, *, whole: bool) -> Iterator[Link]:
    value = holder[key]
    if "from" in value:
        yield Link(step, argument, holder, key, whole)
    for inner in ("list", "object"):
        if inner in value:
            for name in list(value[inner]) if inner == "object" else range(len(value[inner])):
                yield from _links(step, argument, value[inner], name, whole=False)
