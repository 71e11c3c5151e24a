"""Clauses of a goal: what each of them asks for by itself, and what says something about all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from dagwright.model import JsonSchema
from dagwright.tool import GroupRule, ToolSpec
from decomposer.grounding import Grounding, is_key
from decomposer.owed import among, asked_values, is_asked, named_columns, narrowed, values_of
from decomposer.scope import properties_of
from decomposer.units import plain, units_of
from decomposer.words import CLAUSE_END, GROUP, LISTED, MOST_OF, PARTS_OF_ALL, SENTENCE_END, SUBTRACTED, SUPERLATIVE

if TYPE_CHECKING:
    from validation.types.table import Column

Single = tuple[str, str]
"""A numeric column, and the statistic of it that is wanted over all rows."""
Groupings = dict[str, dict[str, ToolSpec]]
"""Operations by the call's name, by the column of which they make groups."""


def sentences(text: str) -> list[list[str]]:
    """Gives the clauses of each sentence of a goal."""
    return [_clauses(sentence) for sentence in SENTENCE_END.split(text) if sentence.strip()]


def _clauses(sentence: str) -> list[str]:
    is_list = sentence.count(",") > 1 or ("," in sentence and " and the " in sentence)
    pattern = LISTED if is_list else CLAUSE_END
    return [clause.strip() for clause in pattern.split(sentence) if clause.strip()]


def asks_how_many(grounding: Grounding) -> bool:
    """Whether a clause asks how many rows there are."""
    clauses = (clause for sentence in sentences(grounding.text) for clause in sentence)
    return any(replace(grounding, text=clause, written=clause).counts for clause in clauses)


def grouping(grounding: Grounding, operations: Mapping[str, ToolSpec], columns: Iterable[Column]) -> Groupings:
    """Gives by column the operations that make groups of it, for each that a clause asks for one value of."""
    kinds = [column.name for column in columns if column.kind == "text" and column.categories]
    asked = [name for name in kinds if re.search(GROUP.format(rf"{re.escape(plain(name))}s?"), grounding.text)]
    return {name: dict(_grouping(operations, name)) for name in asked}


def _grouping(operations: Mapping[str, ToolSpec], column: str) -> Iterator[tuple[str, ToolSpec]]:
    for word, spec in operations.items():
        for rule in spec.output_rules.values():
            if isinstance(rule, GroupRule):
                yield word, narrowed(spec, {rule.by: among(properties_of(spec.input_schema)[rule.by], [column])})


@dataclass(frozen=True)
class Singles:
    """What is wanted over all rows where something else is wanted of groups."""

    statistics: frozenset[Single] = frozenset()
    """The statistics that clauses ask for over all rows."""
    columns: frozenset[str] = frozenset()
    """Their columns of which nothing is wanted in groups."""
    grouped: frozenset[str] = frozenset()
    """Columns that clauses about groups compare: `the most mistakes`; none where they do not say."""
    known: frozenset[str] = frozenset()
    """The columns that hold numbers."""
    others: frozenset[str] = frozenset()
    """Columns of categories that no clause about groups touches, where some are touched."""


def singles(grounding: Grounding, operations: Iterable[ToolSpec], columns: Iterable[Column]) -> Singles:
    """Gives what clauses want over all rows, where another clause looks at groups."""
    specs, known = tuple(operations), tuple(columns)
    found: set[Single] = set()
    groups: list[Grounding] = []
    for sentence in sentences(grounding.without_files.text):
        for clause in sentence:
            part = replace(grounding, text=clause, written=clause)
            if _looks_at_groups(part) or _looks_at_groups_of_all(grounding, sentence):
                groups.append(part)
            elif len(sentence) > 1 or clause.startswith(("what ", "how ", "and what ", "and how ")):
                found |= set(_statistics(part, specs, known))
    alone = {column for column, _ in found if not any(part.touches(column, ()) for part in groups)}
    grouped = frozenset(column.name for column in known for part in groups if _is_compared(column, part))
    numeric = frozenset(column.name for column in known if column.kind == "numeric")
    texts = {column.name for column in known if column.kind == "text"}
    touched = {name for name in texts if any(part.without_rows.touches(name, ()) for part in groups)}
    others = frozenset(texts - touched) if touched else frozenset[str]()
    return Singles(frozenset(found), frozenset(alone), grouped, numeric, others) if groups else Singles()


def _is_compared(column: Column, part: Grounding) -> bool:
    words = "|".join(map(re.escape, (plain(column.name), *units_of(column.name))))
    is_number = column.kind == "numeric" and not is_key(column.name)
    return is_number and re.search(rf"{MOST_OF}(?:{words})(?:s|es)?\b", part.text) is not None


def _looks_at_groups(part: Grounding) -> bool:
    return re.search(rf"\b(?:{SUPERLATIVE}|which|what (?:kind|type|sort))\b", part.text) is not None


def _looks_at_groups_of_all(grounding: Grounding, sentence: list[str]) -> bool:
    whole = replace(grounding, text=", ".join(sentence))
    return any(map(whole.of_groups.has, PARTS_OF_ALL))


def _statistics(part: Grounding, specs: Iterable[ToolSpec], columns: tuple[Column, ...]) -> Iterator[Single]:
    numeric = [column for column in columns if column.kind == "numeric" and not is_key(column.name)]
    touched = {column.name for column in numeric if part.touches(column.name, ())}
    named = named_columns(numeric, part) or touched
    values = asked_values(specs, part, (column.name for column in columns))
    if len(named) == len(values) == 1:
        yield next(iter(named)), next(iter(values))


