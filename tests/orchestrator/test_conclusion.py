"""What a plan still owes its goal before it is concluded, and what belongs to its answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dagwright.goal import Goal
from decomposer.call import Call, parse_call
from executor.toolchest import default_catalogue
from orchestrator.ingest import read_input
from orchestrator.strategy.conclusion import Conclusion, concludes, joining, leaves_out
from orchestrator.strategy.sheet import Sheet
from orchestrator.strategy.strategy import PlanningContext

ORDERS = "order_id,city,price,copies\n" + "".join(
    f"{number},{city},{number * 1.5},{number % 3}\n"
    for number, city in enumerate(("Oslo", "Bergen", "Oslo", "Voss", "Oslo"), start=1)
)
CITIES = "city,county\nOslo,Oslo\nBergen,Vestland\nVoss,Vestland\n"

Opened = Callable[..., Sheet]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Opens a sheet for a goal over `orders`, and `cities` where wanted, with lines on it."""
    catalogue = default_catalogue()

    def made(text: str, *lines: str, cities: bool = False) -> Sheet:
        files = {"orders": ORDERS, **({"cities": CITIES} if cities else {})}
        for name, content in files.items():
            (tmp_path / f"{name}.csv").write_text(content, encoding="utf-8")
        into = tmp_path / "run"
        into.mkdir(exist_ok=True)
        inputs = {name: read_input(name, tmp_path / f"{name}.csv", into=into) for name in files}
        at = datetime(2026, 1, 1, tzinfo=UTC)
        context = PlanningContext(
            model=no_model(),
            catalogue=catalogue,
            evidence={spec.name: (f"tool:{spec.name}",) for spec in catalogue.tools},
            at=at,
        )
        sheet = Sheet.opened(Goal(goal_id="goal_1", text=text, inputs=inputs, created_at=at), context)
        for line in lines:
            sheet.add(line, parse_call(line, sheet.scope))
        return sheet

    return made


def no_model() -> Any:
    return None


def answering(sheet: Sheet, *names: str) -> Call:
    return parse_call(f"answer({', '.join(names)})", sheet.scope)


BY_CITY = 'group_count(table=orders, by=["city"])'


@pytest.mark.parametrize(
    ("text", "lines", "answer", "owed"),
    [
        pytest.param(
            "The median price, please.",
            ['aggregate(table=orders, column="price", function="mean")'],
            "s1",
            {"aggregate"},
            id="a statistic",
        ),
        pytest.param(
            "How many orders are there, and which price is highest on average?",
            ["count_rows(table=orders)", 'aggregate(table=orders, column="price", function="mean")'],
            "s1",
            {"sort_rows", "aggregate", "group_aggregate"},
            id="what is highest",
        ),
        pytest.param("Give the copies and price.", ["count_rows(table=orders)"], "s1", {"aggregate"}, id="columns"),
        pytest.param("Give the copies and price.", ['sort_rows(table=orders, column="city")'], "s1", set(), id="shown"),
        pytest.param("Which city has the most orders?", [BY_CITY], "s1", {"sort_rows"}, id="the order of groups"),
        pytest.param(
            "Which city has the most orders?",
            [BY_CITY, 'sort_rows(table=s1, column="count", descending=true)'],
            "s2",
            {"top_rows"},
            id="the first of them",
        ),
        pytest.param(
            "Which city has the most orders?",
            [BY_CITY, 'sort_rows(table=s1, column="count", descending=true)', "top_rows(table=s2, n=1)"],
            "s3",
            set(),
            id="nothing more",
        ),
        pytest.param("How many orders has each city?", [BY_CITY], "s1", set(), id="all groups were asked for"),
        pytest.param(
            "The number of orders, and the city where copies were fewest",
            ["count_rows(table=orders)", 'aggregate(table=orders, column="copies", function="sum")'],
            "s1",
            {"group_aggregate"},
            id="groups",
        ),
        pytest.param(
            "Which city has the most copies, and how many orders are there?",
            [
                'group_aggregate(table=orders, by=["city"], value="copies", function="sum")',
                'sort_rows(table=s1, column="sum_copies", descending=true)',
                "count_rows(table=orders)",
            ],
            "s3",
            {"top_rows"},
            id="the first of groups that the answer leaves out",
        ),
        pytest.param(
            "The correlation of price and copies.",
            ['sort_rows(table=orders, column="price")'],
            "s1",
            {"correlate"},
            id="an operation",
        ),
    ],
)
def test_what_is_owed_comes_before_the_answer(
    opened: Opened, text: str, lines: list[str], answer: str, owed: set[str]
) -> None:
    sheet = opened(text, *lines)
    offer = Conclusion(sheet, answering(sheet, answer)).owed()
    assert owed <= set(offer.operations if offer else ())
    assert bool(offer) is bool(owed)


