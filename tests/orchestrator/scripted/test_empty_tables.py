"""A table without rows keeps its columns: what was certified over them also runs, and files have their header."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from orchestrator.pipeline import run_goal

NONE = 'filter_rows(table=sales, column="city", op="==", value="Oslo")'
GOAL = "Write the sales in Oslo to out.csv"


@pytest.fixture
def rome(tmp_path: Path) -> Path:
    path = tmp_path / "sales.csv"
    path.write_text("city,price\n" + "".join(f"C{number},{number}\n" for number in range(20)), encoding="utf-8")
    return path


CHAINS: dict[str, tuple[tuple[str, ...], str]] = {
    "as it is": ((NONE,), "city,price\n"),
    "selected": ((NONE, 'select_columns(table=s1, columns=["price", "city"])'), "price,city\n"),
    "dropped": ((NONE, 'drop_columns(table=s1, columns=["price"])'), "city\n"),
    "renamed": ((NONE, 'rename_columns(table=s1, mapping={"city": "town"})'), "town,price\n"),
    "calculated": (
        (NONE, 'scale_column(table=s1, column="price", op="*", number=2, name="cost")'),
        "city,price,cost\n",
    ),
    "sorted": ((NONE, 'sort_rows(table=s1, column="price")'), "city,price\n"),
    "counted": ((NONE, 'group_count(table=s1, by=["city"])'), "city,count\n"),
    "aggregated": (
        (NONE, 'group_aggregate(table=s1, by=["city"], value="price", function="mean")'),
        "city,mean_price\n",
    ),
    "joined": ((NONE, 'join_tables(left=s1, right=sales, on=["city"])'), "city,price,price_right\n"),
    "joined with": ((NONE, 'join_tables(left=sales, right=s1, on=["city"])'), "city,price,price_right\n"),
}


@pytest.mark.parametrize(("lines", "header"), CHAINS.values(), ids=CHAINS)
def test_a_csv_file_has_its_header(bench: Any, rome: Path, lines: tuple[str, ...], header: str) -> None:
    last = len(lines)
    setup = bench.setup(*lines, f'write_csv(table=s{last}, path="out.csv")', f"answer(s{last + 1})")
    outcome = run_goal(GOAL, {"sales": rome}, setup)
    assert (outcome.status, outcome.replans, outcome.files) == ("done", 0, ("out.csv",)), outcome.reason
    assert (bench.home / "runs" / outcome.run / "files" / "out.csv").read_text(encoding="utf-8") == header


def test_a_database_table_has_its_columns(bench: Any, rome: Path) -> None:
    setup = bench.setup(NONE, 'write_sqlite(table=s1, path="out.db", name="towns")', "answer(s2)")
    outcome = run_goal("Write the sales in Oslo to out.db", {"sales": rome}, setup)
    assert (outcome.status, outcome.replans) == ("done", 0), outcome.reason
    with closing(sqlite3.connect(bench.home / "runs" / outcome.run / "files" / "out.db")) as database:
        assert [name for _, name, *_ in database.execute("PRAGMA table_info(towns)")] == ["city", "price"]


def test_a_file_that_holds_a_header_alone_is_a_table(bench: Any, tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("city,price\n", encoding="utf-8")
    setup = bench.setup('write_csv(table=sales, path="out.csv")', "answer(s1)")
    outcome = run_goal("Write the sales to out.csv", {"sales": path}, setup)
    assert (outcome.status, outcome.replans) == ("done", 0), outcome.reason
    assert (bench.home / "runs" / outcome.run / "files" / "out.csv").read_text(encoding="utf-8") == "city,price\n"


def test_columns_that_nobody_knows_stay_away(bench: Any, rome: Path) -> None:
    """The columns of a cross table come from its values; without any there is none."""
    pivot = 'pivot_table(table=s1, index="city", columns="price", value="price", function="mean")'
    setup = bench.setup(NONE, pivot, 'write_csv(table=s2, path="out.csv")', "answer(s3)")
    outcome = run_goal(GOAL, {"sales": rome}, setup)
    assert (outcome.status, outcome.replans) == ("done", 0), outcome.reason
    assert "price" not in (bench.home / "runs" / outcome.run / "files" / "out.csv").read_text(encoding="utf-8")
