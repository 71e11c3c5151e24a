"""Grounded values: the only constants that a call may hold are those that the goal or the data contain."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from pydantic import JsonValue

from decomposer.words import (
    COMPARING,
    COUNTED,
    EACH,
    FILE,
    HOW_MANY,
    NAME,
    NUMBER,
    ORDER,
    PARTING,
    PARTS,
    PERIODS,
    QUOTED,
    SENTENCE_START,
    SEPARATING,
    SIDES,
    SUPERLATIVE,
    TRUTHS,
    UNITS,
    WHICH,
    WORDS,
)


@dataclass(frozen=True, kw_only=True)
class Grounding:
    """What a goal's text says literally."""

    text: str
    """The goal in lower case."""
    written: str
    """The goal as it was written."""
    numbers: tuple[float | int, ...]
    """Numbers, in digits or words, in order, without repetitions."""
    files: tuple[str, ...]
    """Names of files that are to be written."""
    quoted: tuple[str, ...]
    """Quoted texts."""
    names: tuple[str, ...]
    """Capitalised words and runs of them."""
    rows: tuple[str, ...] = ()
    """Words for one row of the only table, such as `parcel`."""
    groupable: tuple[str, ...] = ()
    """Names of the columns that can make groups."""
    numeric: tuple[str, ...] = ()
    """Names of the columns that hold numbers."""
    measured: tuple[str, ...] = ()
    """Names of those of them that hold measurements."""
    keys: tuple[str, ...] = ()
    """Names of the columns that tell the rows of the only table apart."""

    def mentions(self, value: str) -> bool:
        """Whether the goal mentions a text, in singular or plural, `_` read as a space.

        A text of one or two characters is mentioned only as it is written: `A` is not the article.
        """
        plain = value.lower().replace("_", " ").strip()
        if not plain:
            return False
        if len(plain) <= 2:
            return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", self.written) is not None
        return re.search(rf"(?<!\w){re.escape(plain)}(?:s|es)?(?!\w)", self.text.replace("_", " ")) is not None

    @cached_property
    def counts(self) -> bool:
        """Whether it asks how many rows there are; `how many minutes` asks for what a column holds."""
        asked = [found.group(1) for found in HOW_MANY.finditer(self.text)]
        held = [any(replace(self, text=words).touches(name, ()) for name in self.numeric) for words in asked]
        asks_rows = self.has("count") or self.has("counts") or (bool(held) and not all(held))
        return asks_rows and not any(map(self.has, ("average", "mean", "median", "total", "sum")))

    @cached_property
    def sides(self) -> frozenset[str]:
        """On which sides of its numbers it wants what it compares: `<`, `>`; both where its words do not say."""
        found = frozenset(side for side, pattern in SIDES.items() if pattern.search(self.text))
        return found or frozenset(SIDES)

    @cached_property
    def asks_one(self) -> bool:
        """Whether it asks for one of many; what only says in which order rows stand (`heaviest first`) does not."""
        rest = ORDER.sub(" ", self.text)
        return self.asks_which or re.search(rf"\b(?:{SUPERLATIVE})\b|\b[a-z]+est\b|\b1\b|\bone\b", rest) is not None

    @cached_property
    def said_once(self) -> frozenset[str | float]:
        """Numbers that it says a single time."""
        said = list(_numbers(self.text))
        return frozenset(number for number in said if said.count(number) == 1)

    def says_one_of(self, column: str) -> bool:
        """Whether it says 1 in digits, or `one` of what a column holds; `one` alone may stand for anything."""
        after = re.findall(r"\bone( [a-z]+)", self.text)
        in_digits = re.search(r"(?<![\w.])1(?![\w.]|\.\d)", self.text) is not None
        return in_digits or any(replace(self, text=word).touches(column, ()) for word in after)

    @cached_property
    def asks_extreme(self) -> bool:
        """Whether it asks for what is largest, smallest and the like; how often something is is no such thing."""
        rest = re.sub(r"\b(?:most|least) (?:often|common|frequent|popular)", " ", ORDER.sub(" ", self.text))
        return re.search(rf"\b(?:{SUPERLATIVE})\b", rest) is not None

    @cached_property
    def wanted_rows(self) -> frozenset[float | int]:
        """Numbers of rows that it wants, `three` in `three shops`."""
        rows = "|".join(rf"{re.escape(word)}s?" for word in self.rows)
        found = (
            re.findall(rf"({NUMBER.pattern}|[a-z]+)(?: [a-z]+est| most [a-z]+)? (?:{rows})\b", self.text)
            if rows
            else []
        )
        return frozenset(number for words in found for number in _numbers(words))

    @cached_property
    def asks_which(self) -> bool:
        """Whether it asks for the one that is largest, smallest and the like."""
        return WHICH.search(self.text) is not None

    @cached_property
    def compares(self) -> bool:
        """Whether it sets rows against something made of these rows."""
        rest = replace(self, text=SIDES[">"].sub(" ", SIDES["<"].sub(" ", self.text)))
        return any(map(rest.mentions, COMPARING))

    def has(self, words: str) -> bool:
        """Whether the goal has exactly these words, upper and lower case alike; `at least` has no `least`."""
        return re.search(rf"(?<!\w)(?<!\bat ){re.escape(words.lower())}(?!\w)", self.text) is not None

    @cached_property
    def of_groups(self) -> Grounding:
        """The goal without the words that set no groups apart: `each parcel`, `per kilogram`, `by its weight`."""
        text = EACH.sub(lambda found: found.group() if self._is_group(found) else " ", self.text)
        return replace(self, text=text, written=text)

    def _is_group(self, found: re.Match[str]) -> bool:
        """Whether what follows `each`, `per` or `by` may be a group: not a row, a unit or a measurement."""
        first, *rest = re.findall(r"[a-z]+", found.group(2)) or [""]
        if found.group(1) in ("each", "every", "which"):
            relative = found.group(1) == "which" and self.text[: found.start()].endswith(("for ", ", "))
            near = (first, *rest[:1]) if first in WORDS else (first,)
            return not (
                first == "of" or relative or any(word in (row, f"{row}s") for word in near for row in self.rows)
            )
        if not self.groupable:
            return True
        near = replace(self, text=" ".join((first, *rest)))
        named = any(near.touches(name, ()) for name in self.groupable) or any(map(near.mentions, PERIODS))
        measured = any(near.touches(name, ()) for name in self.measured)
        return named or not (measured or found.group(1) == "per")

    @cached_property
    def parts(self) -> bool:
        """Whether it says that something is to be looked at in groups, and not only what is largest or smallest."""
        return any(map(self.of_groups.has, PARTING))

    def parts_by(self, column: str) -> bool:
        """Whether it wants a group for each value of a numeric column."""
        found = (match.group(1) for match in PARTS.finditer(self.text))
        return any(replace(self, text=words).touches(column, ()) for words in found)

    @cached_property
    def orders(self) -> bool:
        """Whether it says in which order rows are to stand."""
        return ORDER.search(self.text) is not None

    @cached_property
    def takes_first_rows(self) -> bool:
        """Whether it asks for rows by where they stand."""
        return re.search(rf"\b(?:first|last) (?:\d+|few|{COUNTED})\b|\brows?\b|\bhead\b", self.text) is not None

    @cached_property
    def separates(self) -> bool:
        """Whether it wants what it names apart from each other."""
        return any(map(self.has, SEPARATING))

    def touches(self, column: str, values: Iterable[JsonValue]) -> bool:
        """Whether the goal has a word of a column's name, or one of its values."""
        parts = re.split(r"[\W_]+", column)
        words = [word for word in parts if len(word) > 2]
        said = (*units_of(column), *words) or (column,)
        return any(self.mentions(word) or self._begins(word) for word in said) or any(
            isinstance(value, str) and self.mentions(value) for value in values
        )

    def _begins(self, word: str) -> bool:
        """Whether a longer word of the goal begins with a word: `windiest` with `wind`."""
        return (
            len(word) > 3 and re.search(rf"(?<!\w){re.escape(word.lower())}[a-z]{{1,5}}(?!\w)", self.text) is not None
        )


