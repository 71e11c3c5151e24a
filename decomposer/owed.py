"""What a goal asks for in so many words and no call of the plan has given yet.

A choice of a contract may say which words ask for one of its values (`x-cues`: a list of words by
value). A goal that speaks of a median and a plan without one do not belong together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from dagwright.model import JsonSchema
from dagwright.tool import ToolSpec
from decomposer.grounding import Grounding, is_key, units_of
from decomposer.scope import properties_of

if TYPE_CHECKING:
    from validation.types.table import Column


_MANY = r"\b(?<!\bat )(?:most|fewest|least|many|more|fewer|total|number of) (?:{})(?:s|es)?\b"


def asked_values(operations: Iterable[ToolSpec], grounding: Grounding, names: Iterable[str]) -> frozenset[str]:
    """Gives the values with cues that a goal asks for; not by a word that is in one of `names` (columns)."""
    known = " ".join(names).lower()
    return frozenset(
        value
        for value, cues in _cues(operations).items()
        if any(grounding.has(cue) for cue in cues if cue not in known)
    )


def is_asked(spec: ToolSpec, grounding: Grounding) -> bool:
    """Whether a goal asks for this very operation."""
    return any(map(grounding.has, spec.asked_by or ()))


def used_values(operations: Iterable[ToolSpec], calls: Iterable[Mapping[str, JsonValue]]) -> frozenset[str]:
    """Gives the values with cues that the constants of calls hold."""
    given = {value for call in calls for value in call.values() if isinstance(value, str)}
    return frozenset(given & _cues(operations).keys())


def named_columns(columns: Iterable[Column], grounding: Grounding) -> frozenset[str]:
    """Gives the numeric columns that a goal calls by their whole name, its unit left out."""
    named = {column.name: _plain(column.name) for column in columns if column.kind == "numeric"}
    found = {name: plain for name, plain in named.items() if not is_key(name) and grounding.mentions(plain)}
    return frozenset(
        name
        for name, plain in found.items()
        if not any(f" {plain} " in f" {other} " for other in found.values() if other != plain)
    )


def counted_columns(columns: Iterable[Column], grounding: Grounding) -> frozenset[str]:
    """Gives the numeric columns of which a goal asks how many there are (`the most copies`), not how many rows."""
    numeric = (column.name for column in columns if column.kind == "numeric" and not is_key(column.name))
    named = {name: "|".join(map(re.escape, (_plain(name), *units_of(name)))) for name in numeric}
    return frozenset(name for name, plain in named.items() if re.search(_MANY.format(plain), grounding.text))


def in_order(spec: ToolSpec) -> ToolSpec:
    """Gives an operation that writes the rows of a table to a file as one that takes them in order only."""
    properties = properties_of(spec.input_schema)
    if spec.effect == "read" or any("x-column-of" in schema for schema in properties.values()):
        return spec
    return _with(
        spec, {name: {**schema, "x-ordered": True} for name, schema in properties.items() if _is_table(schema)}
    )


def _is_table(schema: JsonSchema) -> bool:
    items = schema.get("items")
    return isinstance(items, dict) and items.get("type") == "object"


def used_names(calls: Iterable[JsonValue]) -> frozenset[str]:
    """Gives the texts that the constants of calls hold, in lists and as keys, too."""
    found: set[str] = set()
    waiting = list(calls)
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.add(value)
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend((*value, *value.values()))
    return frozenset(found)


def using(operations: Mapping[str, ToolSpec], owed: Iterable[str]) -> dict[str, ToolSpec]:
    """Gives the operations that can take a column that is owed, and take nothing else there, by the call's name."""
    wanted = sorted(owed)
    return {word: narrowed for word, spec in operations.items() if wanted for narrowed in _taking(spec, wanted)}


def _taking(spec: ToolSpec, wanted: list[str]) -> Iterator[ToolSpec]:
    for name, schema in properties_of(spec.input_schema).items():
        if schema.get("x-column-type") == "numeric" and schema.get("type") == "string":
            yield _with(spec, {name: {**schema, "x-columns": list[JsonValue](wanted)}})
            return


def _with(spec: ToolSpec, changed: dict[str, JsonSchema]) -> ToolSpec:
    """Gives an operation with other schemas of some arguments."""
    properties = {**properties_of(spec.input_schema), **changed}
    return spec.model_copy(update={"input_schema": {**spec.input_schema, "properties": properties}})


def _plain(column: str) -> str:
    words = [word for word in re.split(r"[\W_]+", column.lower()) if word]
    has_unit = len(words) > 1 and len(words[-1]) <= 3
    return " ".join(words[:-1] if has_unit else words)


def giving(operations: Mapping[str, ToolSpec], owed: Iterable[str]) -> dict[str, ToolSpec]:
    """Gives the operations that can give what is owed, and nothing else, by the name that a call uses."""
    wanted = set(owed)
    return {word: narrowed for word, spec in operations.items() for narrowed in _narrowed(spec, wanted)}


def _narrowed(spec: ToolSpec, wanted: set[str]) -> Iterator[ToolSpec]:
    for name, schema in properties_of(spec.input_schema).items():
        kept = [value for value in _values(schema) if value in wanted]
        if kept:
            yield _with(spec, {name: {**schema, "enum": list[JsonValue](kept)}})
            return


def _values(schema: JsonSchema) -> list[str]:
    cues = schema.get("x-cues")
    return list(cues) if isinstance(cues, dict) and "enum" in schema else []


def _cues(operations: Iterable[ToolSpec]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for spec in operations:
        for schema in properties_of(spec.input_schema).values():
            if _values(schema):
                found.update(cast("dict[str, list[str]]", schema["x-cues"]))
    return found


def choices_of(operations: Iterable[ToolSpec]) -> frozenset[str]:
    """Gives the words, in lower case, that operations let choose among."""
    return frozenset(
        value.lower()
        for spec in operations
        for schema in properties_of(spec.input_schema).values()
        for value in cast("list[JsonValue]", schema.get("enum") or [])
        if isinstance(value, str)
    )
