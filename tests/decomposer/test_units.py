"""Amounts are read in the unit in which a column holds them."""

from __future__ import annotations

import pytest

from decomposer.units import in_units_of, units_of


@pytest.mark.parametrize(
    ("columns", "text", "read"),
    [
        pytest.param(["minutes"], "more than an hour", "more than 60 minutes", id="an hour"),
        pytest.param(["minutes"], "more than half an hour", "more than 30 minutes", id="half an hour"),
        pytest.param(["seconds"], "over 1.5 minutes", "over 90 seconds", id="a fraction"),
        pytest.param(["weight_kg"], "two tonnes", "2000 kilos", id="a number in words"),
        pytest.param(["distance_km"], "at least 500 metres", "at least 0.5 kilometres", id="a smaller unit"),
        pytest.param(["minutes"], "Over 20 minutes", "Over 20 minutes", id="its own unit"),
        pytest.param(["minutes", "hours"], "over two hours", "over 2 hours", id="both units"),
        pytest.param(["tenure_years"], "less than a year", "less than 1 years", id="one of its own unit"),
        pytest.param(["tenure_years"], "within a year of it", "within 1 years of it", id="a limit"),
        pytest.param(["tenure_years"], "in a year", "in a year", id="no limit"),
        pytest.param(["distance_km"], "in an hour", "in an hour", id="another kind of unit"),
        pytest.param(["minutes"], "trips per hour", "trips per hour", id="no amount"),
    ],
)
def test_amounts_are_converted(columns: list[str], text: str, read: str) -> None:
    assert in_units_of(columns, text) == read


def test_names_of_columns_end_with_units() -> None:
    assert units_of("distance_km") == ("kilometre", "kilometer")
    assert units_of("km") == ()
    assert units_of("body_mass") == ()
