"""Reads a PlanCompiler task's words and carries them out with pandas alone: the reference for `strict`.

The tasks spell their pipeline out, phrase after phrase ("filter rows where salary is greater than
50000"). A phrase that is none of the known ones makes the task unreadable; it is then left out of
`strict` and counted.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from dagwright.exceptions import InputError

if TYPE_CHECKING:
    import pandas as pd

    Change = Callable[[pd.DataFrame, re.Match[str]], pd.DataFrame]

LIST = r"\w+(?:, \w+)*,? and \w+|\w+(?:, \w+)+|\w+"
"""One name, `a and b`, `a, b, and c` or `a, b, c`."""

_START = re.compile(r"(?:Using an? \d+-node workflow,|Schema trap task \d+:) read ([\w.]+)", re.IGNORECASE)
_END = re.compile(r", (?:then )?export to ([\w.]*\w)\.?$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a task's output file should hold."""

    source: str
    """Name of the fixture that is read."""
    target: str
    """Name of the file that is written."""
    table: pd.DataFrame
    """Its content."""
    sorted_by: str | None
    """Column that its rows are in order of; None where their order is not asked for."""
    descending: bool = False


def expected_of(description: str, fixtures: Mapping[str, Path]) -> Expected | None:
    """Gives what a task should write; None where its words are not all understood.

    Raises:
        InputError: a fixture cannot be read.
    """
    start, end = _START.match(description), _END.search(description)
    if start is None or end is None or start.group(1) not in fixtures:
        return None
    table = read_table(fixtures[start.group(1)])
    sorted_by, descending = None, False
    rest = description[start.end() : end.start()]
    while rest:
        found = _phrase(rest)
        if found is None:
            return None
        match, change = found
        table = change(table, match)
        if "count" in match.re.groupindex:
            sorted_by = None
        if "sort" in match.re.groupindex:
            sorted_by, descending = match["sort"], match["way"].lower() == "descending"
        rest = rest[match.end() :]
    return Expected(source=start.group(1), target=end.group(1), table=table, sorted_by=sorted_by, descending=descending)


def _phrase(rest: str) -> tuple[re.Match[str], Change] | None:
    for pattern, change in _PHRASES:
        match = pattern.match(rest)
        if match is not None:
            return match, change
    return None


def read_table(path: Path, name: str | None = None) -> pd.DataFrame:
    """Gives the table in a CSV, JSON or SQLite file.

    Raises:
        InputError: it is not there, is no such file, or holds no table.
    """
    import pandas as pd

    try:
        if path.suffix == ".csv":
            return pd.read_csv(path)
        if path.suffix == ".json":
            return pd.DataFrame(cast("list[dict[str, object]]", json.loads(path.read_text(encoding="utf-8"))))
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            found = name or _only_table(database)
            rows = database.execute(f'SELECT * FROM "{found}"')  # noqa: S608 - a name out of the file itself
            return pd.DataFrame(rows.fetchall(), columns=[column[0] for column in rows.description])
    except (OSError, ValueError, sqlite3.Error) as error:
        raise InputError(f"{path.name!r} holds no table: {error}") from error


def _only_table(database: sqlite3.Connection) -> str:
    names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    if not names:
        raise ValueError("the database has no table")
    return str(names[0][0])


def _unchanged(table: pd.DataFrame, _: re.Match[str]) -> pd.DataFrame:
    return table


def _without_nulls(table: pd.DataFrame, _: re.Match[str]) -> pd.DataFrame:
    return table.dropna()


def _without_duplicates(table: pd.DataFrame, _: re.Match[str]) -> pd.DataFrame:
    return table.drop_duplicates()


def _filtered(table: pd.DataFrame, match: re.Match[str]) -> pd.DataFrame:
    column, comparison, word = table[match["column"]], match["op"], match["value"].strip("'\"")
    if comparison == "equals" and not re.fullmatch(r"-?[\d.]+", word):
        return table[column.astype(str) == word]
    number = float(word)
    kept = {"greater than": column > number, "less than": column < number, "equals": column == number}
    return table[kept[comparison.removeprefix("is ")]]


def _selected(table: pd.DataFrame, match: re.Match[str]) -> pd.DataFrame:
    return table[re.findall(r"\b(?!and\b)\w+", match["names"])]


def _sorted(table: pd.DataFrame, match: re.Match[str]) -> pd.DataFrame:
    return table.sort_values(match["sort"], ascending=match["way"].lower() == "ascending", kind="stable")


def _counted(table: pd.DataFrame, match: re.Match[str]) -> pd.DataFrame:
    return table.groupby(match["by"]).size().reset_index(name="count")


_KNOWN: tuple[tuple[str, Change], ...] = (
    (r"drop null values", _without_nulls),
    (r"remove duplicate rows", _without_duplicates),
    (r"validate (?:the )?schema", _unchanged),
    (r"log the intermediate data", _unchanged),
    (r"cast column types using an empty mapping", _unchanged),
    (r"apply a data transformation with no operations", _unchanged),
    (r"store into a SQLite database called [\w.]+ in table \w+", _unchanged),
    (r"run a SQL query to retrieve all rows", _unchanged),
    (r"filter rows where (?P<column>\w+) (?P<op>is greater than|is less than|equals) (?P<value>[^,]+)", _filtered),
    (r"sort by (?P<sort>\w+) (?P<way>ascending|descending)", _sorted),
    (r"group by (?P<by>\w+) and (?P<count>count) \w+", _counted),
    (rf"select (?:only )?(?P<names>{LIST})(?=$|, (?:drop|remove|sort|group|store|cast|log|filter|run))", _selected),
)
_PHRASES: tuple[tuple[re.Pattern[str], Change], ...] = tuple(
    (re.compile(rf", (?:then )?{phrase}(?=$|,)", re.IGNORECASE), change) for phrase, change in _KNOWN
)
