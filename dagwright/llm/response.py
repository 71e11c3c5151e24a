"""What a provider answers, in common terms: as the response model that instructor wants, and back to plain JSON."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import JsonValue, RootModel

from dagwright.llm.model import Usage
from dagwright.model import JsonSchema

MEMBER = "value"
"""Member that holds an answer whose schema is not an object; providers want an object outside."""

_DEFINITIONS = ("$defs", "definitions")


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A provider's answer in terms that all of them share."""

    text: str
    finish: Literal["stop", "length"]
    usage: Usage
    refusal: str = ""
    """Why the model would not answer; empty where it did."""


class Answer(RootModel[dict[str, JsonValue]]):
    """The answer to the request, in the required form."""

    wanted: ClassVar[JsonSchema] = {}

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """Gives the schema that was asked for, not one derived from Python types."""
        del args, options
        return copy.deepcopy(cls.wanted)


def answer_type(schema: JsonSchema) -> type[Answer]:
    """Makes the response model for a schema; what it parses is validated against the schema later."""
    logging.getLogger("instructor").setLevel(logging.CRITICAL)  # it logs whole server errors
    wanted: JsonSchema = {"title": "Answer", **(schema if is_object(schema) else _wrapped(schema))}
    return type("Answer", (Answer,), {"wanted": wanted, "__doc__": Answer.__doc__, "__module__": __name__})


def unwrapped(schema: JsonSchema, members: dict[str, JsonValue]) -> JsonValue:
    """Gives the answer as the schema has it."""
    return members if is_object(schema) else members.get(MEMBER)


def is_object(schema: JsonSchema) -> bool:
    """Whether only objects fit the schema on its face."""
    return schema.get("type") == "object"


def is_strict(schema: JsonValue) -> bool:
    """Whether every object in the schema is closed with all members required, as strict modes demand."""
    if isinstance(schema, list):
        return all(is_strict(item) for item in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        properties, required = schema.get("properties"), schema.get("required")
        names = set(properties) if isinstance(properties, dict) else set[str]()
        listed = {str(name) for name in required} if isinstance(required, list) else set[str]()
        if schema.get("additionalProperties") is not False or names != listed:
            return False
    return all(is_strict(child) for child in schema.values())


def _wrapped(schema: JsonSchema) -> JsonSchema:
    inner: JsonSchema = {name: value for name, value in schema.items() if name not in _DEFINITIONS}
    kept: JsonSchema = {name: schema[name] for name in _DEFINITIONS if name in schema}
    outside: JsonSchema = {"type": "object", "required": [MEMBER], "additionalProperties": False}
    return {**outside, "properties": {MEMBER: inner}, **kept}
