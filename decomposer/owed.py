"""What a goal asks for in so many words and no call of the plan has given yet.

A choice of a contract may say which words ask for one of its values (`x-cues`: a list of words by
value). A goal that speaks of a median and a plan without one do not belong together.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from dagwright.model import JsonSchema
from dagwright.tool import ToolSpec
from decomposer.grounding import Grounding, categories, is_key
from decomposer.scope import properties_of
from decomposer.units import plain, units_of
from decomposer.words import AGES, OLD, TRUTHS, YEARS, YOUNG

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
    named = {column.name: plain(column.name) for column in columns if column.kind == "numeric"}
    found = {name: plain for name, plain in named.items() if not is_key(name) and grounding.mentions(plain)}
    return frozenset(
        name
        for name, plain in found.items()
        if not any(f" {plain} " in f" {other} " for other in found.values() if other != plain)
    )


def counted_columns(columns: Iterable[Column], grounding: Grounding) -> frozenset[str]:
    """Gives the numeric columns of which a goal asks how many there are (`the most copies`), not how many rows."""
    numeric = (column.name for column in columns if column.kind == "numeric" and not is_key(column.name))
    named = {name: "|".join(map(re.escape, (plain(name), *units_of(name)))) for name in numeric}
    return frozenset(name for name, plain in named.items() if re.search(_MANY.format(plain), grounding.text))


def in_order(spec: ToolSpec) -> ToolSpec:
    """Gives an operation that writes the rows of a table to a file as one that takes them in order only."""
    properties = properties_of(spec.input_schema)
    if spec.effect == "read" or any("x-column-of" in schema for schema in properties.values()):
        return spec
    return narrowed(
        spec, {name: {**schema, "x-ordered": True} for name, schema in properties.items() if _is_table(schema)}
    )


def by_age(spec: ToolSpec, columns: Iterable[Column], grounding: Grounding) -> ToolSpec:
    """Gives an operation that orders rows as one that knows which way `oldest` lies: in ages, or in dates."""
    aged = [column for column in columns if _is_date(column) or _is_age(column)]
    touched = [column for column in aged if grounding.touches(column.name, ())] or aged
    kinds = {_is_date(column) for column in touched}
    properties = properties_of(spec.input_schema)
    if len(kinds) != 1:
        return spec
    turned = {name: _turned(schema, *kinds) for name, schema in properties.items() if _directs(schema)}
    return narrowed(spec, turned) if turned else spec


def _turned(schema: JsonSchema, by_date: bool) -> JsonSchema:
    cues = cast("dict[str, list[str]]", schema["x-cues"])
    last, first = (YOUNG, OLD) if by_date else (OLD, YOUNG)
    return {**schema, "x-cues": {"true": [*cues["true"], *last], "false": [*cues["false"], *first]}}


def _directs(schema: JsonSchema) -> bool:
    return schema.get("type") == "boolean" and "x-cues" in schema


def _is_date(column: Column) -> bool:
    low, high = cast("list[float]", column.schema.get("x-range") or [0, 0])
    return column.kind == "time" or (column.kind == "numeric" and low >= YEARS[0] and high <= YEARS[1])


def _is_age(column: Column) -> bool:
    return column.kind == "numeric" and not AGES.isdisjoint(plain(column.name).split(" "))


def _is_table(schema: JsonSchema) -> bool:
    items = schema.get("items")
    return isinstance(items, dict) and items.get("type") == "object"


def picked_columns(columns: Iterable[Column], grounding: Grounding, used: Collection[str | float]) -> frozenset[str]:
    """Gives the columns that may hold a value or a limit that a goal names and that is not used yet.

    A value says nothing where the goal wants what it names apart, or names the column itself another way.
    """
    known = tuple(columns)
    words = {word for column in known for word in plain(column.name).split(" ")}
    limits = grounding.limits.difference(used)
    texts = frozenset(column.name for column in known if _picks(column, grounding, used, words))
    return texts | {column.name for column in known if any(_is_within(column, limit) for limit in limits)}


def _picks(column: Column, grounding: Grounding, used: Collection[str | float], words: Collection[str]) -> bool:
    rest = grounding.without_files
    texts = [value for value in column.categories if isinstance(value, str) and len(value) > 2]
    said = [value for value in categories(rest, column.name, texts) if value.lower() not in TRUTHS | set(words)]
    return bool(said) and not grounding.separates and column.name not in used and not set(said) & set(used)


def _is_within(column: Column, number: float) -> bool:
    within = cast("list[float]", column.schema.get("x-range") or [number, number])
    return column.kind == "numeric" and not is_key(column.name) and within[0] <= number <= within[1]


def comparing(operations: Mapping[str, ToolSpec], owed: Iterable[str]) -> dict[str, ToolSpec]:
    """Gives the operations that compare a column that is owed, and compare nothing else, by the call's name."""
    wanted = sorted(owed)
    return {word: only for word, spec in operations.items() if wanted for only in _comparing(spec, wanted)}


