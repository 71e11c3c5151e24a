"""`bench engine`: what the durable embedded engine and the guarded worker add to a task that does nothing.

Everything counts: events, syncs, artefacts, schemas, policy. The tasks form ten chains with links
between them, so that some of the tasks wait and some run side by side. Beside it the same DAGs on LangGraph
(`langgraph` with a checkpoint in SQLite after each of its steps, which is what it can resume from;
`langgraph-memory` without any), and as plain coroutines that await each other (`asyncio`), the floor: nothing
is kept. What is timed is the run alone; building and compiling come before. LangGraph is left out where it is
not installed.

How large a workflow a Conductor server takes is shown by `conductor`, the same DAGs, which are interwoven and
stay one workflow, and `conductor-split`, chains side by side, which become sub-workflows beyond 200 tasks.
They are not among the default sets: `dagwright bench run engine --sets conductor,conductor-split`.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from benchmarks.dags import After, certified
from benchmarks.engine_trial import timed
from benchmarks.peers.peer import LANGGRAPH, Job, Peer
from benchmarks.statistics import Metric, middle
from benchmarks.suite import Options, Progress, Record
from dagwright.exceptions import InputError, Unreachable

ROUNDS: dict[str, dict[int, int]] = {
    "embedded": {1: 30, 100: 10, 1_000: 5, 10_000: 3},
    "langgraph": {1: 10, 100: 10, 1_000: 5},
    "langgraph-memory": {1: 10, 100: 10, 1_000: 5},
    "asyncio": {1: 30, 100: 10, 1_000: 5, 10_000: 3},
    "conductor": {100: 2, 500: 1},
    "conductor-split": {100: 2, 500: 1, 1_000: 1},
}
"""Runs by number of tasks, for each kind."""

HEADLINE = 10_000
"""The number of tasks that `overhead_ms_per_task` is about."""

PATIENCE = 600.0
"""Seconds that one run may take."""


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives one record per run; `limit` is the most runs of each size, `sets` names kinds.

    Raises:
        InputError: a set is no kind.
    """
    planned = list(_planned(options))
    away: set[str] = set()
    for done, (kind, size, number) in enumerate(planned, start=1):
        item = f"{kind}/{size}/{number}"
        if item in options.skip or kind in away:
            continue
        try:
            found = KINDS[kind](SHAPES.get(kind, idle_dag)(size))
        except (InputError, Unreachable) as error:
            away.add(kind)
            on_progress(done, len(planned), f"{kind}: left out, {error}")
            continue
        each = cast("float", found["seconds"]) * 1_000 / size
        on_progress(done, len(planned), f"{item}: {each:.3f} ms a task")
        yield {"item": item, "kind": kind, "tasks": size, "ms_per_task": each, **found}


def idle_dag(size: int) -> dict[str, list[str]]:
    """Gives ten chains; every seventh task also waits for its neighbour's predecessor."""
    after: dict[str, list[str]] = {}
    for number in range(size):
        befores = {number - 10} | ({number - 11} if number % 7 == 0 else set[int]())
        after[f"s{number}"] = [f"s{before}" for before in sorted(befores) if before >= 0]
    return after


def divisible_dag(size: int) -> dict[str, list[str]]:
    """Gives chains of ten between a first and a last task."""
    after: dict[str, list[str]] = {"s0": []}
    for number in range(1, size - 1):
        after[f"s{number}"] = [f"s{number - 1}" if number % 10 != 1 else "s0"]
    ends = [f"s{number}" for number in range(1, size - 1) if number % 10 == 0 or number == size - 2]
    return {**after, f"s{size - 1}": ends}


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives medians of milliseconds a task, by kind and number of tasks, and how many a second at its largest.

    Those of the embedded engine are called `overhead_ms_per_task_of_N`; its largest is the headline.
    """
    metrics: dict[str, Metric] = {}
    for kind in dict.fromkeys(str(record["kind"]) for record in records):
        mine = [record for record in records if record["kind"] == kind]
        sizes = sorted({cast("int", record["tasks"]) for record in mine})
        prefix = "overhead" if kind == "embedded" else kind.replace("-", "_")
        for size in sizes:
            values = [cast("float", record["ms_per_task"]) for record in mine if record["tasks"] == size]
            metrics[f"{prefix}_ms_per_task_of_{size}"] = middle(values, seed=seed)
            if size == sizes[-1]:
                rates = [1_000 / value for value in values]
                metrics[f"{kind.replace('-', '_')}_tasks_per_second_of_{size}"] = middle(rates, seed=seed)
        if kind == "embedded":
            headline = HEADLINE if HEADLINE in sizes else sizes[-1]
            metrics = {"overhead_ms_per_task": metrics[f"overhead_ms_per_task_of_{headline}"], **metrics}
    return metrics


def _planned(options: Options) -> Generator[tuple[str, int, int], None, None]:
    unknown = [name for name in options.sets if name not in KINDS]
    if unknown:
        raise InputError(f"there is no set {unknown[0]!r}; there are: {', '.join(KINDS)}")
    for kind in options.sets or DEFAULT:
        for size, rounds in ROUNDS[kind].items():
            yield from ((kind, size, number) for number in range(min(rounds, options.limit or rounds)))


def _embedded(after: After) -> Record:
    from executor.engine.embedded import EmbeddedEngine

    return timed(certified(after, dict.fromkeys(after, 0.0)), EmbeddedEngine())


def _conductor(after: After) -> Record:
    from orchestrator.assembly import open_engine

    return timed(certified(after, dict.fromkeys(after, 0.0)), open_engine("conductor"), patience=PATIENCE)


def _langgraph(after: After) -> Record:
    with tempfile.TemporaryDirectory() as folder:
        return _on(LANGGRAPH, after, durable=Path(folder) / "checkpoints.db")


def _langgraph_memory(after: After) -> Record:
    return _on(LANGGRAPH, after)


def _on(peer: Peer, after: After, *, durable: Path | None = None) -> Record:
    job = Job(item="idle", after=after, seconds=dict.fromkeys(after, 0.0))
    [(_, seconds)] = peer.run([job], durable=durable, patience=PATIENCE)
    return {"engine": peer.environment.name, "seconds": seconds}


def _asyncio(after: After) -> Record:
    """Runs one coroutine per task under one `gather`; each awaits those before it."""

    async def task(befores: Sequence[asyncio.Event], own: asyncio.Event) -> None:
        for before in befores:
            await before.wait()
        own.set()

    async def all_of_them() -> float:
        ended = {name: asyncio.Event() for name in after}
        begun = time.perf_counter()
        await asyncio.gather(
            *(task([ended[before] for before in befores], ended[name]) for name, befores in after.items())
        )
        return time.perf_counter() - begun

    return {"engine": "asyncio", "seconds": asyncio.run(all_of_them())}


KINDS: dict[str, Callable[[After], Record]] = {
    "embedded": _embedded,
    "langgraph": _langgraph,
    "langgraph-memory": _langgraph_memory,
    "asyncio": _asyncio,
    "conductor": _conductor,
    "conductor-split": _conductor,
}

DEFAULT = ("embedded", "langgraph", "langgraph-memory", "asyncio")
"""The kinds that need no server."""

SHAPES: dict[str, Callable[[int], After]] = {"conductor-split": divisible_dag}
"""The DAGs of kinds that do not run `idle_dag`."""
