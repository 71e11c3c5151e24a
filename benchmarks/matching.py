"""When a value, a row or a table is the expected one. Deterministic, no model judges."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import cast

from pydantic import JsonValue

RELATIVE = 1e-3
"""Relative difference up to which two fractions are one number."""
ROUNDING = 0.005
"""Absolute difference up to which they are: two decimals."""
FILE_KEYS = {"path", "sha256", "bytes", "media_type"}
"""Members of the description of a file, which answers nothing by itself."""

Row = Mapping[str, JsonValue]
Cells = Sequence[JsonValue]


def number_of(value: JsonValue) -> float | None:
    """Gives a number, also one written as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def same_number(found: float, expected: float) -> bool:
    """Whether a number is the expected one: whole numbers exactly, fractions within rounding."""
    if isinstance(expected, int):
        return found == expected
    return abs(found - expected) <= max(RELATIVE * abs(expected), min(ROUNDING, abs(expected) / 10))


def same_cell(found: JsonValue, expected: JsonValue) -> bool:
    """Whether a cell is the expected one; dates may carry a midnight."""
    if expected is None or found is None:
        return found is None and expected is None
    if isinstance(expected, int | float) and not isinstance(expected, bool):
        number = number_of(found)
        return number is not None and same_number(number, expected)
    return _plain(found) == _plain(expected)


def is_file(value: JsonValue) -> bool:
    """Whether a value describes a file."""
    return isinstance(value, dict) and set(value) >= FILE_KEYS


def table_in(value: JsonValue) -> list[Row] | None:
    """Gives a value as a table, or None where it is none."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return cast("list[Row]", value)
    return None


def claims(value: JsonValue, *, winner: bool) -> Iterator[JsonValue]:
    """Gives the single values that an answer claims.

    A scalar claims itself, a row its cells, a list or table only what it has when it has one entry.
    With `winner`, a table of several rows claims the cells of its first row, if some other column
    has the rows in order: whoever sorted them by it put the winner first.
    """
    table = table_in(value)
    if is_file(value) or value is None:
        return
    if table is not None:
        first, ordered = table[0], ordered_columns(table)
        for name, cell in first.items():
            if len(table) == 1 or (winner and ordered - {name}):
                yield from claims(cell, winner=False)
    elif isinstance(value, dict):
        for cell in value.values():
            yield from claims(cell, winner=False)
    elif isinstance(value, list):
        yield from claims(value[0], winner=False) if len(value) == 1 else ()
    else:
        yield value


def ordered_columns(table: Sequence[Row]) -> set[str]:
    """Gives the numeric columns whose values rise or fall all along, first and last different."""
    found: set[str] = set()
    for name in table[0]:
        numbers = [row.get(name) for row in table if row.get(name) is not None]
        plain = [float(value) for value in numbers if isinstance(value, int | float) and not isinstance(value, bool)]
        if len(plain) == len(numbers) > 1 and plain[0] != plain[-1] and plain in (sorted(plain), sorted(plain)[::-1]):
            found.add(name)
    return found


def same_table(found: Sequence[Row], expected: Sequence[Cells], *, ordered: bool) -> bool:
    """Whether a table has exactly the expected rows under some choice of its columns, further columns aside."""
    if len(found) != len(expected):
        return False
    if not expected:
        return True
    candidates = [_columns_like(found, [row[at] for row in expected]) for at in range(len(expected[0]))]
    names = list(dict.fromkeys(name for column in candidates for name in column))
    for chosen in permutations(names, len(candidates)):
        if all(name in column for name, column in zip(chosen, candidates, strict=True)):
            projected = [[row.get(name) for name in chosen] for row in found]
            if same_rows(projected, expected, ordered=ordered):
                return True
    return False


def same_rows(found: Sequence[Cells], expected: Sequence[Cells], *, ordered: bool) -> bool:
    """Whether rows are the expected ones, in the expected order where that counts."""
    if len(found) != len(expected):
        return False
    if ordered:
        return all(_same_row(ours, theirs) for ours, theirs in zip(found, expected, strict=True))
    left = list(found)
    for row in expected:
        at = next((index for index, ours in enumerate(left) if _same_row(ours, row)), None)
        if at is None:
            return False
        left.pop(at)
    return True


def unpivoted(table: Sequence[Row], index: str) -> list[Row]:
    """Gives a cross table as rows of index, column and value; empty cells are no rows."""
    return [
        {"index": row.get(index), "column": name, "value": value}
        for row in table
        for name, value in row.items()
        if name != index and value is not None
    ]


def numbers_in(text: str) -> list[float]:
    """Gives all numbers of a text; 1,234.5 is one."""
    found = re.findall(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", text)
    return [float(word.replace(",", "")) for word in found]


def _columns_like(found: Sequence[Row], expected: Cells) -> list[str]:
    wanted = [[cell] for cell in expected]
    return [name for name in found[0] if same_rows([[row.get(name)] for row in found], wanted, ordered=False)]


def _same_row(found: Cells, expected: Cells) -> bool:
    return all(same_cell(ours, theirs) for ours, theirs in zip(found, expected, strict=True))


def _plain(value: JsonValue) -> str:
    return re.sub(r"[T ]00:00:00(\.0+)?$", "", str(value)).strip().casefold()
