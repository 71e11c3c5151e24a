from __future__ import annotations

from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.statistics import Metric, mean, middle, sampled, share, stratified


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        pytest.param(8, 10, 0.4902, 0.9433, id="textbook"),
        pytest.param(0, 10, 0.0, 0.2775, id="none of ten is not certainly none"),
        pytest.param(20, 20, 0.8389, 1.0, id="all of twenty is not certainly all"),
        pytest.param(1, 1, 0.2065, 1.0, id="one of one says little"),
    ],
)
def test_share_has_the_wilson_interval(hits: int, n: int, low: float, high: float) -> None:
    found = share(hits, n)
    assert found.value == hits / n
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_share_lies_in_its_interval_within_zero_and_one(case: tuple[int, int]) -> None:
    found = share(*case)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1
    assert (found.low == 0) == (found.value == 0)
    assert (found.high == 1) == (found.value == 1)


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (3, 2), (-1, 5)])
def test_impossible_shares_are_refused(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match="a share needs"):
        share(hits, n)


def test_more_observations_narrow_the_interval() -> None:
    def width(metric: Metric) -> float:
        assert metric.low is not None
        assert metric.high is not None
        return metric.high - metric.low

    assert width(share(80, 100)) < width(share(8, 10))
    assert width(mean([1.0, 5.0] * 100)) < width(mean([1.0, 5.0] * 5))


def test_bootstrap_depends_on_the_seed_alone() -> None:
    values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]
    assert mean(values, seed=1) == mean(values, seed=1)
    assert mean(values, seed=1) != mean(values, seed=2)


def test_bootstrap_of_the_mean_agrees_with_the_normal_interval() -> None:
    values = [float(i % 10) for i in range(400)]
    found = mean(values)
    half = 1.96 * 2.8723 / 20
    assert found.value == 4.5
    assert found.low == pytest.approx(4.5 - half, abs=0.05)
    assert found.high == pytest.approx(4.5 + half, abs=0.05)


def test_median_is_not_the_mean() -> None:
    assert middle([1.0, 2.0, 100.0]).value == 2.0


def test_one_value_is_its_own_interval() -> None:
    assert mean([7.0]) == Metric(value=7.0, low=7.0, high=7.0, n=1)


def test_figures_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        sampled([], fmean)
    with pytest.raises(ValueError, match="each group"):
        stratified({"a": [1.0], "b": []}, lambda groups: fmean(groups["a"]))


def test_macro_figures_weigh_groups_not_observations() -> None:
    groups = {"large": [0.0] * 98, "small": [1.0, 1.0]}
    found = stratified(groups, lambda drawn: fmean(fmean(values) for values in drawn.values()))
    assert (found.value, found.low, found.high, found.n) == (0.5, 0.5, 0.5, 100)
