"""`Document`: what can be found and shown as evidence. Every operation of a catalogue is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from functools import cached_property
from typing import cast
from urllib.parse import urlsplit

from pydantic import Field, JsonValue

from dagwright.canonical import Sha256, sha256
from dagwright.catalogue import Catalogue
from dagwright.model import Frozen
from dagwright.tool import HttpBinding, ToolSpec
from knowledge.words import first_sentence, sentences, split_name

BOILERPLATE = 5
"""A sentence that occurs in this many operations of one catalogue tells none of them apart."""

RESULT_DEPTH = 4
"""Levels of outputs whose field names are searched."""
RESULT_LENGTH = 300
"""Characters of these names."""

_EVERY_RESULT = frozenset({"status", "body", "table", "value"})


class Document(Frozen):
    """One revision of one described thing: an operation, or a section of a text."""

    doc_id: str = Field(min_length=1)
    """`tool:{tool.operation}` for an operation; unique together with `version`."""
    title: str
    """A name and one sentence; weighs three times as much as the body among words."""
    body: str = ""
    """Description and parameters in words, without boilerplate."""
    api: str | None = None
    """The API or tool that it belongs to."""
    operation: str | None = None
    """`tool.operation` where it describes an operation."""
    version: str = "1"
    """Version of what it describes. Adding the same version again replaces it."""
    source: str = ""
    """Where it came from: a file, a catalogue."""
    valid_from: date | None = None
    """First day on which it holds; None is always."""
    valid_to: date | None = None
    """Day from which it no longer holds; None is never."""
    deprecated: bool = False
    """Whether the provider advises against it."""
    replaced_by: str | None = None
    """`tool.operation` to use instead."""
    payload: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """Further facts that are shown but not searched."""

    @cached_property
    def hash(self) -> Sha256:
        """SHA-256 of the content."""
        return sha256(self)

    def valid_at(self, day: date) -> bool:
        """Whether it holds on `day`: `valid_from` ≤ day < `valid_to`."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


def documents_of(catalogue: Catalogue) -> tuple[Document, ...]:
    """Gives one document per operation of a catalogue, in the catalogue's order."""
    texts = [_sentences_of(tool) for tool in catalogue.tools]
    counts = Counter(sentence for text in texts for sentence in set(text))
    return tuple(
        _document(
            tool, (sentence for sentence in text if counts[sentence] < BOILERPLATE), f"catalogue:{catalogue.name}"
        )
        for tool, text in zip(catalogue.tools, texts, strict=True)
    )


def _document(tool: ToolSpec, kept: Iterable[str], source: str) -> Document:
    return Document(
        doc_id=f"tool:{tool.name}",
        title=_title(tool),
        body="\n".join(kept),
        api=tool.tool_name,
        operation=tool.name,
        version=tool.version,
        source=source,
        valid_from=tool.valid_from,
        valid_to=tool.valid_to,
        deprecated=tool.deprecated,
        replaced_by=tool.replaced_by,
        payload=_facts(tool),
    )


def _title(tool: ToolSpec) -> str:
    name = f"{split_name(tool.tool_name)} {split_name(tool.operation)}"
    return f"{name}. {first_sentence(tool.description)}".rstrip(". ") + "."


def _facts(tool: ToolSpec) -> dict[str, JsonValue]:
    facts: dict[str, JsonValue] = {"effect": tool.effect}
    if isinstance(tool.binding, HttpBinding):
        facts |= {"method": tool.binding.method, "url": tool.binding.url}
    return facts


def _sentences_of(tool: ToolSpec) -> list[str]:
    """What the body may say: description, where it is, its parameters, what it gives."""
    return [*sentences(tool.description), *_place(tool), *_parameters(tool), *_results(tool)]


def _place(tool: ToolSpec) -> list[str]:
    """The words of an HTTP operation's path: often they say more than its name."""
    if not isinstance(tool.binding, HttpBinding):
        return []
    path = urlsplit(tool.binding.url).path
    return [f"{tool.binding.method} {split_name(path)}"]


def _results(tool: ToolSpec) -> list[str]:
    """Names of the outputs' fields, the outermost first."""
    names: dict[str, None] = {}
    level: list[JsonValue] = [cast("JsonValue", tool.output_schema)]
    for _ in range(RESULT_DEPTH):
        fields = [field for schema in level for field in _fields(schema)]
        names.update((split_name(name), None) for name, _ in fields)
        level = [schema for _, schema in fields]
    shown = ", ".join(name for name in names if name not in _EVERY_RESULT)
    return [f"gives {shown[:RESULT_LENGTH]}"] if shown else []


def _fields(schema: JsonValue) -> list[tuple[str, JsonValue]]:
    """The properties of an object, or of the objects in a list."""
    if not isinstance(schema, dict):
        return []
    properties = schema.get("properties")
    if isinstance(properties, dict):
        return list(properties.items())
    return _fields(schema["items"]) if "items" in schema else []


def _parameters(tool: ToolSpec) -> list[str]:
    properties = tool.input_schema.get("properties")
    if not isinstance(properties, dict):
        return []
    return [_parameter(name, schema) for name, schema in properties.items()]


def _parameter(name: str, schema: JsonValue) -> str:
    facts = schema if isinstance(schema, dict) else {}
    described = first_sentence(str(facts.get("description", "")))
    allowed = facts.get("enum")
    choices = ", ".join(str(item) for item in allowed[:12]) if isinstance(allowed, list) else ""
    fields = ", ".join(split_name(name) for name, _ in _fields(facts)[:24])
    parts = (split_name(name), described, choices and f"one of {choices}", fields and f"fields {fields}")
    return ": ".join(part for part in parts if part)
