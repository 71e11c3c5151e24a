"""Tables in memory: arrays of row objects, what types their columns have, and the schema that says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import cast

from pydantic import JsonValue

from dagwright.exceptions import ToolRejected
from dagwright.model import JsonSchema

Row = dict[str, JsonValue]
"""One row: values by column; null where a value is missing."""

Table = list[Row]
"""Rows that all have the same columns, in the same order."""

MOST_CATEGORIES = 12
"""Distinct texts up to which a column's schema lists them."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


def header(table: Table) -> list[str]:
    """Gives the names of a table's columns; none for a table without rows."""
    return list(table[0]) if table else []


def require_columns(table: Table, names: Iterable[str]) -> None:
    """Makes sure that a table has columns. A table without rows has any.

    Raises:
        ToolRejected: `missing_column`; names those that there are.
    """
    if not table:
        return
    for name in names:
        if name not in table[0]:
            there = ", ".join(repr(column) for column in header(table)[:30])
            raise ToolRejected(f"there is no column {name!r}; the columns are {there}", code="missing_column")


def values(table: Table, column: str) -> list[JsonValue]:
    """Gives a column, missing values included.

    Raises:
        ToolRejected: `missing_column`.
    """
    require_columns(table, [column])
    return [row[column] for row in table]


def numbers(table: Table, column: str) -> list[float | int]:
    """Gives the numbers of a column without its missing values.

    Raises:
        ToolRejected: `missing_column`, or `not_numeric` with the first value that is no number.
    """
    return present_numbers(values(table, column), column)


def present_numbers(found: Iterable[JsonValue], column: str) -> list[float | int]:
    """Gives the numbers among values of a column, in order.

    Raises:
        ToolRejected: `not_numeric` with the first value that is neither a number nor missing.
    """
    kept: list[float | int] = []
    for value in found:
        if isinstance(value, int | float) and not isinstance(value, bool):
            kept.append(value)
        elif value is not None:
            raise ToolRejected(
                f"column {column!r} is not numeric: it holds {shown(value)}; cast it to number first",
                code="not_numeric",
            )
    return kept


def shown(value: JsonValue) -> str:
    """Gives a short form of a value for a message."""
    form = repr(value)
    return form if len(form) <= 60 else form[:57] + "…"


def order_key(value: JsonValue) -> tuple[int, float | str]:
    """Gives a key that orders any two values: numbers, then texts, then the rest; missing ones last."""
    if isinstance(value, int | float):
        return (0, value)
    if isinstance(value, str):
        return (1, value)
    return (3, "") if value is None else (2, repr(value))


def identity(value: JsonValue) -> object:
    """Gives a hashable that is equal for values that are equal as JSON."""
    if isinstance(value, bool):
        return ("boolean", value)
    return repr(value) if isinstance(value, list | dict) else value


def table_schema(table: Table, names: Sequence[str] | None = None) -> JsonSchema:
    """Gives the JSON Schema of a table: its columns with types, whether null occurs, few texts as enum.

    `x-keys` names the columns that tell all rows apart, `x-range` gives a numeric column's least and greatest value.

    Args:
        table: the rows.
        names: its columns, where there are no rows to tell them.
    """
    listed = list(names) if names is not None else header(table)
    columns = {name: [row[name] for row in table] for name in listed}
    properties = {name: {**column_schema(values), **_range(values)} for name, values in columns.items()}
    keys: dict[str, JsonValue] = {"x-keys": list[JsonValue](found)} if (found := _keys(table, listed)) else {}
    return {
        "type": "array",
        **keys,
        "items": {
            "type": "object",
            "properties": cast("JsonValue", properties),
            "required": cast("JsonValue", listed),
            "additionalProperties": False,
        },
    }


def _range(values: Sequence[JsonValue]) -> dict[str, JsonValue]:
    """Gives the least and the greatest value of a column of numbers, as a keyword of its schema."""
    present = [value for value in values if value is not None]
    numbers = [value for value in present if isinstance(value, int | float) and not isinstance(value, bool)]
    return {"x-range": [min(numbers), max(numbers)]} if numbers and len(numbers) == len(present) else {}


def _keys(table: Table, names: Sequence[str]) -> list[str]:
    """Gives the columns that tell all rows apart: of texts, or of numbers that are called an id."""
    return [name for name in names if len(table) > 1 and _is_key(name, [row[name] for row in table])]


def _is_key(name: str, values: Sequence[JsonValue]) -> bool:
    kinds = {kind_of(value) for value in values}
    named = kinds == {"string"} or (kinds == {"integer"} and re.search(r"(?:^|_)id$", name.lower()) is not None)
    return named and len(set(map(identity, values))) == len(values) and not is_date(str(values[0]))


def column_schema(found: Sequence[JsonValue]) -> JsonSchema:
    """Gives the narrowest schema of the profile that all values of a column have."""
    kinds = sorted({kind_of(value) for value in found} - {"null"})
    if "number" in kinds and "integer" in kinds:
        kinds.remove("integer")
    nullable = any(value is None for value in found)
    allowed: list[str] = [*kinds, *(["null"] if nullable or not kinds else [])]
    schema: JsonSchema = {"type": allowed[0] if len(allowed) == 1 else cast("JsonValue", allowed)}
    if kinds == ["string"]:
        schema.update(_text_facets([value for value in found if isinstance(value, str)], nullable=nullable))
    return schema


def _text_facets(texts: list[str], *, nullable: bool) -> JsonSchema:
    distinct = dict.fromkeys(texts)
    if all(is_date(text) for text in distinct):
        return {"format": "date"}
    if all(_is_moment(text) for text in distinct):
        return {"format": "date-time"}
    if len(distinct) <= MOST_CATEGORIES and all(len(text) <= 80 for text in distinct):
        return {"enum": [*sorted(distinct), *([None] if nullable else [])]}
    return {}


def kind_of(value: JsonValue) -> str:
    """Gives the JSON Schema type of a value; a whole float is a number, not an integer."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "string" if isinstance(value, str) else ("array" if isinstance(value, list) else "object")


def is_date(text: str) -> bool:
    """Tells whether a text is a calendar date `YYYY-MM-DD`."""
    return _DATE.fullmatch(text) is not None and _parses(date.fromisoformat, text)


def _is_moment(text: str) -> bool:
    return _MOMENT.fullmatch(text) is not None and _parses(datetime.fromisoformat, text)


def _parses(parse: object, text: str) -> bool:
    try:
        cast("type", parse)(text)
    except ValueError:
        return False
    return True
