"""Contracts of what chooses, makes and changes columns."""

from __future__ import annotations

from dagwright.tool import AddRule, CastRule, DropRule, RenameRule, SelectRule
from executor.toolchest.contract import NUMBER_OR_NOTHING, choice, column, columns, described, new_column, table
from executor.toolchest.data.spec import ROWS, operation

_OPERATORS = ("+", "-", "*", "/")

CHANGING = (
    operation(
        "select_columns",
        "columns",
        "Keep only the columns named, in that order.",
        {"table": table(), "columns": columns("Columns that stay.")},
        ROWS,
        rules={"table": SelectRule(of="table", columns="columns")},
    ),
    operation(
        "drop_columns",
        "columns",
        "Remove the columns named.",
        {"table": table(), "columns": columns("Columns that go.")},
        ROWS,
        rules={"table": DropRule(of="table", columns="columns")},
        cues=("drop", "remove", "column"),
    ),
    operation(
        "rename_columns",
        "columns",
        'Rename columns, {"old name": "new name"}.',
        {
            "table": table(),
            "mapping": described(
                {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}},
                "New names by old ones.",
                **{"x-column-of": "table"},
            ),
        },
        ROWS,
        rules={"table": RenameRule(of="table", mapping="mapping")},
        cues=("rename", "renamed", "call"),
    ),
    operation(
        "cast_columns",
        "columns",
        'Change (cast) the types of columns, {"age": "integer"}. An empty mapping {} changes nothing.',
        {
            "table": table(),
            "types": described(
                {
                    "type": "object",
                    "additionalProperties": {
                        "type": "string",
                        "enum": ["integer", "number", "string", "boolean", "date"],
                    },
                },
                "Types by column.",
                **{"x-column-of": "table"},
            ),
        },
        ROWS,
        rules={"table": CastRule(of="table", types="types")},
        cues=("cast", "convert", "type"),
    ),
    operation(
        "combine_columns",
        "columns",
        "Add a column calculated from two numeric columns (left op right). Dividing by zero gives null.",
        {
            "table": table(),
            "left": column("First column.", kind="numeric"),
            "op": choice("What is calculated.", *_OPERATORS),
            "right": column("Second column.", kind="numeric"),
            "name": new_column(),
        },
        ROWS,
        rules={"table": AddRule.model_validate({"of": "table", "column": "name", "schema": NUMBER_OR_NOTHING})},
        cues=(
            "times",
            "plus",
            "minus",
            "subtract",
            "ratio",
            "difference",
            "product",
            "multiply",
            "multiplied",
            "divide",
            "divided",
            "add",
            "combine",
            "combined",
            "sum",
        ),
    ),
    operation(
        "scale_column",
        "columns",
        "Add a column calculated from a numeric column and one number (column op number).",
        {
            "table": table(),
            "column": column("Column to calculate with.", kind="numeric"),
            "op": choice("What is calculated.", *_OPERATORS),
            "number": described({"type": "number"}, "The number."),
            "name": new_column(),
        },
        ROWS,
        rules={"table": AddRule.model_validate({"of": "table", "column": "name", "schema": NUMBER_OR_NOTHING})},
        cues=(
            "times",
            "percent",
            "percentage",
            "multiply",
            "multiplied",
            "divide",
            "divided",
            "add",
            "plus",
            "minus",
            "convert",
            "increase",
            "reduce",
            "discount",
            "half",
            "double",
            "twice",
        ),
    ),
    operation(
        "bin_column",
        "columns",
        "Add a text column that puts a numeric column into named ranges. With edges [13, 20], below 13 is the "
        "first label, from 13 to below 20 the second, from 20 the third: one label more than edges.",
        {
            "table": table(),
            "column": column("Column to put into ranges.", kind="numeric"),
            "edges": described({"type": "array", "items": {"type": "number"}, "minItems": 1}, "Where ranges begin."),
            "labels": described({"type": "array", "items": {"type": "string"}, "minItems": 2}, "Names of the ranges."),
            "name": new_column(),
        },
        ROWS,
        rules={
            "table": AddRule.model_validate({"of": "table", "column": "name", "schema": {"type": ["string", "null"]}})
        },
        cues=("bin", "range", "bucket", "band", "group", "categorise", "categorize"),
    ),
    operation(
        "date_part",
        "columns",
        "Add a column with a part of a date or time column. Monday is weekday 1.",
        {
            "table": table(),
            "column": column("Column with dates or times."),
            "part": choice("Which part.", "year", "month", "day", "weekday", "hour"),
            "name": new_column(),
        },
        ROWS,
        rules={
            "table": AddRule.model_validate({"of": "table", "column": "name", "schema": {"type": ["integer", "null"]}})
        },
        cues=("year", "month", "day", "weekday", "hour", "date", "monthly", "yearly", "daily", "when"),
    ),
    operation(
        "fill_missing",
        "columns",
        "Replace the missing values of a numeric column by a number.",
        {
            "table": table(),
            "column": column("Column to fill.", kind="numeric"),
            "number": described({"type": "number"}, "What stands for missing values."),
        },
        ROWS,
        rules={"table": AddRule.model_validate({"of": "table", "column": "column", "schema": {"type": "number"}})},
        cues=("fill", "replace", "impute", "missing"),
    ),
)
