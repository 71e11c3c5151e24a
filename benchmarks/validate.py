"""`bench validate`: how long all five levels take over valid proposals of 10 to 10,000 steps.

The proposals are seeded random plans over the toolchest's tables: chains of one to three steps a task,
each task reading one or two earlier ones. They are validated from JSON data, so that parsing counts.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from random import Random
from statistics import median
from time import perf_counter
from typing import cast

from pydantic import JsonValue

from benchmarks.statistics import Metric, middle
from benchmarks.suite import Options, Progress, Record

SIZES = (10, 30, 100, 300, 1_000, 3_000, 10_000)
"""Steps."""
REPEATS = 15
"""Proposals of each size; of the largest, a third as many."""
KINDS = ("filter", "compare", "sort", "top", "missing")
_WORKERS = frozenset(("python", "http", "llm", "human"))

Json = dict[str, JsonValue]


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives one record per proposal: its steps and the milliseconds that its validation took."""
    from dagwright.policy import DEFAULT_POLICY
    from executor.toolchest import default_catalogue
    from validation import validate

    catalogue = default_catalogue()
    validate(proposal_of(50, Random(options.seed)), catalogue=catalogue, policy=DEFAULT_POLICY, workers=_WORKERS)
    cases = [(size, repeat) for size in SIZES for repeat in range(_repeats(size))][: options.limit]
    for done, (size, repeat) in enumerate(cases, start=1):
        item = f"{size}/{repeat:02}"
        if item in options.skip:
            continue
        proposal = proposal_of(size, Random(f"{options.seed}/{item}"))
        started = perf_counter()
        report = validate(proposal, catalogue=catalogue, policy=DEFAULT_POLICY, workers=_WORKERS)
        elapsed = (perf_counter() - started) * 1e3
        if report.findings:
            raise AssertionError(f"proposal {item!r} should have no findings: {report.findings[0].message}")
        on_progress(done, len(cases), f"{size} steps: {elapsed:.1f} ms")
        yield {"item": item, "steps": size, "ms": round(elapsed, 3)}


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives the median milliseconds of each size, and the exponent of growth from 1,000 steps on."""
    found: dict[int, list[float]] = {}
    for record in records:
        found.setdefault(cast("int", record["steps"]), []).append(cast("float", record["ms"]))
    metrics = {f"ms_{size}": middle(times, seed=seed) for size, times in sorted(found.items())}
    large = {size: median(times) for size, times in found.items() if size >= 1_000}
    if len(large) > 1:
        metrics["growth_exponent"] = Metric(value=_slope(large), n=len(large))
    return metrics


def _repeats(size: int) -> int:
    return REPEATS if size < max(SIZES) else REPEATS // 3


def _slope(times: Mapping[int, float]) -> float:
    """Gives the least-squares slope of log time over log size."""
    points = [(math.log(size), math.log(time)) for size, time in times.items()]
    x_mean = sum(x for x, _ in points) / len(points)
    y_mean = sum(y for _, y in points) / len(points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / sum((x - x_mean) ** 2 for x, _ in points)


# -------------------------------------------------------------------------------- valid proposals


def proposal_of(size: int, random: Random) -> Json:
    """Gives a valid proposal of `size` steps as JSON data."""
    nodes: list[JsonValue] = [_task(0, [])]
    groups: list[JsonValue] = [{"task_id": "t0", "steps": [_step(0, "load_csv", {"file": {"input": "data"}})]}]
    tables, numbers = [(0, 0)], [(0, -1)]
    made = 1
    while made < size:
        task = len(nodes)
        steps: list[JsonValue] = []
        source = tables[-random.randint(1, min(8, len(tables)))]
        other = numbers[-random.randint(1, min(8, len(numbers)))]
        sources, step = {source[0]}, source[1]
        for kind in random.choices(KINDS, k=min(random.randint(1, 3), size - made)):
            compared = kind == "compare" and other[1] >= 0
            sources |= {other[0]} if compared else set()
            steps.append(_operation(made, kind, step, other[1] if compared else None, random))
            step, made = made, made + 1
        tables.append((task, step))
        if made < size:
            steps.append(_step(made, "aggregate", {**_table(step), **_literals(column="mass", function="mean")}))
            numbers.append((task, made))
            made += 1
        nodes.append(_task(task, [f"t{number}" for number in sorted(sources)]))
        groups.append({"task_id": f"t{task}", "steps": steps})
    answer: Json = {f"a{number}": {"from": f"s{number}"} for number in range(size)}
    plan: Json = {"dag_id": "measured", "nodes": nodes}
    return {"goal": _goal(), "plan": plan, "decompositions": groups, "answer": answer}


def _operation(number: int, kind: str, source: int, other: int | None, random: Random) -> Json:
    given = _table(source)
    if other is not None:
        value: Json = {"from": f"s{other}", "path": "/value"}
        return _step(number, "filter_rows", {**given, **_literals(column="mass", op=">"), "value": value})
    if kind == "sort":
        return _step(number, "sort_rows", {**given, **_literals(column="mass", descending=True)})
    if kind == "top":
        return _step(number, "top_rows", {**given, **_literals(n=random.randint(1, 99))})
    if kind == "missing":
        return _step(number, "drop_missing", {**given, **_literals(columns=["mass"])})
    return _step(number, "filter_rows", {**given, **_literals(column="species", op="==", value="Adelie")})


def _table(source: int) -> Json:
    return {"table": {"from": f"s{source}", "path": "/table"}}


def _literals(**values: JsonValue) -> Json:
    return {name: {"literal": value} for name, value in values.items()}


def _step(number: int, operation: str, given: Json) -> Json:
    output = "value" if operation == "aggregate" else "table"
    return {
        "step_id": f"s{number}",
        "action": f"Call {operation} on what came before.",
        "tool_intent": {
            "tool_name": "data",
            "operation": operation,
            "required_inputs": given,
            "expected_outputs": {output: {}},
            "validation_criteria": [{"path": f"/{output}", "op": "exists"}],
        },
        "documentation_references": [f"tool:data.{operation}"],
    }


def _task(number: int, dependencies: Sequence[str]) -> Json:
    described: Json = {"task_id": f"t{number}", "description": f"Task {number}.", "dependencies": list(dependencies)}
    return {**described, "required_capabilities": ["table"]}


def _goal() -> Json:
    row: Json = {
        "type": "object",
        "properties": {
            "species": {"type": "string", "enum": ["Adelie", "Chinstrap", "Gentoo"]},
            "mass": {"type": "number"},
        },
        "required": ["species", "mass"],
        "additionalProperties": False,
    }
    schema: Json = {
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "sha256": {"type": "string"},
            "bytes": {"type": "integer", "minimum": 0},
            "media_type": {"const": "text/csv"},
        },
        "required": ["path", "sha256", "bytes", "media_type"],
        "additionalProperties": False,
        "x-content": {"type": "array", "items": row},
    }
    value: Json = {"path": "penguins.csv", "sha256": "0" * 64, "bytes": 1, "media_type": "text/csv"}
    given: Json = {"data": {"value": value, "schema": schema}}
    return {"goal_id": "measured", "text": "Look at the penguins.", "inputs": given}
