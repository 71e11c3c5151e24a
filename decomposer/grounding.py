"""Grounded values: the only constants that a call may hold are those that the goal or the data contain."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile

from pydantic import JsonValue

from decomposer.units import in_units_of, plain, units_of
from decomposer.words import (
    AMOUNTS,
    BOTH,
    COMPARED,
    COMPARING,
    COUNTED,
    EACH,
    FILE,
    HOW_MANY,
    NAME,
    NO_AMOUNT,
    NO_GROUP,
    NOES,
    NON,
    NOTHING,
    NUMBER,
    ORDER,
    ORDINALS,
    PARTING,
    PARTS,
    PERIODS,
    PLURALS,
    QUOTED,
    ROW_WISE,
    ROWS,
    SENTENCE_START,
    SEPARATING,
    SIDES,
    SUPERLATIVE,
    TRUTHS,
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
    values: tuple[str, ...] = ()
    """Values of the columns that have few."""

    def mentions(self, value: str) -> bool:
        """Whether the goal mentions a text, in singular or plural, `_` read as a space.

        A text of one or two characters is mentioned only as it is written: `A` is not the article.
        """
        plain = value.lower().replace("_", " ").strip()
        if not plain:
            return False
        if len(plain) <= 2:
            return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", self.written) is not None
        return re.search(rf"(?<!\w){_forms(plain)}(?!\w)", self.text.replace("_", " ")) is not None

    def paraphrases(self, value: str) -> bool:
        """Whether the goal has a word of the same stem: `referral` for `referred`."""
        plain = value.lower()
        return any(_share_stem(said, plain) for said in self._words)

    @cached_property
    def counts(self) -> bool:
        """Whether it asks how many rows there are; `how many minutes` asks for what a column holds."""
        asked = [found.group(1) for found in HOW_MANY.finditer(self.text)]
        held = [any(replace(self, text=words).touches(name, ()) for name in self.numeric) for words in asked]
        asks_rows = self.has("count") or self.has("counts") or (bool(held) and not all(held))
        return asks_rows and not any(map(self.has, ("average", "mean", "median", "total", "sum")))

    @cached_property
    def counts_apart(self) -> bool:
        """Whether it wants a table of how many there are of this and of that."""
        return self.has("table") and len(HOW_MANY.findall(self.text)) > 1

    @cached_property
    def sides(self) -> frozenset[str]:
        """On which sides of its numbers it wants what it compares: `<`, `>`; neither in `four-star hotels`.

        Both where its words compare and do not say which.
        """
        found = frozenset(side for side, pattern in SIDES.items() if pattern.search(self.text))
        return found or frozenset(SIDES if COMPARED.search(self.text) or not self.numbers else ())

    @cached_property
    def limits(self) -> frozenset[float | int]:
        """Numbers that it sets something against, `20` in `more than 20 km`."""
        rest = self.without_files.text
        found = (match.group("number") for pattern in SIDES.values() for match in pattern.finditer(rest))
        return frozenset(number for said in found for number in _numbers(said))

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

    def says_none_of(self, column: str) -> bool:
        """Whether it says that there is nothing of what a column holds: `no rain`, `without a fine`."""
        found = (match.group(1) for match in NOTHING.finditer(self.text))
        return any(replace(self, text=words).touches(column, ()) for words in found)

    def denies(self, column: str) -> bool:
        """Whether it speaks of a column only to say that it is not so: `non-members`."""
        rest = NOTHING.sub(" ", NON.sub(" not ", self.text))
        return self.mentions(column) and not replace(self, text=rest, written=rest).mentions(column)

    @cached_property
    def compares(self) -> bool:
        """Whether it sets rows against something made of these rows."""
        rest = replace(self, text=SIDES[">"].sub(" ", SIDES["<"].sub(" ", self.text)))
        return any(map(rest.mentions, COMPARING))

    def has(self, words: str) -> bool:
        """Whether the goal has exactly these words, upper and lower case alike; `at least` has no `least`."""
        return re.search(rf"(?<!\w)(?<!\bat ){re.escape(words.lower())}(?!\w)", self.text) is not None

    @cached_property
    def without_files(self) -> Grounding:
        """The goal without the names of files."""
        return replace(self, text=FILE.sub(" ", self.text), written=FILE.sub(" ", self.written))

    @cached_property
    def without_rows(self) -> Grounding:
        """The goal without the words for its rows: `visits` of a table of visits do not mean their date."""
        words = "|".join(map(re.escape, self.rows))
        return replace(self, text=re.sub(rf"\b(?:{words})s?\b", " ", self.text)) if words else self

    @cached_property
    def without_order(self) -> Grounding:
        """The goal without the words that say in which order rows stand."""
        return replace(self, text=ORDER.sub(" ", self.text), written=ORDER.sub(" ", self.written))

    def says_both(self, column: str) -> bool:
        """Whether it wants both what is so and what is not so, apart from each other: with and without it."""
        return self.mentions(column) and BOTH.search(self.text) is not None

    @cached_property
    def of_groups(self) -> Grounding:
        """The goal without the words that set no groups apart: `each parcel`, `per kilogram`, `by its weight`."""
        text = EACH.sub(lambda found: found.group() if self._is_group(found) else " ", self._without_names)
        return replace(self, text=text, written=text)

    @cached_property
    def _without_names(self) -> str:
        """The goal without names of columns that sound like groups: `price per night`."""
        names = (plain(column) for column in (*self.groupable, *self.measured))
        text = self.text
        for name in names:
            text = re.sub(rf"\b{re.escape(name)}\b", " ", text) if EACH.search(name) else text
        return text

    def _is_group(self, found: re.Match[str]) -> bool:
        """Whether what follows `each`, `per` or `by` may be a group: not a row, a unit or a measurement."""
        first, *rest = re.findall(r"[a-z]+", found.group(2)) or [""]
        if found.group(1) in ("each", "every", "which"):
            relative = found.group(1) == "which" and found.string[: found.start()].endswith(("for ", ", "))
            near = (first, *rest[:1]) if first in WORDS else (first,)
            is_row = any(word in (row, f"{row}s") for word in near for row in self.rows)
            return not (first == "of" or relative or is_row or self._is_row_wise(first))
        if NO_GROUP.search(found.string[: found.start()]) or not AMOUNTS.isdisjoint((first, *rest[:1])):
            return False
        if any(re.match(rf"{_forms(value.lower())}(?!\w)", " ".join((first, *rest))) for value in self.values):
            return False
        if not self.groupable:
            return True
        if found.group(1) == "by" and self._are_agents(first):
            return False
        near = replace(self, text=" ".join((first, *rest)))
        named = any(map(near.names_group, self.groupable)) or any(map(near.mentions, PERIODS))
        touched = any(near.touches(name, ()) for name in (*self.measured, *self.groupable))
        return named or not (touched or found.group(1) == "per")

    def _is_row_wise(self, word: str) -> bool:
        """Whether `for every car` stands for every row: something is calculated, and no column is called so."""
        named = replace(self, text=word)
        return ROW_WISE.search(self.text) is not None and not any(named.touches(name, ()) for name in self.groupable)

    def _are_agents(self, word: str) -> bool:
        """Whether a word behind `by` says by whom something was done: a plural that no column is called."""
        columns = (part for name in (*self.groupable, *self.measured) for part in plain(name).split(" "))
        return word.endswith("s") and not word.endswith("ss") and word not in columns

    @cached_property
    def parts(self) -> bool:
        """Whether it says that something is to be looked at in groups, and not only what is largest or smallest."""
        return any(map(self.of_groups.has, PARTING))

    def parts_by(self, column: str) -> bool:
        """Whether it wants a group for each value of a numeric column."""
        found = (match.group(1) for match in PARTS.finditer(self._without_names))
        return any(replace(self, text=words).mentions(plain(column)) for words in found)

    def names_group(self, column: str) -> bool:
        """Whether the goal has a word of a column of categories, or the whole name of one of numbers."""
        return self.mentions(plain(column)) if column in self.numeric else self.touches(column, ())

    @cached_property
    def asks_rows(self) -> bool:
        """Whether it asks to see rows."""
        return any(map(self.has, ROWS))

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
        """Whether a word of the goal and this one begin alike: `windiest` and `wind`, `rain` and `rainfall`."""
        return len(word) > 3 and any(_are_alike(said, word.lower()) for said in self._words)

    @cached_property
    def _words(self) -> frozenset[str]:
        found = re.findall(r"[a-z]{4,}", self.text)
        return frozenset((*found, *(word.removesuffix("s") for word in found if len(word) > 4)))


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
    values: Collection[str] = (),
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
        values: values of the columns that have few.
    """
    files = tuple(dict.fromkeys(match.group(0) for match in FILE.finditer(text) if match.group(0) not in given))
    text = in_units_of(numeric, text)
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
        values=tuple(values),
    )


