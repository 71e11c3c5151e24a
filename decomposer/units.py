"""Units of measurement: what names of columns say about them, and amounts that a goal gives in another one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from decomposer.words import COUNTED, WORDS

UNITS = {
    "km": ("kilometre", "kilometer"), "m": ("metre", "meter"), "cm": ("centimetre", "centimeter"),
    "mm": ("millimetre", "millimeter"), "kg": ("kilogram", "kilo"), "g": ("gram",), "l": ("litre", "liter"),
    "s": ("second",), "sec": ("second",), "min": ("minute",), "mins": ("minute",), "h": ("hour",), "hrs": ("hour",),
    "c": ("degree", "celsius"), "f": ("degree", "fahrenheit"), "pct": ("percent", "percentage"),
    "kmh": ("kilometre", "kilometer"), "mph": ("mile",), "mi": ("mile",), "eur": ("euro",), "usd": ("dollar",),
    "gbp": ("pound",), "chf": ("franc",), "kwh": ("kilowatt",), "kcal": ("calorie", "kilocalorie"),
    "ml": ("millilitre",), "cl": ("centilitre",), "ms": ("millisecond",), "ha": ("hectare",), "yrs": ("year",),
    "mb": ("megabyte",),
}  # fmt: skip
"""Words for the units that names of columns end with."""

SIZES: tuple[dict[str, float], ...] = (
    {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800},
    {"month": 1, "year": 12},
    {"millimetre": 0.001, "centimetre": 0.01, "metre": 1, "kilometre": 1_000},
    {"millimeter": 0.001, "centimeter": 0.01, "meter": 1, "kilometer": 1_000},
    {"gram": 1, "kilogram": 1_000, "kilo": 1_000, "tonne": 1_000_000, "ton": 1_000_000},
)
"""How large units are beside others of their kind."""
_AMOUNT = re.compile(
    rf"(?P<limit>\b(?:than|over|under|above|below|within|at least|at most) )?"
    rf"(?<![\w.])(?P<half>half )?(?P<amount>\d+(?:\.\d+)?|an?|{COUNTED}) "
    rf"(?P<unit>{'|'.join(unit for sizes in SIZES for unit in sizes)})s?\b",
    re.IGNORECASE,
)


def units_of(column: str) -> tuple[str, ...]:
    """Gives words for the unit that a column's name ends with."""
    parts = re.split(r"[\W_]+", column)
    return UNITS.get(parts[-1].lower(), ()) if len(parts) > 1 else ()


def plain(column: str) -> str:
    """Gives a column's name in words, its unit left out."""
    words = [word for word in re.split(r"[\W_]+", column.lower()) if word]
    has_unit = len(words) > 1 and (words[-1] in UNITS or len(words[-1]) < 3)
    return " ".join(words[:-1] if has_unit else words)


def in_units_of(columns: Collection[str], text: str) -> str:
    """Gives a text with amounts in units of columns: `an hour` as `60 minutes` where a column holds minutes."""
    held = frozenset(unit for column in columns for unit in _held(column))
    return _AMOUNT.sub(lambda found: _converted(found, held), text)


def _held(column: str) -> Iterator[str]:
    yield from units_of(column)
    yield from (part.lower().removesuffix("s") for part in re.split(r"[\W_]+", column))


def _converted(found: re.Match[str], held: Collection[str]) -> str:
    unit, limit = found["unit"].lower(), found["limit"] or ""
    amount = _amount(found["amount"].lower()) * (0.5 if found["half"] else 1)
    if unit in held:
        return f"{limit}{amount:.12g} {unit}s" if limit else found.group()
    other = next(_others(unit, held), None)
    return found.group() if other is None else f"{limit}{amount * other[1]:.12g} {other[0]}s"


def _others(unit: str, held: Iterable[str]) -> Iterator[tuple[str, float]]:
    """Gives the held units of a unit's kind, each with how many of them it is."""
    for sizes in SIZES:
        for other in sorted(sizes.keys() & set(held)) if unit in sizes else ():
            yield other, sizes[unit] / sizes[other]


def _amount(word: str) -> float:
    return 1 if word in ("a", "an") else WORDS.get(word) or float(word)
