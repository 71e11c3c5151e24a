"""The paper names for each theorem the tests that would refute it, and those tests are there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAPER = ROOT / "paper" / "validation.md"
ROW = re.compile(r"^\| ([^|]+?) \| `(tests/[\w/]+\.py)::(test_\w+)` \| ([^|]*?) ?\|", re.MULTILINE)
FIGURE = re.compile(r"([a-z\-]+): (`\w+`(?:, `\w+`)*)")


@cache
def rows() -> list[tuple[str, str, str, str]]:
    return ROW.findall(PAPER.read_text(encoding="utf-8"))


def test_every_theorem_has_a_test_that_would_refute_it() -> None:
    stated = set(re.findall(r"^### (T\d)\.", PAPER.read_text(encoding="utf-8"), re.MULTILINE))
    assert stated == {f"T{number}" for number in range(1, 10)}
    assert stated <= {theorem.split()[0] for theorem, *_ in rows()}


@pytest.mark.parametrize(("file", "name"), [(file, name) for _, file, name, _ in rows()])
def test_the_tests_that_the_paper_names_exist(file: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_every_test_of_the_theorems_that_runs_programs_is_named() -> None:
    """Tests of the drawn plans themselves, which say that these do reach what is compared, are left out."""
    named = {name for _, _, name, _ in rows()}
    there = {
        name
        for file in Path(__file__).parent.glob("test_*.py")
        if file.name != "test_paper.py"
        for name in re.findall(r"^def (test_\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert there - named == {
        "test_all_three_ends_are_drawn",
        "test_the_drawn_plans_do_reach_guarded_inputs",
        "test_a_seal_of_ones_own_makes_no_program",
    }


def test_the_figures_that_the_paper_names_are_measured() -> None:
    named = [
        (suite, figure)
        for *_, cell in rows()
        for suite, figures in FIGURE.findall(cell)
        for figure in figures.split(", ")
    ]
    assert len(named) > 8
    for suite, figure in named:
        results = (ROOT / "benchmarks" / "results" / f"{suite}.json").read_text(encoding="utf-8")
        assert f'"{figure.strip("`")}"' in results, (suite, figure)
