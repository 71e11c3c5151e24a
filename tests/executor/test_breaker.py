"""Circuit breakers on a clock of the test's own: when they open, what they let through, when they close."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagwright.exceptions import Cancelled, TimedOut, ToolRejected, ToolUnavailable
from dagwright.policy import BreakerRule, Policy
from dagwright.tool import HttpBinding
from executor.engine.jitter import SPREAD, jittered
from executor.worker.breaker import JITTER, Breakers


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    return Breakers(clock=clock, random=Random(0))


RULE = BreakerRule(tools="test.*", failures=3, rate=0.5, calls=10, window=100, delay=10)
POLICY = Policy(name="p", breakers=(RULE,))


def call(breakers: Breakers, spec: Any, error: BaseException | None = None) -> str:
    """Gives what became of a call: `called`, or `refused` by the breaker."""
    try:
        with breakers.call(spec, POLICY):
            if error is not None:
                raise error
    except ToolUnavailable as found:
        return "refused" if found.code == "circuit_open" else "called"
    except (ToolRejected, TimedOut, Cancelled, KeyboardInterrupt):
        return "called"
    return "called"


DOWN = ToolUnavailable("503", code="http_503")


def opened(breakers: Breakers, spec: Any) -> None:
    for _ in range(RULE.failures):
        assert call(breakers, spec, DOWN) == "called"


def test_failures_in_a_row_open_it(breakers: Breakers, build: Any) -> None:
    spec = build.operation()
    opened(breakers, spec)
    assert call(breakers, spec) == "refused"


def test_a_success_in_between_starts_the_count_again(breakers: Breakers, build: Any) -> None:
    spec = build.operation()
    for error in (DOWN, DOWN, None, DOWN, DOWN):
        assert call(breakers, spec, error) == "called"
    assert call(breakers, spec) == "called"


def test_the_share_of_failures_opens_it_once_there_are_enough_calls(breakers: Breakers, build: Any) -> None:
    spec = build.operation()
    for number in range(10):
        assert call(breakers, spec, DOWN if number % 2 else None) == "called"
    assert call(breakers, spec) == "refused"


def test_what_is_longer_ago_than_the_window_does_not_count(breakers: Breakers, build: Any, clock: Clock) -> None:
    spec = build.operation()
    for number in range(20):
        clock.now += 30
        assert call(breakers, spec, DOWN if number % 2 else None) == "called"


NEUTRAL = [
    ToolRejected("404", code="http_404"),
    Cancelled("stopped"),
    ToolUnavailable("later", code="rate_limited"),
    ToolUnavailable("429", code="http_429"),
    KeyboardInterrupt(),
]


@pytest.mark.parametrize("error", NEUTRAL, ids=repr)
def test_only_transport_counts(breakers: Breakers, build: Any, error: BaseException) -> None:
    spec = build.operation()
    assert {call(breakers, spec, error) for _ in range(30)} == {"called"}


def test_a_time_out_counts(breakers: Breakers, build: Any) -> None:
    spec = build.operation()
    assert [call(breakers, spec, TimedOut("late")) for _ in range(4)] == ["called"] * 3 + ["refused"]


def test_after_the_delay_one_probe_goes_through(breakers: Breakers, build: Any, clock: Clock) -> None:
    spec = build.operation()
    opened(breakers, spec)
    clock.now = RULE.delay * (1 - JITTER) - 0.01
    assert call(breakers, spec) == "refused"
    clock.now = RULE.delay * (1 + JITTER)
    with breakers.call(spec, POLICY):
        assert call(breakers, spec) == "refused", "only one at a time"
    assert {call(breakers, spec) for _ in range(5)} == {"called"}


def test_a_refusal_says_when_a_call_will_be_let_through(breakers: Breakers, build: Any, clock: Clock) -> None:
    spec = build.operation()
    opened(breakers, spec)
    with pytest.raises(ToolUnavailable) as found, breakers.call(spec, POLICY):
        pass
    clock.now += found.value.retry_after
    assert call(breakers, spec) == "called"


def test_a_probe_that_fails_opens_it_for_twice_as_long(breakers: Breakers, build: Any, clock: Clock) -> None:
    spec = build.operation()
    opened(breakers, spec)
    clock.now = RULE.delay * (1 + JITTER)
    assert call(breakers, spec, DOWN) == "called"
    clock.now += RULE.delay * (1 + JITTER)
    assert call(breakers, spec) == "refused"
    clock.now += RULE.delay * (1 + JITTER)
    assert call(breakers, spec) == "called"


@pytest.mark.parametrize("error", [Cancelled("stopped"), KeyboardInterrupt()], ids=repr)
def test_a_probe_that_was_stopped_leaves_its_place_to_the_next(
    breakers: Breakers, build: Any, clock: Clock, error: BaseException
) -> None:
    spec = build.operation()
    opened(breakers, spec)
    clock.now = 100
    assert [call(breakers, spec, error), call(breakers, spec)] == ["called", "called"]


def test_each_operation_and_each_host_has_its_own(breakers: Breakers, build: Any) -> None:
    here, there = (build.operation(binding=HttpBinding(method="GET", url=f"http://{h}.example/x")) for h in "ab")
    opened(breakers, here)
    assert [call(breakers, spec) for spec in (here, there, build.operation("test.other"))] == [
        "refused",
        "called",
        "called",
    ]


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 9))
def test_it_is_open_exactly_where_limits_are_passed(outcomes: list[bool], seed: int) -> None:
    from dagwright.tool import PythonBinding, ToolSpec

    spec = ToolSpec(
        tool_name="test",
        operation="work",
        description="",
        input_schema={},
        output_schema={},
        effect="read",
        binding=PythonBinding(callable="a:b"),
    )
    breakers, made = Breakers(clock=lambda: 0.0, random=Random(seed)), list[bool]()
    for good in outcomes:
        tripped = any(made[i : i + 3] == [False] * 3 for i in range(len(made))) or any(
            i >= 10 and not made[i - 1] and made[:i].count(False) >= i / 2 for i in range(len(made) + 1)
        )
        assert call(breakers, spec, None if good else DOWN) == ("refused" if tripped else "called")
        if not tripped:
            made.append(good)


@given(st.floats(0, 1e6), st.text(), st.integers(1, 20))
def test_jitter_shortens_and_replays(delay: float, step: str, attempt: int) -> None:
    found = jittered(delay, "run", step, attempt)
    assert delay * SPREAD <= found <= delay
    assert found == jittered(delay, "run", step, attempt)


def test_jitter_spreads() -> None:
    drawn = [jittered(1.0, "run", f"s{number}", 2) for number in range(200)]
    assert min(drawn) < 0.55
    assert max(drawn) > 0.95
    assert abs(sum(drawn) / 200 - 0.75) < 0.05
