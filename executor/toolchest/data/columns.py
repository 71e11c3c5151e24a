"""Choosing, making and changing columns."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterable
from datetime import date, datetime

from pydantic import JsonValue

from dagwright.exceptions import ToolRejected
from executor.bindings.runner import ToolContext
from executor.toolchest.arguments import Arguments, Outputs
from executor.toolchest.data.rows import as_outputs
from executor.toolchest.tables import Row, Table, header, numbers, require_columns, shown, values

_DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%b-%Y", "%d %B %Y")
_TIME_FORMATS = tuple(
    f"{day} {time}" for day in _DATE_FORMATS[:2] + _DATE_FORMATS[3:6] for time in ("%H:%M:%S", "%H:%M")
)


def select_columns(arguments: Outputs, context: ToolContext) -> Outputs:
    """Keeps the named columns, in that order."""
    call = Arguments(arguments)
    table, kept = call.table(), call.columns()
    return as_outputs([{name: row[name] for name in kept} for row in table])


def drop_columns(arguments: Outputs, context: ToolContext) -> Outputs:
    """Removes the named columns."""
    call = Arguments(arguments)
    table, gone = call.table(), set(call.columns())
    kept = [name for name in header(table) if name not in gone]
    if table and not kept:
        raise ToolRejected("no column would be left", code="no_columns")
    return as_outputs([{name: row[name] for name in kept} for row in table])


def rename_columns(arguments: Outputs, context: ToolContext) -> Outputs:
    """Renames columns."""
    call = Arguments(arguments)
    table, mapping = call.table(), call.mapping("mapping")
    require_columns(table, mapping)
    names = {name: mapping.get(name, name) for name in header(table)}
    if len(set(names.values())) < len(names):
        raise ToolRejected("two columns would have the same name", code="name_clash")
    return as_outputs([{names[name]: value for name, value in row.items()} for row in table])


def cast_columns(arguments: Outputs, context: ToolContext) -> Outputs:
    """Changes the types of columns; null stays null."""
    call = Arguments(arguments)
    table, types = call.table(), call.mapping("types")
    require_columns(table, types)
    if not table:
        return as_outputs(table)
    changed = {name: _converted(values(table, name), kind, name) for name, kind in types.items()}
    return as_outputs(
        [
            {name: changed[name][index] if name in changed else value for name, value in row.items()}
            for index, row in enumerate(table)
        ]
    )


def _converted(found: list[JsonValue], kind: str, column: str) -> list[JsonValue]:
    if kind == "date":
        moments = _moments(found, column)
        return [None if moment is None else moment.date().isoformat() for moment in moments]
    convert = {"integer": _integer, "number": _number, "string": _text, "boolean": _truth}[kind]
    result: list[JsonValue] = []
    for value in found:
        try:
            result.append(None if value is None else convert(value))
        except (ValueError, TypeError, OverflowError) as error:
            raise ToolRejected(f"column {column!r}: {shown(value)} is no {kind}", code="not_castable") from error
    return result


def _integer(value: JsonValue) -> int:
    if isinstance(value, str) and value.strip().lstrip("+-").isdigit():
        return int(value)
    number = _number(value)
    if number != math.floor(number):
        raise ValueError(value)
    return int(number)


def _number(value: JsonValue) -> float | int:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str):
        raise TypeError(value)
    number = float(value.strip().replace(",", "")) if "," in value else float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _text(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _truth(value: JsonValue) -> bool:
    words = {"true": True, "yes": True, "1": True, "1.0": True, "false": False, "no": False, "0": False, "0.0": False}
    return words[_text(value).strip().lower()] if _text(value).strip().lower() in words else _refuse(value)


def _refuse(value: JsonValue) -> bool:
    raise ValueError(value)


def combine_columns(arguments: Outputs, context: ToolContext) -> Outputs:
    """Adds a column calculated from two."""
    call = Arguments(arguments)
    table, left, right = call.table(), call.column("left"), call.column("right")
    numbers(table, left)
    numbers(table, right)
    return _added(table, call.text("name"), (_calculated(row[left], call.text("op"), row[right]) for row in table))


def scale_column(arguments: Outputs, context: ToolContext) -> Outputs:
    """Adds a column calculated from one and a number."""
    call = Arguments(arguments)
    table, column, number = call.table(), call.column(), call.number("number")
    numbers(table, column)
    return _added(table, call.text("name"), (_calculated(row[column], call.text("op"), number) for row in table))


def _calculated(left: JsonValue, op: str, right: JsonValue) -> float | int | None:
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return None
    operations: dict[str, Callable[[float, float], float]] = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
    }
    try:
        result = operations[op](left, right)
    except (ZeroDivisionError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def _added(table: Table, name: str, column: Iterable[JsonValue]) -> Outputs:
    return as_outputs([{**row, name: value} for row, value in zip(table, column, strict=True)])


def bin_column(arguments: Outputs, context: ToolContext) -> Outputs:
    """Adds a column with the name of the range in which a number lies."""
    call = Arguments(arguments)
    table, column, labels = call.table(), call.column(), call.texts("labels")
    edges = [float(str(edge)) for edge in call.texts("edges")]
    if edges != sorted(set(edges)):
        raise ToolRejected("the edges must ascend", code="bad_edges")
    if len(labels) != len(edges) + 1:
        raise ToolRejected(
            f"{len(edges)} edges make {len(edges) + 1} ranges, but there are {len(labels)} labels", code="bad_edges"
        )
    numbers(table, column)
    return _added(table, call.text("name"), (_label(row, column, edges, labels) for row in table))


def _label(row: Row, column: str, edges: list[float], labels: list[str]) -> str | None:
    value = row[column]
    return labels[bisect.bisect_right(edges, value)] if isinstance(value, int | float) else None


def fill_missing(arguments: Outputs, context: ToolContext) -> Outputs:
    """Puts a number where a numeric column has none."""
    call = Arguments(arguments)
    table, column, number = call.table(), call.column(), call.number("number")
    numbers(table, column)
    return _added(table, column, (_filled(row[column], number) for row in table))


def _filled(value: JsonValue, number: float) -> JsonValue:
    return number if value is None else value


def date_part(arguments: Outputs, context: ToolContext) -> Outputs:
    """Adds a column with a part of dates or times."""
    call = Arguments(arguments)
    table, column, part = call.table(), call.column(), call.text("part")
    moments = _moments([row[column] for row in table], column)
    return _added(table, call.text("name"), (None if moment is None else _part(moment, part) for moment in moments))


def _part(moment: datetime, part: str) -> int:
    parts: dict[str, int] = {
        "year": moment.year,
        "month": moment.month,
        "day": moment.day,
        "weekday": moment.isoweekday(),
        "hour": moment.hour,
    }
    return parts[part]


def _moments(found: list[JsonValue], column: str) -> list[datetime | None]:
    """Gives dates and times, all written in one way; day and month in doubt: the month comes first."""
    texts = {str(value) for value in found if value is not None}
    for parse in (_iso, *(_format_parser(form) for form in (*_DATE_FORMATS, *_TIME_FORMATS))):
        try:
            known = {text: parse(text) for text in texts}
        except ValueError:
            continue
        return [None if value is None else known[str(value)] for value in found]
    example = next((text for text in sorted(texts) if not _readable_date(text)), min(texts, default=""))
    raise ToolRejected(
        f"column {column!r} does not hold dates written in one way, for example {example!r}; YYYY-MM-DD would be right",
        code="not_dates",
    )


def _iso(text: str) -> datetime:
    if text.isdigit() and len(text) == 8:
        raise ValueError(text)
    return datetime.fromisoformat(text.strip())


def _format_parser(form: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text.strip(), form)


def _readable_date(text: str) -> bool:
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True
