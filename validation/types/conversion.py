"""Conversions: what would make a value fit that doesn't."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dagwright.model import JsonSchema
from validation.types.memo import Memo
from validation.types.pointer import Resolved, resolve
from validation.types.relation import assignable
from validation.types.schema import pointer_of, types_of, words

ConversionName = Literal["member", "first_element", "in_list", "round", "to_text", "to_number"]
"""`member`: take one member of the object; `first_element`: take the first item; `in_list`: put the
value into a list; `round`: round the number; `to_text`: write it as a text; `to_number`: read the text
as a number."""

_NUMBERS = frozenset(("integer", "number"))
_WRITABLE = frozenset(("integer", "number", "boolean"))


@dataclass(frozen=True, slots=True)
class Conversion:
    """One way to make a value fit."""

    name: ConversionName
    path: str = ""
    """For `member` and `first_element`: where in the value, as a JSON Pointer to append to a reference."""


def conversion(producer: JsonSchema, consumer: JsonSchema, *, memo: Memo | None = None) -> Conversion | None:
    """Gives the first conversion after which values of `producer` may fit `consumer`; None if there's none.

    Taking a part comes before changing a value. A part is suggested only where exactly one fits.
    """
    known = memo if memo is not None else Memo()
    return next(_conversions(producer, consumer, known), None)


def _conversions(producer: JsonSchema, consumer: JsonSchema, memo: Memo) -> Iterator[Conversion]:
    given, wanted = types_of(producer) or frozenset(), types_of(consumer) or frozenset()
    fitting = [name for name, found in _members(producer) if _fits(found.schema, consumer, memo)]
    if len(fitting) == 1:
        yield Conversion("member", pointer_of(fitting[0]))
    first = resolve(producer, "/0") if "array" in given else None
    if first is not None and first.answer == "found" and _fits(first.schema, consumer, memo):
        yield Conversion("first_element", "/0")
    if "array" in wanted and "items" in consumer and assignable({**_LIST, "items": producer}, consumer).answer == "yes":
        yield Conversion("in_list")
    if given & _NUMBERS and wanted & _NUMBERS == frozenset(("integer",)):
        yield Conversion("round")
    if given - {"null"} and given - {"null"} <= _WRITABLE and "string" in wanted and _is_free(consumer):
        yield Conversion("to_text")
    if given - {"null"} == frozenset(("string",)) and wanted & _NUMBERS:
        yield Conversion("to_number")


_LIST: JsonSchema = {"type": "array", "minItems": 1, "maxItems": 1}


def _members(producer: JsonSchema) -> Iterator[tuple[str, Resolved]]:
    properties = producer.get("properties")
    for name in properties if isinstance(properties, dict) else ():
        found = resolve(producer, pointer_of(name))
        if found.answer == "found" and name in words(producer.get("required")):
            yield name, found


def _fits(part: JsonSchema, consumer: JsonSchema, memo: Memo) -> bool:
    return bool(part) and assignable(part, consumer, memo=memo).answer == "yes"


def _is_free(consumer: JsonSchema) -> bool:
    return consumer.keys().isdisjoint(("enum", "const", "format", "pattern"))
