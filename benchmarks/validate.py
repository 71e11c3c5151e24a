"""`bench validate`: time and memory of all five levels over valid proposals of 10 to 10,000 steps.

The proposals are seeded random plans over the toolchest's tables: chains of one to three steps a task,
each task reading one or two earlier ones. They are validated from JSON data, so that parsing counts.
Beside that: the same over a catalogue of 20,000 operations, what each level takes, what is held at most
(by `tracemalloc`, which slows the run: its time doesn't count), and how many Python calls are made.
"""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from cProfile import Profile
from itertools import islice
from random import Random
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from benchmarks.statistics import Metric, middle
from benchmarks.suite import Options, Progress, Record
from benchmarks.validate_proposals import Json, proposal_of
from dagwright.catalogue import Catalogue
from dagwright.finding import Finding

if TYPE_CHECKING:
    from validation.context import Context

SIZES = (10, 30, 100, 300, 1_000, 3_000, 10_000)
"""Steps."""
REPEATS = 15
"""Proposals of each size; of the largest, a third as many."""
MEASURED = 1_000
"""Steps of the proposals that the levels and the large catalogue are measured on."""
OPERATIONS = 20_000
"""Operations of the large catalogue: the toolchest's, again and again under other tools' names."""
_WORKERS = frozenset(("python", "http", "llm", "human"))


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives one record per proposal: its steps and what was measured, the milliseconds of validating it as a rule."""
    from dagwright.policy import DEFAULT_POLICY
    from executor.toolchest import default_catalogue
    from validation import validate

    catalogue = default_catalogue()
    validate(proposal_of(50, Random(options.seed)), catalogue=catalogue, policy=DEFAULT_POLICY, workers=_WORKERS)
    cases = _cases()[: options.limit]
    large: Catalogue | None = None
    for done, (kind, size, repeat) in enumerate(cases, start=1):
        item = f"{kind}{size}/{repeat:02}"
        if item in options.skip:
            continue
        proposal = proposal_of(size, Random(f"{options.seed}/{item}"))
        if kind == "catalogue/":
            large = large or enlarged(catalogue)
        record = _MEASURES[kind](proposal, large if kind == "catalogue/" and large else catalogue)
        on_progress(done, len(cases), f"{item}: " + ", ".join(f"{key} {value}" for key, value in record.items()))
        yield {"item": item, "steps": size, **record}


def _cases() -> list[tuple[str, int, int]]:
    timed = [("", size, repeat) for size in SIZES for repeat in range(_repeats(size))]
    more = [(kind, MEASURED, repeat) for kind in ("levels/", "catalogue/") for repeat in range(REPEATS)]
    return [*timed, *more, *((kind, size, 0) for kind in ("memory/", "calls/") for size in (1_000, 10_000))]


def _validated(proposal: Json, catalogue: Catalogue) -> None:
    from dagwright.policy import DEFAULT_POLICY
    from validation import validate

    report = validate(proposal, catalogue=catalogue, policy=DEFAULT_POLICY, workers=_WORKERS)
    if report.findings:
        raise AssertionError(f"the proposal should have no findings: {report.findings[0].message}")


def _time(proposal: Json, catalogue: Catalogue) -> Record:
    started = perf_counter()
    _validated(proposal, catalogue)
    return {"ms": round((perf_counter() - started) * 1e3, 3)}


def _time_in_large_catalogue(proposal: Json, catalogue: Catalogue) -> Record:
    return {"large_catalogue_ms": _time(proposal, catalogue)["ms"], "operations": len(catalogue.tools)}


def _peak(proposal: Json, catalogue: Catalogue) -> Record:
    """Gives the most memory that validating held at once, the proposal itself left out."""
    tracemalloc.start()
    try:
        _validated(proposal, catalogue)
        return {"peak_mb": round(tracemalloc.get_traced_memory()[1] / 1e6, 3)}
    finally:
        tracemalloc.stop()


def _calls(proposal: Json, catalogue: Catalogue) -> Record:
    """Gives how many calls of Python functions validating makes: work that no machine's caches change."""
    profile = Profile(builtins=False)
    profile.runcall(_validated, proposal, catalogue)
    return {"calls": sum(entry.callcount for entry in profile.getstats())}


def _level_times(proposal: Json, catalogue: Catalogue) -> Record:
    """Gives the milliseconds of each level; reading and parsing count as syntactic.

    What several levels look at is prepared once, at the cost of the first that asks: propagation in
    `semantic`, the order of tasks in `dependency`, labels in `policy`.
    """
    from dagwright.policy import DEFAULT_POLICY
    from validation.context import Context
    from validation.salvage import parsed
    from validation.text import text_findings

    times: Record = {}
    began = perf_counter()
    text_findings(proposal)
    context = Context(parsed=parsed(proposal), catalogue=catalogue, policy=DEFAULT_POLICY, workers=_WORKERS, at=None)
    for level, parts in _levels().items():
        for part in parts:
            list(part(context))
        ended = perf_counter()
        times[f"{level}_ms"] = round((ended - began) * 1e3, 3)
        began = ended
    return times


def _levels() -> dict[str, list[Callable[[Context], Iterable[Finding]]]]:
    from validation import examination as levels

    return {
        "syntactic": [levels.syntactic_findings],
        "semantic": [levels.semantic_findings],
        "dependency": [
            levels.dependency_findings,
            levels.usefulness_findings,
            levels.state_findings,
            levels.fact_findings,
        ],
        "policy": [
            levels.authority_findings,
            levels.rollback_findings,
            levels.place_findings,
            levels.flow_findings,
        ],
        "resource": [levels.resource_findings, levels.capacity_findings],
    }


_MEASURES: dict[str, Callable[[Json, Catalogue], Record]] = {
    "": _time,
    "levels/": _level_times,
    "catalogue/": _time_in_large_catalogue,
    "memory/": _peak,
    "calls/": _calls,
}


def enlarged(catalogue: Catalogue, operations: int = OPERATIONS) -> Catalogue:
    """Gives a catalogue of so many operations: the given ones, and copies of them under other tools' names."""
    copies = (
        spec.model_copy(update={"tool_name": f"{spec.tool_name}{number}"})
        for number in range(operations)
        for spec in catalogue.tools
    )
    return Catalogue(name="large", tools=(*catalogue.tools, *islice(copies, operations - len(catalogue.tools))))


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives the medians of each size, and the exponents of growth of time and of calls from 1,000 steps on."""
    found: dict[tuple[int, str], list[float]] = {}
    for record in records:
        for key in record.keys() - {"item", "steps", "operations"}:
            found.setdefault((cast("int", record["steps"]), key), []).append(cast("float", record[key]))
    metrics = {f"{key}_{size}": middle(values, seed=seed) for (size, key), values in sorted(found.items())}
    for key, name in (("ms", "growth_exponent"), ("calls", "calls_growth_exponent")):
        large = {size: median(values) for (size, what), values in found.items() if what == key and size >= 1_000}
        if len(large) > 1:
            metrics[name] = Metric(value=_slope(large), n=len(large))
    return metrics


def _repeats(size: int) -> int:
    return REPEATS if size < max(SIZES) else REPEATS // 3


def _slope(times: Mapping[int, float]) -> float:
    """Gives the least-squares slope of log time over log size."""
    points = [(math.log(size), math.log(time)) for size, time in times.items()]
    x_mean = sum(x for x, _ in points) / len(points)
    y_mean = sum(y for _, y in points) / len(points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / sum((x - x_mean) ** 2 for x, _ in points)
