"""Intervals of all figures: Wilson for shares, a seeded percentile bootstrap for means and medians."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from statistics import fmean, median
from typing import TypeVar

from dagwright.interval import wilson
from dagwright.model import Frozen

T = TypeVar("T")

RESAMPLES = 2_000
"""Bootstrap samples."""


class Metric(Frozen):
    """One figure."""

    value: float
    """The figure; shares are 0 to 1."""
    low: float | None = None
    """Lower end of the 95 % interval; None where the figure is no sample."""
    high: float | None = None
    """Upper end."""
    n: int
    """How many observations it is made of."""


def share(hits: int, n: int) -> Metric:
    """Gives a share with its Wilson score interval (Wilson, 1927).

    Raises:
        ValueError: there are no observations, or more hits than observations.
    """
    low, high = wilson(hits, n)
    return Metric(value=hits / n, low=low, high=high, n=n)


def mean(values: Sequence[float], *, seed: int = 0) -> Metric:
    """Gives a mean with its bootstrap interval."""
    return sampled(values, fmean, seed=seed)


def middle(values: Sequence[float], *, seed: int = 0) -> Metric:
    """Gives a median with its bootstrap interval."""
    return sampled(values, median, seed=seed)


def sampled(values: Sequence[float], figure: Callable[[Sequence[float]], float], *, seed: int = 0) -> Metric:
    """Gives any figure of a sample with its percentile bootstrap interval (Efron, 1979).

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("a figure needs at least one value")
    return stratified({"": values}, lambda groups: figure(groups[""]), seed=seed)


def stratified(
    groups: Mapping[str, Sequence[T]], figure: Callable[[Mapping[str, Sequence[T]]], float], *, seed: int = 0
) -> Metric:
    """Gives a figure over groups of observations, resampled within each group; for macro averages.

    Raises:
        ValueError: a group is empty.
    """
    if not groups or not all(groups.values()):
        raise ValueError("each group needs at least one value")
    random = Random(seed)
    drawn = sorted(
        figure({name: random.choices(values, k=len(values)) for name, values in groups.items()})
        for _ in range(RESAMPLES)
    )
    n = sum(len(values) for values in groups.values())
    return Metric(value=figure(groups), low=_quantile(drawn, 0.025), high=_quantile(drawn, 0.975), n=n)


def _quantile(ordered: Sequence[float], share_below: float) -> float:
    return ordered[round(share_below * (len(ordered) - 1))]