def _are_alike(one: str, other: str) -> bool:
    """Whether one of two words begins the other, or both go on shortly after five letters or more."""
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    longer, shorter = (len(word) - alike for word in sorted((one, other), key=len, reverse=True))
    return (
        (shorter == 0 and longer <= 5)
        or _share_stem(one, other)
        or (_stem(one) == _stem(other) and len(_stem(one)) > 2)
    )


def _stem(word: str) -> str:
    """Gives a word without the ending of a verb: `rat` of `rated` and `rating`."""
    return re.sub(r"(?:ing|ed|er|es|e|s)$", "", word)


def _share_stem(one: str, other: str) -> bool:
    """Whether two words begin alike, over five letters or more, and both go on for one to three."""
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    return alike > 4 and all(0 < len(word) - alike <= 3 for word in (one, other))


def _forms(plain: str) -> str:
    """Gives the pattern of a word, or words, in singular and plural."""
    *before, last = plain.split(" ")
    forms = [f"{re.escape(last)}(?:s|es)?"]
    if last.endswith("y"):
        forms.append(f"{re.escape(last[:-1])}ies")
    if last.endswith("ies"):
        forms.append(f"{re.escape(last[:-3])}y")
    if last.endswith("s") and len(last) > 4:
        forms.append(re.escape(last[:-1]))
    if last in PLURALS:
        forms.append(PLURALS[last])
    return "".join(rf"{re.escape(word)} +" for word in before) + f"(?:{'|'.join(forms)})"


