"""English words of goals, and the forms in which numbers, names and files stand there."""

from __future__ import annotations

import re

COMPARING = ("than", "above", "below", "relative", "compared", "share", "deviation", "difference")
"""Words of goals that set rows against something made of these rows."""


PLURALS = {
    "child": "children", "man": "men", "woman": "women", "person": "people", "foot": "feet", "tooth": "teeth",
    "mouse": "mice", "goose": "geese", "leaf": "leaves", "life": "lives", "knife": "knives", "half": "halves",
}  # fmt: skip
"""Plurals that no ending makes."""
WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "twenty": 20, "fifty": 50, "hundred": 100, "thousand": 1000,
    "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
    "thirty": 30, "forty": 40, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "dozen": 12, "thrice": 3,
    "once": 1, "twice": 2, "zero": 0, "half": 0.5, "single": 1,
}  # fmt: skip
"""Numbers in words."""
COUNTED = "|".join(WORDS)
"""Any of these, as a pattern."""
TENS = re.compile(
    r"\b(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)-(?:one|two|three|four|five|six|seven|eight|nine)\b",
    re.IGNORECASE,
)
"""A number of two words."""
NO_AMOUNT = re.compile(
    rf"\b(?:{COUNTED}|\d+)(?= (?:[a-z]+ )?(?:figures?|facts?|things?|findings?|questions?|answers?"
    r"|statistics|charts?|plots?|reports?)\b)"
    r"|\bone(?=[^\w\s]|$| (?:at|with|in|on|of|from|to|for|and|or|that|is|was|has|by|should|comes?|goes)\b)",
    re.IGNORECASE,
)
"""A number that says how many answers there are to be, or `one` that stands for something else."""
NEAR = rf"(?: +[a-z]+){{0,2}}(?: +|-)(?P<number>[^a-z\s]?\d[\d.,]*%?|(?:{COUNTED})\b)"
"""A number within three words."""
_LESS = "less|fewer|shorter|younger|lower|smaller|lighter|earlier|cheaper|nearer|closer|colder|cooler|thinner"
_MORE = "more|greater|longer|older|higher|larger|heavier|later|farther|further|bigger|warmer|hotter|thicker"
SIDES = {
    "<": re.compile(rf"\b(?:(?<!no )(?<!not )(?:{_LESS}) than|under|below|before){NEAR}"),
    "<=": re.compile(rf"\b(?:(?:no|not) (?:{_MORE}) than|at most|up to|within){NEAR}"),
    ">": re.compile(rf"\b(?:(?<!no )(?<!not )(?:{_MORE}) than|over|above|exceed(?:s|ed|ing)?|beyond|after){NEAR}"),
    ">=": re.compile(rf"\b(?:(?:no|not) (?:{_LESS}) than|at least){NEAR}"),
}
"""Words before a number that say on which side of it something lies, by the comparison that they ask for."""
PARTS = re.compile(r"\b(?:each|every|which|what|per|by)\b(?=((?: +[a-z]+){0,2}))")
"""What a goal looks at the parts of: up to two words behind `each`, `what` and the like."""
NOTHING = re.compile(r"\b(?:no|none|not|never|without|zero|didn't|wasn't|weren't|isn't|doesn't)\b((?: +[a-z]+){1,3})")
"""Words that say of what there is nothing: up to three of them behind `no`, `never`, `without`."""
COMPARED = re.compile(
    r"\b(?:than|over|under|above|below|beyond|exceed\w*|reach\w*|upwards?|up to|at (?:most|least)|or \w+(?:er|re|ess)"
    r"|from|since|until|till|between|range\w*|minimum|maximum|after|before|within|near\w*|almost|compar\w+|deviat\w+"
    r"|outlier\w*|except|beat\w*)\b|[<>≥≤]"
)
"""Words that may set something on a side of a number."""
ORDINALS = frozenset(("first", "last", "top"))
"""Values that say in which order rows stand as well."""
NON = re.compile(r"\bnon-?(?=[a-z]{4})")
"""What makes a word say the opposite."""
ORDER = re.compile(
    r"\b(?:sorted|ordered|ranked|order(?:ed)? by|sort(?:ed)? by|(?:de|a)scending|in (?:\w+ )?order|alphabetical(?:ly)?"
    r"|(?:\w+ )?\w+ first(?=\s*(?:[,.;:?!]|$))|(?:beginning|starting) with(?: the)? \w+|(?:\w+ ){0,2}at the top"
    r"|from (?:the )?\w+est\b)"
)
"""Words that say in which order rows stand."""

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?%?(?!(?!s\b)\w|-[A-Za-z])")
"""A number that stands alone, or with an s: not that of a compound such as `3-step`."""
FILE = re.compile(
    r"(?<![\w/.-])(?:[\w-]+/)*[\w-]+\.(?:csv|tsv|json|jsonl|db|sqlite|png|svg|md|html|txt|log)\b", re.IGNORECASE
)
"""The name of a file."""
QUOTED = re.compile(r"[\"'“‘`]([^\"'”’`\n]{1,60})[\"'”’`]")
"""A quoted text."""
NAME = re.compile(r"\b[A-Z][\w-]*(?:[ ][A-Z][\w-]*)*\b(?!\.\d)")
"""Capitalised words."""
SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s|\n)\s*$")
"""What stands before the first word of a sentence."""
TRUTHS = frozenset(("yes", "no", "y", "n", "true", "false", "t", "f", "0", "1"))
"""Values of columns that say yes or no."""
NOES = frozenset(("no", "n", "false", "f", "0"))
"""Those that say no."""
