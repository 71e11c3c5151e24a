"""Contracts of what groups and counts, and of what gives single values."""

from __future__ import annotations

from pydantic import JsonValue

from dagwright.model import JsonSchema
from dagwright.tool import ElementRule, GroupRule, ListRule, PivotRule
from executor.toolchest.contract import NUMBER_OR_NOTHING, choice, column, columns, described, record, statistic, table
from executor.toolchest.data.spec import ROWS, operation

NUMBER: JsonSchema = {"type": "number"}
COUNT: JsonSchema = {"type": "integer", "minimum": 0}

_COUNTS: dict[str, JsonSchema] = dict.fromkeys(("count", "missing", "distinct"), COUNT)
_GROUP_CUES = (
    "each", "every", "per", "by", "which", "group", "grouped", "across", "compare",
    "highest", "lowest", "most", "least", "best", "worst", "largest", "smallest", "distribution", "separately",
    "heaviest", "lightest", "longest", "shortest", "cheapest", "dearest", "busiest", "fewest", "biggest", "greatest",
    "oldest", "youngest", "earliest", "latest",
)  # fmt: skip
"""Words that set groups apart; what has none of them asks about all rows together."""

_MISSING: list[JsonValue] = [
    *("no", "not", "none", "nobody", "never", "nothing", "without", "missing", "lack*", "blank*", "empty", "absent"),
    *("null*", "nan", "gap*", "un*", "incomplete", "forg*", "omit*", "don't", "didn't", "doesn't", "isn't", "aren't"),
    *("wasn't", "weren't", "hasn't", "haven't", "left out", "drop*", "fail*"),
]
"""Words without which a goal does not speak of missing values."""
_DISTINCT: list[JsonValue] = ["distinct", "different", "unique", "various", "kinds", "sorts", "types", "diverse"]
"""Words without which a goal does not ask how many different values there are."""
_KINDS = choice("What is counted.", "distinct", "missing", "present")
_MOMENTS: dict[str, JsonSchema] = dict.fromkeys(("mean", "std", "min", "q1", "median", "q3", "max"), NUMBER_OR_NOTHING)
_DESCRIPTION: JsonSchema = {
    "type": "array",
    "items": record({"column": {"type": "string"}, "type": {"type": "string"}, **_COUNTS, **_MOMENTS}),
}

GROUPING = (
    operation(
        "group_count",
        "groups",
        "Count the rows of each group (value counts). Gives the columns of `by` and the column count.",
        {"table": table(), "by": columns("Columns that make the groups.")},
        ROWS,
        rules={"table": GroupRule(of="table", by="by", value="value", function="function")},
        cues=_GROUP_CUES,
    ),
    operation(
        "group_aggregate",
        "groups",
        "Aggregate a column for each group. Gives the columns of `by` and one column named {function}_{value}, "
        "such as mean_price.",
        {
            "table": table(),
            "by": columns("Columns that make the groups."),
            "value": column("Column that is aggregated.", kind="numeric"),
            "function": statistic("mean", "sum", "median", "min", "max", "std", "nunique"),
        },
        ROWS,
        rules={"table": GroupRule(of="table", by="by", value="value", function="function")},
        cues=_GROUP_CUES,
    ),
    operation(
        "pivot_table",
        "groups",
        "Make a cross table: a row per value of `index`, a column per value of `columns`, each cell an aggregate.",
        {
            "table": table(),
            "index": column("Column whose values become rows."),
            "columns": column("Column whose values become columns."),
            "value": column("Column that is aggregated.", kind="numeric"),
            "function": choice("How.", "mean", "sum", "median", "min", "max", "std"),
        },
        ROWS,
        rules={"table": PivotRule(of="table", index="index", columns="columns", value="value")},
        cues=("pivot", "cross", "crosstab", "matrix"),
    ),
    operation(
        "describe",
        "statistics",
        "Summarise every column: type, count, missing and distinct values; mean, std, min, quartiles, max of numbers.",
        {"table": table()},
        {"table": _DESCRIPTION},
        cues=("describe", "summary", "summarise", "summarize", "statistics", "overview"),
    ),
)

SINGLE = (
    operation(
        "aggregate",
        "statistics",
        "Calculate one number over a numeric column: its mean, its maximum and so on. Missing values are left out.",
        {
            "table": table(),
            "column": column("Column to calculate over.", kind="numeric"),
            "function": statistic("mean", "sum", "median", "min", "max", "std", "var", "q1", "q3", "skew", "kurtosis"),
        },
        {"value": NUMBER},
    ),
    operation(
        "count_rows",
        "statistics",
        "Count the rows of a table.",
        {"table": table()},
        {"value": COUNT},
    ),
    operation(
        "count_values",
        "statistics",
        "Count the distinct, the missing or the present values of a column.",
        {
            "table": table(),
            "column": column("Column to count in."),
            "kind": {
                **choice("What is counted.", "distinct", "missing", "present"),
                "x-said-by": {"missing": _MISSING, "distinct": _DISTINCT},
            },
        },
        {"value": COUNT},
    ),
    operation(
        "correlate",
        "statistics",
        "Calculate the correlation coefficient of two numeric columns.",
        {
            "table": table(),
            "x": column("First column.", kind="numeric"),
            "y": column("Second column.", kind="numeric"),
            "method": {**choice("Which coefficient.", "pearson", "spearman"), "default": "pearson"},
        },
        {"value": NUMBER},
        optional=("method",),
    ),
    operation(
        "test_normality",
        "statistics",
        "Test whether a numeric column is normally distributed. `normal` is true where the p-value is at least 0.05.",
        {
            "table": table(),
            "column": column("Column to test.", kind="numeric"),
            "test": {**choice("Which test.", "shapiro", "dagostino"), "default": "shapiro"},
        },
        {"normal": {"type": "boolean"}, "p_value": NUMBER, "statistic": NUMBER},
        optional=("test",),
        cues=("normal", "normality", "normally", "shapiro", "gaussian"),
    ),
    operation(
        "get_value",
        "rows",
        "Give one value: that of a column in the first row, or in row number `row`. After sorting, that of the "
        "largest or smallest.",
        {
            "table": table(),
            "column": column("Column to take it from."),
            "row": described({"type": "integer", "minimum": 1, "default": 1}, "Number of the row; 1 is the first."),
        },
        {"value": {}},
        optional=("row",),
        rules={"value": ElementRule(of="table", column="column")},
        cues=("value", "first", "than", "above", "below", "compared", "relative", "share", "difference", "deviation"),
    ),
    operation(
        "column_values",
        "rows",
        "Give the values of a column as a list, each once where distinct is true.",
        {
            "table": table(),
            "column": column("Column to list."),
            "distinct": described({"type": "boolean", "default": False}, "Each value once."),
        },
        {"values": {"type": "array"}},
        optional=("distinct",),
        rules={"values": ListRule(of="table", column="column")},
    ),
)
