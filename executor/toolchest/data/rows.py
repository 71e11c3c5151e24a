"""Choosing, ordering and joining rows."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable
from typing import Any, cast

from pydantic import JsonValue

from dagwright.exceptions import ToolRejected
from executor.bindings.runner import ToolContext
from executor.toolchest.arguments import Arguments, Outputs
from executor.toolchest.tables import Row, Table, header, identity, kind_of, order_key, require_columns, shown, values

MOST_ROWS = 5_000_000
"""Rows that a join may give."""

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_TRUTHS = {"true": True, "false": False, "yes": True, "no": False}


def as_outputs(table: Table) -> Outputs:
    """Gives a table as the outputs of an operation."""
    return {"table": cast("JsonValue", table)}


def filter_rows(arguments: Outputs, context: ToolContext) -> Outputs:
    """Keeps the rows whose value compares as wanted."""
    call = Arguments(arguments)
    table, column = call.table(), call.column()
    present = [row for row in table if row[column] is not None]
    holds = _condition(call.text("op"), call.value("value"), [row[column] for row in present], column)
    return as_outputs([row for row in present if holds(row[column])])


def _condition(op: str, value: JsonValue, found: list[JsonValue], column: str) -> Callable[[JsonValue], bool]:
    if op == "contains":
        part = str(value).casefold()
        return lambda cell: part in str(cell).casefold()
    if op in {"in", "not_in"}:
        listed = value if isinstance(value, list) else [value]
        wanted = {identity(_like(found, item, column)) for item in listed}
        return lambda cell: (identity(cell) in wanted) == (op == "in")
    if isinstance(value, list):
        raise ToolRejected(f"{op} compares with one value, not with a list; use in or not_in", code="not_comparable")
    other, compare = _like(found, value, column), _COMPARISONS[op]
    return lambda cell: compare(cell, other)


def _like(found: list[JsonValue], value: JsonValue, column: str) -> JsonValue:
    """Gives the value as the column's values are: the text "30" as a number for a column of numbers."""
    kinds = {kind_of(cell) for cell in found}
    if not kinds or kind_of(value) in kinds or (kinds <= {"integer", "number"} and isinstance(value, float | int)):
        return value
    if kinds <= {"integer", "number"} and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            pass
    elif kinds == {"string"} and isinstance(value, int | float):
        return str(value)
    elif kinds == {"boolean"} and str(value).lower() in _TRUTHS:
        return _TRUTHS[str(value).lower()]
    raise ToolRejected(
        f"column {column!r} holds {' and '.join(sorted(kinds))}, which does not compare with {shown(value)}",
        code="not_comparable",
    )


def drop_missing(arguments: Outputs, context: ToolContext) -> Outputs:
    """Drops the rows with nulls."""
    call = Arguments(arguments)
    table = call.table()
    looked_at = call.columns() or header(table)
    return as_outputs([row for row in table if all(row[name] is not None for name in looked_at)])


def drop_duplicates(arguments: Outputs, context: ToolContext) -> Outputs:
    """Keeps the first of the rows that are equal."""
    call = Arguments(arguments)
    table = call.table()
    compared = call.columns() or header(table)
    first: dict[tuple[object, ...], Row] = {}
    for row in table:
        first.setdefault(_key(row, compared), row)
    return as_outputs(list(first.values()))


def _key(row: Row, names: list[str]) -> tuple[Hashable, ...]:
    return tuple(cast("Hashable", identity(row[name])) for name in names)


def sort_rows(arguments: Outputs, context: ToolContext) -> Outputs:
    """Sorts rows, stable in both directions, missing values last."""
    call = Arguments(arguments)
    table, column = call.table(), call.column()
    present = [row for row in table if row[column] is not None]
    missing = [row for row in table if row[column] is None]
    present.sort(key=lambda row: order_key(row[column]), reverse=call.flag("descending"))
    return as_outputs(present + missing)


def top_rows(arguments: Outputs, context: ToolContext) -> Outputs:
    """Keeps the first n rows."""
    call = Arguments(arguments)
    return as_outputs(call.table()[: call.integer("n")])


def join_tables(arguments: Outputs, context: ToolContext) -> Outputs:
    """Joins two tables on equal columns; nulls match nothing."""
    call = Arguments(arguments)
    left, right = call.table("left"), call.table("right")
    on = call.columns("on", of="left")
    require_columns(right, on)
    names = _joined_names(header(left), [name for name in header(right) if name not in on])
    partners: dict[tuple[Hashable, ...], Table] = {}
    for row in right:
        if all(row[name] is not None for name in on):
            partners.setdefault(_key(row, on), []).append(row)
    joined: Table = []
    for row in left:
        for partner in partners.get(_key(row, on), []):
            joined.append({**row, **{new: partner[old] for old, new in names.items()}})
        if len(joined) > MOST_ROWS:
            raise ToolRejected(f"the join gives more than {MOST_ROWS} rows; join on more columns", code="too_large")
    return as_outputs(joined)


def _joined_names(left: list[str], added: list[str]) -> dict[str, str]:
    names = {name: f"{name}_right" if name in left else name for name in added}
    taken = [*left, *names.values()]
    twice = next((name for name in taken if taken.count(name) > 1), None)
    if twice is not None:
        raise ToolRejected(f"the joined table would have two columns {twice!r}; rename one before", code="name_clash")
    return names


def get_value(arguments: Outputs, context: ToolContext) -> Outputs:
    """Gives one value of a column."""
    call = Arguments(arguments)
    table, column, row = call.rows(), call.column(), call.integer("row", 1)
    if row > len(table):
        raise ToolRejected(f"there is no row {row}; the table has {len(table)}", code="missing_row")
    return {"value": table[row - 1][column]}


def column_values(arguments: Outputs, context: ToolContext) -> Outputs:
    """Gives a column as a list."""
    call = Arguments(arguments)
    found = values(call.table(), call.text("column"))
    if call.flag("distinct"):
        first: dict[object, JsonValue] = {}
        for value in found:
            first.setdefault(identity(value), value)
        found = list(first.values())
    return {"values": found}


def check_schema(arguments: Outputs, context: ToolContext) -> Outputs:
    """Passes a table on whose rows agree in columns and types."""
    call = Arguments(arguments)
    table = call.table(even=True)
    call.columns()
    for name in header(table):
        kinds = {kind_of(row[name]) for row in table} - {"null"}
        if len(kinds) > 1 and kinds != {"integer", "number"}:
            raise ToolRejected(
                f"column {name!r} does not have one type: it holds {' and '.join(sorted(kinds))}", code="mixed_types"
            )
    return as_outputs(table)
