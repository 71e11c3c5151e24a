"""Contracts of what chooses, orders and joins rows."""

from __future__ import annotations

from pydantic import JsonValue

from dagwright.tool import JoinRule, SameRule
from executor.toolchest.contract import choice, column, columns, described, table
from executor.toolchest.data.spec import ROWS, SAME, operation

_DIRECTIONS: dict[str, JsonValue] = {
    "true": [
        *("highest", "most", "largest", "biggest", "greatest", "longest", "heaviest", "tallest", "busiest"),
        *("hottest", "warmest", "strongest", "farthest", "furthest", "deepest", "widest", "thickest", "top"),
        *("maximum", "latest", "descending", "priciest", "dearest"),
    ],
    "false": [
        *("lowest", "least", "smallest", "fewest", "shortest", "lightest", "cheapest", "coldest", "coolest"),
        *("weakest", "nearest", "closest", "thinnest", "quietest", "bottom", "minimum", "earliest", "ascending"),
        *("alphabetical", "alphabetically"),
    ],
}
"""Words by which a goal says what stands first; those that mean either (`best`, `worst`, `oldest`) are left out."""

_LEAVING_OUT = (
    *("leave out", "leaves out", "leaving out", "left out", "exclude", "excluded", "excluding", "ignore", "ignoring"),
    *("ignored", "skip", "skipping", "disregard", "disregarded", "disregarding", "remove", "removing", "discard"),
    *("we know", "is known", "are known", "do have", "does have", "is given", "are given", "was recorded"),
    *("were recorded", "is available", "are available", "set aside", "setting aside", "omit", "omitted", "omitting"),
    *("don't count", "do not count", "not counting", "aren't counted", "are not counted", "filter out", "throw out"),
)
"""Words by which a goal asks that rows of which something is missing are left out."""

CHOOSING = (
    operation(
        "filter_rows",
        "rows",
        "Keep the rows where a column compares with a value. Rows where the column is missing are left out.",
        {
            "table": table(),
            "column": column("Column that is compared."),
            "op": choice("Comparison.", "==", "!=", ">", ">=", "<", "<=", "in", "not_in", "contains"),
            "value": described(
                {"type": ["number", "string", "boolean", "array"]},
                "What it is compared with; a list for in and not_in.",
                **{"x-value-of": "column"},
            ),
        },
        ROWS,
        rules=SAME,
    ),
    operation(
        "filter_outliers",
        "statistics",
        "Keep the outliers of a numeric column, or with keep others all rows but them. "
        "Method iqr: beyond 1.5 interquartile ranges; zscore: more than 3 standard deviations from the mean.",
        {
            "table": table(),
            "column": column("Column that is looked at.", kind="numeric"),
            "method": choice("How outliers are found.", "iqr", "zscore"),
            "keep": {**choice("Which rows stay.", "outliers", "others"), "default": "outliers"},
            "limit": described(
                {"type": "number", "exclusiveMinimum": 0}, "Instead of 1.5 interquartile ranges or 3 deviations."
            ),
        },
        ROWS,
        optional=("keep", "limit"),
        rules=SAME,
        cues=("outlier", "iqr", "zscore", "z-score"),
    ),
    operation(
        "drop_missing",
        "rows",
        "Drop the rows with null (missing) values, in any column or only in the columns named.",
        {"table": table(), "columns": columns("Columns that are looked at; all, if not given.")},
        ROWS,
        optional=("columns",),
        rules=SAME,
        cues=("drop", "dropping", "clean", "complete", "null", "nan", *_LEAVING_OUT),
    ),
    operation(
        "drop_duplicates",
        "rows",
        "Remove duplicate rows; the first of each stays. Compares all columns or only the columns named.",
        {"table": table(), "columns": columns("Columns that are compared; all, if not given.")},
        ROWS,
        optional=("columns",),
        rules=SAME,
        cues=("duplicate", "duplicated", "deduplicate", "distinct", "unique", "repeated"),
    ),
    operation(
        "sort_rows",
        "rows",
        "Sort the rows by a column, ascending unless descending is true. Rows with equal values keep their order; "
        "missing values come last.",
        {
            "table": table(),
            "column": column("Column that orders the rows."),
            "descending": described({"type": "boolean", "default": False}, "Largest first.", **{"x-cues": _DIRECTIONS}),
        },
        ROWS,
        optional=("descending",),
        rules={"table": SameRule(of="table", ordered_by="column")},
    ),
    operation(
        "top_rows",
        "rows",
        "Keep only the first n rows. After sorting, the n largest or smallest.",
        {
            "table": described(table(), "The table.", **{"x-ordered": True}),
            "n": described({"type": "integer", "minimum": 1}, "How many rows."),
        },
        ROWS,
        rules=SAME,
    ),
    operation(
        "join_tables",
        "rows",
        "Join two tables on columns that both have; only rows that match stay. "
        "A column of the right table that clashes gets the suffix _right.",
        {
            "left": table("The left table."),
            "right": table("The right table."),
            "on": columns("Columns that must be equal.", of="left"),
        },
        ROWS,
        rules={"table": JoinRule(left="left", right="right", on="on")},
    ),
)
