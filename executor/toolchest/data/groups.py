"""Groups of rows and what is counted and aggregated over them."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import cast

from pydantic import JsonValue

from dagwright.exceptions import ToolRejected
from executor.bindings.runner import ToolContext
from executor.toolchest.arguments import Arguments, Outputs
from executor.toolchest.data.rows import as_outputs
from executor.toolchest.measures import MEASURES, Numbers
from executor.toolchest.tables import Row, Table, identity, order_key, present_numbers

MOST_COLUMNS = 500
"""Columns that a cross table may have."""


def group_count(arguments: Outputs, context: ToolContext) -> Outputs:
    """Counts the rows of each group, groups in the order of their values."""
    call = Arguments(arguments)
    table, by = call.table(), call.columns("by")
    _refuse_clash(by, "count")
    return as_outputs([{**_head(rows, by), "count": len(rows)} for rows in _groups(table, by)])


def group_aggregate(arguments: Outputs, context: ToolContext) -> Outputs:
    """Aggregates a column over each group, groups in the order of their values."""
    call = Arguments(arguments)
    table, by = call.table(), call.columns("by")
    value, function = call.column("value"), call.text("function")
    name = f"{function}_{value}"
    _refuse_clash(by, name)
    return as_outputs([{**_head(rows, by), name: measured(rows, value, function)} for rows in _groups(table, by)])


def _refuse_clash(by: list[str], name: str) -> None:
    if name in by:
        raise ToolRejected(f"the groups already have a column {name!r}; rename it before", code="name_clash")


def _head(rows: Table, by: list[str]) -> Row:
    return {name: rows[0][name] for name in by}


def _groups(table: Table, by: list[str]) -> list[Table]:
    found: dict[tuple[Hashable, ...], Table] = {}
    for row in table:
        if all(row[name] is not None for name in by):
            found.setdefault(tuple(cast("Hashable", identity(row[name])) for name in by), []).append(row)
    return sorted(found.values(), key=lambda rows: [order_key(rows[0][name]) for name in by])


def measured(rows: Table, column: str, function: str) -> JsonValue:
    """Gives a measure of a column; null where it is not defined or not finite."""
    return finite(function, present_numbers((row[column] for row in rows), column))


def finite(function: str, found: Numbers) -> float | int | None:
    """Gives a measure of numbers; None where it is not defined or not finite."""
    try:
        result = MEASURES[function](found)
    except (OverflowError, ZeroDivisionError):
        return None
    return result if result is not None and math.isfinite(result) else None


def pivot_table(arguments: Outputs, context: ToolContext) -> Outputs:
    """Makes a cross table, rows and columns in the order of their values; null where nothing lies."""
    call = Arguments(arguments)
    table, index, columns = call.table(), call.column("index"), call.column("columns")
    value, function = call.column("value"), call.text("function")
    names = {identity(row[columns]): row[columns] for row in table if row[columns] is not None}
    titles = {key: _title(cell) for key, cell in sorted(names.items(), key=lambda item: order_key(item[1]))}
    _refuse_titles([index, *titles.values()])
    result: Table = []
    for rows in _groups(table, [index]):
        cells: dict[object, Table] = {}
        for row in rows:
            cells.setdefault(identity(row[columns]), []).append(row)
        row_of: Row = {index: rows[0][index]}
        for key, title in titles.items():
            row_of[title] = measured(cells[key], value, function) if key in cells else None
        result.append(row_of)
    return as_outputs(result)


def _title(cell: JsonValue) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return str(cell)


def _refuse_titles(titles: list[str]) -> None:
    if len(titles) > MOST_COLUMNS:
        raise ToolRejected(
            f"the cross table would have {len(titles)} columns; at most {MOST_COLUMNS}", code="too_large"
        )
    twice = next((title for title in titles if titles.count(title) > 1), None)
    if twice is not None:
        raise ToolRejected(f"the cross table would have two columns {twice!r}", code="name_clash")
