"""Forecasts: against closed forms, against the engine's own rules, and the laws that they obey."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagwright.exceptions import InputError
from dagwright.model import Interval
from dagwright.policy import BreakerRule, Budget, Policy
from dagwright.tool import HttpBinding, RateLimit, Retry
from executor.simulation.forecast import FaultRate, Faults, Forecast, forecast
from executor.worker.breaker import JITTER
from executor.workflow.compile import compile_workflow

RUNS = 1_000


def faults(failure: float = 0.0, timeout: float = 0.0) -> Faults:
    return Faults(failures=(FaultRate(rate=failure),), timeouts=(FaultRate(rate=timeout),))


def forecast_of(program: Any, found: Faults, **more: Any) -> Forecast:
    return forecast(program, compile_workflow(program), found, **({"runs": RUNS} | more))


def agrees(found: Forecast, probability: float) -> bool:
    """Whether a probability is within four standard errors of the forecast: wrong once in 15,000 seeds."""
    error = math.sqrt(max(probability * (1 - probability), 1e-9) / found.runs)
    return abs(found.finishing.value - probability) <= 4 * error + 1e-12


ONE, HALF = Interval(low=1, high=1), Interval(low=0.5, high=0.5)
INDEPENDENT = {"a": [], "b": [], "c": [], "d": []}
CHAIN = {"a": [], "b": ["a"], "c": ["b"], "d": ["c"]}


@pytest.mark.parametrize("attempts", [1, 2, 3])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 1.0])
def test_one_step_finishes_unless_all_its_attempts_fail(build: Any, attempts: int, rate: float) -> None:
    spec = build.operation(retry=Retry(attempts=attempts, delay=0))
    assert agrees(forecast_of(build.program({"a": []}, specs={"a": spec}), faults(rate)), 1 - rate**attempts)


@pytest.mark.parametrize("order", [INDEPENDENT, CHAIN], ids=["side by side", "in a row"])
def test_steps_fail_independently_of_each_other(build: Any, order: Any) -> None:
    specs = dict.fromkeys(order, build.operation(retry=Retry(attempts=2, delay=0)))
    assert agrees(forecast_of(build.program(order, specs=specs), faults(0.2)), (1 - 0.2**2) ** 4)


def test_failures_and_time_outs_add_up(build: Any) -> None:
    found = forecast_of(build.program({"a": []}), faults(0.2, 0.3))
    assert agrees(found, 0.5)
    assert found.endings["failed"] + found.endings["done"] == RUNS


def test_a_rate_holds_for_the_operations_that_it_names(build: Any) -> None:
    specs = {"a": build.operation("web.get"), "b": build.operation("file.read")}
    program = build.program({"a": [], "b": []}, specs=specs)
    assert agrees(forecast_of(program, Faults(failures=(FaultRate(tools="web.*", rate=0.3),))), 0.7)
    first = Faults(failures=(FaultRate(tools="web.*", rate=0.0), FaultRate(rate=0.3)))
    assert forecast_of(program, first).failed_at.keys() == {"b"}


@pytest.mark.parametrize("name", ["optional", "optional_each"])
def test_an_optional_block_never_fails_a_run(blocks: Any, name: str) -> None:
    inside = ("work.effect",) if name == "optional" else ("work.effect", "work.effect")
    found = forecast_of(blocks.construct(name), Faults(failures=tuple(FaultRate(tools=t, rate=1) for t in inside)))
    assert found.finishing.value == 1


def test_a_block_that_must_succeed_fails_the_run_where_it_is_run(blocks: Any) -> None:
    broken = Faults(failures=(FaultRate(tools="work.effect", rate=1),))
    assert agrees(forecast_of(blocks.construct("when"), broken), 0.5), "its condition holds in half of the runs"
    assert agrees(forecast_of(blocks.construct("each"), broken), 1 / 7), "0 to 6 items"


def test_times_and_prices_are_drawn_between_their_bounds(build: Any) -> None:
    spec = build.operation(latency=Interval(low=1, high=3), cost=Interval(low=0.5, high=0.7))
    found = forecast_of(build.program(CHAIN, specs=dict.fromkeys(CHAIN, spec)), faults())
    assert found.makespan is not None
    assert found.cost is not None
    assert found.makespan.mean == pytest.approx(8, rel=0.01)
    assert found.cost.mean == pytest.approx(2.4, rel=0.01)
    assert 4 <= found.makespan.low < found.makespan.median < found.makespan.high <= 12
    assert (found.calls.low, found.calls.high) == (4, 4)


@given(st.integers(0, 2**32), st.floats(0, 0.5), st.sampled_from(["when", "each", "repeat", "optional_each", "all"]))
@settings(max_examples=25, deadline=None)
def test_no_run_leaves_the_bounds_of_the_dry_run(blocks: Any, seed: int, rate: float, name: str) -> None:
    program = blocks.construct(name)
    found = forecast_of(program, faults(rate), runs=40, seed=seed)
    bounds = program.bounds
    assert bounds.calls.low <= found.calls.low or rate > 0
    assert found.calls.high <= bounds.calls.high
    if found.makespan is not None:
        assert bounds.makespan.low <= found.makespan.low <= found.makespan.high <= bounds.makespan.high + 1e-9


def test_back_off_takes_time_as_the_engine_keeps_it(build: Any) -> None:
    spec = build.operation(retry=Retry(attempts=2, delay=10), latency=Interval(low=0, high=0))
    found = forecast_of(build.program({"a": []}, specs={"a": spec}), faults(0.5))
    assert found.makespan is not None
    assert found.makespan.low == 0
    assert 5 <= found.makespan.high <= 10, "jitter shortens a delay by up to a half"


def test_a_time_out_takes_all_the_time_of_an_attempt(build: Any) -> None:
    spec = build.operation(timeout=30, retry=Retry(attempts=2, delay=0), latency=Interval(low=1, high=1))
    found = forecast_of(build.program({"a": []}, specs={"a": spec}), faults(timeout=0.5))
    assert found.makespan is not None
    assert {found.makespan.low, found.makespan.high} == {1, 31}


def test_what_takes_longer_than_its_time_out_times_out(build: Any) -> None:
    spec = build.operation(timeout=2, latency=Interval(low=1, high=3))
    assert agrees(forecast_of(build.program({"a": []}, specs={"a": spec}), faults()), 0.5)


def test_a_time_out_of_what_must_not_happen_twice_is_not_tried_again(build: Any) -> None:
    spec = build.operation(effect="external", idempotent=False, retry=Retry(attempts=5, delay=0))
    policy = Policy(name="p", defaults={"external": "allow"})
    found = forecast_of(build.program({"a": []}, specs={"a": spec}, policy=policy), faults(timeout=0.25))
    assert agrees(found, 0.75)
    assert found.endings["unknown"] == RUNS - found.endings["done"]


@pytest.mark.parametrize(
    ("limit", "ending"),
    [
        (Budget(max_seconds=1.0), "late"),
        (Budget(max_cost=0.5), "over_budget"),
        (Budget(max_calls=1), "over_budget"),
    ],
    ids=["deadline", "cost", "calls"],
)
def test_deadlines_and_budgets_count(build: Any, limit: Budget, ending: Any) -> None:
    spec = build.operation(
        retry=Retry(attempts=2, delay=0), latency=Interval(low=1, high=1), cost=Interval(low=0.5, high=0.5)
    )
    program = build.program({"a": []}, specs={"a": spec}, policy=Policy(name="p", budget=limit))
    found = forecast_of(program, faults(0.3))
    assert agrees(found, 0.7), "only without a retry is it soon, cheap and seldom enough"
    assert agrees(found.model_copy(update={"finishing": share(found, ending)}), 0.3 * (0.7 if ending != "late" else 1))


def share(found: Forecast, ending: Any) -> Any:
    return found.finishing.model_copy(update={"value": found.endings[ending] / found.runs})


def test_rate_limits_spread_the_calls(build: Any) -> None:
    spec = build.operation(rate_limit=RateLimit(calls=2, seconds=10), latency=Interval(low=0, high=0))
    found = forecast_of(build.program(INDEPENDENT, specs=dict.fromkeys(INDEPENDENT, spec)), faults())
    assert found.makespan is not None
    assert (found.makespan.low, found.makespan.high) == (10, 10)


def test_an_open_circuit_breaker_puts_the_next_attempt_off_until_it_lets_one_through(build: Any) -> None:
    spec = build.operation(retry=Retry(attempts=3, delay=0))
    policy = Policy(name="p", breakers=(BreakerRule(failures=1, delay=1_000),))
    found = forecast_of(build.program({"a": []}, specs={"a": spec}, policy=policy), faults(0.5))
    assert agrees(found, 0.75), "the second attempt is refused, the third is the probe"
    assert found.calls.high == 2
    assert found.makespan is not None
    assert found.makespan.high >= 1_000 * (1 - JITTER)


def test_a_step_that_policy_denies_always_fails(build: Any) -> None:
    spec = build.operation("web.get", binding=HttpBinding(method="GET", url="https://evil.test/x"))
    found = forecast_of(build.program({"a": []}, specs={"a": spec}), faults())
    assert (found.finishing.value, found.failed_at, found.calls.high) == (0, {"a": RUNS}, 0)


@pytest.mark.parametrize("what", ["latency", "cost"])
def test_unknown_is_unknown_and_never_0(build: Any, what: str) -> None:
    program = build.program({"a": []}, specs={"a": build.operation("test.unknown", **{what: None})})
    found = forecast_of(program, faults())
    assert (found.makespan is None) == (what == "latency")
    assert (found.cost is None) == (what == "cost")
    assert found.unknown == ("test.unknown",)


orders = st.integers(1, 6).flatmap(
    lambda count: st.tuples(
        *(st.sets(st.integers(0, i - 1), max_size=2) if i else st.just(set()) for i in range(count))
    )
)


@given(orders, st.integers(0, 2**32), st.floats(0, 1), st.integers(1, 4), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_more_retries_never_lower_the_probability(
    build: Any, order: Any, seed: int, rate: float, fewer: int, more: int
) -> None:
    """Where neither a deadline nor a breaker makes retries hurt: then it holds run by run."""
    patient = Policy(name="p", breakers=(BreakerRule(failures=10_000, calls=10_000),))
    after = {f"s{i}": [f"s{j}" for j in sorted(before)] for i, before in enumerate(order)}
    few, many = sorted((fewer, more))
    shares = [
        forecast_of(
            build.program(
                after,
                specs=dict.fromkeys(after, build.operation(retry=Retry(attempts=attempts, delay=0))),
                policy=patient,
            ),
            faults(rate),
            runs=30,
            seed=seed,
        ).finishing.value
        for attempts in (few, many)
    ]
    assert shares[0] <= shares[1]


@given(st.integers(0, 2**32), st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_the_same_seed_gives_the_same_forecast(blocks: Any, seed: int, rate: float) -> None:
    program = blocks.construct("all")
    first = forecast_of(program, faults(rate), runs=30, seed=seed)
    assert forecast_of(program, faults(rate), runs=30, seed=seed) == first
    assert Forecast.model_validate(first.model_dump(mode="json")) == first


def test_other_seeds_give_other_runs(build: Any) -> None:
    program = build.program(CHAIN)
    assert len({forecast_of(program, faults(0.3), runs=200, seed=seed).model_dump_json() for seed in range(5)}) == 5


def test_the_interval_covers_the_truth_as_often_as_it_says(build: Any) -> None:
    program = build.program({"a": []})
    found = [forecast_of(program, faults(0.3), runs=100, seed=seed).finishing for seed in range(200)]
    assert sum(one.low <= 0.7 <= one.high for one in found) >= 180


@pytest.mark.parametrize(
    ("given_faults", "runs", "what"),
    [
        (Faults(failures=(FaultRate(tools="web.*", rate=0.1),)), 10, r"no operation .* 'web\.\*'; it has test\.work"),
        (faults(0.7, 0.7), 10, "more than 1"),
        (faults(0.1), 0, "1 to 1,000,000 runs, not 0"),
    ],
    ids=["glob of nothing", "rates above 1", "no runs"],
)
def test_what_cannot_be_drawn_is_an_error(build: Any, given_faults: Faults, runs: int, what: str) -> None:
    with pytest.raises(InputError, match=what):
        forecast_of(build.program({"a": []}), given_faults, runs=runs)


def test_a_thousand_runs_of_a_hundred_steps_take_seconds(build: Any) -> None:
    from random import Random
    from time import process_time

    random = Random(1)
    after = {
        f"s{i}": sorted({f"s{random.randrange(max(0, i - 10), i)}" for _ in range(2)}) if i else [] for i in range(100)
    }
    specs = dict.fromkeys(after, build.operation(retry=Retry(attempts=3, delay=1)))
    program = build.program(after, specs=specs)
    begun = process_time()
    found = forecast_of(program, faults(0.05), runs=1_000)
    assert process_time() - begun < 15, "2.3 s where it was measured"
    assert agrees(found, (1 - 0.05**3) ** 100)
