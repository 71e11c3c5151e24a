"""`bench gnn-plans`: plans that language models wrote for TaskBench's Hugging Face tools, with their real errors.

A plan's nodes are tools, its links say whose result goes where. Twice each plan becomes a proposal and is
validated: with the tools' own types (text, image, audio, video), from which it follows whether a link
can be, and with types made of the suite's tool graph (each tool gives a thing of its own, and takes the
things of the tools that the graph leads from). Both are compared with a count of names and links that
looks at nothing but the files.

Source of the plans: WxxShirley/GNN4TaskPlan (MIT), predictions on TaskBench's requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, JsonValue, ValidationError

from benchmarks.proposals import Call, Json, proposal_of
from benchmarks.sources import folder_of, read_source
from benchmarks.statistics import Metric, share
from benchmarks.suite import Options, Progress, Record
from benchmarks.taskbench_data import BenchTool, catalogue_for, load_tools, resource, word_of
from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.exceptions import InputError
from dagwright.finding import Report
from dagwright.policy import DEFAULT_POLICY
from dagwright.tool import PythonBinding, ToolSpec

Kind = Literal["types", "graph"]
KINDS: tuple[Kind, ...] = ("types", "graph")
TOOL = "huggingface"
WORKERS = frozenset(("python",))

_UNKNOWN = frozenset(("M201", "M202"))
_IMPOSSIBLE = frozenset(("D304", "D305", "D306", "D307"))
_NOWHERE = "nowhere"


class Link(BaseModel):
    """A link of the tool graph."""

    source: str
    target: str


class Graph(BaseModel):
    """The suite's tool graph."""

    links: tuple[Link, ...]

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Gives the links as pairs of tools."""
        return frozenset((link.source, link.target) for link in self.links)


@dataclass(frozen=True)
class ModelPlan:
    """A plan as a model wrote it: names of tools, and pairs of names."""

    item: str
    text: str
    nodes: tuple[str, ...]
    links: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A link of a plan in its proposal: the steps at its ends and the argument that it fills."""

    source: str
    target: str
    argument: str


def load_plans(folder: Path) -> Iterator[ModelPlan]:
    """Gives all plans, by model.

    Raises:
        InputError: there are none, or a line is not a plan.
    """
    paths = sorted(folder.glob("predictions_huggingface/*/*.json"))
    if not paths:
        raise InputError(f"there are no predictions below {str(folder / 'predictions_huggingface')!r}")
    for path in paths:
        for number, line in enumerate(read_source(path).splitlines(), start=1):
            try:
                raw = json.loads(line)
                nodes = tuple(_name(node["task"]) for node in raw["task_nodes"])
                links = tuple((_name(link["source"]), _name(link["target"])) for link in raw["task_links"])
                yield ModelPlan(f"{path.parent.name}/{raw['id']}", str(raw["user_request"]), nodes, links)
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(f"{str(path)!r}, line {number}, is not a plan: {error!r}") from error


