"""The baseline: the whole plan as JSON in one call of the model, constrained by a static schema."""

from __future__ import annotations

import json
from typing import cast

from benchmarks.taskbench_data import TEMPORAL, BenchLink, BenchNode, BenchTool, Domain
from benchmarks.taskbench_metric import Link, rebuilt
from dagwright.exceptions import ModelAnswerError
from dagwright.llm.model import Message, Model, ModelRequest
from dagwright.model import JsonSchema

MOST_NODES = 10
"""Nodes of the longest plan; TaskBench's longest has ten."""
MOST_TOKENS = 900

INSTRUCTIONS = """You plan how tools answer a request. The tools are:
{tools}

Answer with JSON: "task_nodes", the tools that are needed, in the order in which they run, each with its arguments{rest}
Use as few tools as the request needs, and no tool twice unless it must run twice."""

REFERENCES = """. An argument is a text or file of the request, or "<node-i>" for what node i gives, counted from 0."""
ORDER = """; and "task_links", pairs of tools where the target must run after the source."""


def one_shot(
    model: Model, domain: Domain, tools: tuple[BenchTool, ...], request: str, *, seed: int = 0
) -> tuple[list[str], list[Link]]:
    """Gives the names and links of a plan that the model writes in one answer; nothing where it has none.

    Raises:
        TransportError: the model cannot be reached.
    """
    listed = "\n".join(json.dumps(_shown(tool), ensure_ascii=False) for tool in tools)
    rest = ORDER if domain == TEMPORAL else REFERENCES
    question = ModelRequest(
        messages=(
            Message(role="system", content=INSTRUCTIONS.format(tools=listed, rest=rest)),
            Message(role="user", content=request),
        ),
        json_schema=schema_of(domain, tools),
        seed=seed,
        max_tokens=MOST_TOKENS,
    )
    try:
        plan = cast("dict[str, list[object]]", model.complete(question).value)
    except ModelAnswerError:
        return [], []
    nodes = [BenchNode.model_validate(node) for node in plan["task_nodes"]]
    names = [node.task for node in nodes]
    if domain != TEMPORAL:
        return names, rebuilt(nodes)
    links = [BenchLink.model_validate(link) for link in plan["task_links"]]
    return names, [(link.source, link.target) for link in links]


def schema_of(domain: Domain, tools: tuple[BenchTool, ...]) -> JsonSchema:
    """Gives the schema of an answer: tools of the library only, everything bounded."""
    word: JsonSchema = {"type": "string", "enum": [tool.id for tool in tools]}
    text: JsonSchema = {"type": "string", "maxLength": 120}
    named = _record({"name": {"type": "string", "maxLength": 40}, "value": text})
    argument = named if domain == TEMPORAL else text
    node = _record({"task": word, "arguments": _list(argument, 0, 4)})
    if domain != TEMPORAL:
        return _record({"task_nodes": _list(node, 1, MOST_NODES)})
    link = _record({"source": word, "target": word})
    return _record({"task_nodes": _list(node, 1, MOST_NODES), "task_links": _list(link, 0, MOST_NODES)})


def _shown(tool: BenchTool) -> dict[str, object]:
    shown: dict[str, object] = {"id": tool.id, "desc": tool.desc}
    if tool.input_type:
        return {**shown, "input": list(tool.input_type), "output": list(tool.output_type)}
    return {**shown, "parameters": [parameter.name for parameter in tool.parameters]}


def _record(properties: dict[str, JsonSchema]) -> JsonSchema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: JsonSchema, least: int, most: int) -> JsonSchema:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}
