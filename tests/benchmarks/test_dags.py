"""The DAGs of `bench makespan` and `bench engine`: seeded, certifiable, rightly measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks import engine, makespan
from benchmarks.asynchow import is_whole, load_plans
from benchmarks.dags import certified, critical_path, random_dag
from benchmarks.engine import divisible_dag, idle_dag
from benchmarks.engine_trial import timed
from benchmarks.makespan import Case, asynchow_cases, layers, random_cases
from benchmarks.own_environment import OwnEnvironment
from benchmarks.peers.peer import LANGGRAPH, Job, Peer
from benchmarks.suite import Options
from dagwright.exceptions import InputError, TransportError
from executor.conductor.native import every_task
from executor.engine.embedded import EmbeddedEngine
from executor.workflow.compile import compile_workflow
from tests.executor.order import order_of

DATA = Path(__file__).parents[3] / "shared" / "data"

PATHS = [
    ({"a": [], "b": [], "c": []}, 3.0),
    ({"a": [], "b": ["a"], "c": ["b"]}, 6.0),
    ({"a": [], "b": ["a"], "c": ["a"]}, 4.0),
    ({}, 0.0),
]


@pytest.mark.parametrize(("after", "length"), PATHS)
def test_the_critical_path_is_the_longest(after: dict[str, list[str]], length: float) -> None:
    assert critical_path(after, {"a": 1.0, "b": 2.0, "c": 3.0}) == length


def test_the_same_seed_gives_the_same_120_dags() -> None:
    first = random_cases(Options(seed=7))
    assert random_cases(Options(seed=7)) == first
    assert random_cases(Options(seed=8)) != first
    assert len(first) == 120
    for case in first:
        assert 12 <= len(case.after) <= 30
        assert all(2 <= second <= 4 for second in case.seconds.values())


PLANS: list[dict[str, Any]] = [
    {
        "title": "How to make tea",
        "steps": ["boil", "find a cup", "pour"],
        "edges": [["START", "1"], ["START", "2"], ["1", "3"], ["2", "3"], ["3", "END"]],
        "durations_s": {"1": [60, 180], "2": [30, 30], "3": [0, 20]},
        "optimal_s": [60, 200],
    }
]


def asynchow(folder: Path, plans: list[dict[str, Any]]) -> Options:
    (folder / "asynchow").mkdir()
    (folder / "asynchow" / "async_benchmark.json").write_text(json.dumps(plans), encoding="utf-8")
    return Options(data=folder)


def test_plans_of_asynchow_are_scaled_to_a_critical_path_of_six_seconds(tmp_path: Path) -> None:
    [case] = asynchow_cases(asynchow(tmp_path, PLANS))
    assert case.after == {"s1": [], "s2": [], "s3": ["s1", "s2"]}
    assert case.seconds == pytest.approx({"s1": 5.4, "s2": 0.9, "s3": 0.6})
    assert case.path == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"edges": [["1", "2"], ["2", "1"]]}, "no order of its steps"),
        ({"edges": [["1", "9"]]}, "no order of its steps"),
        ({"durations_s": {"1": ["soon", 2]}}, "does not hold AsyncHow's plans"),
    ],
)
def test_a_plan_of_asynchow_that_is_none_is_named(tmp_path: Path, change: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=what):
        asynchow_cases(asynchow(tmp_path, [PLANS[0] | change]))


@pytest.mark.skipif(not (DATA / "asynchow").is_dir(), reason="AsyncHow's plans are not here")
def test_our_critical_paths_are_asynchows_own_optima() -> None:
    plans = load_plans(DATA)
    assert is_whole(DATA) == (len(plans) == 1598)
    paths = [critical_path(plan.after(), plan.seconds()) for plan in plans]
    rounded = [plan for plan, path in zip(plans, paths, strict=True) if path != pytest.approx(plan.optimal_s[1])]
    assert len(rounded) <= 2


def test_layers_begin_when_those_before_have_ended() -> None:
    case = Case("random", "x", {"a": [], "b": ["a"], "c": [], "d": ["b", "c"]}, dict.fromkeys("abcd", 1.0))
    assert layers(case) == [["a", "c"], ["b"], ["d"]]


def test_computed_ratios_need_no_run() -> None:
    records = list(makespan.run(Options(limit=2, sets=("random", "sequential", "layered")), lambda *_: None))
    ratio = {str(record["item"]): float(str(record["ratio"])) for record in records}
    assert list(ratio) == [f"{kind}/random-{name}" for kind in ("sequential", "layered") for name in ("000", "001")]
    assert ratio["sequential/random-000"] > ratio["layered/random-000"] >= 1


def test_a_set_that_is_none_is_named() -> None:
    with pytest.raises(InputError, match="no set 'embeded'; there are: random, asynchow, sequential"):
        list(makespan.run(Options(sets=("embeded",)), lambda *_: None))


def test_dags_keep_their_order_when_they_are_compiled() -> None:
    after = random_dag(Random(1), 20)
    order = order_of(compile_workflow(certified(after, dict.fromkeys(after, 0.0))))
    assert {(before, name) for name, befores in after.items() for before in befores} <= order


def test_an_idle_dag_runs_to_its_end() -> None:
    after = idle_dag(40)
    found = timed(certified(after, dict.fromkeys(after, 0.0)), EmbeddedEngine())
    assert (found["status"], found["steps"]) == ("completed", 40)


def test_a_divisible_dag_becomes_sub_workflows_and_an_interwoven_one_does_not() -> None:
    def pieces(after: dict[str, list[str]]) -> int:
        found = compile_workflow(certified(after, dict.fromkeys(after, 0.0)))
        return sum(task.type == "SUB_WORKFLOW" for task in every_task(found))

    assert len(divisible_dag(300)) == len(idle_dag(300)) == 300
    assert pieces(divisible_dag(300)) > 0
    assert pieces(idle_dag(300)) == 0


def test_a_run_that_takes_too_long_is_cancelled() -> None:
    program = certified({"a": [], "b": ["a"]}, {"a": 0.5, "b": 0.5})
    assert timed(program, EmbeddedEngine(), patience=0.1)["status"] == "cancelled"


def test_scores_are_medians_by_engine_and_by_size() -> None:
    ratios = makespan.score(
        [
            {"kind": kind, "source": source, "ratio": ratio}
            for kind, source, ratio in (
                ("embedded", "random", 1.0),
                ("embedded", "random", 1.1),
                ("embedded", "random", 9.0),
                ("embedded-alone", "asynchow", 2.0),
            )
        ]
    )
    assert {name: metric.value for name, metric in ratios.items()} == {
        "embedded_ratio": 1.1,
        "embedded_alone_asynchow_ratio": 2.0,
    }
    measured = [
        ("embedded", 1, 5.0),
        ("embedded", 10_000, 0.5),
        ("embedded", 10_000, 0.7),
        ("langgraph-memory", 100, 2.0),
    ]
    records = [{"kind": kind, "tasks": size, "ms_per_task": each} for kind, size, each in measured]
    assert {name: round(metric.value, 1) for name, metric in engine.score(records).items()} == {
        "overhead_ms_per_task": 0.6,
        "overhead_ms_per_task_of_1": 5.0,
        "overhead_ms_per_task_of_10000": 0.6,
        "embedded_tasks_per_second_of_10000": 1714.3,
        "langgraph_memory_ms_per_task_of_100": 2.0,
        "langgraph_memory_tasks_per_second_of_100": 500.0,
    }


def test_the_floor_runs_every_task_and_a_kind_that_is_none_is_named() -> None:
    record = engine.KINDS["asyncio"](idle_dag(40))
    assert 0 < float(str(record["seconds"])) < 1
    with pytest.raises(InputError, match="no set 'floor'; there are: embedded, langgraph"):
        list(engine.run(Options(sets=("floor",)), lambda *_: None))


PEER_ANSWERS = [
    ('{"item": "x", "seconds": 1.5, "tasks": 3}', None),
    ('{"item": "x", "seconds": 1.5, "tasks": 2}', "ran 2 tasks of x, not all once"),
    ('{"item": "x", "failed": "KeyError: 1"}', "failed at x: KeyError: 1"),
    ("", "not ended: x"),
]


@pytest.mark.parametrize(("answer", "what"), PEER_ANSWERS)
def test_a_peer_runs_all_tasks_or_says_what_went_wrong(tmp_path: Path, answer: str, what: str | None) -> None:
    (tmp_path / "process.py").write_text(f"import sys; sys.stdin.read(); print({answer!r}, end='')", encoding="utf-8")

    class Here(OwnEnvironment):
        interpreter = Path(sys.executable)

    peer = Peer(name="p", process=tmp_path / "process.py", environment=Here(name="p-1", lock=tmp_path / "p.lock"))
    jobs = [Job(item="x", after={"a": [], "b": [], "c": ["a"]}, seconds={})]
    if what is None:
        assert list(peer.run(jobs, patience=30)) == [("x", 1.5)]
    else:
        with pytest.raises(TransportError, match=what):
            list(peer.run(jobs, patience=30))


def test_a_peer_that_is_not_installed_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGWRIGHT_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"python -m benchmarks\.peers\.install langgraph"):
        list(LANGGRAPH.run([], patience=1))


@pytest.mark.slow(reason="runs another package in an environment of its own")
@pytest.mark.skipif(not LANGGRAPH.environment.interpreter.exists(), reason="LangGraph is not installed")
def test_langgraph_keeps_to_the_order(tmp_path: Path) -> None:
    after = {"a": [], "b": ["a"], "c": [], "d": ["b", "c"]}
    jobs = [Job(item=item, after=after, seconds=dict.fromkeys("abcd", 0.2)) for item in "xy"]
    for durable in (None, tmp_path / "checkpoints.db"):
        found = dict(LANGGRAPH.run(jobs, together=2, durable=durable, patience=60))
        assert all(found[item] >= 0.6 for item in "xy")