def _comparing(spec: ToolSpec, wanted: list[str]) -> Iterator[ToolSpec]:
    properties = properties_of(spec.input_schema)
    for schema in properties.values():
        column = schema.get("x-value-of")
        if isinstance(column, str) and column in properties:
            yield narrowed(spec, {column: among(properties[column], wanted)})
            return


def used_names(calls: Iterable[JsonValue]) -> frozenset[str]:
    """Gives the texts that the constants of calls hold, in lists and as keys, too."""
    return frozenset(value for value in used_constants(calls) if isinstance(value, str))


def used_constants(calls: Iterable[JsonValue]) -> frozenset[str | float]:
    """Gives the texts and numbers that the constants of calls hold, in lists and as keys, too."""
    found: set[str | float] = set()
    waiting = list(calls)
    while waiting:
        value = waiting.pop()
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            found.add(value)
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend((*value, *value.values()))
    return frozenset(found)


def using(operations: Mapping[str, ToolSpec], owed: Iterable[str]) -> dict[str, ToolSpec]:
    """Gives the operations that can take a column that is owed, and take nothing else there, by the call's name."""
    wanted = sorted(owed)
    return {word: only for word, spec in operations.items() if wanted for only in _taking(spec, wanted)}


def _taking(spec: ToolSpec, wanted: list[str]) -> Iterator[ToolSpec]:
    for name, schema in properties_of(spec.input_schema).items():
        if schema.get("x-column-type") == "numeric" and schema.get("type") == "string":
            yield narrowed(spec, {name: among(schema, wanted)})
            return


def among(schema: JsonSchema, columns: Iterable[str]) -> JsonSchema:
    """Gives the schema of an argument that names columns as one that names some of these."""
    return {**schema, "x-columns": list[JsonValue](columns)}


def narrowed(spec: ToolSpec, changed: dict[str, JsonSchema]) -> ToolSpec:
    """Gives an operation with other schemas of some arguments."""
    properties = {**properties_of(spec.input_schema), **changed}
    return spec.model_copy(update={"input_schema": {**spec.input_schema, "properties": properties}})


def giving(operations: Mapping[str, ToolSpec], owed: Iterable[str]) -> dict[str, ToolSpec]:
    """Gives the operations that can give what is owed, and nothing else, by the name that a call uses."""
    wanted = set(owed)
    return {word: only for word, spec in operations.items() for only in _giving(spec, wanted)}


def _giving(spec: ToolSpec, wanted: set[str]) -> Iterator[ToolSpec]:
    for name, schema in properties_of(spec.input_schema).items():
        kept = [value for value in values_of(schema) if value in wanted]
        if kept:
            yield narrowed(spec, {name: {**schema, "enum": list[JsonValue](kept)}})
            return


def values_of(schema: JsonSchema) -> list[str]:
    """Gives the values of a choice that have cues."""
    cues = schema.get("x-cues")
    return list(cues) if isinstance(cues, dict) and "enum" in schema else []


def _cues(operations: Iterable[ToolSpec]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for spec in operations:
        for schema in properties_of(spec.input_schema).values():
            if values_of(schema):
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
