"""`bench taskbench`: plans for requests over three tool libraries, against gold plans.

`node_f1` and `edge_f1` are the official figures of our two-stage planning, `one_shot_…` those of one
constrained call of the same model; macro over the three domains. `…_clean` leaves out the samples whose
gold plan uses a tool that is not in the library. Nothing is executed. Published n-F1/e-F1 (percent):
GPT-4 90.9/69.3 (multimedia), 81.5/54.7 (Hugging Face), 96.9/80.5 (daily life).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from pydantic import JsonValue

from benchmarks.one_shot import one_shot
from benchmarks.sources import folder_of
from benchmarks.statistics import Metric, mean, middle, share, stratified
from benchmarks.suite import Options, Progress, Record
from benchmarks.taskbench_data import (
    DOMAINS,
    TEMPORAL,
    BenchTool,
    Domain,
    Sample,
    catalogue_for,
    inputs_of,
    load_samples,
    load_tools,
    word_of,
)
from benchmarks.taskbench_metric import Counts, Link, counted, f1, links_of, plain
from dagwright.catalogue import Catalogue
from dagwright.exceptions import ContentError, InputError
from dagwright.goal import Goal
from dagwright.llm.meter import Meter
from dagwright.llm.model import Model
from dagwright.proposal import Proposal


@dataclass(frozen=True, kw_only=True)
class Library:
    """One domain's tools, as the suite and as we know them."""

    domain: Domain
    tools: tuple[BenchTool, ...]
    catalogue: Catalogue

    @property
    def names(self) -> dict[str, str]:
        """The suite's ids by our operations' names."""
        return {f"{self.domain}.{word_of(tool.id)}": tool.id for tool in self.tools}


@dataclass
class Written:
    """A plan as the evaluator sees it, and what it took."""

    nodes: list[str] = field(default_factory=list[str])
    links: list[Link] = field(default_factory=list[Link])
    lines: list[str] = field(default_factory=list[str])
    reason: str = ""
    tokens: int = 0
    seconds: float = 0.0

    def record(self) -> Record:
        """Gives it as JSON."""
        return {
            "nodes": list(self.nodes),
            "links": [list(link) for link in self.links],
            "lines": list(self.lines),
            "reason": self.reason,
            "tokens": self.tokens,
            "seconds": self.seconds,
        }


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives one record per sample; `limit` holds for each domain, `sets` names domains."""
    from dagwright.llm import open_model

    folder = folder_of("taskbench", options.data)
    wanted = domains_of(options.sets)
    samples = load_samples(folder)
    chosen = [one for domain in wanted for one in [s for s in samples if s.domain == domain][: options.limit]]
    model = open_model(options.model)
    libraries: dict[Domain, Library] = {}
    for domain in wanted:
        tools = load_tools(folder, domain)
        libraries[domain] = Library(domain=domain, tools=tools, catalogue=catalogue_for(domain, tools))
    for number, sample in enumerate(chosen, start=1):
        item = f"{sample.domain}/{sample.id}"
        if item in options.skip:
            continue
        record = measured(sample, libraries[sample.domain], model, seed=options.seed)
        on_progress(number, len(chosen), f"{item}: {_nodes(record, 'gold')} / {_nodes(record, 'two_stage')}")
        yield {"item": item, **record}


def domains_of(names: Sequence[str]) -> list[Domain]:
    """Gives the domains named; all for none.

    Raises:
        InputError: there is no such domain.
    """
    unknown = [name for name in names if name not in DOMAINS]
    if unknown:
        raise InputError(f"there is no domain {unknown[0]!r} in TaskBench; there are: {', '.join(DOMAINS)}")
    return [domain for domain in DOMAINS if not names or domain in names]


def measured(sample: Sample, library: Library, model: Model, *, seed: int = 0) -> Record:
    """Has both plans written for a sample."""
    known = {plain(tool.id) for tool in library.tools}
    gold = [plain(node.task) for node in sample.task_nodes]
    return {
        "domain": sample.domain,
        "type": sample.type,
        "text": sample.instruction,
        "gold": {"nodes": list(gold), "links": [list(link) for link in links_of(sample)]},
        "outside": cast("JsonValue", sorted(set(gold) - known)),
        "two_stage": two_stage(sample, library, model, seed=seed).record(),
        "one_shot": baseline(sample, library, model, seed=seed).record(),
    }


def baseline(sample: Sample, library: Library, model: Model, *, seed: int = 0) -> Written:
    """Gives the plan of one constrained call."""
    meter, started = Meter(model), time.monotonic()
    nodes, links = one_shot(meter, sample.domain, library.tools, sample.instruction, seed=seed)
    return _timed(Written(nodes=nodes, links=links), meter, started)


def two_stage(sample: Sample, library: Library, model: Model, *, seed: int = 0) -> Written:
    """Gives the plan that our strategy for this model proposes."""
    from orchestrator.assembly import open_strategy
    from orchestrator.strategy.strategy import PlanningContext

    meter, started = Meter(model), time.monotonic()
    written = Written()
    goal = Goal(goal_id=f"taskbench_{sample.id}", text=sample.instruction, inputs=inputs_of(sample.instruction))
    context = PlanningContext(
        model=meter,
        catalogue=library.catalogue,
        evidence={tool.name: (tool.documents[0],) for tool in library.catalogue.tools},
        on_line=written.lines.append,
        seed=seed,
    )
    try:
        proposal = open_strategy("", model).propose(goal, context).proposal
        written.nodes, written.links = graph_of(proposal, library)
    except ContentError as error:
        written.reason = str(error)
    return _timed(written, meter, started)


def graph_of(proposal: Proposal, library: Library) -> tuple[list[str], list[Link]]:
    """Gives a proposal's operations and dependencies under the suite's names.

    In the temporal domain a step that takes nothing from earlier ones comes after the one before it:
    there the steps' order is the plan.
    """
    from dagwright.value import StepReference, leaves

    names = library.names
    order: list[str] = []
    called: dict[str, str] = {}
    links: list[Link] = []
    for _, step in proposal.steps():
        tool = names[step.tool_intent.operation_name]
        taken = [
            leaf.from_
            for value in step.tool_intent.required_inputs.values()
            for _, leaf in leaves(value)
            if isinstance(leaf, StepReference)
        ]
        if library.domain == TEMPORAL and not taken:
            taken = order[-1:]
        links.extend((called[source], tool) for source in taken)
        called[step.step_id] = tool
        order.append(step.step_id)
    return list(called.values()), links


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives official F1 over nodes and links, macro over domains and for each, with and without dirty gold."""
    clean = [record for record in records if not record["outside"]]
    found: dict[str, Metric] = {}
    for prefix, plan in (("", "two_stage"), ("one_shot_", "one_shot")):
        for name, counts in (("node_f1", node_counts), ("edge_f1", link_counts)):
            found[f"{prefix}{name}"] = macro(records, plan, counts, seed=seed)
            if clean:
                found[f"{prefix}{name}_clean"] = macro(clean, plan, counts, seed=seed)
    return {**found, **_each_domain(records, seed=seed), **_effort(records, seed=seed)}


