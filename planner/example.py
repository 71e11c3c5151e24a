"""`Example`: a goal over tables of its own with the calls that reach it, as in `planner/examples/*.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, cached_property
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import JsonValue

from dagwright.exceptions import ContentError
from dagwright.model import Frozen, JsonSchema

ColumnType = Literal["text", "date", "integer", "number"] | tuple[str, ...]
"""What a column holds; a tuple lists its values."""
Columns = Mapping[str, ColumnType]
"""Types by column."""

COLUMNS = 3
"""Columns of an example's table that are shown, where its calls need no more of them."""

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TYPES: Mapping[str, JsonSchema] = {
    "text": {"type": "string"},
    "date": {"type": "string", "format": "date"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
}


class Example(Frozen):
    """A goal and a plan for it."""

    goal: str
    """What is wanted, in a person's words."""
    inputs: dict[str, dict[str, ColumnType]]
    """Columns of the tables that it is about, by name."""
    plan: tuple[str, ...]
    """The calls, the last of them `answer(…)`."""

    @cached_property
    def operations(self) -> frozenset[str]:
        """The operations that its calls name."""
        return frozenset(line.partition("(")[0] for line in self.plan[:-1])

    def pruned(self) -> Example:
        """Gives it with those columns that its calls name, and as few others as make `COLUMNS` of a table."""
        return self.model_copy(update={"inputs": {name: self._kept(columns) for name, columns in self.inputs.items()}})

    def _kept(self, columns: dict[str, ColumnType]) -> dict[str, ColumnType]:
        used = {name for name in columns if any(f'"{name}"' in line for line in self.plan)}
        others = [name for name in columns if name not in used]
        kept = used.union(others[: max(COLUMNS - len(used), 0)])
        return {name: column for name, column in columns.items() if name in kept}

    def schemas(self) -> dict[str, JsonSchema]:
        """Gives the schema of each table, as reading a file gives it."""
        return {name: _table(columns) for name, columns in self.inputs.items()}


@cache
def examples() -> tuple[Example, ...]:
    """Gives all examples that come with the planner.

    Raises:
        ContentError: a file names a table that it does not describe.
    """
    folder = files("planner") / "examples"
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    return tuple(example for file in found for example in _read(file.read_text(encoding="utf-8"), file.name))


def _read(text: str, name: str) -> list[Example]:
    content = yaml.load(text, Loader=_LOADER)  # noqa: S506
    tables = content["tables"]
    missing = {table for one in content["examples"] for table in one["inputs"]} - tables.keys()
    if missing:
        raise ContentError(f"{name}: no table is called {', '.join(sorted(missing))}; there are {', '.join(tables)}")
    return [
        Example(
            goal=one["goal"],
            inputs={table: tables[table] for table in one["inputs"]},
            plan=tuple(line.strip() for line in one["plan"].strip().splitlines()),
        )
        for one in content["examples"]
    ]


def _table(columns: Columns) -> JsonSchema:
    properties: dict[str, JsonValue] = {name: _column(column) for name, column in columns.items()}
    row: JsonSchema = {"type": "object", "properties": properties, "required": list(columns)}
    return {"type": "array", "items": {**row, "additionalProperties": False}}


def _column(column: ColumnType) -> JsonSchema:
    return {"type": "string", "enum": list(column)} if isinstance(column, tuple) else _TYPES[column]


def outline(goal: str, names: frozenset[str], values: frozenset[str]) -> str:
    """Gives a goal with what belongs to its tables left out, so that goals over different tables compare.

    Args:
        goal: what is wanted.
        names: words of the names of tables and columns, in lower case; they become `COLUMN`.
        values: words of the values of columns, in lower case; they become `VALUE`, and numbers `NUMBER`.
    """
    stems = frozenset(map(_stem, names))

    def placed(found: re.Match[str]) -> str:
        word = found.group().lower()
        if word in values:
            return "VALUE"
        if len(word) > 2 and _stem(word) in stems:
            return "COLUMN"
        return "NUMBER" if word.replace(".", "").isdigit() else found.group()

    return re.sub(r"[\w.]*\w", placed, goal)


def _stem(word: str) -> str:
    return re.sub(r"(?:ies|es|s|ed|ing)$", "", word)[:6]
