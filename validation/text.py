"""Proposals as JSON text, and what can be said of any JSON before its shape is looked at (S101, S108-S110)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final, NamedTuple

from pydantic import JsonValue

from dagwright.finding import Finding
from dagwright.model import Frozen
from dagwright.proposal import Proposal
from validation.notes import finding, replace
from validation.types.schema import pointer_of

MAX_BYTES: Final = 16 * 1024 * 1024
"""Bytes that a proposal's text may have."""
MAX_VALUES: Final = 500_000
"""Values (objects, arrays, texts, numbers …) that a proposal may have: those of about 13,000 steps."""
MAX_DEPTH: Final = 64
"""Levels of nesting that a proposal may have."""
_REPORTED = 100

# Control characters but for tab, line feed and carriage return; embeddings, overrides and
# isolates of the bidirectional algorithm; lone surrogates.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NAMED = 8
_CLEANED = 100_000
_VALUES: Final = dict[Any, Any].values
_SCALARS = frozenset((int, float, bool, type(None)))


@dataclass(frozen=True, slots=True)
class Text:
    """What a text says: its data, None where it is no JSON, and what is wrong with it."""

    data: Any
    findings: tuple[Finding, ...]


def parse_proposal(text: str | bytes, *, max_bytes: int = MAX_BYTES) -> Text:
    """Reads JSON text (UTF-8), with every repeated key reported; never raises for bad text."""
    size = len(text)
    if size > max_bytes:
        return _refused("S108", f"the text has {size} bytes; at most {max_bytes} are allowed")
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
    except ValueError as error:
        return _refused("S101", f"the text is not JSON: {error}")
    if _most_values(decoded) > MAX_VALUES and _most_values(_STRING.sub("", decoded)) > MAX_VALUES:
        return _refused("S108", _TOO_MANY)
    repeated: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: set[str] = set()
            repeated.extend(key for key, _ in pairs if key in seen or seen.add(key))
        return found

    try:
        data = json.loads(decoded, object_pairs_hook=members)
    except RecursionError:
        return _refused("S108", f"the JSON is nested too deeply; at most {MAX_DEPTH} levels are allowed")
    except ValueError as error:
        return _refused("S101", f"the text is not JSON: {error}")
    return Text(data, tuple(_repetition(key) for key in sorted(set(repeated))[:_REPORTED]))


_TOO_MANY = f"it holds more than {MAX_VALUES} values"


def _most_values(text: str) -> int:
    """Gives how many values JSON text has at most: each but the first stands behind a comma or a bracket."""
    return text.count(",") + text.count("[") + text.count("{") + 1


def _refused(code: str, message: str) -> Text:
    return Text(None, (finding(code, "", message),))


def _repetition(key: str) -> Finding:
    remedy = "Write each key once; a reader may see either value."
    return finding("S103", "", f"key {key!r} stands twice in one object", remedy=remedy, key=key)


def text_findings(data: Any) -> list[Finding]:
    """Gives what is wrong with data as JSON: size, depth, characters, numbers, kinds. Linear in its size.

    A `Proposal` stands for the JSON that it would be written as.
    """
    try:
        if _is_clean(data):
            return []
        return list(_looked_at(data.model_dump(mode="json", by_alias=True) if isinstance(data, Proposal) else data))
    except _TooMany:
        return [finding("S108", "", _TOO_MANY)]


class _TooMany(Exception):
    """There are more values than are looked at."""


def _is_clean(data: Any) -> bool:
    """Whether there is surely nothing to be found: one look at each level of nesting, none at places."""
    models = Frozen if isinstance(data, Proposal) else ()
    texts: list[str] = []
    names: set[Any] = set()
    level = _Level([], [(data,)])
    count = 0
    for _ in range(MAX_DEPTH + 1):
        count += sum(map(len, level.objects)) + sum(map(len, level.arrays))
        if count > MAX_VALUES:
            raise _TooMany
        names.update(*level.objects)
        level = _below(level, models, texts)
        if level is None:
            return False
        if not level.objects and not level.arrays:
            return _is_harmless(texts, names)
    return False


class _Level(NamedTuple):
    """What holds other values, at one level of nesting."""

    objects: list[dict[Any, Any]]
    arrays: list[Sequence[Any]]


