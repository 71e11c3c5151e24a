"""What a goal asks for in so many words and no call of the plan has given yet.

A choice of a contract may say which words ask for one of its values (`x-cues`: a list of words by
value). A goal that speaks of a median and a plan without one do not belong together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from pydantic import JsonValue

from dagwright.model import JsonSchema
from dagwright.tool import ToolSpec
from decomposer.grounding import Grounding
from decomposer.scope import properties_of


def asked_values(operations: Iterable[ToolSpec], grounding: Grounding, names: Iterable[str]) -> frozenset[str]:
    """Gives the values with cues that a goal asks for; not by a word that is in one of `names` (columns)."""
    known = " ".join(names).lower()
    return frozenset(
        value
        for value, cues in _cues(operations).items()
        if any(grounding.has(cue) for cue in cues if cue not in known)
    )


def used_values(operations: Iterable[ToolSpec], calls: Iterable[Mapping[str, JsonValue]]) -> frozenset[str]:
    """Gives the values with cues that the constants of calls hold."""
    given = {value for call in calls for value in call.values() if isinstance(value, str)}
    return frozenset(given & _cues(operations).keys())


def giving(operations: Mapping[str, ToolSpec], owed: Iterable[str]) -> dict[str, ToolSpec]:
    """Gives the operations that can give what is owed, and nothing else, by the name that a call uses."""
    wanted = set(owed)
    return {word: narrowed for word, spec in operations.items() for narrowed in _narrowed(spec, wanted)}


def _narrowed(spec: ToolSpec, wanted: set[str]) -> Iterator[ToolSpec]:
    properties = properties_of(spec.input_schema)
    for name, schema in properties.items():
        kept = [value for value in _values(schema) if value in wanted]
        if kept:
            changed = {**properties, name: {**schema, "enum": kept}}
            yield spec.model_copy(update={"input_schema": {**spec.input_schema, "properties": changed}})
            return


def _values(schema: JsonSchema) -> list[str]:
    cues = schema.get("x-cues")
    return list(cues) if isinstance(cues, dict) else []


def _cues(operations: Iterable[ToolSpec]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for spec in operations:
        for schema in properties_of(spec.input_schema).values():
            if _values(schema):
                found.update(cast("dict[str, list[str]]", schema["x-cues"]))
    return found
