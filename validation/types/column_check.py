"""Arguments that name columns: `x-column-of` and `x-column-type` against the tables' schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from dagwright.model import JsonSchema
from dagwright.tool import ContentRule, JoinRule, ToolSpec
from validation.types.rule import Call
from validation.types.schema import pointer_of, subschemas
from validation.types.table import ColumnKind, Rows, column_kind

_FITTING: dict[str, frozenset[ColumnKind]] = {
    "numeric": frozenset(("numeric", "unknown")),
    "text": frozenset(("text", "time", "unknown")),
    "time": frozenset(("time", "unknown")),
    "boolean": frozenset(("boolean", "unknown")),
}


@dataclass(frozen=True, kw_only=True)
class ColumnProblem:
    """A name in an argument that its table hasn't, or whose column has the wrong type."""

    argument: str
    """Argument that holds the name."""
    path: str
    """JSON Pointer of the name inside the argument's value; for the key of an object, of its member."""
    name: str
    """The name as given."""
    of: str
    """Argument that is the table (or the file)."""
    reason: Literal["missing", "type", "table"]
    """`missing`: no such column; `type`: a column of the wrong type; `table`: no such table in the file."""
    possible: tuple[str, ...]
    """Names that would be right, in the table's order."""
    message: str
    """What is wrong and what would be right."""


def column_problems(
    spec: ToolSpec, arguments: Mapping[str, JsonSchema], literals: Mapping[str, JsonValue]
) -> list[ColumnProblem]:
    """Gives every column (and table of a file) that a constant names and that certainly isn't there.

    What isn't known (a name that only a run will tell, a table without declared columns) is no problem.
    """
    call = Call(spec, arguments, literals)
    found: list[ColumnProblem] = []
    declared = spec.input_schema.get("properties")
    for argument, schema in declared.items() if isinstance(declared, dict) else ():
        if not isinstance(schema, dict) or "x-column-of" not in schema:
            continue
        wanted = schema.get("x-column-type")
        for table in _tables(spec, argument, schema):
            rows = call.rows(table)
            if rows is not None:
                kind = wanted if isinstance(wanted, str) else None
                found.extend(_in_table(argument, table, rows, kind, _names(call, argument)))
    found.extend(_in_files(call))
    return found


def _tables(spec: ToolSpec, argument: str, schema: JsonSchema) -> list[str]:
    named = schema.get("x-column-of")
    if not isinstance(named, str):
        return []
    joins = [rule for rule in spec.output_rules.values() if isinstance(rule, JoinRule) and rule.on == argument]
    return list(dict.fromkeys((named, *(table for rule in joins for table in (rule.left, rule.right)))))


def _names(call: Call, argument: str) -> Iterator[tuple[str, str]]:
    """Gives (pointer, name) of each column that a constant names, also inside lists that are partly known."""
    value = call.literals.get(argument, call.arguments.get(argument, {}).get("const"))
    if isinstance(value, str):
        yield "", value
    elif isinstance(value, list):
        yield from ((pointer_of(index), item) for index, item in enumerate(value) if isinstance(item, str))
    elif isinstance(value, dict):
        yield from ((pointer_of(key), key) for key in value)
    else:
        for index, item in enumerate(subschemas(call.arguments.get(argument, {}).get("prefixItems"))):
            constant = item.get("const")
            if isinstance(constant, str):
                yield pointer_of(index), constant


def _in_table(
    argument: str, table: str, rows: Rows, kind: str | None, names: Iterator[tuple[str, str]]
) -> Iterator[ColumnProblem]:
    fitting = _FITTING.get(kind or "")
    for path, name in names:
        schema = rows.columns.get(name)
        missing = schema is None and not rows.is_open
        wrong = schema is not None and fitting is not None and column_kind(schema) not in fitting
        if not missing and not wrong:
            continue
        possible = tuple(
            other for other, found in rows.columns.items() if fitting is None or column_kind(found) in fitting
        )
        listed = ", ".join(map(repr, possible)) or "none"
        sort = f"{kind} columns" if fitting is not None else "columns"
        problem = "isn't one of its columns" if missing else f"isn't a {kind} column but {column_kind(schema or {})}"
        yield ColumnProblem(
            argument=argument,
            path=path,
            name=name,
            of=table,
            reason="missing" if missing else "type",
            possible=possible,
            message=f"argument {argument!r} names column {name!r} of {table!r}, which {problem}; its {sort}: {listed}",
        )


def _in_files(call: Call) -> Iterator[ColumnProblem]:
    for rule in call.spec.output_rules.values():
        if not isinstance(rule, ContentRule) or rule.key is None:
            continue
        contents = call.arguments.get(rule.of, {}).get("x-contents")
        name = call.text(rule.key)
        if not isinstance(contents, dict) or name is None or name in contents:
            continue
        listed = ", ".join(map(repr, contents)) or "none"
        yield ColumnProblem(
            argument=rule.key,
            path="",
            name=name,
            of=rule.of,
            reason="table",
            possible=tuple(contents),
            message=f"argument {rule.key!r} names table {name!r} of {rule.of!r}, which it hasn't; its tables: {listed}",
        )
