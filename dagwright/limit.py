"""Limits: goals and policies state them, None states none, and all that are stated hold."""

from __future__ import annotations

import math
from typing import TypeVar

Number = TypeVar("Number", int, float)


def least(*limits: Number | None) -> Number | None:
    """Gives the strictest of several upper limits; None where none is stated."""
    return min((limit for limit in limits if limit is not None), default=None)


def ceiling(*limits: float | None) -> float:
    """Gives the strictest of several upper limits; infinity where none is stated."""
    return min((limit for limit in limits if limit is not None), default=math.inf)
