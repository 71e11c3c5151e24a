"""What operations do to the rows of tables, as their contracts say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from pydantic import JsonValue

from dagwright.model import JsonSchema
from dagwright.tool import (
    AddRule,
    CastRule,
    DropRule,
    JoinRule,
    OutputRule,
    RenameRule,
    SameRule,
    SelectRule,
    ToolSpec,
)
from decomposer.scope import properties_of

_KEEPING_ORDER = (SameRule, SelectRule, DropRule, AddRule, RenameRule, CastRule)


def joins(spec: ToolSpec) -> bool:
    """Whether it brings two tables together."""
    return _has(spec, JoinRule)


def puts_in_order(spec: ToolSpec) -> bool:
    """Whether it sorts rows by a column."""
    return any(isinstance(rule, SameRule) and rule.ordered_by for rule in spec.output_rules.values())


def keeps_order(spec: ToolSpec) -> bool:
    """Whether the rows that it gives stand in the order in which they came."""
    return _has(spec, *_KEEPING_ORDER)


def keeps_rows(spec: ToolSpec) -> bool:
    """Whether it gives all rows that it takes, with all that they hold."""
    return puts_in_order(spec) or _has(spec, AddRule)


def _has(spec: ToolSpec, *kinds: type[OutputRule]) -> bool:
    return any(isinstance(rule, kinds) for rule in spec.output_rules.values())


def choices_of(operations: Iterable[ToolSpec]) -> frozenset[str]:
    """Gives the words, in lower case, that operations let choose among."""
    return frozenset(
        value.lower()
        for spec in operations
        for schema in properties_of(spec.input_schema).values()
        for value in cast("list[JsonValue]", schema.get("enum") or [])
        if isinstance(value, str)
    )


def in_order(spec: ToolSpec) -> ToolSpec:
    """Gives an operation that writes the rows of a table to a file as one that takes them in order only."""
    properties = properties_of(spec.input_schema)
    if spec.effect == "read" or any("x-column-of" in schema for schema in properties.values()):
        return spec
    ordered = {name: {**schema, "x-ordered": True} for name, schema in properties.items() if _is_table(schema)}
    return spec.model_copy(update={"input_schema": {**spec.input_schema, "properties": {**properties, **ordered}}})


def _is_table(schema: JsonSchema) -> bool:
    items = schema.get("items")
    return isinstance(items, dict) and items.get("type") == "object"
