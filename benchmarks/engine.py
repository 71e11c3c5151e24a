"""`bench engine`: what the durable embedded engine and the guarded worker add to a task that does nothing.

Everything counts: events, syncs, artefacts, schemas, policy. The tasks form ten chains with links
between them, so that some of the tasks wait and some run side by side.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import cast

from pydantic import JsonValue

from benchmarks.dags import certified
from benchmarks.engine_trial import timed
from benchmarks.statistics import Metric, middle
from benchmarks.suite import Options, Progress, Record

ROUNDS = {1: 30, 100: 10, 10_000: 3}
"""Runs by number of tasks."""

HEADLINE = 10_000
"""The number of tasks that `overhead_ms_per_task` is about."""


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives one record per run; `limit` is the most runs of each size."""
    from executor.embedded import EmbeddedEngine

    planned = [
        (size, number) for size, rounds in ROUNDS.items() for number in range(min(rounds, options.limit or rounds))
    ]
    for done, (size, number) in enumerate(planned, start=1):
        item = f"{size}/{number}"
        if item in options.skip:
            continue
        after = idle_dag(size)
        record = timed(certified(after, dict.fromkeys(after, 0.0)), EmbeddedEngine())
        each = cast("float", record["seconds"]) * 1_000 / size
        on_progress(done, len(planned), f"{item}: {each:.3f} ms a task")
        yield {"item": item, "tasks": size, "ms_per_task": each, **record}


def idle_dag(size: int) -> dict[str, list[str]]:
    """Gives ten chains; every seventh task also waits for its neighbour's predecessor."""
    after: dict[str, list[str]] = {}
    for number in range(size):
        befores = {number - 10} | ({number - 11} if number % 7 == 0 else set[int]())
        after[f"s{number}"] = [f"s{before}" for before in sorted(befores) if before >= 0]
    return after


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives medians of milliseconds a task, for each number of tasks; the largest is the headline."""
    sizes = sorted({cast("int", record["tasks"]) for record in records})
    metrics: dict[str, Metric] = {}
    for size in sizes:
        values = [cast("float", record["ms_per_task"]) for record in records if record["tasks"] == size]
        metrics[f"overhead_ms_per_task_of_{size}"] = middle(values, seed=seed)
    headline = HEADLINE if HEADLINE in sizes else sizes[-1]
    return {"overhead_ms_per_task": metrics[f"overhead_ms_per_task_of_{headline}"], **metrics}
