"""From a model's text to a checked value: the same last step for every adapter."""

from __future__ import annotations

import json
from typing import Any

from pydantic import JsonValue

from dagwright.exceptions import ContentError, ModelAnswerError
from dagwright.llm.model import ModelRequest, Usage
from dagwright.model import JsonSchema

SHOWN = 400
"""Characters of a wrong answer that an error shows."""


def checked_value(request: ModelRequest, text: str, *, finish: str, model: str, usage: Usage) -> JsonValue:
    """Gives the JSON value of an answer, validated; None where the request has no schema.

    With `continues`, the text that the assistant was given to start with belongs to the value.

    Raises:
        ModelAnswerError: cut off by the token limit, no JSON, or not valid under the schema.
    """
    if request.json_schema is None:
        return None
    if finish == "length":
        raise ModelAnswerError(
            f"{model}: cut off at {request.max_tokens} tokens before the JSON was complete: {_shown(text)}",
            usage=usage,
        )
    whole = request.messages[-1].content + text if request.continues else text
    try:
        value: JsonValue = json.loads(whole, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        reason = f"{model}: the answer is not JSON ({error}): {_shown(whole)}"
        raise ModelAnswerError(reason, usage=usage) from error
    problems = schema_problems(request.json_schema, value)
    if problems:
        reason = f"{model}: the answer does not fit its schema: {'; '.join(problems)}: {_shown(whole)}"
        raise ModelAnswerError(reason, usage=usage)
    return value


def schema_problems(schema: JsonSchema, value: JsonValue) -> list[str]:
    """Gives up to five places where `value` does not fit `schema`, with the reason.

    Raises:
        ContentError: the schema itself is not one.
    """
    validator = _validator(schema)
    problems: list[str] = []
    for error in validator.iter_errors(value):
        where = "/".join(str(part) for part in error.instance_path)
        problems.append(f"at /{where}: {error.message}")
        if len(problems) == 5:
            break
    return problems


def _validator(schema: JsonSchema) -> Any:
    import jsonschema_rs

    try:
        return jsonschema_rs.validator_for(schema)
    except ValueError as error:
        raise ContentError(f"the schema for the answer is not a JSON Schema: {str(error).splitlines()[0]}") from error


def _no_constant(name: str) -> JsonValue:
    raise ValueError(f"{name} is not JSON")


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + " …")
