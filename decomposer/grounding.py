"""Grounded values: the only constants that a call may hold are those that the goal or the data contain."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from pydantic import JsonValue

COMPARING = ("than", "above", "below", "relative", "compared", "share", "deviation", "difference")
"""Words of goals that set rows against something made of these rows."""

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?%?(?!\w|-[A-Za-z])")
"""A number that stands alone: not that of a compound such as `3-step`."""
_FILE = re.compile(
    r"(?<![\w/.-])(?:[\w-]+/)*[\w-]+\.(?:csv|tsv|json|jsonl|db|sqlite|png|svg|md|html|txt|log)\b", re.IGNORECASE
)
_QUOTED = re.compile(r"[\"'“‘`]([^\"'”’`\n]{1,60})[\"'”’`]")
_NAME = re.compile(r"\b[A-Z][\w-]*(?:[ ][A-Z][\w-]*)*\b")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s|\n)\s*$")
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "twenty": 20, "fifty": 50, "hundred": 100, "thousand": 1000,
    "once": 1, "twice": 2, "zero": 0, "half": 0.5, "single": 1,
}  # fmt: skip


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
        """Whether it asks how many there are of something."""
        return any(self.has(words) for words in ("how many", "number of", "count", "counts"))

    @cached_property
    def compares(self) -> bool:
        """Whether it sets rows against something made of these rows."""
        return any(map(self.mentions, COMPARING))

    def has(self, words: str) -> bool:
        """Whether the goal has exactly these words, upper and lower case alike."""
        return re.search(rf"(?<!\w){re.escape(words.lower())}(?!\w)", self.text) is not None

    def touches(self, column: str, values: Iterable[JsonValue]) -> bool:
        """Whether the goal has a word of a column's name, or one of its values."""
        words = [word for word in re.split(r"[\W_]+", column) if len(word) > 2]
        return any(self.mentions(word) for word in words or [column]) or any(
            isinstance(value, str) and self.mentions(value) for value in values
        )


def ground(text: str, *, given: Collection[str] = ()) -> Grounding:
    """Gives what a goal's text says literally; `given` are the names of its own files."""
    files = tuple(dict.fromkeys(match.group(0) for match in _FILE.finditer(text) if match.group(0) not in given))
    rest = _FILE.sub(" ", text)
    return Grounding(
        text=text.lower(),
        written=text,
        numbers=tuple(dict.fromkeys(_numbers(rest))),
        files=files,
        quoted=tuple(dict.fromkeys(_QUOTED.findall(rest))),
        names=tuple(dict.fromkeys(_names(rest))),
    )


def _names(text: str) -> Iterable[str]:
    """Gives capitalised words; one that only begins a sentence is none."""
    for match in _NAME.finditer(text):
        words = match.group(0).split(" ")
        if _SENTENCE_START.search(text[: match.start()]):
            words = words[1:]
        if words:
            yield " ".join(words)


def _numbers(text: str) -> Iterable[float | int]:
    for match in re.finditer(rf"{_NUMBER.pattern}|[A-Za-z]+", text):
        word = match.group(0)
        if word.lower() in _WORDS:
            yield _WORDS[word.lower()]
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
    """Gives the category values that the goal mentions; of two that exclude each other (yes and no) both,
    where it mentions only the column.
    """
    texts = tuple(value for value in values if isinstance(value, str))
    mentioned = tuple(value for value in texts if grounding.mentions(value))
    return mentioned or (texts if len(texts) <= 2 and grounding.mentions(column) else ())