def _is_chosen(name: str, choices: Collection[str]) -> bool:
    return all(word in choices for word in name.lower().split())


def _names(text: str) -> Iterable[str]:
    """Gives capitalised words; one that only begins a sentence is none."""
    for match in NAME.finditer(text):
        words = match.group(0).split(" ")
        if SENTENCE_START.search(text[: match.start()]):
            words = words[1:]
        if words and words != ["I"]:
            yield " ".join(words)


def _numbers(text: str) -> Iterable[float | int]:
    for match in re.finditer(rf"{NUMBER.pattern}|[A-Za-z]+", NO_AMOUNT.sub(" ", text)):
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
    if is_truth(texts):
        if not grounding.mentions(column):
            return ()
        return tuple(value for value in texts if value.lower() in NOES or not grounding.denies(column))
    rest = grounding.without_order if not ORDINALS.isdisjoint(map(str.lower, texts)) else grounding
    return tuple(filter(rest.mentions, texts)) or tuple(filter(rest.paraphrases, texts))


def is_truth(values: Iterable[JsonValue]) -> bool:
    """Whether a column's values say yes and no."""
    return all(isinstance(value, str) and value.lower() in TRUTHS for value in values)


def is_key(column: str) -> bool:
    """Whether a column's name says that it numbers rows, or points to what it numbers elsewhere."""
    return re.search(r"(?:^|_)id$", column.lower()) is not None
