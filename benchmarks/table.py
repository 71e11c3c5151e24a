"""`python -m benchmarks.table`: the stored results as one Markdown table."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.statistics import Metric
from benchmarks.suite import RESULTS, SUITES, SuiteResult

DETAIL = ("missed.", "found.")
"""Figures of single operators and classes: too many for one table, `dagwright bench score SUITE` prints them."""

HEAD = ("suite", "figure", "value", "95 % interval", "n", "model")


def markdown(results: Iterable[SuiteResult]) -> str:
    """Gives a row per figure, in the order of the suites."""
    rows = [HEAD, ("---", "---", "---:", "---", "---:", "---")]
    rows += [row for result in results for row in _rows(result)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def stored(folder: Path) -> list[SuiteResult]:
    """Gives the results that lie in a folder; suites that were not measured are left out."""
    files = (folder / f"{name}.json" for name in SUITES)
    return [SuiteResult.model_validate_json(file.read_text(encoding="utf-8")) for file in files if file.is_file()]


def _rows(result: SuiteResult) -> Iterator[tuple[str, ...]]:
    model = f"`{result.model}`" if result.model else ""
    for name, metric in result.metrics.items():
        if name.startswith(DETAIL):
            continue
        yield result.suite, f"`{name}`", figure(metric.value), _interval(metric), str(metric.n), model


def _interval(metric: Metric) -> str:
    return "" if metric.low is None or metric.high is None else f"{figure(metric.low)} to {figure(metric.high)}"


def figure(value: float) -> str:
    """Gives a number with four digits, whole from ten thousand on; what only rounding keeps from zero is zero."""
    return f"{value:.0f}" if abs(value) >= 9999.5 else f"{round(value, 12):.4g}"


def main(folder: Path = RESULTS) -> int:
    """Prints the table, and on which machines its figures were measured; 1 where there are none."""
    results = stored(folder)
    if not results:
        print(f"no results in {folder}; measure some with: dagwright bench run SUITE", file=sys.stderr)
        return 1
    print(markdown(results))
    machines = {f"{r.environment.cores} × {r.environment.cpu}, Python {r.environment.python}" for r in results}
    print(f"\nMeasured on: {'; '.join(sorted(machines))}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