def macro(
    records: Sequence[Mapping[str, JsonValue]],
    plan: str,
    counts: Callable[[Mapping[str, JsonValue], str], Counts],
    *,
    seed: int,
) -> Metric:
    """Gives the mean of the domains' F1."""
    domains = list(dict.fromkeys(str(record["domain"]) for record in records))
    groups = {name: [counts(record, plan) for record in records if record["domain"] == name] for name in domains}
    return stratified(groups, lambda drawn: sum(map(f1, drawn.values())) / len(drawn), seed=seed)


def node_counts(record: Mapping[str, JsonValue], plan: str) -> Counts:
    """Gives hits, false alarms and misses of a sample's nodes; gold tools outside the library do not count."""
    outside = set(cast("list[str]", record["outside"]))
    gold = [name for name in _part(record, "gold", "nodes") if name not in outside]
    return counted(gold, (plain(str(name)) for name in _part(record, plan, "nodes")))


def link_counts(record: Mapping[str, JsonValue], plan: str) -> Counts:
    """Gives hits, false alarms and misses of a sample's links."""
    gold, predicted = (_part(record, which, "links") for which in ("gold", plan))
    return counted(map(_pair, gold), map(_pair, predicted))


def _each_domain(records: Sequence[Mapping[str, JsonValue]], *, seed: int) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for domain in dict.fromkeys(str(record["domain"]) for record in records):
        own = [record for record in records if record["domain"] == domain]
        for prefix, plan in (("", "two_stage"), ("one_shot_", "one_shot")):
            found[f"{prefix}node_f1_{domain}"] = macro(own, plan, node_counts, seed=seed)
            found[f"{prefix}edge_f1_{domain}"] = macro(own, plan, link_counts, seed=seed)
    return found


def _effort(records: Sequence[Mapping[str, JsonValue]], *, seed: int) -> dict[str, Metric]:
    found = {"planned": share(sum(bool(_part(r, "two_stage", "nodes")) for r in records), len(records))}
    for prefix, plan in (("", "two_stage"), ("one_shot_", "one_shot")):
        plans = [cast("dict[str, float]", record[plan]) for record in records]
        found[f"{prefix}tokens"] = mean([float(one["tokens"]) for one in plans], seed=seed)
        found[f"{prefix}seconds"] = middle([float(one["seconds"]) for one in plans], seed=seed)
    return found


def _part(record: Mapping[str, JsonValue], plan: str, part: str) -> list[JsonValue]:
    return cast("dict[str, list[JsonValue]]", record[plan])[part]


def _pair(link: JsonValue) -> Link:
    source, target = cast("list[str]", link)
    return plain(source), plain(target)


def _nodes(record: Record, plan: str) -> str:
    return ", ".join(str(name) for name in _part(record, plan, "nodes")) or "nothing"


def _timed(written: Written, meter: Meter, started: float) -> Written:
    written.tokens = meter.used.prompt_tokens + meter.used.completion_tokens
    written.seconds = round(time.monotonic() - started, 3)
    return written
