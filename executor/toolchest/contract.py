"""The few forms of which the toolchest's contracts are made: schemas of arguments and outputs."""

from __future__ import annotations

from typing import Any, cast

from pydantic import JsonValue

from dagwright.label import FieldLabel, Label
from dagwright.model import Interval, JsonSchema

FREE = Interval(low=0, high=0)
"""Cost of what runs on this machine, US dollars."""

QUICK = Interval(low=0.001, high=5)
"""Latency of an operation over a table in memory, seconds."""

READ_FROM_OUTSIDE = (FieldLabel(path="", label=Label(integrity="untrusted")),)
"""Whatever stands in a file was written by somebody else."""

TABLE: JsonSchema = {"type": "array", "items": {"type": "object"}}
"""A table: an array of row objects."""

NUMBER_OR_NOTHING: JsonSchema = {"type": ["number", "null"]}


def described(schema: JsonSchema, text: str, **more: JsonValue) -> JsonSchema:
    """Gives a schema with a description and further keywords."""
    return {**schema, "description": text, **more}


def table(text: str = "The table.") -> JsonSchema:
    """Gives the schema of an argument that is a table."""
    return described(TABLE, text)


def column(text: str, *, of: str = "table", kind: str | None = None) -> JsonSchema:
    """Gives the schema of the name of a column of argument `of`; `kind` is numeric, text or time."""
    schema = described({"type": "string"}, text)
    schema["x-column-of"] = of
    if kind:
        schema["x-column-type"] = kind
    return schema


def columns(text: str, *, of: str = "table", least: int = 1) -> JsonSchema:
    """Gives the schema of a list of names of columns of argument `of`."""
    listed = described({"type": "array", "items": {"type": "string"}}, text)
    return {**listed, "minItems": least, "uniqueItems": True, "x-column-of": of}


def text(words: str, **more: JsonValue) -> JsonSchema:
    """Gives the schema of a text."""
    return described({"type": "string"}, words, **more)


def new_column(words: str = "Name of the new column.") -> JsonSchema:
    """Gives the schema of a name that a column gets."""
    return text(words, minLength=1, maxLength=120)


def choice(words: str, *values: str) -> JsonSchema:
    """Gives the schema of one of a few words."""
    return described({"type": "string", "enum": list(values)}, words)


def statistic(*values: str) -> JsonSchema:
    """Gives the schema of the name of a statistic."""
    return choice("How.", *values)


def run_path(words: str, *suffixes: str) -> JsonSchema:
    """Gives the schema of a path inside the run's folder that ends in one of `suffixes`."""
    schema = text(words, format="run-path", minLength=1, maxLength=200)
    if suffixes:
        schema["pattern"] = rf"\.({'|'.join(suffixes)})$"
    return schema


def file(*media_types: str) -> JsonSchema:
    """Gives the schema of the description of a file, `{path, sha256, bytes, media_type}`."""
    media: JsonSchema = {"type": "string"}
    if media_types:
        media["enum"] = list(media_types)
    return {
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "sha256": {"type": "string"},
            "bytes": {"type": "integer", "minimum": 0},
            "media_type": media,
        },
        "required": ["path", "sha256", "bytes", "media_type"],
        "additionalProperties": False,
    }


def record(properties: dict[str, JsonSchema], *, optional: tuple[str, ...] = ()) -> JsonSchema:
    """Gives the schema of a closed object whose properties are required but for the `optional` ones."""
    return {
        "type": "object",
        "properties": cast("dict[str, Any]", properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
