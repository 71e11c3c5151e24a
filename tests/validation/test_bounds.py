"""Bounds: the largest antichain, the makespan, payloads; held against brute force, schedules and instances."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import is_valid

from dagwright.canonical import canonical_json
from dagwright.exceptions import GuardViolation
from dagwright.model import Interval
from dagwright.policy import Budget, Policy
from dagwright.program import Program
from dagwright.tool import PythonBinding, RateLimit, Retry, ToolSpec
from executor.conductor.engine import ConductorEngine
from executor.engine.decide import retry_delay
from executor.engine.embedded import EmbeddedEngine
from executor.simulation.simulate import simulate
from executor.worker.guard import check_payload
from executor.workflow.compile import compile_workflow, task_def
from validation.antichain import heaviest_antichain, largest_antichain
from validation.demand import PARALLEL, Demand
from validation.passes import ONCE, Passes
from validation.payload import Sizes

Json = dict[str, Any]
Order = list[list[int]]


@st.composite
def orders(draw: st.DrawFn, most: int = 9) -> Order:
    """Predecessors of each element, by index, in a topological order."""
    count = draw(st.integers(0, most))
    return [sorted(draw(st.sets(st.integers(0, i - 1), max_size=3))) if i else [] for i in range(count)]


def ancestors_of(before: Order) -> list[set[int]]:
    found: list[set[int]] = []
    for needed in before:
        found.append(set(needed).union(*(found[other] for other in needed)))
    return found


# ------------------------------------------------------------------------------------ antichains


@given(orders(), st.data())
@settings(max_examples=300, deadline=None)
def test_no_antichain_is_larger_than_the_one_that_is_found(before: Order, data: st.DataObject) -> None:
    among = data.draw(st.none() | st.sets(st.sampled_from(range(len(before))))) if before else None
    elements = range(len(before)) if among is None else sorted(among)
    ancestors = ancestors_of(before)
    sizes = [
        len(chosen)
        for size in range(len(elements) + 1)
        for chosen in itertools.combinations(elements, size)
        if all(one not in ancestors[other] for one, other in itertools.combinations(chosen, 2))
    ]
    found = largest_antichain(before, among)
    assert found.most == len(found.members) == max(sizes)
    assert set(found.members) <= set(elements)
    assert all(one not in ancestors[other] for one, other in itertools.combinations(found.members, 2))


@given(orders(14))
@settings(max_examples=100, deadline=None)
def test_an_antichain_that_takes_too_long_is_an_interval(before: Order) -> None:
    exact = largest_antichain(before)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("validation.antichain.PHASES", 0)
        found = largest_antichain(before)
    ancestors = ancestors_of(before)
    assert all(one not in ancestors[other] for one, other in itertools.combinations(found.members, 2))
    assert len(found.members) <= exact.most <= found.most


def test_the_largest_antichain_of_ten_thousand_steps_is_found_in_seconds() -> None:
    from random import Random
    from time import process_time

    random = Random(5)
    before = [sorted({random.randrange(max(0, i - 50), i) for _ in range(2)}) if i else [] for i in range(10_000)]
    begun = process_time()
    found = largest_antichain(before)
    assert found.most == len(found.members) > 1_000
    assert process_time() - begun < 5


# ---------------------------------------------------------------------------------- time and cost


def spec(name: str, *, low: float, more: float, retry: Retry, limit: RateLimit | None) -> ToolSpec:
    nothing: Json = {"type": "object", "properties": {}, "additionalProperties": False}
    return ToolSpec(
        tool_name="lab",
        operation=name,
        description=name,
        input_schema=nothing,
        output_schema={"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
        effect="read",
        cost=Interval(low=low, high=low + more),
        latency=Interval(low=low, high=low + more),
        retry=retry,
        rate_limit=limit,
        binding=PythonBinding(callable="some:where"),
    )


seconds = st.integers(0, 5).map(float)
retries = st.builds(
    Retry, attempts=st.integers(1, 4), delay=st.sampled_from((0.0, 0.3, 1.0, 2.5)), factor=st.sampled_from((1.0, 2.0)),
    max_delay=st.sampled_from((1.0, 4.0, 30.0)),
)  # fmt: skip
limits = st.none() | st.builds(RateLimit, calls=st.integers(1, 3), seconds=st.sampled_from((1.0, 5.0)))
specs = st.builds(
    lambda name, low, more, retry, limit: spec(name, low=low, more=more, retry=retry, limit=limit),
    st.sampled_from(("a", "b", "c")), seconds, seconds, retries, limits,
)  # fmt: skip


def program_of(prove: Callable[..., Program], chosen: list[ToolSpec], before: Order) -> Program:
    from dagwright.catalogue import catalogue_of

    named = {item.name: item for item in chosen}
    groups = [
        {
            "task_id": f"t{i}",
            "steps": [
                {
                    "step_id": f"s{i}",
                    "action": "x",
                    "tool_intent": {"tool_name": "lab", "operation": item.operation, "required_inputs": {}},
                }
            ],
        }
        for i, item in enumerate(chosen)
    ]
    nodes = [
        {"task_id": f"t{i}", "description": "x", "dependencies": [f"t{j}" for j in needed]}
        for i, needed in enumerate(before)
    ]
    answer = {f"a{i}": {"from": f"s{i}", "path": "/x"} for i in range(len(chosen))}
    goal = {"goal_id": "g", "text": "x"}
    proposal = {"goal": goal, "plan": {"dag_id": "d", "nodes": nodes}, "decompositions": groups, "answer": answer}
    return prove(proposal, catalogue=catalogue_of("lab", named.values()), policy=Policy(name="p"))


@given(orders(), st.data(), st.integers(1, 4))
@settings(max_examples=200, deadline=None)
def test_every_schedule_stays_within_the_bounds(
    prove: Callable[..., Program], before: Order, data: st.DataObject, workers: int
) -> None:
    if not before:
        return
    kinds = {item.name: item for item in data.draw(st.lists(specs, min_size=1, max_size=3))}
    chosen = [kinds[data.draw(st.sampled_from(sorted(kinds)))] for _ in before]
    program = program_of(prove, chosen, before)
    for parallel in (workers, PARALLEL):
        dry = simulate(program, compile_workflow(program), workers=parallel)
        assert dry.makespan is not None
        assert dry.makespan.low <= max(step.ends.low for step in dry.steps) + 1e-9
        assert max(step.ends.high for step in dry.steps) <= dry.makespan.high + 1e-9
        assert sum(step.cost.high for step in dry.steps if step.cost) == pytest.approx(dry.cost.high if dry.cost else 0)
        if parallel == PARALLEL and all(item.rate_limit is None for item in chosen):
            assert dry.makespan.low == max(step.ends.low for step in dry.steps), "with workers for all it is exact"
            assert dry.makespan.high == pytest.approx(max(step.ends.high for step in dry.steps))
    assert program.bounds.model_dump() == dry.model_dump(include=set(type(program.bounds).model_fields))


@given(specs)
@settings(deadline=None)
def test_engines_wait_between_attempts_as_the_bounds_say(one: ToolSpec) -> None:
    definition = task_def(one)
    waits = [retry_delay(definition, attempt) for attempt in range(1, one.retry.attempts)]
    assert waits == list(one.retry.waits)
    assert all(wait <= max(one.retry.max_delay, 1) for wait in waits)


def test_engines_run_as_many_attempts_at_a_time_as_the_bounds_say() -> None:
    for engine in (EmbeddedEngine(), ConductorEngine("http://127.0.0.1:1/api")):
        assert vars(engine)["_workers"] == PARALLEL


def test_a_rate_limit_spreads_the_calls() -> None:
    limited = spec("a", low=1, more=0, retry=Retry(), limit=RateLimit(calls=2, seconds=10))
    demand = Demand([limited] * 7, [[]] * 7)
    assert demand.makespan == Interval(low=3 * 10 + 1, high=3 * 10 + 1)
    assert demand.concurrency == Interval(low=1, high=7)


def test_what_has_too_few_workers_is_spread_over_them() -> None:
    plain = spec("a", low=1, more=1, retry=Retry(), limit=None)
    assert Demand([plain] * 40, [[]] * 40, parallel=10).makespan == Interval(low=4, high=2 * 0.9 + 80 / 10)


# ---------------------------------------------------------------------------------------- blocks


class Chain(NamedTuple):
    """The steps of a task, how often they are run, and the tasks before it."""

    specs: list[ToolSpec]
    passes: Passes
    before: list[int]


@st.composite
def chains(draw: st.DrawFn) -> list[Chain]:
    kinds = {item.name: item for item in draw(st.lists(specs, min_size=1, max_size=3))}
    found: list[Chain] = []
    for number in range(draw(st.integers(1, 4))):
        low = draw(st.integers(0, 2))
        passes = Passes(low, draw(st.integers(low, 3)), draw(st.booleans()), draw(st.integers(0, 4)))
        if passes.in_turn:
            passes = passes._replace(low=min(1, low), high=max(1, passes.high))
        else:
            passes = passes._replace(wait=0)
        names = draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=2))
        before = sorted(draw(st.sets(st.integers(0, number - 1), max_size=2))) if number else []
        found.append(Chain([kinds[name] for name in names], draw(st.sampled_from((ONCE, passes))), before))
    return found


def blocked(tasks: list[Chain]) -> Demand:
    chosen: list[ToolSpec] = []
    before: Order = []
    ends: list[int] = []
    blocks: list[tuple[range, Passes]] = []
    for task in tasks:
        blocks.append((range(len(chosen), len(chosen) + len(task.specs)), task.passes))
        for place, one in enumerate(task.specs):
            before.append([len(chosen) - 1] if place else [ends[other] for other in task.before])
            chosen.append(one)
        ends.append(len(chosen) - 1)
    return Demand(chosen, before, blocks=[block for block in blocks if block[1] != ONCE])


def expanded(tasks: list[Chain], counts: list[int]) -> Demand:
    """The same with every pass written out; a pause between passes is a call of an operation of its own."""
    chosen: list[ToolSpec] = []
    before: Order = []
    ends: list[list[int]] = []
    for task, count in zip(tasks, counts, strict=True):
        start = [end for other in task.before for end in ends[other]]
        last: list[int] = []
        for number in range(count):
            first = last if task.passes.in_turn and last else start
            if task.passes.in_turn and number and task.passes.wait:
                pause = float(task.passes.wait)
                before.append(first)
                first = [len(chosen)]
                chosen.append(
                    spec(f"pause{pause:g}", low=pause, more=0, retry=Retry(), limit=None).model_copy(update=FREE)
                )
            for one in task.specs:
                before.append(first)
                first = [len(chosen)]
                chosen.append(one)
            last = first if task.passes.in_turn else [*last, *first]
        ends.append(last or start)
    return Demand(chosen, before)


FREE = {"cost": Interval(low=0, high=0)}


@given(chains())
@settings(max_examples=300, deadline=None)
def test_passes_take_what_they_would_take_if_each_were_written_out(tasks: list[Chain]) -> None:
    demand = blocked(tasks)
    ranges = [range(task.passes.low, task.passes.high + 1) for task in tasks]
    for counts in itertools.product(*ranges):
        one = expanded(tasks, list(counts))
        pauses = sum(item.operation.startswith("pause") for item in one.specs)
        fewest, most = (all(n == r[end] for n, r in zip(counts, ranges, strict=True)) for end in (0, -1))
        for of in ("calls", "cost", "makespan", "concurrency"):
            inner, outer = getattr(one, of), getattr(demand, of)
            low, high = (inner.low - pauses, inner.high - pauses) if of == "calls" else (inner.low, inner.high)
            assert outer.low <= low + 1e-9
            assert high <= outer.high + 1e-9
            assert not fewest or outer.low == pytest.approx(low)
            assert not most or outer.high == pytest.approx(high)


@given(orders(5), st.data())
@settings(max_examples=150, deadline=None)
def test_an_element_with_a_weight_counts_as_often(before: Order, data: st.DataObject) -> None:
    weights = [data.draw(st.integers(0, 3)) for _ in before]
    places = [element for element, weight in enumerate(weights) for _ in range(weight)]
    ancestors = ancestors_of(before)
    sizes = [
        sum(weights[element] for element in chosen)
        for size in range(len(before) + 1)
        for chosen in itertools.combinations(range(len(before)), size)
        if all(one not in ancestors[other] for one, other in itertools.combinations(chosen, 2))
    ]
    found = heaviest_antichain(before, weights)
    assert found.most == len(found.members) == max(sizes)
    assert sorted(found.members) == [place for place in places if place in found.members]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("validation.antichain.COPIES", 0)
        assert heaviest_antichain(before, weights).most >= max(sizes)


# --------------------------------------------------------------------------------------- payload

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
TEXT5 = {"type": "string", "minLength": 2, "maxLength": 5}
CLOSED = {"type": "object", "properties": {"a": {"type": "boolean"}, "ü": TEXT5}, "additionalProperties": False}
SCHEMAS: tuple[tuple[Json, st.SearchStrategy[Any]], ...] = (
    ({"const": {"a": [1, "é", None]}}, st.just({"a": [1, "é", None]})),
    ({"enum": ["short", "much longer", 3]}, st.sampled_from(("short", "much longer", 3))),
    ({"type": "boolean"}, st.booleans()),
    ({"type": ["null", "integer"], "minimum": -5, "maximum": 1_000}, st.none() | st.integers(-5, 1_000)),
    ({"type": "integer", "minimum": -5, "maximum": 1_000}, st.integers(-5, 1_000).map(float)),
    (TEXT5, st.text(min_size=2, max_size=5)),
    ({**TEXT5, "nullable": True}, st.none() | st.text(min_size=2, max_size=5)),
    (
        {"type": "array", "items": TEXT5, "minItems": 1, "maxItems": 3},
        st.lists(st.text(min_size=2, max_size=5), min_size=1, max_size=3),
    ),
    (
        {"type": "array", "prefixItems": [{"const": "x"}, {"type": "boolean"}], "items": False, "minItems": 2},
        st.booleans().map(lambda x: ["x", x]),
    ),
    ({"type": "array", "prefixItems": [{"const": "x"}], "items": False}, st.sampled_from(([], ["x"]))),
    (
        {"type": "array", "prefixItems": [{"const": "x"}], "items": {"type": "boolean"}, "maxItems": 3},
        st.lists(st.booleans(), max_size=2).map(lambda x: ["x", *x]),
    ),
    ({"type": "array", "minItems": 2}, st.lists(ANYTHING, min_size=2, max_size=4)),
    (CLOSED, st.fixed_dictionaries({}, optional={"a": st.booleans(), "ü": st.text(min_size=2, max_size=5)})),
    (
        {**CLOSED, "required": ["ü"]},
        st.fixed_dictionaries({"ü": st.text(min_size=2, max_size=5)}, optional={"a": st.booleans()}),
    ),
    (
        {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a", "z"]},
        st.fixed_dictionaries({"a": st.booleans(), "z": ANYTHING}),
    ),
    ({"anyOf": [{"type": "null"}, {"type": "array", "maxItems": 0}]}, st.sampled_from((None, []))),
    ({"type": "number"}, st.floats(allow_nan=False, allow_infinity=False)),
    ({}, ANYTHING),
)
"""Schemas, each with instances of it."""


@pytest.mark.parametrize(("schema", "instances"), SCHEMAS, ids=lambda case: str(case) if isinstance(case, dict) else "")
def test_no_instance_is_smaller_or_larger_than_its_schema_says(schema: Json, instances: st.SearchStrategy[Any]) -> None:
    low, high = Sizes().of(schema)

    @given(instances)
    @settings(max_examples=40, deadline=None)
    def check(instance: Any) -> None:
        if "nullable" not in schema:
            assert is_valid(schema, instance)
        size = len(canonical_json(instance))
        assert low <= size
        assert high is None or size <= high

    check()


@pytest.mark.parametrize(
    ("schema", "bounded"),
    [
        ({"type": "string", "maxLength": 5}, True),
        ({"type": "string"}, False),
        ({"type": "array", "maxItems": 2, "items": {"type": "boolean"}}, True),
        ({"type": "array", "maxItems": 2}, False),
        ({"type": "array", "maxItems": 10**12, "items": {"type": "boolean"}}, False),
        ({"type": "object", "additionalProperties": False}, True),
        ({"type": "object", "additionalProperties": False, "patternProperties": {"^a": {}}}, False),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}, False),
    ],
    ids=str,
)
def test_only_what_is_bounded_has_a_bound(schema: Json, bounded: bool) -> None:
    assert (Sizes().of(schema).high is not None) == bounded


def test_the_payload_of_a_literal_is_its_canonical_json(prove: Callable[..., Program], good: Json) -> None:
    program = prove(good)
    assert program.bounds.payload is None, "how large a table is, nothing says"
    for group in good["decompositions"]:
        if group["task_id"] == "prices":
            fetch = {"item": "é", "page": "https://example.org/7"}
            group["steps"][0]["tool_intent"]["required_inputs"] = {name: {"literal": v} for name, v in fetch.items()}
            good["decompositions"], good["plan"]["nodes"] = [group], [{"task_id": "prices", "description": "x"}]
            good["answer"] = {"price": {"from": "fetch", "path": "/price"}}
            size = len(canonical_json(fetch))
            assert prove(good).bounds.payload == Interval(low=size, high=size)
            return


@pytest.mark.parametrize(
    ("own", "general", "refused"), [(None, None, False), (10, None, True), (11, 99, False), (99, 10, True)]
)
def test_the_worker_refuses_what_may_have_turned_out_too_large(
    own: int | None, general: int | None, refused: bool
) -> None:
    limited = spec("a", low=1, more=1, retry=Retry(), limit=None).model_copy(update={"max_payload": own})
    policy = Policy(name="p", budget=Budget(max_payload=general))
    arguments = {"x": "é1"}
    with pytest.raises(GuardViolation, match="11 bytes") if refused else nullcontext():
        check_payload(limited, arguments, policy)
