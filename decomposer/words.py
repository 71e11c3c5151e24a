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
    "compare",
    "distribution",
)
"""Words of goals that look at things in groups."""
PARTS = re.compile(r"\b(?:each|every|which|what|per|by)\b(?=((?: +[a-z]+){0,2}))")
"""What a goal looks at the parts of: up to two words behind `each`, `what` and the like."""
EACH = re.compile(r"\b(each|every|which|per|by)\b(?=((?: +[a-z]+){0,4}))")
"""Words that may set groups apart, with up to four words behind them."""
ROW_WISE = re.compile(r"\b(?:subtract|minus|divid|multipl|times|product|difference|ratio|plus|add)[a-z]*\b")
"""Words that calculate with every row."""
SUBTRACTED = re.compile(r"\bsubtract(?:s|ed|ing)? (?P<right>[^.,;?!]+?) from (?P<left>[^.,;?!]+)")
"""What is subtracted, and from what."""
NO_GROUP = re.compile(
    r"\b(?:going|judging|judged|measured|multiplied|divided|sorted|ordered|ranked|arranged|followed|increased|grown) $"
)
"""Words before `by` that set no groups apart."""
AMOUNTS = frozenset(("number", "amount", "total", "average", "mean", "median", "sum", "count", "how"))
"""Words behind `by` that set no groups apart."""
YEARS = (1800, 2100)
"""What a number that names a year lies between."""
PERIODS = ("year", "month", "day", "week", "weekday", "hour", "quarter", "date")
"""Parts of dates."""
PLURALS = {
    "child": "children", "man": "men", "woman": "women", "person": "people", "foot": "feet", "tooth": "teeth",
    "mouse": "mice", "goose": "geese", "leaf": "leaves", "life": "lives", "knife": "knives", "half": "halves",
}  # fmt: skip
"""Plurals that no ending makes."""
HOW_MANY = re.compile(r"\b(?:how many|number of)\b((?: +[a-z]+){1,2})")
"""What is counted: up to two words behind `how many`."""
WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "twenty": 20, "fifty": 50, "hundred": 100, "thousand": 1000,
    "once": 1, "twice": 2, "zero": 0, "half": 0.5, "single": 1,
}  # fmt: skip
"""Numbers in words."""
COUNTED = "|".join(WORDS)
"""Any of these, as a pattern."""
NO_AMOUNT = re.compile(
    rf"\b(?:{COUNTED}|\d+)(?= (?:[a-z]+ )?(?:figures?|facts?|things?|findings?|questions?|answers?"
    r"|statistics|charts?|plots?|reports?)\b)"
    r"|\bone(?=[^\w\s]|$| (?:at|with|in|on|of|from|to|for|and|or|that|is|was|has|by|should|comes?|goes)\b)",
    re.IGNORECASE,
)
"""A number that says how many answers there are to be, or `one` that stands for something else."""
NEAR = rf"(?: +[a-z]+){{0,2}} +(?P<number>[^a-z\s]?\d[\d.,]*%?|(?:{COUNTED})\b)"
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
NOTHING = re.compile(r"\b(?:no|none|not|never|without|zero|didn't|wasn't|weren't|isn't|doesn't)\b((?: +[a-z]+){1,3})")
"""Words that say of what there is nothing: up to three of them behind `no`, `never`, `without`."""
COMPARED = re.compile(
    r"\b(?:than|over|under|above|below|beyond|exceed\w*|reach\w*|upwards?|up to|at (?:most|least)|or \w+(?:er|re|ess)"
    r"|from|since|until|till|between|range\w*|minimum|maximum|after|before|within|near\w*|almost|compar\w+|deviat\w+"
    r"|outlier\w*|except|beat\w*)\b|[<>≥≤]"
)
"""Words that may set something on a side of a number."""
BOTH = re.compile(r"\bwith\b.*\bwithout\b|\bwithout\b.*\bwith\b|\b(\w{4,}) (?:and|or|vs\.?|versus|than) (?:non-?|un)\1")
"""Words that want what is so and what is not so."""
ORDINALS = frozenset(("first", "last", "top"))
"""Values that say in which order rows stand as well."""
NON = re.compile(r"\bnon-?(?=[a-z]{4})")
"""What makes a word say the opposite."""
NO_SUPERLATIVE = (
    "interest|request|suggest|honest|modest|invest|harvest|protest|contest|forest|guest|quest|conquest|chest|west"
    "|midwest|northwest|southwest|digest|ingest|arrest|manifest|attest|latest|rest|test|nest|vest|pest|best|dishonest"
    "|reinvest|bequest|retest|backtest|earnest|tempest|crest"
)
"""Words that only end like a superlative."""
SUPERLATIVE = (
    "(?<!at )most|(?<!at )least|highest|lowest|largest|smallest|biggest|fewest|longest|shortest|heaviest|lightest"
    rf"|oldest|youngest|cheapest|dearest|busiest|best|worst|(?!(?:{NO_SUPERLATIVE})\b)[a-z]{{2,}}est"
)
"""Words for what is largest, smallest and the like."""
MOST_OF = rf"\b(?:{SUPERLATIVE}|more|fewer|total|average|mean|median|sum of(?: the)?) (?:[a-z]+ )?"
"""What stands before a column whose values are compared."""
ROWS = ("table", "tables", "tabulate", "list", "show", "rows", "see", "each", "every", "per")
"""Words of goals that want to see rows."""
OLD = ("oldest", "eldest")
"""Words for what is largest by its age and smallest by its date."""
YOUNG = ("youngest", "newest", "most recent", "most recently")
"""Words for what is smallest by its age and largest by its date."""
AGES = frozenset(("age", "ages", "tenure", "years"))
"""Words in names of columns that hold ages."""
COMPARATIVE = (
    "higher|lower|larger|smaller|bigger|greater|more|fewer|less|better|worse|longer|shorter|older|younger|heavier"
    "|lighter|cheaper|dearer|faster|slower|warmer|colder|wetter|drier|busier|happier|richer|newer|stronger|weaker"
)
"""Words for the larger or smaller of two."""
WHICH = re.compile(
    rf"\b(?:which|what|who|where)\b.*\b(?:{SUPERLATIVE}|(?:the|has|have|had|is|are) (?:{COMPARATIVE})(?! than))\b"
)
"""A question for the one that is largest, smallest and the like."""
PARTS_OF_ALL = ("each", "every", "per", "by", "grouped", "separately")
"""Words that set groups apart for all clauses of their sentence."""
SENTENCE_END = re.compile(r"(?<=[a-z0-9)])[.?!:;](?:\s+|$)")
"""Where a sentence ends, or a list begins."""
_BEGINNING = (
    "(?:(?:in|on|at|for|of|from) )?(?:what|which|how|who|where|when)"
    "|tell|write|give|plot|draw|save|store|make|show|also|find|calculate|compute|determine|name|identify|report|count"
)
CLAUSE_END = re.compile(rf"(?:,? and |, )(?=(?:{_BEGINNING})\b)")
"""Where a clause ends and another one begins."""
GROUP = (
    r"\b(?:(?:which|what) (?:(?:kind|type|sort) of )?{0}|the {0} (?:where|with|that|which|whose|in which|of which))\b"
)
"""What asks for one of several groups, by the name of a column."""
LISTED = re.compile(r", (?:and )?| and (?=the\b)")
"""Where one of several things ends and the next one begins."""
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
NAME = re.compile(r"\b[A-Z][\w-]*(?:[ ][A-Z][\w-]*)*\b(?!\.\d)")
"""Capitalised words."""
SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s|\n)\s*$")
"""What stands before the first word of a sentence."""
TRUTHS = frozenset(("yes", "no", "y", "n", "true", "false", "t", "f", "0", "1"))
"""Values of columns that say yes or no."""
NOES = frozenset(("no", "n", "false", "f", "0"))
"""Those that say no."""
