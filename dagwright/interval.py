"""Confidence intervals of shares."""

from __future__ import annotations

import math
from typing import Final

Z: Final = 1.959963984540054
"""Quantile of the normal distribution for 95 %."""


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Gives the 95 % score interval of a share (Wilson, 1927).

    Raises:
        ValueError: there are no observations, or more hits than observations.
    """
    if n < 1 or not 0 <= hits <= n:
        raise ValueError(f"a share needs 0 <= hits <= n and n >= 1, not {hits} of {n}")
    rate = hits / n
    scale = 1 + Z * Z / n
    middle = (rate + Z * Z / (2 * n)) / scale
    half = Z * math.sqrt(rate * (1 - rate) / n + Z * Z / (4 * n * n)) / scale
    return 0.0 if hits == 0 else middle - half, 1.0 if hits == n else middle + half
