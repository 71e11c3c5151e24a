"""`Memo`: what the type relation found out once and need not find out again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import JsonValue

from dagwright.model import JsonSchema
from validation.types.schema import constants, json_equal, standalone, type_of, types_of
from validation.types.shape import Node
from validation.types.verdict import Verdict

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

BACKTRACKS: Final = 100_000
"""Steps back that matching one pattern may take (about 0.1 s); then the text doesn't match."""

_CHECKED_HERE = frozenset(("type", "const", "enum", "title", "description", "default", "examples", "nullable"))
_VALUES = frozenset(("const", "enum", "default", "examples"))
_NAMED = frozenset(("properties", "patternProperties", "dependentSchemas", "$defs", "definitions"))


@dataclass(slots=True)
class Memo:
    """Verdicts and compiled validators by the identity of schemas, which must not be changed meanwhile."""

    verdicts: dict[tuple[int, int], tuple[JsonSchema, JsonSchema, Verdict]] = field(
        default_factory=dict[tuple[int, int], tuple[JsonSchema, JsonSchema, Verdict]]
    )
    """Verdict by the ids of producer and consumer, which are kept alive here."""
    _readers: dict[tuple[int, int], _Reader] = field(default_factory=dict[tuple[int, int], "_Reader"])
    _patterns: dict[str, Draft202012Validator | None] = field(default_factory=dict[str, "Draft202012Validator | None"])

    def accepts(self, node: Node, value: JsonValue) -> bool | None:
        """Whether a schema accepts a value; None where the schema can't be compiled."""
        key = (id(node.schema), id(node.base))
        reader = self._readers.get(key)
        if reader is None:
            reader = self._readers[key] = _reader(node)
        if reader.is_simple:
            return _accepts_simply(node.schema, value)
        return None if reader.validator is None else reader.validator.is_valid(value)

    def matches(self, pattern: str, text: str) -> bool | None:
        """Whether a regular expression is found in a text; None where it can't be compiled."""
        if pattern not in self._patterns:
            self._patterns[pattern] = compiled({"pattern": pattern})
        validator = self._patterns[pattern]
        return None if validator is None else validator.is_valid(text)


class _Reader(NamedTuple):
    """How values are checked against one schema."""

    node: Node
    """The schema; kept alive, because it's found by its identity."""
    is_simple: bool
    """Whether types and constants are all that it says."""
    validator: Draft202012Validator | None


def _reader(node: Node) -> _Reader:
    if all(keyword in _CHECKED_HERE or keyword.startswith("x-") for keyword in node.schema):
        return _Reader(node, is_simple=True, validator=None)
    return _Reader(node, is_simple=False, validator=compiled(without_nullable(standalone(node.schema, node.base))))


def _accepts_simply(schema: JsonSchema, value: JsonValue) -> bool:
    types = types_of(schema)
    kind = type_of(value)
    if types is not None and kind not in types and not (kind == "integer" and "number" in types):
        return False
    allowed = constants(schema)
    return allowed is None or any(json_equal(value, other) for other in allowed)


def compiled(schema: JsonSchema) -> Draft202012Validator | None:
    """Gives a validator that checks formats too and never reads from the network; None if it's no schema."""
    import jsonschema_rs

    try:
        return jsonschema_rs.Draft202012Validator(
            schema,
            validate_formats=True,
            retriever=_refused,
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACKS),
        )
    except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
        return None


def _refused(uri: str) -> JsonValue:
    raise ValueError(f"{uri!r} isn't a local reference")


def without_nullable(schema: JsonSchema) -> JsonSchema:
    """Gives a schema with OpenAPI 3.0's `nullable` rewritten as a type union; the same one if it has none.

    As OpenAPI 3.0.3 says, `nullable` needs a `type` beside it, and an `enum` must list null itself.
    """
    if not any(_nullables(schema)):
        return schema
    rewritten: JsonSchema = {
        keyword: inner if keyword in _VALUES else _rewritten(inner, keyword)
        for keyword, inner in schema.items()
        if keyword != "nullable" or not isinstance(inner, bool)
    }
    named = rewritten.get("type")
    if schema.get("nullable") is True and isinstance(named, str | list):
        rewritten["type"] = [*(named if isinstance(named, list) else [named]), "null"]
    return rewritten


def _rewritten(value: JsonValue, keyword: str) -> JsonValue:
    if isinstance(value, dict) and keyword in _NAMED:
        return {name: _rewritten(inner, "") for name, inner in value.items()}
    if isinstance(value, dict):
        return without_nullable(value)
    return [_rewritten(item, "") for item in value] if isinstance(value, list) else value


def _nullables(value: JsonValue) -> Iterator[bool]:
    if isinstance(value, dict):
        if isinstance(value.get("nullable"), bool):
            yield True
        for inner in value.values():
            yield from _nullables(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _nullables(inner)


def same_meaning(left: Node, right: Node) -> bool:
    """Whether two schemas are written alike and their references lead to the same definitions."""
    if left.schema is right.schema and left.base is right.base:
        return True
    if left.schema != right.schema or not json_equal(left.schema, right.schema):
        return False
    references = list(_references(left.schema))
    local = all(isinstance(found, str) and found.startswith(("#/$defs/", "#/definitions/")) for found in references)
    return not references or (local and json_equal(left.base, right.base))


def _references(value: JsonValue) -> Iterator[JsonValue]:
    if isinstance(value, dict):
        for keyword, inner in value.items():
            if keyword in ("$ref", "$dynamicRef", "$recursiveRef", "$id", "$anchor", "$dynamicAnchor"):
                yield inner
            else:
                yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
