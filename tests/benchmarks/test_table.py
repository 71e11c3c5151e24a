"""The table of figures in Markdown, from the results as they are stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.environment import measured_here
from benchmarks.statistics import Metric, share
from benchmarks.suite import SuiteResult
from benchmarks.table import figure, main


def store(folder: Path, suite: str, model: str | None, **metrics: Metric) -> None:
    result = SuiteResult(
        suite=suite, n=20, seed=0, model=model, metrics=metrics, records="x.jsonl", environment=measured_here()
    )
    (folder / f"{suite}.json").write_text(result.model_dump_json())


def test_a_row_per_figure_in_the_order_of_the_suites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(tmp_path, "engine", None, overhead_ms_per_task=Metric(value=0.51234, n=10_000))
    store(tmp_path, "demo", "local", right=share(19, 20))
    assert main(tmp_path) == 0
    head, ruler, *rows = capsys.readouterr().out.splitlines()
    assert head.count("|") == ruler.count("|") == 7
    assert rows[:2] == [
        "| demo | `right` | 0.95 | 0.7639 to 0.9911 | 20 | `local` |",
        "| engine | `overhead_ms_per_task` | 0.5123 |  | 10000 |  |",
    ]
    assert rows[-1].startswith("Measured on: ")


@pytest.mark.parametrize(
    ("value", "said"),
    [(8.7e-19, "0"), (1.969e-05, "1.969e-05"), (0.51234, "0.5123"), (9999.4, "9999"), (83526.4, "83526")],
)
def test_figures_are_four_digits_or_whole(value: float, said: str) -> None:
    assert figure(value) == said


def test_without_results_it_says_how_to_get_some(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tmp_path) == 1
    assert "dagwright bench run" in capsys.readouterr().err
