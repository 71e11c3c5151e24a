"""The paper on execution names for each theorem the tests that would refute it, and those tests are there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAPER = ROOT / "paper" / "execution.md"
ROW = re.compile(r"^\| ([^|]+?) \| `(tests/[\w/]+\.py)::(test_\w+)` \| ([^|]*?) ?\|", re.MULTILINE)
FIGURE = re.compile(r"([a-z\-]+): (`\w+`(?:, `\w+`)*)")


@cache
def rows() -> list[tuple[str, str, str, str]]:
    return ROW.findall(PAPER.read_text(encoding="utf-8"))


def test_every_theorem_has_a_test_that_would_refute_it() -> None:
    stated = set(re.findall(r"^### (E\d)\.", PAPER.read_text(encoding="utf-8"), re.MULTILINE))
    assert stated == {f"E{number}" for number in range(1, 6)}
    assert stated <= {theorem.split()[0] for theorem, *_ in rows()}


@pytest.mark.parametrize(("file", "name"), sorted({(file, name) for _, file, name, _ in rows()}))
def test_the_tests_that_the_paper_names_exist(file: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_every_test_of_the_exploration_is_named() -> None:
    named = {name for _, file, name, _ in rows() if file == "tests/executor/test_exploration.py"}
    text = (ROOT / "tests/executor/test_exploration.py").read_text(encoding="utf-8")
    assert set(re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)) == named


def test_the_figures_that_the_paper_names_are_measured() -> None:
    named = [
        (suite, figure.strip("`"))
        for *_, cell in rows()
        for suite, figures in FIGURE.findall(cell)
        for figure in figures.split(", ")
    ]
    assert len(named) >= 5
    for suite, figure in named:
        results = (ROOT / "benchmarks" / "results" / f"{suite}.json").read_text(encoding="utf-8")
        assert f'"{figure}"' in results, (suite, figure)
