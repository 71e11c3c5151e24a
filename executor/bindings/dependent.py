"""Schemas of answers that depend on the arguments: `x-one-of` names the argument that lists the choices."""

from __future__ import annotations

from typing import cast

from pydantic import JsonValue

from dagwright.exceptions import ToolRejected
from dagwright.model import JsonSchema
from dagwright.tool import ToolSpec


def answer_schema(spec: ToolSpec, arguments: dict[str, JsonValue]) -> JsonSchema:
    """Gives an operation's output schema with `x-one-of: ARGUMENT` replaced by an enum of that list."""
    properties = cast("dict[str, JsonSchema]", spec.output_schema.get("properties", {}))
    narrowed = {name: _narrowed(schema, arguments) for name, schema in properties.items()}
    return {**spec.output_schema, "properties": cast("JsonValue", narrowed)}


def _narrowed(schema: JsonSchema, arguments: dict[str, JsonValue]) -> JsonSchema:
    plain = {key: value for key, value in schema.items() if key != "x-one-of"}
    choices = arguments.get(str(schema.get("x-one-of")))
    return {**plain, "enum": choices} if isinstance(choices, list) and choices else plain


def check_answer(answer: JsonValue, schema: JsonSchema, *, whose: str) -> dict[str, JsonValue]:
    """Gives the answer if it is an object of that schema.

    Raises:
        ToolRejected: `bad_answer`; says where it is not.
    """
    import jsonschema_rs

    error = next(jsonschema_rs.iter_errors(schema, answer), None)
    if error is not None or not isinstance(answer, dict):
        place = "/".join(str(part) for part in error.instance_path) if error else ""
        what = error.message.split("\n", 1)[0][:300] if error else "it is not an object"
        raise ToolRejected(f"{whose} answer does not fit at /{place}: {what}", code="bad_answer")
    return answer
