"""Grounded values: the only constants that a call may hold are those that the goal or the data contain."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile

from pydantic import JsonValue

from decomposer.units import in_units_of, units_of
from decomposer.words import (
    COMPARED,
    COMPARING,
    COUNTED,
    FILE,
    NAME,
    NO_AMOUNT,
    NOES,
    NON,
    NOTHING,
    NUMBER,
    ORDER,
    ORDINALS,
    PARTS,
    PLURALS,
    QUOTED,
    SENTENCE_START,
    SIDES,
    TENS,
    TRUTHS,
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
        return re.search(rf"(?<!\w){_forms(plain)}(?!\w)", self.text.replace("_", " ")) is not None

    def paraphrases(self, value: str) -> bool:
        """Whether the goal has a word of the same stem: `referral` for `referred`."""
        plain = value.lower()
        return any(_share_stem(said, plain) for said in self._words)

    @cached_property
    def sides(self) -> frozenset[str]:
        """How it wants its numbers compared: `<`, `<=`, `>`, `>=`; in none of these ways in `four-star hotels`.

        In all of them where its words compare and do not say which.
        """
        found = frozenset(side for side, pattern in SIDES.items() if pattern.search(self.text))
        return found or frozenset(SIDES if COMPARED.search(self.text) or not self.numbers else ())

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
        text = self.text
        for pattern in SIDES.values():
            text = pattern.sub(" ", text)
        return any(map(replace(self, text=text).mentions, COMPARING))

    def parts_by(self, column: str) -> bool:
        """Whether it wants something for each value of a column: `each level`, `by the hour`, `which year`."""
        words = " ".join(re.split(r"[\W_]+", column.lower()))
        return any(replace(self, text=found.group(1)).mentions(words) for found in PARTS.finditer(self.text))

    def has(self, words: str) -> bool:
        """Whether the goal has exactly these words, upper and lower case alike; `at least` has no `least`."""
        return re.search(rf"(?<!\w)(?<!\bat ){re.escape(words.lower())}(?!\w)", self.text) is not None

    @cached_property
    def without_order(self) -> Grounding:
        """The goal without the words that say in which order rows stand."""
        return replace(self, text=ORDER.sub(" ", self.text), written=ORDER.sub(" ", self.written))

    @cached_property
    def orders(self) -> bool:
        """Whether it says in which order rows are to stand."""
        return ORDER.search(self.text) is not None

    @cached_property
    def takes_first_rows(self) -> bool:
        """Whether it asks for rows by where they stand."""
        return re.search(rf"\b(?:first|last) (?:\d+|few|{COUNTED})\b|\brows?\b|\bhead\b", self.text) is not None

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
    numeric: Collection[str] = (),
    keys: Collection[str] = (),
) -> Grounding:
    """Gives what a goal's text says literally.

    Args:
        text: the goal.
        given: names of its own files.
        choices: words that operations let choose among (`pearson`); as names of things they say nothing.
        numeric: names of the columns of its tables that hold numbers.
        keys: names of the columns that tell the rows of its only table apart.
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
        keys=tuple(keys),
    )


def _are_alike(one: str, other: str) -> bool:
    """Whether one of two words begins the other, or both go on shortly after five letters or more."""
    shorter, longer = sorted((one, other), key=len)
    begins = longer.startswith(shorter) and len(longer) - len(shorter) <= 5
    return begins or _share_stem(one, other) or (_stem(one) == _stem(other) and len(_stem(one)) > 2)


def _stem(word: str) -> str:
    """Gives a word without the ending of a verb: `rat` of `rated` and `rating`."""
    return re.sub(r"(?:ing|ed|er|es|e|s)$", "", word)


def _share_stem(one: str, other: str) -> bool:
    """Whether two words begin alike, over five letters or more, and both go on for one to three."""
    alike = len([*takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))])
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
    for match in re.finditer(rf"{NUMBER.pattern}|{TENS.pattern}|[A-Za-z]+", NO_AMOUNT.sub(" ", text)):
        word = match.group(0)
        if word.lower() in WORDS:
            yield WORDS[word.lower()]
        elif TENS.fullmatch(word):
            yield sum(WORDS[part] for part in word.lower().split("-"))
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
    """Gives the category values that the goal mentions; yes and no where it touches the column, whatever it says."""
    texts = tuple(value for value in values if isinstance(value, str))
    if is_truth(texts):
        if not grounding.touches(column, ()):
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
