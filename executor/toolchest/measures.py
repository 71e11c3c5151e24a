"""Statistics over lists of numbers, with the definitions of pandas; None where one is not defined."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

Numbers = Sequence[float | int]
Measure = Callable[[Numbers], "float | int | None"]


def mean(x: Numbers) -> float | None:
    """Gives the arithmetic mean."""
    return math.fsum(x) / len(x) if x else None


def total(x: Numbers) -> float | int:
    """Gives the sum; that of whole numbers is whole, that of none is 0."""
    return sum(x) if all(isinstance(value, int) for value in x) else math.fsum(x)


def variance(x: Numbers) -> float | None:
    """Gives the sample variance (n - 1)."""
    return _moment(x, 2) / (len(x) - 1) if len(x) > 1 else None


def deviation(x: Numbers) -> float | None:
    """Gives the sample standard deviation (n - 1)."""
    found = variance(x)
    return None if found is None else math.sqrt(found)


def quantile(x: Numbers, share: float) -> float | int | None:
    """Gives a quantile with linear interpolation between neighbours."""
    if not x:
        return None
    ordered = sorted(x)
    position = share * (len(ordered) - 1)
    low = math.floor(position)
    part = position - low
    if part == 0:
        return ordered[low]
    return ordered[low] + (ordered[low + 1] - ordered[low]) * part


def median(x: Numbers) -> float | int | None:
    """Gives the middle value."""
    return quantile(x, 0.5)


def _moment(x: Numbers, power: int) -> float:
    centre = math.fsum(x) / len(x)
    return math.fsum((value - centre) ** power for value in x)


def skewness(x: Numbers) -> float | None:
    """Gives the sample skewness G1 (corrected for bias); 0 where all values are equal."""
    n = len(x)
    if n < 3:
        return None
    second, third = _moment(x, 2) / n, _moment(x, 3) / n
    return 0.0 if second == 0 else third / second**1.5 * math.sqrt(n * (n - 1)) / (n - 2)


def kurtosis(x: Numbers) -> float | None:
    """Gives the sample excess kurtosis G2 (corrected for bias); 0 where all values are equal."""
    n = len(x)
    if n < 4:
        return None
    second, fourth = _moment(x, 2) / n, _moment(x, 4) / n
    return 0.0 if second == 0 else (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (fourth / second**2 - 3) + 6)


MEASURES: dict[str, Measure] = {
    "mean": mean,
    "sum": total,
    "median": median,
    "min": lambda x: min(x, default=None),
    "max": lambda x: max(x, default=None),
    "std": deviation,
    "var": variance,
    "q1": lambda x: quantile(x, 0.25),
    "q3": lambda x: quantile(x, 0.75),
    "skew": skewness,
    "kurtosis": kurtosis,
    "nunique": lambda x: len(set(x)),
}
"""Measures by the word that operations use."""


def pearson(x: Numbers, y: Numbers) -> float | None:
    """Gives the product-moment correlation of pairs; None where one side does not vary."""
    if len(x) < 2:
        return None
    centre_x, centre_y = math.fsum(x) / len(x), math.fsum(y) / len(y)
    a = [value - centre_x for value in x]
    b = [value - centre_y for value in y]
    spread = math.sqrt(math.fsum(v * v for v in a)) * math.sqrt(math.fsum(v * v for v in b))
    if spread == 0:
        return None
    return max(-1.0, min(1.0, math.fsum(v * w for v, w in zip(a, b, strict=True)) / spread))


def ranks(x: Numbers) -> list[float]:
    """Gives the ranks from 1; equal values share their mean rank."""
    order = sorted(range(len(x)), key=lambda index: x[index])
    result = [0.0] * len(x)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and x[order[end + 1]] == x[order[start]]:
            end += 1
        for place in range(start, end + 1):
            result[order[place]] = (start + end) / 2 + 1
        start = end + 1
    return result


def spearman(x: Numbers, y: Numbers) -> float | None:
    """Gives the rank correlation of pairs."""
    return pearson(ranks(x), ranks(y))


def _polynomial(coefficients: Sequence[float], at: float) -> float:
    result = 0.0
    for coefficient in reversed(coefficients):
        result = result * at + coefficient
    return result


def shapiro(x: Numbers) -> tuple[float, float]:
    """Gives W and p of the Shapiro-Wilk test, for at least 3 values that vary.

    P. Royston, Remark AS R94, Applied Statistics 44 (1995); beyond 5,000 values p is approximate.
    """
    ordered = sorted(float(value) for value in x)
    n = len(ordered)
    weights = _shapiro_weights(n)
    spread = _moment(ordered, 2)
    w = min(1.0, math.fsum(a * v for a, v in zip(weights, ordered, strict=True)) ** 2 / spread)
    return w, _shapiro_p(w, n)


def _shapiro_weights(n: int) -> list[float]:
    if n == 3:
        return [-math.sqrt(0.5), 0.0, math.sqrt(0.5)]
    normal = NormalDist()
    m = [normal.inv_cdf((index - 0.375) / (n + 0.25)) for index in range(1, n + 1)]
    squares = math.fsum(value * value for value in m)
    u = 1 / math.sqrt(n)
    last = _polynomial((m[-1] / math.sqrt(squares), 0.221157, -0.147981, -2.071190, 4.434685, -2.706056), u)
    if n <= 5:
        scale = (squares - 2 * m[-1] ** 2) / (1 - 2 * last**2)
        middle = [value / math.sqrt(scale) for value in m[1:-1]]
        return [-last, *middle, last]
    second = _polynomial((m[-2] / math.sqrt(squares), 0.042981, -0.293762, -1.752461, 5.682633, -3.582633), u)
    scale = (squares - 2 * m[-1] ** 2 - 2 * m[-2] ** 2) / (1 - 2 * last**2 - 2 * second**2)
    return [-last, -second, *(value / math.sqrt(scale) for value in m[2:-2]), second, last]


def _shapiro_p(w: float, n: int) -> float:
    if n == 3:
        return max(0.0, 6 / math.pi * (math.asin(math.sqrt(w)) - math.asin(math.sqrt(0.75))))
    if w >= 1:
        return 1.0
    y = math.log(1 - w)
    if n <= 11:
        gamma = _polynomial((-2.273, 0.459), n)
        if y >= gamma:
            return 0.0
        y = -math.log(gamma - y)
        centre = _polynomial((0.5440, -0.39978, 0.025054, -6.714e-4), n)
        scale = math.exp(_polynomial((1.3822, -0.77857, 0.062767, -0.0020322), n))
    else:
        size = math.log(n)
        centre = _polynomial((-1.5861, -0.31082, -0.083751, 0.0038915), size)
        scale = math.exp(_polynomial((-0.4803, -0.082676, 0.0030302), size))
    return 0.5 * math.erfc((y - centre) / scale / math.sqrt(2))


def dagostino(x: Numbers) -> tuple[float, float]:
    """Gives K² and p of D'Agostino and Pearson's test, for at least 8 values that vary."""
    n = len(x)
    second = _moment(x, 2) / n
    skew = _skew_score(_moment(x, 3) / n / second**1.5, n)
    tail = _kurtosis_score(_moment(x, 4) / n / second**2, n)
    statistic = skew**2 + tail**2
    return statistic, math.exp(-statistic / 2)


def _skew_score(skew: float, n: int) -> float:
    y = skew * math.sqrt((n + 1) * (n + 3) / (6 * (n - 2)))
    beta = 3 * (n * n + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2) * (n + 5) * (n + 7) * (n + 9))
    w2 = -1 + math.sqrt(2 * (beta - 1))
    return math.asinh(y / math.sqrt(2 / (w2 - 1))) / math.sqrt(0.5 * math.log(w2))


def _kurtosis_score(tail: float, n: int) -> float:
    expected = 3 * (n - 1) / (n + 1)
    variance_of_it = 24 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3) * (n + 5))
    x = (tail - expected) / math.sqrt(variance_of_it)
    root = 6 * (n * n - 5 * n + 2) / ((n + 7) * (n + 9)) * math.sqrt(6 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)))
    a = 6 + 8 / root * (2 / root + math.sqrt(1 + 4 / root**2))
    base = 1 + x * math.sqrt(2 / (a - 4))
    third = math.copysign(abs((1 - 2 / a) / base) ** (1 / 3), base) if base else math.inf
    return (1 - 2 / (9 * a) - third) / math.sqrt(2 / (9 * a))
