"""`bench makespan`: 30 seeded random DAGs of 12 to 30 tasks of 0 to 2 seconds, on both engines.

A ratio is the time of a run over the length of its critical path; 1 cannot be beaten. Beside them
the same tasks one after the other, which is what engines without a compiler for DAGs do. Conductor
is measured where a server is reachable, else its ratio is absent.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from random import Random
from typing import cast

from pydantic import JsonValue

from benchmarks.dags import certified, critical_path, random_dag
from benchmarks.engine_trial import timed
from benchmarks.statistics import Metric, middle
from benchmarks.suite import Options, Progress, Record
from dagwright.exceptions import Unreachable
from executor.engine import Engine

DAGS = 30

Case = tuple[str, dict[str, list[str]], dict[str, float]]
"""Id, predecessors by task, seconds by task."""


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives one record per DAG and engine; `sets` names engines: embedded, sequential, conductor."""
    cases = cases_of(options.seed)[: options.limit]
    engines = options.sets or ("embedded", "sequential", "conductor")
    kinds: dict[str, Callable[[list[Case]], Generator[Record, None, None]]] = {
        "embedded": _embedded,
        "sequential": _sequential,
        "conductor": _conductor,
    }
    total, done = len(cases) * len(engines), 0
    for engine in engines:
        open_cases = [case for case in cases if f"{engine}/{case[0]}" not in options.skip]
        done += len(cases) - len(open_cases)
        try:
            for record in kinds[engine](open_cases):
                done += 1
                on_progress(done, total, f"{record['item']}: ratio {record['ratio']:.3f}")
                yield record
        except Unreachable as error:
            on_progress(done, total, f"{engine}: left out, {error}")


def cases_of(seed: int) -> list[Case]:
    """Gives the seeded DAGs."""
    random = Random(seed)
    cases: list[Case] = []
    for number in range(DAGS):
        after = random_dag(random, random.randint(12, 30))
        cases.append((f"{number:02}", after, {name: round(random.uniform(0, 2), 3) for name in after}))
    return cases


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives the median ratio of each engine that was measured."""
    found: dict[str, list[float]] = {}
    for record in records:
        found.setdefault(str(record["kind"]), []).append(cast("float", record["ratio"]))
    return {f"{kind}_ratio": middle(ratios, seed=seed) for kind, ratios in found.items()}


def _embedded(cases: list[Case]) -> Generator[Record, None, None]:
    from executor.embedded import EmbeddedEngine

    for case in cases:
        yield _measured("embedded", case, engine=EmbeddedEngine())


def _sequential(cases: list[Case]) -> Generator[Record, None, None]:
    """Runs all at the same time, because tasks that sleep do not disturb each other."""
    from executor.embedded import EmbeddedEngine

    with ThreadPoolExecutor(max_workers=max(1, len(cases))) as pool:
        yield from pool.map(partial(_measured, "sequential", engine=EmbeddedEngine()), cases)


def _conductor(cases: list[Case]) -> Generator[Record, None, None]:
    from orchestrator.assembly import open_engine

    engine = open_engine("conductor")
    for case in cases:
        yield _measured("conductor", case, engine=engine)


def _measured(kind: str, case: Case, *, engine: Engine) -> Record:
    name, after, seconds = case
    order = _one_after_the_other(after) if kind == "sequential" else after
    record = timed(certified(order, seconds), engine)
    shortest = critical_path(after, seconds)
    return {
        "item": f"{kind}/{name}",
        "kind": kind,
        "tasks": len(after),
        "critical_path": shortest,
        "ratio": cast("float", record["seconds"]) / shortest,
        **record,
    }


def _one_after_the_other(after: dict[str, list[str]]) -> dict[str, list[str]]:
    previous = {later: [before] for before, later in pairwise(after)}
    return {name: previous.get(name, []) for name in after}
