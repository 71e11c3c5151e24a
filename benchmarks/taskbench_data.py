"""TaskBench's own files: tools, gold plans, and the tools as a catalogue of ours.

Source: microsoft/JARVIS, `taskbench/` (MIT); arXiv 2311.18760.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from benchmarks.sources import read_source
from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.exceptions import InputError
from dagwright.goal import GoalInput
from dagwright.model import JsonSchema
from dagwright.tool import PythonBinding, ToolSpec

Domain = Literal["huggingface", "multimedia", "dailylifeapis"]
DOMAINS: tuple[Domain, ...] = ("huggingface", "multimedia", "dailylifeapis")

TEMPORAL: Domain = "dailylifeapis"
"""In this domain links are an order in time and stated as such; elsewhere they follow from arguments."""

MEDIA = ("image", "audio", "video", "url")
"""Kinds of resources that are not text."""

_SUFFIXES = {
    "image": "jpg|jpeg|png|gif|bmp|svg",
    "audio": "wav|mp3|flac|ogg|m4a",
    "video": "mp4|avi|mov|mkv|webm",
    "text": "txt|pdf|docx?|md",
}
_URL = re.compile(r"https?://[^\s'\"<>),]+|\b[\w-]+\.(?:com|org|net|io)/[^\s'\"<>),]+")
_FILE = re.compile(rf"(?<![\w/])[\w-]+\.(?:{'|'.join(_SUFFIXES.values())})\b", re.IGNORECASE)


class Parameter(BaseModel):
    """An argument of a daily-life tool."""

    name: str
    desc: str = ""


class BenchTool(BaseModel):
    """A tool as the suite describes it."""

    model_config = ConfigDict(frozen=True)

    id: str
    desc: str
    input_type: tuple[str, ...] = Field(default=(), alias="input-type")
    output_type: tuple[str, ...] = Field(default=(), alias="output-type")
    parameters: tuple[Parameter, ...] = ()


class _ToolFile(BaseModel):
    nodes: tuple[BenchTool, ...]


class BenchNode(BaseModel):
    """A node of a gold plan."""

    task: str
    arguments: list[str | list[str] | dict[str, str | list[str]]] = []


class BenchLink(BaseModel):
    """A link of a gold plan."""

    source: str
    target: str


class Sample(BaseModel):
    """A request with its gold plan."""

    model_config = ConfigDict(frozen=True)

    id: str
    domain: Domain
    type: str
    instruction: str
    task_nodes: tuple[BenchNode, ...]
    task_links: tuple[BenchLink, ...]


def load_samples(folder: Path) -> tuple[Sample, ...]:
    """Gives the gold samples, those of one domain together.

    Raises:
        InputError: the file is not there or not a list of samples.
    """
    path = folder / "gold_sample.json"
    try:
        samples = TypeAdapter(tuple[Sample, ...]).validate_json(read_source(path))
    except ValidationError as error:
        raise InputError(f"{path.name} is not a list of TaskBench samples: {error}") from error
    return tuple(sorted(samples, key=lambda sample: DOMAINS.index(sample.domain)))


def load_tools(folder: Path, domain: Domain) -> tuple[BenchTool, ...]:
    """Gives a domain's tools.

    Raises:
        InputError: the file is not there or does not describe tools.
    """
    path = folder / domain / "tool_desc.json"
    try:
        return _ToolFile.model_validate_json(read_source(path)).nodes
    except ValidationError as error:
        raise InputError(f"{domain}/{path.name} does not describe tools: {error}") from error


def word_of(tool: str) -> str:
    """Gives a tool's id as the name of an operation: `Image Search (by Image)` is `Image_Search_by_Image`."""
    return re.sub(r"[^\w-]+", "_", tool).strip("_")


def catalogue_for(domain: Domain, tools: tuple[BenchTool, ...]) -> Catalogue:
    """Gives a domain's tools as operations with typed arguments and outputs. They are planned with, never run."""
    return catalogue_of(f"taskbench-{domain}", (_spec(domain, tool) for tool in tools))


def resource(kind: str) -> JsonSchema:
    """Gives the type of a resource: a text is a string, a medium a list of items of its kind."""
    if kind not in MEDIA:
        return {"type": "string"}
    item: JsonSchema = {
        "type": "object",
        "properties": {kind: {"type": "string"}},
        "required": [kind],
        "additionalProperties": False,
    }
    return {"type": "array", "items": item, "minItems": 1}


def inputs_of(request: str) -> dict[str, GoalInput]:
    """Gives the files and addresses that a request names, typed by their endings, as inputs of the goal."""
    addresses = [match.group(0).rstrip(".") for match in _URL.finditer(request)]
    files = [match.group(0) for match in _FILE.finditer(_URL.sub(" ", request))]
    found = dict.fromkeys(addresses, "url") | {name: _kind(name) for name in files}
    return {
        _identifier(name): GoalInput(
            value=name if kind == "text" else [{kind: name}], schema=resource(kind), description=name
        )
        for name, kind in found.items()
    }


def _kind(file: str) -> str:
    ending = file.rsplit(".", 1)[-1].lower()
    return next(kind for kind, endings in _SUFFIXES.items() if re.fullmatch(endings, ending))


def _identifier(name: str) -> str:
    word = re.sub(r"\W+", "_", re.sub(r"^https?://", "", name)).strip("_")
    return (word if word[:1].isalpha() else f"f_{word}")[:64]


def _spec(domain: Domain, tool: BenchTool) -> ToolSpec:
    arguments = dict(_arguments(tool))
    kind = tool.output_type[0].lower() if tool.output_type else "text"
    required = list(arguments)[:1] if tool.input_type else list(arguments)
    return ToolSpec(
        tool_name=domain,
        operation=word_of(tool.id),
        description=tool.desc,
        input_schema={
            "type": "object",
            "properties": dict(arguments),
            "required": [*required],
            "additionalProperties": False,
        },
        output_schema={
            "type": "object",
            "properties": {kind: resource(kind)},
            "required": [kind],
            "additionalProperties": False,
        },
        effect="external" if domain == TEMPORAL else "read",
        binding=PythonBinding(callable="benchmarks.taskbench_data:never_run"),
    )


def never_run(*_: object) -> dict[str, object]:
    """Stands where the suite gives no implementation.

    Raises:
        InputError: always; these operations are planned with only.
    """
    raise InputError("TaskBench's tools have no implementation: they are planned with, never run")


def _arguments(tool: BenchTool) -> Iterator[tuple[str, JsonSchema]]:
    for parameter in tool.parameters:
        yield re.sub(r"\W", "_", parameter.name), {"type": "string", "description": parameter.desc, "maxLength": 120}
    kinds = [kind.lower() for kind in tool.input_type]
    for at, kind in enumerate(kinds):
        yield kind if kinds.count(kind) == 1 else f"{kind}{at + 1}", resource(kind)
