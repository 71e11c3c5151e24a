"""Attempts that were refused before anything was tried: the next one comes when it is not, on both engines."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from dagwright.exceptions import ToolUnavailable
from dagwright.policy import BreakerRule, Policy
from dagwright.tool import RateLimit, Retry
from executor.worker.breaker import Breakers
from executor.worker.worker import GuardedWorker
from executor.workflow.compile import compile_workflow

AWAY = 4.0
"""Seconds for which the tool is not there."""


def test_the_next_attempt_comes_when_it_is_not_refused(bench: Any, build: Any) -> None:
    definition = build.definition(retry_count=1, retry_delay_seconds=1)
    workflow = build.workflow(build.simple("a"), definitions=[definition])
    times: list[float] = []

    def work(activation: Any) -> Any:
        times.append(time.monotonic())
        refused = replace(build.failed("a", for_good=False), retry_after=3.0)
        return refused if activation.attempt == 1 else build.completed("a")

    assert bench.run(workflow, work).status == "completed"
    assert times[1] - times[0] >= 3.0


@pytest.mark.slow(reason="waits for seconds")
def test_no_more_of_a_task_s_time_is_spent_on_it_than_there_is(bench: Any, build: Any) -> None:
    definition = build.definition(timeout=4, retry_count=1)
    workflow = build.workflow(build.simple("a"), definitions=[definition])

    def work(activation: Any) -> Any:
        refused = replace(build.failed("a", for_good=False), retry_after=6.0)
        return refused if activation.attempt == 1 else build.completed("a")

    assert bench.run(workflow, work).status == "completed"
    assert bench.attempts("a") == [1, 2]
    assert "task.timed_out" not in bench.kinds("a")


@pytest.mark.slow(reason="waits for seconds")
def test_no_step_fails_where_its_tool_is_away_for_less_time_than_its_retries_span(bench: Any, build: Any) -> None:
    """The breaker refuses most of the retries of that time: it opens twice, and each time costs a step two of them."""
    spec = build.operation(retry=Retry(attempts=8, delay=1, factor=1), timeout=10)
    policy = Policy(name="p", breakers=(BreakerRule(failures=2, delay=3.0),))
    names = dict.fromkeys("abcd", ())
    program = build.program({name: [] for name in names}, specs=dict.fromkeys(names, spec), policy=policy)
    back, calls = time.monotonic() + AWAY, list[str]()

    def tool(spec: Any, arguments: Any, context: Any) -> Any:
        calls.append(context.step)
        if time.monotonic() < back:
            raise ToolUnavailable("away", code="http_unreachable")
        return {}

    worker = GuardedWorker(program, bench.archive, {"python": tool}, breakers=Breakers())
    try:
        result = bench.run(compile_workflow(program), worker, program=program.hash)
    finally:
        worker.close()
    assert result.status == "completed", result.feedback
    assert max(len(bench.attempts(name)) for name in names) <= 1 + 2 + 2 + 1, "none waits for a probe a third time"
    assert len(calls) <= 4 + 2 + 4, "all at first, probes while it is away, all in the end"


def test_a_call_that_its_rate_limit_puts_off_waits_for_it(bench: Any, build: Any) -> None:
    spec = build.operation(timeout=1, rate_limit=RateLimit(calls=1, seconds=3), retry=Retry(attempts=3, delay=0))
    program = build.program({"a": [], "b": []}, specs={"a": spec, "b": spec})
    worker = GuardedWorker(program, bench.archive, {"python": lambda *_: {}})
    try:
        result = bench.run(compile_workflow(program), worker, program=program.hash)
    finally:
        worker.close()
    assert result.status == "completed"
