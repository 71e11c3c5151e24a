"""Dry runs: bounds of time and cost from the contracts, and what would be called where."""

from __future__ import annotations

from typing import Any

import pytest

from dagwright.model import Interval
from dagwright.policy import Policy, Rule
from dagwright.tool import HttpBinding, Retry
from executor.simulation.simulate import Simulation, simulate
from executor.workflow.compile import compile_workflow


def simulated(program: Any, **more: Any) -> Simulation:
    return simulate(program, compile_workflow(program), **more)


DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


@pytest.mark.parametrize(
    ("workers", "makespan"), [(32, Interval(low=3, high=6)), (1, Interval(low=4, high=8))], ids=["enough", "one worker"]
)
def test_the_makespan_is_the_critical_path(build: Any, workers: int, makespan: Interval) -> None:
    found = simulated(build.program(DIAMOND), workers=workers)
    assert found.makespan == makespan
    assert found.calls == Interval(low=4, high=4)
    assert [row.step for row in found.steps] == ["a", "b", "c", "d"]


def test_upper_bounds_have_each_step_fail_as_often_as_it_may(build: Any) -> None:
    spec = build.operation(
        retry=Retry(attempts=3, delay=1), latency=Interval(low=1, high=2), cost=Interval(low=0.1, high=0.5)
    )
    found = simulated(build.program({"a": []}, specs={"a": spec}))
    assert found.makespan == Interval(low=1, high=2 + 1 + 2 + 2 + 2), "two delays, of 1 and 2 seconds"
    assert found.cost == Interval(low=0.1, high=1.5)
    assert found.calls == Interval(low=1, high=3)


@pytest.mark.parametrize("what", ["latency", "cost"])
def test_unknown_is_unknown_and_never_0(build: Any, what: str) -> None:
    specs = {"b": build.operation("test.unknown", **{what: None})}
    found = simulated(build.program({"a": [], "b": ["a"]}, specs=specs))
    assert (found.makespan is None) == (what == "latency")
    assert (found.cost is None) == (what == "cost")
    assert found.unknown == ("test.unknown",)


def test_it_says_what_would_be_reached_and_what_policy_says(build: Any) -> None:
    specs = {
        "a": build.operation("web.get", binding=HttpBinding(method="GET", url="https://api.test/x")),
        "b": build.operation("web.evil", binding=HttpBinding(method="GET", url="https://evil.test/x")),
        "c": build.operation("file.write", effect="write", writes=("file:{path}",)),
        "d": build.operation("file.late", effect="write", writes=("file:{path}",)),
    }
    inputs = {"c": {"path": {"literal": "c.md"}}, "d": {"path": {"from": "a", "path": "/name"}}}
    policy = Policy(
        name="p", allowed_hosts=("api.test",), rules=(Rule(tools="file.write", action="ask", reason="why"),)
    )
    program = build.program({"a": [], "b": [], "c": [], "d": ["a"]}, specs=specs, inputs=inputs, policy=policy)
    rows = {row.step: row for row in simulated(program).steps}
    assert {step: (row.action, row.decided, row.places) for step, row in rows.items()} == {
        "a": ("allow", True, ("host:api.test:443",)),
        "b": ("deny", True, ("host:evil.test:443",)),
        "c": ("ask", True, ("file:c.md",)),
        "d": ("allow", False, ()),
    }
    assert rows["c"].reason == "why"


BLOCKS = [
    # passes of 3 seconds at the most: two steps, of which `a2` may be tried twice
    ("when", Interval(low=0, high=1)),
    ("each", Interval(low=0, high=6)),
    ("repeat", Interval(low=1, high=4)),
    ("when_each", Interval(low=0, high=6)),
    ("all", Interval(low=0, high=4)),
]


@pytest.mark.parametrize(("name", "times"), BLOCKS, ids=[name for name, _ in BLOCKS])
def test_blocks_run_as_seldom_and_as_often_as_they_may(blocks: Any, name: str, times: Interval) -> None:
    found = simulated(blocks.construct(name))
    rows = {row.step: row for row in found.steps}
    assert rows["a1"].times == rows["a2"].times == times
    assert rows["start"].ends.low <= rows["a1"].begins.low <= rows["a2"].ends.low <= rows["c1"].begins.low
    assert rows["a2"].ends.high <= rows["c1"].begins.high
    assert found.makespan is not None
    assert found.makespan.high >= rows["c1"].ends.high
    assert found.makespan.low <= rows["c1"].ends.low
    assert Simulation.model_validate(found.model_dump(mode="json")) == found


def test_it_is_json(build: Any) -> None:
    found = simulated(build.program(DIAMOND))
    assert Simulation.model_validate(found.model_dump(mode="json")) == found
