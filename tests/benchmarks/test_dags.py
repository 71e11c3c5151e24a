"""The DAGs of `bench makespan` and `bench engine`: seeded, certifiable, rightly measured."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks import engine, makespan
from benchmarks.dags import certified, critical_path, random_dag
from benchmarks.engine import idle_dag
from benchmarks.engine_trial import timed
from benchmarks.makespan import cases_of
from executor.compile import compile_workflow
from executor.embedded import EmbeddedEngine
from executor.order import order_of

PATHS = [
    ({"a": [], "b": [], "c": []}, 3.0),
    ({"a": [], "b": ["a"], "c": ["b"]}, 6.0),
    ({"a": [], "b": ["a"], "c": ["a"]}, 4.0),
    ({}, 0.0),
]


@pytest.mark.parametrize(("after", "length"), PATHS)
def test_the_critical_path_is_the_longest(after: dict[str, list[str]], length: float) -> None:
    assert critical_path(after, {"a": 1.0, "b": 2.0, "c": 3.0}) == length


def test_the_same_seed_gives_the_same_30_dags() -> None:
    first, again = cases_of(7), cases_of(7)
    assert first == again
    assert cases_of(8) != first
    assert len(first) == 30
    for _, after, seconds in first:
        assert 12 <= len(after) <= 30
        assert all(0 <= second <= 2 for second in seconds.values())


def test_dags_keep_their_order_when_they_are_compiled() -> None:
    after = random_dag(Random(1), 20)
    order = order_of(compile_workflow(certified(after, dict.fromkeys(after, 0.0))))
    assert {(before, name) for name, befores in after.items() for before in befores} <= order


def test_an_idle_dag_runs_to_its_end() -> None:
    after = idle_dag(40)
    found = timed(certified(after, dict.fromkeys(after, 0.0)), EmbeddedEngine())
    assert (found["status"], found["steps"]) == ("completed", 40)


def test_scores_are_medians_by_engine_and_by_size() -> None:
    ratios = makespan.score([{"kind": "embedded", "ratio": ratio} for ratio in (1.0, 1.1, 9.0)])
    assert {name: metric.value for name, metric in ratios.items()} == {"embedded_ratio": 1.1}
    records = [{"tasks": size, "ms_per_task": each} for size, each in ((1, 5.0), (10_000, 0.5), (10_000, 0.7))]
    assert {name: round(metric.value, 3) for name, metric in engine.score(records).items()} == {
        "overhead_ms_per_task": 0.6,
        "overhead_ms_per_task_of_1": 5.0,
        "overhead_ms_per_task_of_10000": 0.6,
    }
