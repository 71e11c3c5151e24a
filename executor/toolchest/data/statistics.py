"""Single numbers of tables and columns, tests, outliers."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from pydantic import JsonValue

from dagwright.exceptions import ToolRejected
from executor.bindings.runner import ToolContext
from executor.toolchest.arguments import Arguments, Outputs
from executor.toolchest.data.groups import finite
from executor.toolchest.data.rows import as_outputs
from executor.toolchest.measures import Numbers, dagostino, deviation, mean, pearson, quantile, shapiro, spearman
from executor.toolchest.tables import Row, Table, header, identity, kind_of, numbers, present_numbers, values

_TESTS: dict[str, tuple[Callable[[Numbers], tuple[float, float]], int]] = {
    "shapiro": (shapiro, 3),
    "dagostino": (dagostino, 8),
}
_LEVEL = 0.05


def count_rows(arguments: Outputs, context: ToolContext) -> Outputs:
    """Counts rows."""
    return {"value": len(Arguments(arguments).table())}


def count_values(arguments: Outputs, context: ToolContext) -> Outputs:
    """Counts distinct, missing or present values."""
    call = Arguments(arguments)
    found = values(call.table(), call.text("column"))
    present = [value for value in found if value is not None]
    counts = {
        "distinct": len({identity(value) for value in present}),
        "missing": len(found) - len(present),
        "present": len(present),
    }
    return {"value": counts[call.text("kind")]}


def aggregate(arguments: Outputs, context: ToolContext) -> Outputs:
    """Calculates one number over a column."""
    call = Arguments(arguments)
    column, function = call.column(), call.text("function")
    found = numbers(call.rows(), column)
    result = finite(function, found)
    if result is None or (not found and function == "sum"):
        raise _too_few(function, column, len(found))
    return {"value": result}


def _too_few(what: str, column: str, count: int) -> ToolRejected:
    return ToolRejected(f"{what} of {column!r} is not defined over its {count} values", code="too_few_values")


def correlate(arguments: Outputs, context: ToolContext) -> Outputs:
    """Calculates a correlation over the rows in which both columns have numbers."""
    call = Arguments(arguments)
    table, x, y = call.rows(), call.column("x"), call.column("y")
    numbers(table, x)
    numbers(table, y)
    pairs = [row for row in table if row[x] is not None and row[y] is not None]
    measure = spearman if call.text("method", "pearson") == "spearman" else pearson
    result = measure(numbers(pairs, x), numbers(pairs, y)) if pairs else None
    if result is None:
        raise ToolRejected(
            f"the correlation of {x!r} and {y!r} is not defined: {len(pairs)} rows have both, or one does not vary",
            code="too_few_values",
        )
    return {"value": result}


def test_normality(arguments: Outputs, context: ToolContext) -> Outputs:
    """Tests a column for a normal distribution at level 0.05."""
    call = Arguments(arguments)
    name, column = call.text("test", "shapiro"), call.column()
    found = numbers(call.rows(), column)
    test, least = _TESTS[name]
    if len(found) < least or min(found) == max(found):
        raise ToolRejected(
            f"the {name} test needs at least {least} values that vary; {column!r} has {len(found)}",
            code="too_few_values",
        )
    statistic, p_value = test(found)
    return {"normal": p_value >= _LEVEL, "p_value": p_value, "statistic": statistic}


def filter_outliers(arguments: Outputs, context: ToolContext) -> Outputs:
    """Keeps outliers or all rows but them. A missing value is never an outlier."""
    call = Arguments(arguments)
    table, column, method = call.table(), call.column(), call.text("method")
    found = numbers(table, column)
    low, high = _fences(found, method, call.value("limit"))
    outside = call.text("keep", "outliers") == "outliers"
    return as_outputs([row for row in table if _lies_outside(row[column], low, high) == outside])


def _fences(found: Numbers, method: str, limit: JsonValue) -> tuple[float, float]:
    if method == "zscore":
        centre, spread = mean(found) or 0.0, _population_deviation(found)
        reach = (3 if limit is None else cast("float", limit)) * spread
        return (centre - reach, centre + reach)
    first, third = quantile(found, 0.25) or 0.0, quantile(found, 0.75) or 0.0
    reach = (1.5 if limit is None else cast("float", limit)) * (third - first)
    return (first - reach, third + reach)


def _population_deviation(found: Numbers) -> float:
    spread = deviation(found)
    return 0.0 if spread is None else spread * ((len(found) - 1) / len(found)) ** 0.5


def _lies_outside(value: JsonValue, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not low <= value <= high


def describe(arguments: Outputs, context: ToolContext) -> Outputs:
    """Summarises every column in one row."""
    table = Arguments(arguments).table()
    return as_outputs([_summary(table, name) for name in header(table)])


def _summary(table: Table, column: str) -> Row:
    found = [row[column] for row in table]
    present = [value for value in found if value is not None]
    kinds = {kind_of(value) for value in present}
    numeric = bool(kinds) and kinds <= {"integer", "number"}
    measured = present_numbers(present, column) if numeric else []
    return {
        "column": column,
        "type": "number" if kinds == {"integer", "number"} else " or ".join(sorted(kinds)) or "null",
        "count": len(present),
        "missing": len(found) - len(present),
        "distinct": len({identity(value) for value in present}),
        **{name: finite(name, measured) for name in ("mean", "std", "min", "q1", "median", "q3", "max")},
    }
