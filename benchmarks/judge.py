"""The judge of the demo goals: looks for the expected values in an answer and in the files of its run."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import assert_never, cast

from pydantic import JsonValue

from benchmarks.goal import (
    Check,
    DemoGoal,
    FileCheck,
    NumberCheck,
    PictureCheck,
    ReportCheck,
    TableCheck,
    WordCheck,
)
from benchmarks.matching import (
    Row,
    claims,
    is_file,
    number_of,
    numbers_in,
    same_number,
    same_table,
    table_in,
    unpivoted,
)

SPARE = 2
"""Values that an answer may name beyond those asked for; one that names more is a heap, not an answer."""
PNG = b"\x89PNG\r\n\x1a\n"
SMALLEST = 100
"""Pixels that a chart has at least along each side."""

Answer = Mapping[str, JsonValue]


def faults(goal: DemoGoal, answer: Answer, files: Path) -> tuple[str, ...]:
    """Gives what is wrong with an answer; nothing means that it is right.

    Args:
        goal: the goal with its checks.
        answer: named values, as in an outcome.
        files: folder of the files that the run wrote.
    """
    asked = sum(isinstance(check, NumberCheck | WordCheck | TableCheck) for check in goal.expected)
    named = [value for value in answer.values() if not is_file(value)]
    found = [fault for check in goal.expected if (fault := _fault(check, named, files))]
    if asked and len(named) > asked + SPARE:
        found.append(f"the answer names {len(named)} values where {asked} were asked for")
    return tuple(found)


def _fault(check: Check, answer: list[JsonValue], files: Path) -> str:
    match check:
        case NumberCheck():
            said = (number_of(claim) for value in answer for claim in claims(value, winner=check.winner))
            hit = any(number is not None and same_number(number, check.value) for number in said)
        case WordCheck():
            said = (claim for value in answer for claim in claims(value, winner=True))
            hit = any(isinstance(word, str) and word.strip().casefold() == check.value.casefold() for word in said)
        case TableCheck():
            tables = [table for value in answer if (table := table_in(value)) is not None]
            hit = any(_same(table, check) for table in tables)
        case FileCheck():
            return _file_fault(check, files / check.path)
        case PictureCheck():
            return _picture_fault(files / check.path)
        case ReportCheck():
            return _report_fault(check, files / check.path)
        case _:
            assert_never(check)
    return "" if hit else f"no value of the answer is the expected {check.kind}"


def _same(table: list[Row], check: TableCheck) -> bool:
    if same_table(table, check.rows, ordered=check.ordered):
        return True
    cross = len(check.rows[0]) == 3 and not check.ordered
    return cross and any(same_table(unpivoted(table, name), check.rows, ordered=False) for name in table[0])


def _file_fault(check: FileCheck, path: Path) -> str:
    if not path.is_file():
        return f"file {check.path!r} was not written"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [cast("Row", {name: cell or None for name, cell in row.items() if name}) for row in csv.DictReader(file)]
    missing = [name for name in check.columns if not rows or name not in rows[0]]
    if missing:
        return f"file {check.path!r} has no column {', '.join(missing)}"
    return "" if same_table(rows, check.rows, ordered=check.ordered) else f"file {check.path!r} has other rows"


def _picture_fault(path: Path) -> str:
    if not path.is_file():
        return f"picture {path.name!r} was not written"
    head = path.read_bytes()[:24]
    sides = [int.from_bytes(head[at : at + 4], "big") for at in (16, 20)]
    return "" if head.startswith(PNG) and min(sides) >= SMALLEST else f"{path.name!r} is not a PNG picture of a chart"


def _report_fault(check: ReportCheck, path: Path) -> str:
    if not path.is_file():
        return f"report {check.path!r} was not written"
    text = path.read_text(encoding="utf-8")
    missing = ", ".join(_unmentioned(check, text))
    return f"report {check.path!r} does not mention {missing}" if missing else ""


def _unmentioned(check: ReportCheck, text: str) -> Iterator[str]:
    numbers = numbers_in(text)
    for wanted in check.mentions:
        if isinstance(wanted, str):
            found = wanted.casefold() in text.casefold()
        else:
            found = any(same_number(number, wanted) for number in numbers)
        if not found:
            yield repr(wanted)
