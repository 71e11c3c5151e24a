"""Each paper names for each theorem the tests that would refute it, and those tests are there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAPERS = ("execution", "validation")
ROW = re.compile(r"^\| ([^|]+?) \| `(tests/[\w/]+\.py)::(test_\w+)` \| ([^|]*?) ?\|", re.MULTILINE)
FIGURE = re.compile(r"([a-z\-]+): (`\w+`(?:, `\w+`)*)")


@cache
def text(paper: str) -> str:
    return (ROOT / "paper" / f"{paper}.md").read_text(encoding="utf-8")


def rows(paper: str) -> list[tuple[str, str, str, str]]:
    return ROW.findall(text(paper))


def defined_in(*files: Path) -> set[str]:
    return {
        name
        for file in files
        for name in re.findall(r"^def (test_\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE)
    }


@pytest.mark.parametrize(
    ("paper", "theorems"),
    [
        ("execution", {f"E{number}" for number in range(1, 6)}),
        ("validation", {f"T{number}" for number in range(1, 10)}),
    ],
)
def test_every_theorem_has_a_test_that_would_refute_it(paper: str, theorems: set[str]) -> None:
    stated = set(re.findall(r"^### ([ET]\d)\.", text(paper), re.MULTILINE))
    assert stated == theorems
    assert stated <= {theorem.split()[0] for theorem, *_ in rows(paper)}


@pytest.mark.parametrize(
    ("file", "name"), sorted({(file, name) for paper in PAPERS for _, file, name, _ in rows(paper)})
)
def test_the_tests_that_the_papers_name_exist(file: str, name: str) -> None:
    assert name in defined_in(ROOT / file)


def test_every_test_of_the_exploration_is_named() -> None:
    named = {name for _, file, name, _ in rows("execution") if file == "tests/executor/test_exploration.py"}
    assert defined_in(ROOT / "tests/executor/test_exploration.py") == named


def test_every_test_of_the_theorems_that_runs_programs_is_named() -> None:
    """Tests of the drawn plans themselves, which say that these do reach what is compared, are left out."""
    named = {name for _, _, name, _ in rows("validation")}
    there = defined_in(*(ROOT / "tests" / "validation" / "theorems").glob("test_*.py"))
    assert there - named == {
        "test_all_three_ends_are_drawn",
        "test_the_drawn_plans_do_reach_guarded_inputs",
        "test_a_seal_of_ones_own_makes_no_program",
    }


@pytest.mark.parametrize(("paper", "least"), [("execution", 5), ("validation", 9)])
def test_the_figures_that_the_papers_name_are_measured(paper: str, least: int) -> None:
    named = [
        (suite, figure.strip("`"))
        for *_, cell in rows(paper)
        for suite, figures in FIGURE.findall(cell)
        for figure in figures.split(", ")
    ]
    assert len(named) >= least
    for suite, figure in named:
        results = (ROOT / "benchmarks" / "results" / f"{suite}.json").read_text(encoding="utf-8")
        assert f'"{figure}"' in results, (suite, figure)
