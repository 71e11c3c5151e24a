"""How operations and inputs are shown to a model: one line each, stable, in the order of the catalogue."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import cast

from dagwright.model import JsonSchema
from dagwright.tool import ToolSpec

MOST_COLUMNS = 24
"""Columns that are shown of a step's table."""
MOST_CATEGORIES = 8
"""Category values that are shown of a column."""


def words_of(specs: Iterable[ToolSpec]) -> dict[str, ToolSpec]:
    """Gives the operations by the shortest name that tells them apart."""
    listed = list(specs)
    count = Counter(spec.operation for spec in listed)
    return {spec.operation if count[spec.operation] == 1 else spec.name: spec for spec in listed}


def signature(word: str, spec: ToolSpec) -> str:
    """Gives e.g. `sort_rows(table, column, descending=false) -> table: Sort rows by a column.`."""
    properties = cast("dict[str, JsonSchema]", spec.input_schema.get("properties") or {})
    required = cast("list[str]", spec.input_schema.get("required") or [])
    parts = [_argument(name, properties.get(name, {})) for name in required]
    parts += [_argument(name, schema, optional=True) for name, schema in properties.items() if name not in required]
    outputs = cast("dict[str, JsonSchema]", spec.output_schema.get("properties") or {})
    return f"{word}({', '.join(parts)}) -> {', '.join(outputs)}: {first_sentence(spec.description)}"


def first_sentence(text: str) -> str:
    """Gives a text up to its first full stop."""
    return text.strip().split("\n", 1)[0].split(". ", 1)[0].rstrip(".") + "."


def _argument(name: str, schema: JsonSchema, *, optional: bool = False) -> str:
    values = schema.get("enum")
    shown = name
    if isinstance(values, list):
        shown += ":" + "|".join(json.dumps(value, ensure_ascii=False) for value in values)
    elif schema.get("x-column-of") and schema.get("type") == "array":
        shown += ":[column…]"
    elif schema.get("type") == "object" and schema.get("x-column-of"):
        shown += ":{column: …}"
    if optional:
        shown += f"={json.dumps(schema['default'])}" if "default" in schema else "=…"
    return shown


def described(name: str, schema: JsonSchema, source: str) -> str:
    """Gives one line about an input: a table's columns with types and categories, or a type."""
    from validation.types import columns

    found = columns(schema)
    origin = f" ({source})" if source else ""
    if found is None:
        return f"{name}{origin}: {_type(schema)}"
    shown: list[str] = []
    for column in found:
        kinds = column.kind
        if column.categories:
            values = [str(value) for value in column.categories[:MOST_CATEGORIES]]
            more = ", …" if len(column.categories) > MOST_CATEGORIES else ""
            kinds += f" {{{', '.join(values)}{more}}}"
        shown.append(f"{column.name} {kinds}")
    return f"{name}{origin}: table with columns {'; '.join(shown)}"


def header(schema: JsonSchema) -> str:
    """Gives the columns of a table as a comment, or nothing."""
    from validation.types import columns

    found = columns(schema)
    if found is None:
        return ""
    names = [column.name for column in found]
    more = [f"… ({len(names) - MOST_COLUMNS} more)"] if len(names) > MOST_COLUMNS else []
    return "  # columns: " + ", ".join([*names[:MOST_COLUMNS], *more])


def _type(schema: JsonSchema) -> str:
    kind = schema.get("type")
    return kind if isinstance(kind, str) else "any"
