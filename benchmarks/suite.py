"""The shape that all suites share: options in, records line by line, metrics computed from the records."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from pydantic import JsonValue

from benchmarks.environment import Environment
from benchmarks.statistics import Metric
from dagwright.exceptions import InputError
from dagwright.model import Frozen

Record = dict[str, JsonValue]
"""What one item gave. `item` is its id, unique in the suite."""

Progress = Callable[[int, int, str], None]
"""Told after each item: how many are done, how many there are, what the last one gave."""

RESULTS = Path(__file__).parent / "results"
"""Where results lie unless told otherwise."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a run of a suite is asked for."""

    limit: int | None = None
    """At most so many items (of each set, where a suite has sets); None is all."""
    seed: int = 0
    """Seed of whatever is drawn, bootstrap included."""
    model: str = ""
    """Specification of the model as `dagwright --model` takes it; empty where a suite uses none."""
    data: Path | None = None
    """Root of the public suites' files; None looks for it."""
    sets: tuple[str, ...] = ()
    """Which parts of the suite; none named is the suite's default."""
    out: Path = RESULTS
    """Folder of results and records."""
    skip: frozenset[str] = frozenset()
    """Items that an interrupted run has done."""


class SuiteResult(Frozen):
    """What a run of a suite gave."""

    suite: str
    """Name of the suite."""
    n: int
    """Items that were measured."""
    seed: int
    """Seed that was used."""
    model: str | None
    """The model, where the suite uses one."""
    metrics: dict[str, Metric]
    """Figures by name, with 95 % intervals where they are samples."""
    records: str
    """File that they were computed from: JSONL beside this result."""
    environment: Environment
    """The machine and what ran on it."""


class Suite(Protocol):
    """What a suite's module offers."""

    def run(self, options: Options, on_progress: Progress) -> Generator[Record, None, None]:
        """Gives one record after the other, as items finish; leaves out `options.skip`."""
        ...

    def score(self, records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
        """Gives the metrics of records; pure."""
        ...


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A suite in the registry."""

    module: str
    """Where its `run` and `score` are."""
    description: str
    """What it measures, in one line."""
    uses_model: bool = False
    """Whether a language model takes part."""

    def load(self) -> Suite:
        """Imports the suite."""
        return cast("Suite", import_module(self.module))


SUITES: dict[str, Entry] = {
    "demo": Entry(
        module="benchmarks.demo",
        description="20 held-out goals over CSV files with known answers, end to end",
        uses_model=True,
    ),
    "plancompiler": Entry(
        module="benchmarks.plancompiler",
        description="PlanCompiler's data pipelines over CSV, JSON and SQLite, judged by their own criteria",
        uses_model=True,
    ),
    "taskbench": Entry(
        module="benchmarks.taskbench",
        description="TaskBench plans: node and edge F1 of our planning beside one single call of the same model",
        uses_model=True,
    ),
    "validate": Entry(module="benchmarks.validate", description="milliseconds of validating 10 to 10,000 steps"),
    "mutation": Entry(
        module="benchmarks.code_mutation.suite", description="faults put into the validator's code that its tests find"
    ),
    "agentdojo": Entry(
        module="benchmarks.agentdojo.suite",
        description="AgentDojo's injections through every door to a plan, against validator and guarded workers",
    ),
    "makespan": Entry(module="benchmarks.makespan", description="makespan over critical path on random DAGs"),
    "replay": Entry(
        module="benchmarks.replay",
        description="archives replayed byte for byte, and changed in every way: whether it is found",
    ),
    "faults": Entry(
        module="benchmarks.faults",
        description="plans with effects by workers that lie, hang, answer badly or fail: right, honest or wrong",
    ),
    "crash": Entry(
        module="benchmarks.crash",
        description="kill -9 of engine, workers and Conductor: runs lost, effects done twice, wrong answers",
    ),
    "engine": Entry(module="benchmarks.engine", description="overhead of the durable engine per task"),
    "aws": Entry(
        module="benchmarks.aws",
        description="AWS's documented calls, single and chained: valid ones accepted, mutated ones found",
    ),
    "bfcl-check": Entry(
        module="benchmarks.bfcl",
        description="BFCL's gold calls accepted, mutated ones found, calls that should not be made rejected",
    ),
    "nestful-check": Entry(
        module="benchmarks.nestful", description="NESTFUL's gold sequences: accepted, or a contradiction is named"
    ),
    "gnn-plans": Entry(
        module="benchmarks.gnn_plans", description="plans that models wrote: unknown tools and illegal links"
    ),
}
"""The suites by name; nothing is imported before it is asked for."""


def entry_of(name: str) -> Entry:
    """Gives a suite's entry.

    Raises:
        InputError: there is none of that name.
    """
    if name not in SUITES:
        raise InputError(f"there is no suite {name!r}; there are: {', '.join(SUITES)}")
    return SUITES[name]
