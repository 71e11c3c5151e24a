"""English words of goals, and the forms in which numbers, names and files stand there."""

from __future__ import annotations

import re

COMPARING = ("than", "above", "below", "relative", "compared", "share", "deviation", "difference")
"""Words of goals that set rows against something made of these rows."""

SEPARATING = ("separately", "each", "apart", "respectively", "for both")
"""Words of goals that want things that they name apart from each other."""

PARTING = (
    "each",
    "every",
    "per",
    "by",
    "which",
    "group",
    "grouped",
    "across",
    "among",
    "between",
    "compare",
    "distribution",
)
"""Words of goals that look at things in groups."""
PARTS = re.compile(r"\b(?:each|every|which|what|per|by)\b(?=((?: +[a-z]+){0,2}))")
"""What a goal looks at the parts of: up to two words behind `each`, `what` and the like."""
EACH = re.compile(r"\b(each|every|which|per|by)\b(?=((?: +[a-z]+){0,4}))")
"""Words that may set groups apart, with up to four words behind them."""
PERIODS = ("year", "month", "day", "week", "weekday", "hour", "quarter", "date")
"""Parts of dates."""
UNITS = {
    "km": ("kilometre", "kilometer"), "m": ("metre", "meter"), "cm": ("centimetre", "centimeter"),
    "mm": ("millimetre", "millimeter"), "kg": ("kilogram", "kilo"), "g": ("gram",), "l": ("litre", "liter"),
    "s": ("second",), "sec": ("second",), "min": ("minute",), "mins": ("minute",), "h": ("hour",), "hrs": ("hour",),
    "c": ("degree", "celsius"), "f": ("degree", "fahrenheit"), "pct": ("percent", "percentage"),
    "kmh": ("kilometre", "kilometer"), "mph": ("mile",), "mi": ("mile",), "eur": ("euro",), "usd": ("dollar",),
}  # fmt: skip
"""Words for the units that names of columns end with."""
HOW_MANY = re.compile(r"\b(?:how many|number of)\b((?: +[a-z]+){1,2})")
"""What is counted: up to two words behind `how many`."""
NEAR = r"(?: +[a-z]+){0,2} +[^a-z\s]?\d"
"""A number within three words."""
SIDES = {
    "<": re.compile(
        r"\b(?:(?<!no )(?<!not )(?:less|fewer|shorter|younger|lower|smaller|lighter|earlier|cheaper|nearer|closer) than"
        r"|(?:no|not) (?:more|longer|older|higher|larger|heavier|later|farther|bigger) than|under|below|at most|up to"
        rf"|within|before){NEAR}"
    ),
    ">": re.compile(
        r"\b(?:(?<!no )(?<!not )(?:more|greater|longer|older|higher|larger|heavier|later|farther|further|bigger) than"
        r"|(?:no|not) (?:less|fewer|shorter|younger|lower|smaller|lighter|earlier) than|over|above|exceed(?:s|ed|ing)?"
        rf"|at least|beyond|after){NEAR}"
    ),
}
"""Words before a number that say on which side of it something lies."""
SUPERLATIVE = (
    "(?<!at )most|(?<!at )least|highest|lowest|largest|smallest|biggest|fewest|longest|shortest|heaviest|lightest"
    "|oldest|youngest|cheapest|dearest|busiest|best|worst"
)
"""Words for what is largest, smallest and the like."""
WHICH = re.compile(rf"\b(?:which|what|who|where)\b.*\b(?:{SUPERLATIVE})\b")
"""A question for the one that is largest, smallest and the like."""
ORDER = re.compile(
    r"\b(?:sorted|ordered|ranked|order(?:ed)? by|sort(?:ed)? by|(?:de|a)scending|in (?:\w+ )?order|alphabetical(?:ly)?"
    r"|(?:\w+ )?\w+ first(?=\s*(?:[,.;:?!]|$))|(?:beginning|starting) with(?: the)? \w+|(?:\w+ ){0,2}at the top"
    r"|from (?:the )?\w+est\b)"
)
"""Words that say in which order rows stand."""

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?%?(?!\w|-[A-Za-z])")
"""A number that stands alone: not that of a compound such as `3-step`."""
FILE = re.compile(
    r"(?<![\w/.-])(?:[\w-]+/)*[\w-]+\.(?:csv|tsv|json|jsonl|db|sqlite|png|svg|md|html|txt|log)\b", re.IGNORECASE
)
"""The name of a file."""
QUOTED = re.compile(r"[\"'“‘`]([^\"'”’`\n]{1,60})[\"'”’`]")
"""A quoted text."""
NAME = re.compile(r"\b[A-Z][\w-]*(?:[ ][A-Z][\w-]*)*\b")
"""Capitalised words."""
SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s|\n)\s*$")
"""What stands before the first word of a sentence."""
TRUTHS = frozenset(("yes", "no", "y", "n", "true", "false", "t", "f", "0", "1"))
"""Values of columns that say yes or no."""
WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "twenty": 20, "fifty": 50, "hundred": 100, "thousand": 1000,
    "once": 1, "twice": 2, "zero": 0, "half": 0.5, "single": 1,
}  # fmt: skip
"""Numbers in words."""
COUNTED = "|".join(WORDS)
"""Any of these, as a pattern."""
