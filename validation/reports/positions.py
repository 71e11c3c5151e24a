"""`Positions`: at which line and column of a JSON text each place lies."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from validation.types.schema import pointer_of

# Possessive, so that a text that never ends is read once. What is no JSON gives tokens all the same.
_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[{}\[\],:]|[^\s{}\[\],:"]++', re.DOTALL)


class Region(NamedTuple):
    """A stretch of a text: lines and columns count from 1, columns in code points, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


TOP: Final = Region(1, 1, 1, 1)


@dataclass(slots=True)
class _Container:
    """An object or array that is being read."""

    pointer: str | None
    """None where nothing inside is asked for."""
    start: int
    is_object: bool
    key: str = ""
    index: int = 0
    expects_key: bool = field(init=False)

    def __post_init__(self) -> None:
        self.expects_key = self.is_object

    def go_on(self) -> None:
        """Goes on to the next member."""
        self.index += 1
        self.expects_key = self.is_object

    def child(self) -> str | None:
        """Gives the place of the member that is being read."""
        if self.pointer is None:
            return None
        return self.pointer + pointer_of(self.key if self.is_object else str(self.index))


class Positions:
    """Where some places of a JSON text lie; found in one pass over it."""

    def __init__(self, text: str, pointers: Iterable[str]) -> None:
        """Looks for places.

        Args:
            text: the JSON text; from where it is none, nothing is found.
            pointers: JSON Pointers.
        """
        self._wanted = {prefix for pointer in pointers for prefix in _prefixes(pointer)}
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._spans: dict[str, tuple[int, int]] = {}
        if self._wanted - {""}:
            for pointer, start, end in _Scan(self._wanted).spans(text):
                self._spans[pointer] = (start, end)

    def region(self, pointer: str) -> Region:
        """Gives where a place lies; where it is absent, the nearest one around it; for all of the text its top."""
        for prefix in _prefixes(pointer):
            if prefix and prefix in self._spans:
                start, end = self._spans[prefix]
                return Region(*self._place(start), *self._place(end))
        return TOP

    def _place(self, offset: int) -> tuple[int, int]:
        line = bisect_left(self._breaks, offset)
        return line + 1, offset - (self._breaks[line - 1] if line else -1)


def _prefixes(pointer: str) -> Iterator[str]:
    """Gives a pointer, then all that lie around it, the nearest first; the empty one last."""
    while pointer:
        yield pointer
        pointer = pointer.rpartition("/")[0]
    yield ""


class _Scan:
    """One pass over a text: start and end of each wanted value; of a member, from its key on."""

    def __init__(self, wanted: set[str]) -> None:
        self._wanted = wanted
        self._open: list[_Container] = []
        self._key_starts: dict[int, int] = {}

    def spans(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Gives the place, start and end of each wanted value."""
        for match in _TOKEN.finditer(text):
            sign = match.group()
            if sign in "{[":
                top = self._open[-1] if self._open else None
                pointer = self._kept(top.child() if top else "")
                self._open.append(_Container(pointer, self._start(match), sign == "{"))
            elif not self._open or sign == ":":
                continue
            elif sign in "}]":
                closed = self._open.pop()
                if closed.pointer is not None:
                    yield closed.pointer, closed.start, match.end()
            elif sign == ",":
                self._open[-1].go_on()
            elif self._open[-1].expects_key:
                self._read_key(match)
            else:
                pointer, start = self._kept(self._open[-1].child()), self._start(match)
                if pointer is not None:
                    yield pointer, start, match.end()

    def _read_key(self, match: re.Match[str]) -> None:
        top = self._open[-1]
        top.expects_key = False
        if top.pointer is not None:
            top.key = _text(match.group())
            self._key_starts[len(self._open)] = match.start()

    def _start(self, match: re.Match[str]) -> int:
        return self._key_starts.pop(len(self._open), match.start())

    def _kept(self, pointer: str | None) -> str | None:
        return pointer if pointer in self._wanted else None


def _text(sign: str) -> str:
    try:
        return str(json.loads(sign, strict=False))
    except ValueError:
        return sign.strip('"')
