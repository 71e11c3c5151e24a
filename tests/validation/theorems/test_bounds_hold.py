"""T6: what a run takes lies within the program's bounds, given that the catalogue's intervals are right."""

from __future__ import annotations

import threading
import time
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagwright.exceptions import ToolUnavailable
from dagwright.model import Interval
from dagwright.tool import Retry
from validation.payload import Size, Sizes, _object  # pyright: ignore[reportPrivateUsage]

Json = dict[str, Any]


def outside(world: Any, seed: int) -> list[str]:
    """Gives the bounds of one drawn program that a run of it does not keep."""
    random, guard = Random(seed), threading.Lock()
    attempts, low = random.randint(1, 3), random.random()
    more: Json = {"type": ["string", "null"], "maxLength": 30, "default": random.choice((None, "é" * 20))}
    wanted = {"number": {"type": "integer", "minimum": 0, "maximum": 2 * 10**17}, "more": more, "one": {"const": 1}}
    work = world.spec(
        "lab.work", wanted, {"number": wanted["number"], "one": {"const": 1}}, cost=Interval(low=low, high=low + 1),
        retry=Retry(attempts=attempts, delay=0, factor=1),
    )  # fmt: skip
    names = [f"s{place}" for place in range(random.randint(1, 6))]
    needs = {name: random.sample(names[:place], random.randint(0, min(2, place))) for place, name in enumerate(names)}
    steps: list[Json] = []
    for name in names:
        sources = [{"from": other, "path": "/number"} for other in needs[name]] or [
            {"literal": random.randint(0, 10**17)}
        ]
        given_: Json = {"number": sources[0]} | ({"more": {"literal": "a"}} if random.random() < 0.3 else {})
        steps.append(
            world.step(
                name, "lab.work", given_ | ({"one": {"from": needs[name][0], "path": "/one"}} if needs[name] else {})
            )
        )
    program = world.certified(world.proposal(steps, needs=needs), world.catalogue(work), world.allowed)
    spent: list[float] = []

    def tool(operation: str, arguments: Json) -> Json:
        with guard:
            spent.append(random.uniform(low, low + 1))
            fails, number = random.random() < 0.3, random.choice((-0.0, 5.0, 1.2345678901234567e17, 10**17))
        time.sleep(0.002)
        if fails:
            raise ToolUnavailable("not now", code="busy")
        return {"number": number, "one": random.choice((1, 1.0))}

    ran = world.run(program, tool)
    bounds = program.bounds
    measures = {
        "calls": (len(ran.calls), bounds.calls),
        "cost": (sum(spent), bounds.cost),
        "concurrency": (ran.at_once, bounds.concurrency),
        "payload": (max(world.size(call.arguments) for call in ran.calls), bounds.payload),
    }
    whole = ran.status == "completed"
    return [
        f"{name}: {found} is not in {bound}"
        for name, (found, bound) in measures.items()
        if bound is None or found > bound.high + 1e-9 or (whole and found < bound.low - 1e-9)
    ]


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_a_run_takes_no_more_and_no_less_than_its_bounds_say(world: Any, seed: int) -> None:
    assert outside(world, seed) == []


def no_defaults(self: Sizes, arguments: Any, literals: Any, defaults: Any) -> Size:
    return _object({name: self.of(schema) for name, schema in arguments.items()})


@pytest.mark.parametrize(
    ("part", "instead", "says"),
    [
        ("validation.payload.Sizes.of_arguments", no_defaults, "payload"),
        ("validation.payload._FLOAT", 0, "payload"),
        ("validation.demand.Demand.calls", property(lambda self: Interval(low=1, high=len(self.specs))), "calls"),
        ("validation.demand.Demand.concurrency", property(lambda self: Interval(low=1, high=1)), "concurrency"),
    ],
    ids=["defaults", "floats", "retries", "the largest antichain"],
)  # fmt: skip
def test_a_bound_that_leaves_something_out_is_broken(
    world: Any, part: str, instead: Any, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, instead)
    assert any(says in line for seed in range(100) for line in outside(world, seed))


@settings(deadline=None)
@given(st.integers(-(10**20), 10**20) | st.sampled_from((0, 1, 10**16, 10**17)))
def test_a_whole_number_may_be_written_with_a_fraction_or_without(world: Any, number: int) -> None:
    low, high = Sizes().of({"const": {"a": [number]}})
    for written in (number, float(number), -0.0 if number == 0 else number):
        if written == number:
            assert high is not None
            assert low <= world.size({"a": [written]}) <= high