def ground(
    text: str,
    *,
    given: Collection[str] = (),
    choices: Collection[str] = (),
    rows: Collection[str] = (),
    groupable: Collection[str] = (),
    numeric: Collection[str] = (),
    measured: Collection[str] = (),
    keys: Collection[str] = (),
) -> Grounding:
    """Gives what a goal's text says literally.

    Args:
        text: the goal.
        given: names of its own files.
        choices: words that operations let choose among (`pearson`); as names of things they say nothing.
        rows: words for one row of its only table.
        groupable: names of the columns of its tables that can make groups.
        numeric: names of those that hold numbers.
        measured: names of those that hold measurements.
        keys: names of the columns that tell the rows of its only table apart.
    """
    files = tuple(dict.fromkeys(match.group(0) for match in FILE.finditer(text) if match.group(0) not in given))
    rest = FILE.sub(" ", text)
    return Grounding(
        text=text.lower(),
        written=text,
        numbers=tuple(dict.fromkeys(_numbers(rest))),
        files=files,
        quoted=tuple(dict.fromkeys(QUOTED.findall(rest))),
        names=tuple(name for name in dict.fromkeys(_names(rest)) if not _is_chosen(name, choices)),
        rows=tuple(rows),
        groupable=tuple(groupable),
        numeric=tuple(numeric),
        measured=tuple(measured),
        keys=tuple(keys),
    )


def _is_chosen(name: str, choices: Collection[str]) -> bool:
    return all(word in choices for word in name.lower().split())


def _names(text: str) -> Iterable[str]:
    """Gives capitalised words; one that only begins a sentence is none."""
    for match in NAME.finditer(text):
        words = match.group(0).split(" ")
        if SENTENCE_START.search(text[: match.start()]):
            words = words[1:]
        if words:
            yield " ".join(words)


def _numbers(text: str) -> Iterable[float | int]:
    for match in re.finditer(rf"{NUMBER.pattern}|[A-Za-z]+", text):
        word = match.group(0)
        if word.lower() in WORDS:
            yield WORDS[word.lower()]
        elif not word[0].isalpha():
            yield from _parsed(word)


def _parsed(word: str) -> Iterable[float | int]:
    percent = word.endswith("%")
    digits = word.rstrip("%")
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", digits):
        digits = digits.replace(",", "")
    try:
        number = float(digits)
    except ValueError:
        return
    yield int(number) if number.is_integer() and "." not in digits else number
    if percent:
        yield number / 100


def categories(grounding: Grounding, column: str, values: Iterable[JsonValue]) -> tuple[str, ...]:
    """Gives the category values that the goal mentions; yes and no where it mentions the column, whatever it says."""
    texts = tuple(value for value in values if isinstance(value, str))
    if all(value.lower() in TRUTHS for value in texts):
        return texts if grounding.mentions(column) else ()
    return tuple(value for value in texts if grounding.mentions(value))


def units_of(column: str) -> tuple[str, ...]:
    """Gives words for the unit that a column's name ends with."""
    parts = re.split(r"[\W_]+", column)
    return UNITS.get(parts[-1].lower(), ()) if len(parts) > 1 else ()


def is_key(column: str) -> bool:
    """Whether a column's name says that it numbers rows, or points to what it numbers elsewhere."""
    return re.search(r"(?:^|_)id$", column.lower()) is not None
