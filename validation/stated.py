"""`Stated`: which constants a goal's text states, so that they are the user's own and not a model's."""

from __future__ import annotations

import re
from typing import Final

from pydantic import JsonValue

from dagwright.model import JsonSchema
from validation.contract import Contract
from validation.types.schema import constants, json_equal, referred

_LEFT: Final = r"(?<![\w@/+.\-])"
_RIGHT: Final = r"(?![\w@/+\-]|[.:]\w)"
"""An address, number or name counts only as a whole: `doe@x.org` is not stated by `john.doe@x.org`."""
_NUMBER: Final = re.compile(r"(?<![\w.])-?\d+(?:[.,]\d+)*")


class Stated:
    """What the text of one goal states."""

    def __init__(self, text: str) -> None:
        self._text = " ".join(text.split()).casefold()
        self._known: dict[str, bool] = {}
        self._numbers: frozenset[float] | None = None

    def holds(self, value: JsonValue) -> bool:
        """Whether a constant is stated, or is one that holds no message: true, false, null, an empty text.

        Of a list or object everything in it must be stated, names of members included. A text is stated
        where it stands in the goal as a whole, in any case; a number where it does, however it is written.
        """
        if isinstance(value, str):
            return self._text_stated(value)
        if isinstance(value, bool) or value is None:
            return True
        if isinstance(value, list):
            return all(map(self.holds, value))
        if isinstance(value, dict):
            return all(self._text_stated(name) and self.holds(item) for name, item in value.items())
        return self._number_stated(value)

    def _text_stated(self, value: str) -> bool:
        known = self._known.get(value)
        if known is None:
            plain = " ".join(value.split()).casefold() if len(value) <= 2 * len(self._text) + 2 else value
            known = not plain or (
                len(plain) <= len(self._text)
                and re.search(f"{_LEFT}{re.escape(plain)}{_RIGHT}", self._text) is not None
            )
            self._known[value] = known
        return known

    def _number_stated(self, value: float) -> bool:
        if self._numbers is None:
            self._numbers = frozenset(
                float(digits) for digits in map(_plain, _NUMBER.findall(self._text)) if digits.count(".") <= 1
            )
        return value in self._numbers


def _plain(digits: str) -> str:
    """Gives digits without thousands separators."""
    grouped = re.fullmatch(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits)
    return digits.replace(",", "") if grouped else digits.replace(",", ".")


def is_own_word(contract: Contract, name: str, value: JsonValue) -> bool:
    """Whether a constant argument is the contract's own word: its default, one of a closed set, a column's name."""
    schema = contract.argument_schema(name)
    if schema is None:
        return False
    if "x-column-of" in schema or ("default" in schema and json_equal(schema["default"], value)):
        return True
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, dict):
        return bool(value) and all(_in_closed_set(items, item, schema) for item in value)
    return _in_closed_set(schema, value, schema)


def _in_closed_set(schema: JsonSchema, value: JsonValue, base: JsonSchema) -> bool:
    named = referred(schema["$ref"], base) if "$ref" in schema else schema
    allowed = constants(named) if named else None
    return allowed is not None and any(json_equal(value, one) for one in allowed)
