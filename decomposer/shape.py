"""What operations do to the rows of tables, as their contracts say."""

from __future__ import annotations

from dagwright.tool import (
    AddRule,
    CastRule,
    DropRule,
    GroupRule,
    JoinRule,
    OutputRule,
    RenameRule,
    SameRule,
    SelectRule,
    ToolSpec,
)
from decomposer.scope import properties_of

_KEEPING_ORDER = (SameRule, SelectRule, DropRule, AddRule, RenameRule, CastRule)


def gathers(spec: ToolSpec) -> bool:
    """Whether an operation takes any results as a list, as a report does."""
    schemas = properties_of(spec.input_schema).values()
    lists = (schema for schema in schemas if schema.get("type") == "array" and "x-column-of" not in schema)
    return any(not schema.get("items") for schema in lists)


def makes_groups(spec: ToolSpec) -> bool:
    """Whether it gives a row per group."""
    return _has(spec, GroupRule)


def counts_rows(spec: ToolSpec) -> bool:
    """Whether it gives how many rows each group has, and nothing of their columns."""
    rules = (rule for rule in spec.output_rules.values() if isinstance(rule, GroupRule))
    return any(rule.value not in properties_of(spec.input_schema) for rule in rules)


def counts_all(spec: ToolSpec) -> bool:
    """Whether it gives how many rows or values there are, and nothing else."""
    outputs = properties_of(spec.output_schema).values()
    return bool(outputs) and all(schema.get("type") == "integer" and schema.get("minimum") == 0 for schema in outputs)


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


def takes_first(spec: ToolSpec) -> bool:
    """Whether it takes the first of rows in order."""
    return any(schema.get("x-ordered") is True for schema in properties_of(spec.input_schema).values())


def _has(spec: ToolSpec, *kinds: type[OutputRule]) -> bool:
    return any(isinstance(rule, kinds) for rule in spec.output_rules.values())
