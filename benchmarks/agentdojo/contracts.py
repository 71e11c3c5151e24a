"""AgentDojo's tools as operations: its own schemas with our annotation, and the quarantined readers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import JsonValue, TypeAdapter

from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.label import FieldLabel, Label, Release
from dagwright.model import Frozen, Interval, JsonSchema
from dagwright.policy import Policy, load_policy
from dagwright.tool import Effect, LlmBinding, PythonBinding, Role, ToolSpec

_HERE = Path(__file__).parent
RESULT = "/result"
"""Where the outputs of AgentDojo's tools hold what the tool gives."""
VALUE = "/value"
"""Where the readers' outputs hold what was read."""
_FREE = Interval(low=0, high=0)

TYPES: dict[str, JsonSchema] = {
    "text": {"type": "string", "maxLength": 20_000},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
}
"""What quarantined steps give: `reader.TYPE` reads or computes it, `reader.choose_TYPE` picks it from candidates."""


class Annotation(Frozen):
    """What is known of one tool beyond its schemas."""

    effect: Effect
    sink: tuple[str, ...] = ()
    control: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    assigned: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()


def annotated() -> dict[str, dict[str, Annotation]]:
    """Gives the annotation of every tool, by suite and name."""
    data: Any = yaml.safe_load((_HERE / "catalogue.yaml").read_text(encoding="utf-8"))
    return TypeAdapter(dict[str, dict[str, Annotation]]).validate_python(data["tools"])


def policy() -> Policy:
    """Gives the policy under which all is measured."""
    return load_policy(_HERE / "policy.yaml")


def catalogue(suite: str, tools: list[Mapping[str, Any]]) -> Catalogue:
    """Gives the catalogue of one of AgentDojo's suites, from what its process says of its tools."""
    known = annotated()[suite]
    specs = tuple(_spec(suite, tool, known[tool["name"]]) for tool in tools)
    wanted = sorted(f"{spec.name}.{name}" for spec in specs for name in _properties(spec.input_schema))
    return catalogue_of(f"agentdojo-{suite}", (*specs, *_readers(wanted)))


def _spec(suite: str, tool: Mapping[str, Any], known: Annotation) -> ToolSpec:
    returns: JsonSchema = dict(tool["returns"])
    definitions = returns.pop("$defs", None)
    output: JsonSchema = {"type": "object", "properties": {"result": returns}, "required": ["result"]}
    if definitions is not None:
        output["$defs"] = definitions
    roles: dict[str, Role] = dict.fromkeys(known.sink, "sink")
    roles.update(dict.fromkeys(known.control, "control"))
    return ToolSpec(
        tool_name=suite,
        operation=tool["name"],
        description=tool["description"],
        input_schema={**tool["parameters"], "additionalProperties": False},
        output_schema=output,
        roles=roles,
        effect=known.effect,
        idempotent=known.effect == "read",
        output_labels=tuple(_labels(known)),
        releases=tuple(Release(path=RESULT + path, integrity="trusted") for path in known.assigned) or None,
        cost=_FREE,
        binding=PythonBinding(callable="agentdojo:" + tool["name"]),
    )


def _labels(known: Annotation) -> list[FieldLabel]:
    labels = {"": Label(integrity="untrusted")}
    for path in {*known.trusted, *known.secret}:
        labels[RESULT + path] = Label(
            integrity="trusted" if path in known.trusted or "" in known.trusted else "untrusted",
            confidentiality="secret" if path in known.secret else "public",
        )
    return [FieldLabel(path=path, label=label) for path, label in sorted(labels.items())]


def _readers(wanted: list[str]) -> list[ToolSpec]:
    """Gives the quarantined operations: they read what they are given for one named argument, and do nothing else."""
    reading = [_reader(name, f"Read or compute a {name}.", value, wanted) for name, value in TYPES.items()]
    candidates: JsonSchema = {"type": "array"}
    for name, value in TYPES.items():
        chosen: JsonSchema = {**value, "x-one-of": "candidates"}
        words = f"Choose one of the candidates, a {name}."
        reading.append(_reader(f"choose_{name}", words, chosen, wanted, candidates=candidates))
    return reading


def _reader(operation: str, description: str, value: JsonSchema, wanted: list[str], **more: JsonSchema) -> ToolSpec:
    named: dict[str, JsonValue] = {
        "request": {"type": "string"},
        "sources": {"type": "array", "default": []},
        "wanted": {"type": "string", "enum": list[JsonValue](wanted)},
        **more,
    }
    return ToolSpec(
        tool_name="reader",
        operation=operation,
        description=f"{description} It is the value of argument `wanted` that the request asks for.",
        input_schema=_record(named, [name for name in named if name != "sources"]),
        output_schema=_record({"value": value}, ["value"]),
        effect="read",
        cost=_FREE,
        binding=LlmBinding(instruction="Give the value that the request asks for, from the sources alone."),
    )


def _record(properties: dict[str, JsonValue], required: list[str]) -> JsonSchema:
    schema: JsonSchema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": list[JsonValue](required)}


def _properties(schema: JsonSchema) -> dict[str, JsonValue]:
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}
