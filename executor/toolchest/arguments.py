"""`Arguments`: the checked arguments of one call, read as what they are."""

from __future__ import annotations

from typing import cast

from pydantic import JsonValue

from dagwright.exceptions import ToolRejected
from executor.toolchest.tables import Table, header, require_columns

Outputs = dict[str, JsonValue]
"""Named outputs of an operation."""


class Arguments:
    """Arguments that the guard has checked against the operation's input schema."""

    def __init__(self, given: dict[str, JsonValue]) -> None:
        self.given = given

    def table(self, name: str = "table", *, even: bool = False) -> Table:
        """Gives a table; the order in which its rows first name the columns is that of all rows.

        A column that a row leaves out, as rows from elsewhere may, is null there; `even` refuses such a table.

        Raises:
            ToolRejected: `not_a_table`: rows have different columns.
        """
        rows = cast("Table", self.given[name])
        differ = bool(rows) and any(row.keys() != rows[0].keys() for row in rows)
        if differ and even:
            raise ToolRejected(f"the rows of {name!r} do not all have the same columns", code="not_a_table")
        order = list(dict.fromkeys(column for row in rows for column in row)) if differ else header(rows)
        return [row if list(row) == order else {column: row.get(column) for column in order} for row in rows]

    def rows(self, name: str = "table") -> Table:
        """Gives a table whose rows must not be none.

        Raises:
            ToolRejected: `empty_table`.
        """
        found = self.table(name)
        if not found:
            raise ToolRejected(f"{name!r} has no rows", code="empty_table")
        return found

    def column(self, name: str = "column", *, of: str = "table") -> str:
        """Gives the name of a column that table `of` has.

        Raises:
            ToolRejected: `missing_column`.
        """
        found = self.text(name)
        require_columns(self.table(of), [found])
        return found

    def columns(self, name: str = "columns", *, of: str = "table") -> list[str]:
        """Gives names of columns that table `of` has; none where the argument is absent.

        Raises:
            ToolRejected: `missing_column`.
        """
        found = self.texts(name)
        require_columns(self.table(of), found)
        return found

    def text(self, name: str, default: str = "") -> str:
        """Gives a text."""
        return cast("str", self.given.get(name, default))

    def texts(self, name: str) -> list[str]:
        """Gives a list of texts; none where the argument is absent."""
        return cast("list[str]", self.given.get(name) or [])

    def mapping(self, name: str) -> dict[str, str]:
        """Gives an object of texts."""
        return cast("dict[str, str]", self.given[name])

    def number(self, name: str) -> float:
        """Gives a number."""
        return cast("float", self.given[name])

    def integer(self, name: str, default: int = 0) -> int:
        """Gives a whole number."""
        return int(cast("int", self.given.get(name, default)))

    def flag(self, name: str) -> bool:
        """Gives a boolean; false where the argument is absent."""
        return bool(self.given.get(name))

    def value(self, name: str) -> JsonValue:
        """Gives any value; null where the argument is absent."""
        return self.given.get(name)
