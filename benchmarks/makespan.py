"""`bench makespan`: how long DAGs take beside their critical path, which cannot be beaten.

Two sources: 120 seeded random DAGs of 12 to 30 tasks of 2 to 4 seconds, and AsyncHow's 1,598 plans, each
scaled to a critical path of 6 seconds (a plan has minutes beside months, so most of its tasks take no time
then). Our engines and LangGraph's scheduler are run. `sequential` (one task after the other) and `layered` (a
layer begins when the one before has ended) are computed from the durations: their own overhead would come on
top. Tasks only sleep, so many DAGs run at the same time (`TOGETHER`); `embedded-alone` runs some of the same
DAGs one at a time, which shows what that does. Conductor runs a subset, one at a time: it is measured where a
server is reachable, as LangGraph is where it is installed; else their ratios are absent.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from random import Random
from typing import cast

from pydantic import JsonValue

from benchmarks.asynchow import load_plans
from benchmarks.dags import certified, critical_path, random_dag
from benchmarks.engine_trial import timed
from benchmarks.peers.peer import LANGGRAPH, Job
from benchmarks.statistics import Metric, middle
from benchmarks.suite import Options, Progress, Record
from dagwright.exceptions import InputError, Unreachable
from executor.engine.engine import Engine

DAGS = 120
"""Random DAGs."""

PATH_SECONDS = 6.0
"""The critical path of a plan of AsyncHow's, scaled."""

TOGETHER = 32
"""DAGs that run at the same time, where all that their tasks do is sleep."""

ALONE = {"random": 4, "asynchow": 16}
"""How many of each source `embedded-alone` runs."""

ON_CONDUCTOR = {"random": 12, "asynchow": 24}
"""How many of each source Conductor runs."""


@dataclass(frozen=True)
class Case:
    """A DAG of tasks that sleep."""

    source: str
    """`random` or `asynchow`."""
    name: str
    after: dict[str, list[str]]
    """Predecessors by task, in a topological order."""
    seconds: dict[str, float]
    """How long each task sleeps."""

    @property
    def path(self) -> float:
        """The length of its critical path in seconds."""
        return critical_path(self.after, self.seconds)


Measured = Iterator[tuple[Case, Record]]
"""Cases with what a run gave: `seconds`, and more where there is more to say."""


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives one record per DAG and engine; `sets` names sources and engines, none of a kind is all of it.

    Raises:
        InputError: AsyncHow's file is missing, or a set is neither a source nor an engine.
    """
    sources, engines = _asked(options.sets)
    cases = [case for source in sources for case in SOURCES[source](options)[: options.limit]]
    planned = [(engine, case) for engine in engines for case in _part(engine, cases)]
    done = sum(_item(engine, case) in options.skip for engine, case in planned)
    for engine in engines:
        left = [case for name, case in planned if name == engine and _item(name, case) not in options.skip]
        try:
            for case, found in ENGINES[engine](left):
                record = _record(engine, case, found)
                done += 1
                on_progress(done, len(planned), f"{record['item']}: ratio {record['ratio']:.3f}")
                yield record
        except (Unreachable, InputError) as error:
            on_progress(done, len(planned), f"{engine}: left out, {error}")


def random_cases(options: Options) -> list[Case]:
    """Gives the seeded DAGs."""
    random = Random(options.seed)
    cases: list[Case] = []
    for number in range(DAGS):
        after = random_dag(random, random.randint(12, 30))
        cases.append(Case("random", f"{number:03}", after, {name: round(random.uniform(2, 4), 3) for name in after}))
    return cases


def asynchow_cases(options: Options) -> list[Case]:
    """Gives AsyncHow's plans in a seeded order, so that the first ones are a sample of all.

    Raises:
        InputError: the file is missing or does not hold plans.
    """
    cases: list[Case] = []
    for number, plan in enumerate(load_plans(options.data)):
        after, seconds = plan.after(), plan.seconds()
        scale = PATH_SECONDS / critical_path(after, seconds)
        cases.append(Case("asynchow", f"{number:04}", after, {name: scale * each for name, each in seconds.items()}))
    Random(options.seed).shuffle(cases)
    return cases


def layers(case: Case) -> list[list[str]]:
    """Gives the tasks by the number of tasks on the longest way to them."""
    depth: dict[str, int] = {}
    for name, befores in case.after.items():
        depth[name] = 1 + max((depth[before] for before in befores), default=-1)
    return [[name for name in depth if depth[name] == level] for level in range(max(depth.values()) + 1)]


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives median ratios: `ENGINE_ratio` on the random DAGs, `ENGINE_asynchow_ratio` on AsyncHow's plans."""
    found: dict[str, list[float]] = {}
    for record in records:
        source = "" if record["source"] == "random" else f"_{record['source']}"
        name = f"{str(record['kind']).replace('-', '_')}{source}_ratio"
        found.setdefault(name, []).append(cast("float", record["ratio"]))
    return {name: middle(ratios, seed=seed) for name, ratios in found.items()}