def singly(operations: dict[str, ToolSpec], single: Single) -> dict[str, ToolSpec]:
    """Gives the operations that can give a statistic of a column and nothing else, by the call's name."""
    column, value = single
    found = ((word, _only(spec, column, value)) for word, spec in operations.items())
    return {word: spec for word, spec in found if spec is not None}


def _only(spec: ToolSpec, column: str, value: str) -> ToolSpec | None:
    properties = properties_of(spec.input_schema)
    over = next((name for name, schema in properties.items() if schema.get("x-column-type") == "numeric"), None)
    how = next((name for name, schema in properties.items() if value in values_of(schema)), None)
    if over is None or how is None:
        return None
    return narrowed(spec, {over: among(properties[over], [column]), how: {**properties[how], "enum": [value]}})


def apart(spec: ToolSpec, wanted: Singles) -> ToolSpec:
    """Gives an operation over groups as one that leaves columns alone of which nothing is wanted in groups."""
    beside = wanted.known - wanted.grouped if wanted.grouped else frozenset[str]()
    changed: dict[str, JsonSchema] = {}
    for name, schema in properties_of(spec.input_schema).items():
        is_value = schema.get("x-column-type") == "numeric"
        barred = wanted.columns | beside if is_value else wanted.others if "x-column-of" in schema else None
        if barred:
            changed[name] = {**schema, "x-columns-barred": list[JsonValue](sorted(barred))}
    return narrowed(spec, changed) if changed else spec


def parts_asking(spec: ToolSpec, grounding: Grounding) -> Iterator[Grounding]:
    """Gives the clauses of a goal that ask for an operation by name."""
    for clause in (clause for sentence in sentences(grounding.text) for clause in sentence):
        part = replace(grounding, text=clause, written=clause)
        if is_asked(spec, part):
            yield part


def beside(spec: ToolSpec, grounding: Grounding, columns: Iterable[Column]) -> ToolSpec:
    """Gives an operation over two columns as one over those that the clause names that asks for it."""
    properties = properties_of(spec.input_schema)
    pair = {name: schema for name, schema in properties.items() if schema.get("x-column-type") == "numeric"}
    if len(pair) != 2 or not spec.asked_by:
        return spec
    for part in parts_asking(spec, grounding):
        touched = [c.name for c in columns if c.kind == "numeric" and not is_key(c.name) and part.touches(c.name, ())]
        if len(touched) > 1:
            return narrowed(spec, {name: among(schema, touched) for name, schema in pair.items()})
    return spec


def taken_from(spec: ToolSpec, grounding: Grounding, columns: Iterable[Column]) -> ToolSpec:
    """Gives an operation over two columns as one that subtracts what the goal subtracts: `depth from length`."""
    properties = properties_of(spec.input_schema)
    said = SUBTRACTED.search(grounding.text)
    pair = [name for name, schema in properties.items() if schema.get("x-column-type") == "numeric"]
    if said is None or len(pair) != 2 or "-" not in cast("list[str]", properties.get("op", {}).get("enum") or []):
        return spec
    numeric = [column.name for column in columns if column.kind == "numeric" and not is_key(column.name)]
    left, right = (_called(numeric, replace(grounding, text=said[side])) for side in ("left", "right"))
    if not left or not right or left == right:
        return spec
    return narrowed(
        spec, {name: among(properties[name], names) for name, names in zip(pair, (left, right), strict=True)}
    )


def _called(names: Iterable[str], part: Grounding) -> list[str]:
    """Gives the columns of which some words have most: `first_price` for `the price first asked`, not `price`."""
    words = {name: plain(name).split(" ") for name in names}
    whole = {name: len(parts) for name, parts in words.items() if all(map(part.mentions, parts))}
    return [name for name, length in whole.items() if length == max(whole.values())]


def asked_over(spec: ToolSpec, grounding: Grounding, columns: Iterable[Column]) -> ToolSpec:
    """Gives an operation that may look at some columns only as one over those with gaps, or those that are named."""
    free, known = free_columns(spec), tuple(columns)
    gaps = [column.name for column in known if _may_be_missing(column)]
    if len(free) != 1 or not spec.asked_by or not gaps:
        return spec
    named = columns_asked(spec, grounding, known)
    asked = narrowed(spec, {free[0]: among(properties_of(spec.input_schema)[free[0]], named or gaps)})
    required = cast("list[str]", spec.input_schema.get("required") or [])
    is_needed = {"required": [*required, *free]} if named else {}
    return asked.model_copy(update={"input_schema": {**asked.input_schema, **is_needed}})


def free_columns(spec: ToolSpec) -> list[str]:
    """Gives the arguments that name columns and may be left out."""
    required = cast("list[str]", spec.input_schema.get("required") or [])
    properties = properties_of(spec.input_schema)
    return [name for name, schema in properties.items() if "x-column-of" in schema and name not in required]


def columns_asked(spec: ToolSpec, grounding: Grounding, columns: Iterable[Column]) -> list[str]:
    """Gives the columns with missing values that the clauses name that ask for an operation."""
    parts = list(parts_asking(spec, grounding))
    gaps = (column.name for column in columns if _may_be_missing(column))
    return [name for name in gaps if any(part.touches(name, ()) for part in parts)]


def _may_be_missing(column: Column) -> bool:
    kinds = column.schema.get("type", "null")
    return "null" in (kinds if isinstance(kinds, list) else [kinds])
