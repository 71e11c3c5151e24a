"""Where in earlier outputs a value is found: as a field of its own, or within a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import JsonValue

from benchmarks.agentdojo.contracts import RESULT
from dagwright.model import JsonSchema
from dagwright.tool import ToolSpec
from validation.types.schema import pointer_of

_NUMBER = re.compile(r"(?<![\w.,-])\d+(?:\.\d+)?(?![\w,-]|\.\d)")


class Given(NamedTuple):
    """What an earlier step gave."""

    step: str
    spec: ToolSpec
    result: JsonValue

    def is_trusted(self, path: str) -> bool:
        """Whether the operation declares a field of its result as trusted."""
        labels = {field.path: field.label for field in self.spec.output_labels}
        label = labels.get(path) or labels.get(RESULT)
        return label is not None and label.integrity == "trusted"

    @property
    def trusted_paths(self) -> list[str]:
        """Fields of the result that are trusted."""
        return [field.path for field in self.spec.output_labels if field.label.integrity == "trusted"]


class Place(NamedTuple):
    """A field that holds a value: of one object, or of each of a list's items."""

    given: Given
    path: str
    """With `*` where it is a list's."""

    @property
    def is_listed(self) -> bool:
        """Whether the path gives a list of such fields."""
        return "/*" in self.path

    @property
    def reference(self) -> dict[str, JsonValue]:
        """The reference to it."""
        return {"from": self.given.step, "path": self.path}


def field_of(value: JsonValue, earlier: list[Given]) -> Place | None:
    """Gives the field that equals a value; a trusted one rather than others, a late one rather than an early one."""
    places = [
        Place(given, path)
        for given in reversed(earlier)
        for path, leaf, exact in _leaves(given.result, _result_schema(given.spec))
        if exact and path.count("*") < 2 and leaf == value and isinstance(leaf, bool) == isinstance(value, bool)
    ]
    places.sort(key=lambda place: not place.given.is_trusted(place.path))
    return places[0] if places else None


def text_of(value: JsonValue, earlier: list[Given]) -> Place | None:
    """Gives the first field whose text holds a value: a text as it is, a number however it is written."""
    return next(
        (
            Place(given, path)
            for given in earlier
            for path, leaf, _ in _leaves(given.result, _result_schema(given.spec))
            if isinstance(leaf, str) and _holds(leaf, value)
        ),
        None,
    )


def _holds(text: str, value: JsonValue) -> bool:
    if isinstance(value, str):
        return value.casefold() in text.casefold()
    return any(float(found) == value for found in _NUMBER.findall(text))


def _result_schema(spec: ToolSpec) -> tuple[JsonValue, JsonSchema]:
    properties = spec.output_schema.get("properties")
    assert isinstance(properties, dict)
    return properties["result"], spec.output_schema


def _leaves(
    value: JsonValue, schema: tuple[JsonValue, JsonSchema], path: str = RESULT
) -> Iterator[tuple[str, JsonValue, bool]]:
    """Gives the leaves of a value by their path, and whether that is the path of the very leaf.

    What a schema doesn't name has the path of what it lies in.
    """
    part, whole = _resolved(*schema), schema[1]
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item, (part.get("items", {}), whole), f"{path}/*")
    elif isinstance(value, dict):
        declared = part.get("properties")
        named = declared if isinstance(declared, dict) else {}
        for name, item in value.items():
            if name in named:
                yield from _leaves(item, (named[name], whole), path + pointer_of(name))
            else:
                yield from ((path, leaf, False) for leaf in (name, *_scalars(item)))
    else:
        yield path, value, True


def _resolved(schema: JsonValue, whole: JsonSchema) -> JsonSchema:
    found = schema if isinstance(schema, dict) else {}
    named = found.get("$ref")
    definitions = whole.get("$defs")
    if isinstance(named, str) and isinstance(definitions, dict):
        target = definitions.get(named.rpartition("/")[2])
        return target if isinstance(target, dict) else {}
    return found


def _scalars(value: JsonValue) -> Iterator[JsonValue]:
    if isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _scalars(item)
    else:
        yield value