def test_a_report_concludes_as_an_answer_does(opened: Opened) -> None:
    sheet = opened("A report r.md", "count_rows(table=orders)")
    calls = ["answer(s1)", 'write_report(path="r.md", title="R", items=[s1])', 'write_csv(table=orders, path="o.csv")']
    assert [concludes(sheet, parse_call(line, sheet.scope)) for line in calls] == [True, True, False]


def test_a_table_that_no_step_has_used_is_joined(opened: Opened) -> None:
    sheet = opened("How many orders has each county?", 'group_count(table=cities, by=["county"])', cities=True)
    assert leaves_out(sheet)
    offer = joining(opened("How many orders has each county?", cities=True))
    assert offer is not None
    assert set(offer.operations) == {"join_tables"}
    assert not leaves_out(opened("…", 'join_tables(left=orders, right=cities, on=["city"])', cities=True))
    assert not leaves_out(opened("How many?", "count_rows(table=orders)"))


def test_rows_of_groups_are_not_counted_where_a_column_is(opened: Opened) -> None:
    text = "Which city bought the most copies?"
    assert "group_count" not in opened(text).offer().operations
    summed = opened(text, 'group_aggregate(table=orders, by=["city"], value="copies", function="sum")')
    assert "group_count" in summed.offer().operations


def test_numbers_and_first_rows_that_nothing_has_used_belong_to_the_answer(opened: Opened) -> None:
    sheet = opened(
        "…",
        "count_rows(table=orders)",
        'sort_rows(table=orders, column="price")',
        "top_rows(table=s2, n=1)",
        'filter_rows(table=orders, column="city", op="==", value="Oslo")',
        'write_csv(table=s4, path="oslo.csv")',
        'write_report(path="r.md", title="R", items=[s1])',
    )
    assert Conclusion(sheet, answering(sheet, "s3")).completed().variables == ("s3", "s1")
    assert Conclusion(sheet, answering(sheet, "s1", "s3")).completed().variables == ("s1", "s3")


def test_a_report_holds_what_was_found(opened: Opened) -> None:
    sheet = opened("…", "count_rows(table=orders)", 'aggregate(table=orders, column="price", function="mean")')
    line = 'write_report(path="r.md", title="R [s1]", items=[s2])'
    whole = 'write_report(path="r.md", title="R [s1]", items=[s2, s1])'
    assert Conclusion(sheet, parse_call(line, sheet.scope)).extended(line) == whole
    assert Conclusion(sheet, parse_call(whole, sheet.scope)).extended(whole) == whole


def test_how_many_of_a_column_there_are_is_no_count_of_all_rows(opened: Opened) -> None:
    assert "count_rows" not in opened("How many copies were sold altogether?").offer().operations
    assert "count_rows" in opened("How many orders are there?").offer().operations
    assert "count_rows" in opened("How many orders are there, and how many copies?").offer().operations


def test_a_question_is_not_answered_with_files_alone(opened: Opened) -> None:
    lines = ("count_rows(table=orders)", 'write_csv(table=orders, path="o.csv")')
    asked = opened("How many? Write them to o.csv.", *lines)
    offer = Conclusion(asked, answering(asked, "s2")).owed()
    assert offer is not None
    assert offer.answerable == ("s1",)
    assert Conclusion(asked, answering(asked, "s1", "s2")).owed() is None
    told = opened("Write them to o.csv.", *lines)
    assert Conclusion(told, answering(told, "s2")).owed() is None


def test_how_many_there_are_belongs_to_the_answer_although_it_was_used(opened: Opened) -> None:
    lines = ("count_rows(table=orders)", 'sort_rows(table=orders, column="price")', "top_rows(table=s2, n=s1)")
    asked, told = opened("How many orders are there?", *lines), opened("All orders by price", *lines)
    assert Conclusion(asked, answering(asked, "s3")).completed().variables == ("s3", "s1")
    assert Conclusion(told, answering(told, "s3")).completed().variables == ("s3",)


def test_groups_are_counted_where_the_goal_asks_how_often(opened: Opened) -> None:
    asked = opened("How often was each city supplied?")
    assert "group_aggregate" not in asked.offer().operations
    assert "group_count" in asked.offer().operations
    both = opened("How often was each city supplied, and what is the mean price of each city?")
    assert "group_aggregate" in both.offer().operations
