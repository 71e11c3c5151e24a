"""Statistics against values that SciPy 1.17 and pandas give for the same numbers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from executor.toolchest.measures import dagostino, kurtosis, ranks, shapiro, skewness

WAVE = [float(i * i % 17 + i / 3) for i in range(1, 41)]


@dataclass(frozen=True)
class Case:
    id: str
    values: list[float]
    shapiro: tuple[float, float]
    dagostino: tuple[float, float] | None
    skewness: float
    kurtosis: float | None


CASES = [
    Case("three", [1.0, 2.0, 4.0], (0.9642857142857142, 0.6368868450289689), None, 0.9352195295828235, None),
    Case("five", [1, 2, 4, 9, 9.5], (0.8659202959, 0.2502940764), None, 0.30210827881162533, -2.9207204226589885),
    Case("ten", WAVE[:10], (0.8756922780, 0.1163980583), (2.557489238, 0.2783865624), -0.45797539155, -1.538793069767),
    Case("eleven", WAVE[:11], (0.8867271410, 0.1265383794), (3.8104022176, 0.1487927161), -0.2065791272, -1.7404464845),
    Case("twelve", WAVE[:12], (0.9096031019, 0.2108623073), (2.8733549075, 0.2377162713), -0.2657671592, -1.5029019063),
    Case("forty", WAVE, (0.9872021084, 0.9242301264), (0.8626886634, 0.6496351823), 0.0120034690, -0.6165686333),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_measures_are_those_of_scipy(case: Case) -> None:
    assert shapiro(case.values) == pytest.approx(case.shapiro, abs=2e-8)
    assert skewness(case.values) == pytest.approx(case.skewness, abs=1e-9)
    assert kurtosis(case.values) == pytest.approx(case.kurtosis, abs=1e-9)
    if case.dagostino:
        assert dagostino(case.values) == pytest.approx(case.dagostino, abs=1e-8)


def test_equal_values_share_their_rank() -> None:
    assert ranks([30, 10, 20, 10]) == [4, 1.5, 3, 1.5]