def load_graph(folder: Path) -> frozenset[tuple[str, str]]:
    """Gives the pairs of tools that the suite's graph links.

    Raises:
        InputError: the file is not there or is no such graph.
    """
    path = folder / TOOL / "graph_desc.json"
    try:
        return Graph.model_validate_json(read_source(path)).pairs()
    except ValidationError as error:
        raise InputError(f"{str(path)!r} is not a tool graph: {error}") from error


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives one record per plan; `limit` holds for each model, `sets` names models."""
    taskbench = folder_of("taskbench", options.data)
    tools, graph = load_tools(taskbench, TOOL), load_graph(taskbench)
    plans = _chosen(list(load_plans(folder_of("gnn4taskplan", options.data))), options)
    catalogues = {"types": typed(tools), "graph": linked(tools, graph)}
    for number, plan in enumerate(plans, start=1):
        if plan.item in options.skip:
            continue
        record: Record = {"item": plan.item, **counted(plan, tools, graph)}
        for kind in KINDS:
            record[kind] = judged(plan, kind, tools, catalogues[kind])
        on_progress(number, len(plans), f"{plan.item}: {record['unknown']} unknown, {record['illegal']} illegal")
        yield record


def counted(plan: ModelPlan, tools: Sequence[BenchTool], graph: frozenset[tuple[str, str]]) -> Record:
    """Counts unknown tools and illegal links by names alone."""
    known = {tool.id for tool in tools}
    return {
        "nodes": len(plan.nodes),
        "links": len(plan.links),
        "unknown": sum(name not in known for name in plan.nodes),
        "illegal": [number for number, link in enumerate(plan.links) if link not in graph],
        "self": [n for n, (source, target) in enumerate(plan.links) if source == target and source in known],
    }


def judged(plan: ModelPlan, kind: Kind, tools: Sequence[BenchTool], catalogue: Catalogue) -> Record:
    """Has a plan validated: how many nodes are unknown operations, and which links cannot be."""
    from validation import validate

    proposal, steps, placed = proposal_for(plan, kind, tools)
    report = validate(proposal, catalogue=catalogue, policy=DEFAULT_POLICY, workers=WORKERS)
    unknown = {item.step_id for item in report.findings if item.code in _UNKNOWN}
    illegal = [number for number, link in enumerate(placed) if _cannot_be(link, unknown, report)]
    return {
        "unknown": sum(step in unknown for step in steps),
        "illegal": cast("JsonValue", illegal),
        "codes": [*sorted({item.code for item in report.errors})],
    }


def _cannot_be(link: Placed, unknown: set[str | None], report: Report) -> bool:
    if link.source in unknown or link.target in unknown or _NOWHERE in (link.source, link.target):
        return not report.is_valid
    return any(
        item.code in _IMPOSSIBLE and item.step_id == link.target and f"/required_inputs/{link.argument}" in item.path
        for item in report.findings
    )


def _chosen(plans: list[ModelPlan], options: Options) -> list[ModelPlan]:
    models = list(dict.fromkeys(plan.item.partition("/")[0] for plan in plans))
    unknown = [name for name in options.sets if name not in models]
    if unknown:
        raise InputError(f"there are no plans of model {unknown[0]!r}; there are those of {', '.join(models)}")
    wanted = [name for name in models if not options.sets or name in options.sets]
    return [plan for name in wanted for plan in [p for p in plans if p.item.partition("/")[0] == name][: options.limit]]


def _name(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


# ------------------------------------------------------------------------------------ catalogues


def typed(tools: Sequence[BenchTool]) -> Catalogue:
    """Gives the tools with their own types; one that gives nothing has no output."""
    whole = catalogue_for(TOOL, tuple(tools))
    silent = {word_of(tool.id) for tool in tools if not tool.output_type}
    nothing: Json = {"type": "object", "properties": {}, "additionalProperties": False}
    changed = (
        spec.model_copy(update={"output_schema": nothing}) if spec.operation in silent else spec for spec in whole.tools
    )
    return catalogue_of(whole.name, changed)


def linked(tools: Sequence[BenchTool], graph: frozenset[tuple[str, str]]) -> Catalogue:
    """Gives the tools with types made of the graph: each takes what the tools that lead to it give."""
    return catalogue_of(f"{TOOL}-graph", (_linked(tool, graph) for tool in tools))


def _linked(tool: BenchTool, graph: frozenset[tuple[str, str]]) -> ToolSpec:
    sources = sorted(source for source, target in graph if target == tool.id)
    taken: Json = {"enum": ["goal", *sources]}
    slots = {name: taken for name, _ in slots_of(tool)}
    return ToolSpec(
        tool_name=TOOL,
        operation=word_of(tool.id),
        description=tool.desc[:4_000],
        input_schema=_closed(slots),
        output_schema=_closed({"made": {"const": tool.id}}),
        effect="read",
        binding=PythonBinding(callable="benchmarks.taskbench_data:never_run"),
    )


def _closed(members: Mapping[str, Json]) -> Json:
    return {
        "type": "object",
        "properties": dict(members),
        "required": list(members),
        "additionalProperties": False,
    }


def slots_of(tool: BenchTool) -> list[tuple[str, str]]:
    """Gives a tool's inputs: the argument's name and the kind of resource."""
    kinds = [kind.lower() for kind in tool.input_type]
    return [(kind if kinds.count(kind) == 1 else f"{kind}{at + 1}", kind) for at, kind in enumerate(kinds)]


# ------------------------------------------------------------------------------------- proposals


def proposal_for(plan: ModelPlan, kind: Kind, tools: Sequence[BenchTool]) -> tuple[Json, list[str], list[Placed]]:
    """Gives a plan as a proposal, the steps of its nodes, and where its links went.

    A link fills an argument of the link's type, another one only where the tool has none of that type; a
    tool that gets more links than it has such arguments is called once more for each. What no link fills
    comes from the goal.
    """
    written = _Written(kind, {tool.id: tool for tool in tools})
    steps = [written.call(name, number) for number, name in enumerate(plan.nodes)]
    placed = [written.link(plan.nodes, source, target) for source, target in plan.links]
    written.fill()
    name = re.sub(r"\W", "_", f"p_{plan.item}")[:60]
    return proposal_of(name, plan.text or name, written.calls, inputs=written.inputs), steps, placed


class _Written:
    """A proposal in the making."""

    def __init__(self, kind: Kind, tools: Mapping[str, BenchTool]) -> None:
        self.kind = kind
        self.tools = tools
        self.calls: list[Call] = []
        self.inputs: Json = {}
        self._called: list[str] = []

    def call(self, name: str, number: int) -> str:
        """Adds a call of a tool, in a task of its own; gives the step."""
        step = f"s{len(self.calls) + 1}"
        operation = word_of(name) if name in self.tools else name
        self.calls.append(Call(step_id=step, task_id=f"t{number + 1}", operation=f"{TOOL}.{operation}", inputs={}))
        self._called.append(name)
        return step

    def link(self, nodes: Sequence[str], source: str, target: str) -> Placed:
        """Adds a link: from the first node of that name to the first such node after it, else before it."""
        if target not in nodes:
            self.calls[0].inputs.setdefault("unplaced", {"from": _NOWHERE})
            return Placed(source=_NOWHERE, target=_NOWHERE, argument="")
        giver = nodes.index(source) if source in nodes else None
        taker = _after(nodes, target, giver)
        step = f"s{giver + 1}" if giver is not None else _NOWHERE
        call, argument = self._slot(taker, source)
        call.inputs[argument] = {"from": step, "path": self._output(source)}
        return Placed(source=step, target=call.step_id, argument=argument)

    def fill(self) -> None:
        """Fills what no link filled with inputs of the goal, and answers with everything."""
        for call, name in zip(self.calls, self._called, strict=True):
            for argument, kind in slots_of(self.tools[name]) if name in self.tools else ():
                if argument not in call.inputs:
                    call.inputs[argument] = {"input": self._input(kind)}

    def _slot(self, taker: int, source: str) -> tuple[Call, str]:
        call, name = self.calls[taker], self._called[taker]
        if name not in self.tools:
            return call, f"given{len(call.inputs) + 1}"
        slots = slots_of(self.tools[name])
        given = _kind_of(self.tools.get(source))
        fitting = [argument for argument, kind in slots if kind == given] or [argument for argument, _ in slots]
        if all(argument in call.inputs for argument in fitting):
            self.call(name, taker)
            call = self.calls[-1]
        return call, next(argument for argument in fitting if argument not in call.inputs)

    def _output(self, source: str) -> str:
        return "/made" if self.kind == "graph" else f"/{_kind_of(self.tools.get(source)) or 'text'}"

    def _input(self, kind: str) -> str:
        if self.kind == "graph":
            self.inputs["given"] = {"value": "goal", "schema": {"const": "goal"}}
            return "given"
        value: Any = "words" if kind == "text" else [{kind: "a file"}]
        self.inputs[kind] = {"value": value, "schema": resource(kind)}
        return kind


def _after(nodes: Sequence[str], target: str, giver: int | None) -> int:
    found = [number for number, name in enumerate(nodes) if name == target]
    return next((number for number in found if giver is None or number > giver), found[0])


def _kind_of(tool: BenchTool | None) -> str | None:
    return tool.output_type[0].lower() if tool and tool.output_type else None


# --------------------------------------------------------------------------------------- figures


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives the plans with an unknown tool and with an illegal link, as found by us and as counted by names."""
    del seed
    n = len(records)
    found = {
        "unknown_tool_plans": share(sum(_number(r["types"], "unknown") > 0 for r in records), n),
        "unknown_tool_plans_counted": share(sum(int(str(r["unknown"])) > 0 for r in records), n),
        "illegal_link_plans": share(sum(bool(_list(r["graph"], "illegal")) for r in records), n),
        "illegal_link_plans_by_types": share(sum(bool(_list(r["types"], "illegal")) for r in records), n),
        "illegal_link_plans_counted": share(sum(bool(r["illegal"]) for r in records), n),
    }
    nodes = sum(int(str(record["nodes"])) for record in records)
    wrong = sum(abs(int(str(r["unknown"])) - _number(r["types"], "unknown")) for r in records)
    found["unknown_tools_differing"] = share(wrong, nodes)
    for kind in KINDS:
        found |= dict(_links(records, kind))
    return found


def _links(records: Sequence[Mapping[str, JsonValue]], kind: Kind) -> Iterator[tuple[str, Metric]]:
    """Gives the illegal links that were missed, and the legal ones that were refused."""
    illegal = missed = legal = refused = 0
    for record in records:
        counted, found = set(cast("list[int]", record["illegal"])), set(_list(record[kind], "illegal"))
        illegal += len(counted)
        missed += len(counted - found)
        legal += int(str(record["links"])) - len(counted)
        refused += len(found - counted)
    if illegal:
        yield f"illegal_links_missed_by_{kind}", share(missed, illegal)
    if legal:
        yield f"legal_links_refused_by_{kind}", share(refused, legal)


def _number(part: JsonValue, name: str) -> int:
    return int(str(cast("Mapping[str, JsonValue]", part)[name]))


def _list(part: JsonValue, name: str) -> list[int]:
    return cast("dict[str, list[int]]", part)[name]