def _asked(sets: Sequence[str]) -> tuple[list[str], list[str]]:
    unknown = [name for name in sets if name not in SOURCES and name not in ENGINES]
    if unknown:
        raise InputError(f"there is no set {unknown[0]!r}; there are: {', '.join((*SOURCES, *ENGINES))}")
    sources = [name for name in SOURCES if name in sets]
    engines = [name for name in ENGINES if name in sets]
    return sources or list(SOURCES), engines or list(ENGINES)


def _part(engine: str, cases: Sequence[Case]) -> list[Case]:
    """Gives the cases that an engine runs: the first so many of each source."""
    most = {"embedded-alone": ALONE, "conductor": ON_CONDUCTOR}.get(engine, {})
    found: list[Case] = []
    for source in SOURCES:
        found += [case for case in cases if case.source == source][: most.get(source)]
    return found


def _item(engine: str, case: Case) -> str:
    return f"{engine}/{case.source}-{case.name}"


def _record(engine: str, case: Case, found: Record) -> Record:
    return {
        "item": _item(engine, case),
        "kind": engine,
        "source": case.source,
        "tasks": len(case.after),
        "critical_path": case.path,
        "ratio": cast("float", found["seconds"]) / case.path,
        **found,
    }


def _sequential(cases: Sequence[Case]) -> Measured:
    for case in cases:
        yield case, {"seconds": sum(case.seconds.values()), "together": 0}


def _layered(cases: Sequence[Case]) -> Measured:
    for case in cases:
        longest = [max(case.seconds[name] for name in layer) for layer in layers(case)]
        yield case, {"seconds": sum(longest), "together": 0}


def _embedded(cases: Sequence[Case]) -> Measured:
    from executor.engine.embedded import EmbeddedEngine

    return _on(EmbeddedEngine(), cases, together=TOGETHER)


def _embedded_alone(cases: Sequence[Case]) -> Measured:
    from executor.engine.embedded import EmbeddedEngine

    return _on(EmbeddedEngine(), cases, together=1)


def _conductor(cases: Sequence[Case]) -> Measured:
    from orchestrator.assembly import open_engine

    return _on(open_engine("conductor"), cases, together=1)


def _langgraph(cases: Sequence[Case]) -> Measured:
    by_item = {f"{case.source}-{case.name}": case for case in cases}
    jobs = [Job(item=item, after=case.after, seconds=case.seconds) for item, case in by_item.items()]
    patience = 60 + 3 * sum(case.path for case in cases) / TOGETHER + max((4 * case.path for case in cases), default=0)
    for item, seconds in LANGGRAPH.run(jobs, together=TOGETHER, patience=patience):
        yield by_item[item], {"seconds": seconds, "together": TOGETHER}


def _on(engine: Engine, cases: Sequence[Case], *, together: int) -> Measured:
    """Certifies all cases, then runs them on an engine of ours; one that does not complete is an error."""
    programs = {(case.source, case.name): certified(case.after, case.seconds) for case in cases}

    def one(case: Case) -> tuple[Case, Record]:
        found = timed(programs[case.source, case.name], engine)
        assert found["status"] == "completed", f"{case.name} on {engine.name}: {found['status']}"
        return case, {**found, "together": together}

    with ThreadPoolExecutor(max_workers=together) as pool:
        for future in as_completed([pool.submit(one, case) for case in cases]):
            yield future.result()


SOURCES: dict[str, Callable[[Options], list[Case]]] = {"random": random_cases, "asynchow": asynchow_cases}

ENGINES: dict[str, Callable[[Sequence[Case]], Measured]] = {
    "sequential": _sequential,
    "layered": _layered,
    "conductor": _conductor,
    "embedded-alone": _embedded_alone,
    "embedded": _embedded,
    "langgraph": _langgraph,
}