def _below(level: _Level, models: type[Frozen] | tuple[()], texts: list[str]) -> _Level | None:
    """Gives the next level, and adds its texts to those found; None where a value is no JSON."""
    objects: list[dict[Any, Any]] = []
    arrays: list[Sequence[Any]] = []
    members = chain.from_iterable(map(_VALUES, level.objects))
    for value in chain(members, chain.from_iterable(level.arrays)):
        kind = value.__class__
        if kind is str:
            texts.append(value)
        elif kind is dict:
            objects.append(value)
        elif kind is list or kind is tuple:
            arrays.append(value)
        elif kind in _SCALARS:
            if kind is float and not math.isfinite(value):
                return None
        elif isinstance(value, models):
            objects.append(vars(value))
        elif not models or kind is not datetime:
            return None
    return _Level(objects, arrays)


def _is_harmless(texts: list[str], names: set[Any]) -> bool:
    try:
        whole = " ".join((*names, *texts))
    except TypeError:
        return False
    return "${" not in whole and (whole.isprintable() or _UNWANTED.search(whole) is None)


def _looked_at(data: Any) -> Iterator[Finding]:
    """Looks at each value by itself: slower, with places."""
    found = count = 0
    stack: list[Iterator[Place]] = [iter([(data, ())])]
    while stack and found < _REPORTED:
        value, path = next(stack[-1], (_END, ()))
        if value is _END:
            stack.pop()
            continue
        count += 1
        if count > MAX_VALUES:
            raise _TooMany
        if len(path) > MAX_DEPTH:
            found += 1
            yield finding("S108", _place(path), f"more than {MAX_DEPTH} levels of nesting")
            continue
        for item in islice(_problems(value, path), _REPORTED):
            found += 1
            yield item
        stack.append(_members(value, path))


_END: Final = object()

Place = tuple[Any, tuple[str | int, ...]]
"""A value with the tokens of its place."""


def _members(value: Any, path: tuple[str | int, ...]) -> Iterator[Place]:
    if isinstance(value, dict):
        yield from ((item, (*path, str(key))) for key, item in value.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    elif isinstance(value, list | tuple):
        yield from ((item, (*path, index)) for index, item in enumerate(value))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _problems(value: Any, path: tuple[str | int, ...]) -> Iterator[Finding]:
    if isinstance(value, float):
        if not math.isfinite(value):
            yield finding("S110", _place(path), f"{value!r} at {_place(path)!r} is not a finite number")
    elif isinstance(value, str):
        yield from _characters(value, path, fixable=True)
    elif isinstance(value, dict):
        for key in value:  # pyright: ignore[reportUnknownVariableType]
            if isinstance(key, str):
                yield from _characters(key, (*path, key), fixable=False)
            else:
                yield finding("S101", _place(path), f"key {key!r} at {_place(path)!r} is no text")
    elif not isinstance(value, bool | int | list | tuple | None):
        kind = type(value).__name__
        yield finding("S101", _place(path), f"a value of Python type {kind!r} at {_place(path)!r} is no JSON")


def _place(path: tuple[str | int, ...]) -> str:
    return _UNWANTED.sub("�", pointer_of(*path))


def _characters(text: str, path: tuple[str | int, ...], *, fixable: bool) -> Iterator[Finding]:
    inside_goal = path[:1] == ("goal",)
    unwanted = sorted({f"U+{ord(character[0]):04X}" for character in islice(_UNWANTED.finditer(text), _NAMED)})
    if not fixable and not _encodable(text):
        # Not even its place can be written down: nothing that follows could speak of it.
        yield finding("S101", _place(path[:-1]), f"a name at {_place(path)!r} holds half of a surrogate pair")
    elif unwanted and not (inside_goal and _encodable(text)):
        clean: JsonValue = _UNWANTED.sub("", text) if len(text) <= _CLEANED else None
        fix = replace(pointer_of(*path), clean) if fixable and clean and _encodable(pointer_of(*path)) else None
        message = f"the text at {_place(path)!r} holds {', '.join(unwanted)}"
        yield finding("S109", _place(path), message, fix=fix, characters=list[JsonValue](unwanted))
    if "${" in text and not inside_goal:
        message = f"the text at {_place(path)!r} holds '${{', which engines read as a template"
        yield finding("S109", _place(path), message, remedy="Use a reference ({from, path}) where a value is meant.")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
