"""Tables: arrays of row objects, whose `items.properties` are the columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from dagwright.model import JsonSchema
from validation.types.schema import (
    base_of,
    constants,
    is_nullable,
    named_schemas,
    or_null,
    referred,
    standalone,
    subschema,
    subschemas,
    type_of,
    types_of,
    words,
)

ColumnKind = Literal["numeric", "text", "time", "boolean", "unknown"]

_KINDS: dict[str, ColumnKind] = {
    "integer": "numeric",
    "number": "numeric",
    "string": "text",
    "boolean": "boolean",
}
_TIMES = frozenset(("date", "date-time", "time"))
_DEPTH = 8
_MOST_LITERAL_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    schema: JsonSchema
    """Schema of its values."""
    kind: ColumnKind
    """What can be done with it."""
    categories: tuple[JsonValue, ...] = ()
    """Its possible values, null left out, where the schema lists them."""
    nullable: bool = False
    """Whether values may be missing."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The columns of a table, in order, apart from how a schema writes them."""

    columns: dict[str, JsonSchema]
    """Schema per declared column."""
    optional: frozenset[str] = frozenset()
    """Columns that need not be there."""
    is_open: bool = False
    """Whether there may be columns that aren't declared."""

    def row(self) -> JsonSchema:
        """Gives the schema of one row."""
        required: list[JsonValue] = [name for name in self.columns if name not in self.optional]
        row: JsonSchema = {"type": "object", "properties": dict(self.columns), "required": required}
        if not self.is_open:
            row["additionalProperties"] = False
        return row

    def table(self) -> JsonSchema:
        """Gives the schema of the table."""
        return {"type": "array", "items": self.row()}

    def value(self, name: str) -> JsonSchema:
        """Gives the schema of a column's values; where the column may be absent, null is one of them."""
        schema = self.columns.get(name, {})
        return or_null(schema) if name in self.optional else schema

    def having(self, columns: dict[str, JsonSchema]) -> Rows:
        """Gives the same table with other columns; a column that is new is always there."""
        return Rows(columns, self.optional & columns.keys() if self.optional else self.optional, self.is_open)


def column_kind(schema: JsonSchema) -> ColumnKind:
    """Gives what can be done with values of this schema; null among them doesn't matter."""
    types = types_of(schema)
    if types is not None:
        kinds: set[ColumnKind] = {_KINDS.get(name, "unknown") for name in types if name != "null"}
        kind: ColumnKind = kinds.pop() if len(kinds) == 1 else "unknown"
        return "time" if kind == "text" and schema.get("format") in _TIMES else kind
    branches = [*subschemas(schema.get("anyOf")), *subschemas(schema.get("oneOf"))]
    found: set[ColumnKind] = {column_kind(branch) for branch in branches if types_of(branch) != frozenset(("null",))}
    return found.pop() if len(found) == 1 else "unknown"


def columns(schema: JsonSchema) -> tuple[Column, ...] | None:
    """Gives the columns of a table in order; None where the schema isn't that of a table or declares none."""
    rows = rows_of(schema)
    if rows is None or (rows.is_open and not rows.columns):
        return None
    return tuple(_column(name, found, name in rows.optional) for name, found in rows.columns.items())


def _column(name: str, schema: JsonSchema, optional: bool) -> Column:
    listed = constants(schema) or ()
    categories = tuple(value for value in listed if value is not None)
    return Column(name, schema, column_kind(schema), categories, optional or is_nullable(schema))


def rows_of(schema: JsonSchema) -> Rows | None:
    """Gives the rows of a table schema, through references and unions with null; None if it's no table.

    An array of objects of which nothing is declared is a table, open and without known columns.
    """
    array, base = _typed(schema, schema, "array")
    if array is None:
        return None
    if isinstance(array.get("const"), list):
        return _literal_rows(array["const"])
    if "prefixItems" in array or "items" not in array:
        return None
    row, base = _typed(subschema(array["items"]), base, "object")
    if row is None or "const" in row:
        return None
    declared = named_schemas(row, "properties")
    if "$defs" in base or "definitions" in base:
        declared = {name: standalone(found, base) for name, found in declared.items()}
    is_open = row.get("additionalProperties", True) is not False or bool(row.get("patternProperties"))
    optional = declared.keys() - set(words(row.get("required")))
    return Rows(declared, frozenset(optional), is_open)


def _typed(
    schema: JsonSchema, base: JsonSchema, wanted: str, depth: int = _DEPTH
) -> tuple[JsonSchema | None, JsonSchema]:
    base = base_of(schema, base)
    if depth and "$ref" in schema:
        return _typed(referred(schema["$ref"], base) or {}, base, wanted, depth - 1)
    types = types_of(schema)
    if types is not None:
        return (schema if types - {"null"} == frozenset((wanted,)) else None), base
    if wanted == "object" and "properties" in schema:
        return schema, base
    branches = [*subschemas(schema.get("anyOf")), *subschemas(schema.get("oneOf"))]
    fitting = [branch for branch in branches if types_of(branch) != frozenset(("null",))]
    return _typed(fitting[0], base, wanted, depth - 1) if depth and len(fitting) == 1 else (None, base)


def _literal_rows(value: JsonValue) -> Rows | None:
    if not isinstance(value, list):
        return None
    rows = [row for row in value[:_MOST_LITERAL_ROWS] if isinstance(row, dict)]
    if not rows or len(rows) < len(value):
        return None
    names = dict.fromkeys(name for row in rows for name in row)
    schemas = {name: _widened(row[name] for row in rows if name in row) for name in names}
    return Rows(schemas, frozenset(name for name in names if any(name not in row for row in rows)))


def _widened(values: Iterable[JsonValue]) -> JsonSchema:
    types = list(dict.fromkeys(map(type_of, values)))
    if "number" in types and "integer" in types:
        types.remove("integer")
    return {"type": types[0]} if len(types) == 1 else {"type": list(types)}
