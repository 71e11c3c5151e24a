"""T3: every reference resolves at run time to a value of the consumer's type, or a check fires before the effect."""

from __future__ import annotations

from random import Random
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagwright.exceptions import ProposalRejected

Json = dict[str, Any]
ROW: Json = {"type": "object", "properties": {"id": {"type": "integer"}, "note": {"type": "string"}}}
SCHEMAS: tuple[Json, ...] = (
    {},
    {"type": "string"},
    {"type": ["string", "null"]},
    {"type": "string", "format": "date"},
    {"enum": ["a", "2024-02-29"]},
    {"type": "integer"},
    {"type": "number", "minimum": 2},
    {"type": "array", "items": {"type": "integer"}},
    {"type": "array", "items": ROW, "maxItems": 1},
    {**ROW, "required": ["id"]},
    {**ROW, "required": ["id", "note"], "additionalProperties": False},
    {"anyOf": [{"type": "integer"}, {"type": "string", "minLength": 2}]},
    {"oneOf": [{"type": "number"}, {"minimum": 3}]},
    {"not": {"type": "null"}},
    {"type": "object", "properties": {"in": {"type": "array", "items": ROW}}},
)
VALUES: tuple[Any, ...] = (
    None, "", "a", "2024-02-29", "2024-02-30", 0, 2, 2.0, 2.5, True, [], [1, 2], [1, "a"],
    {"id": 1}, {"id": 1, "note": "n"}, {"note": "n"}, [{"id": 1, "note": "n"}], [{"id": 1}, {"id": 2, "note": "b"}],
    {"in": [{"id": 1}, {"note": "n"}]}, {"in": []},
)  # fmt: skip
PATHS = (
    "/found",
    "/found",
    "/found",
    "/found/id",
    "/found/0",
    "/found/*/id",
    "/found/*/note",
    "/found/in/*/id",
    "/found/in/1",
)


def carried_out(world: Any, seed: int) -> str:
    """Gives what became of a drawn producer, consumer and value: `rejected`, `reached`, `stopped`, or what is wrong."""
    random = Random(seed)
    given_, wanted, path = random.choice(SCHEMAS), random.choice(SCHEMAS), random.choice(PATHS)
    find = world.spec("lab.find", {}, {"found": given_})
    use = world.spec("lab.use", {"that": wanted}, {}, "external")
    steps = [world.step("find", "lab.find", {}), world.step("use", "lab.use", {"that": {"from": "find", "path": path}})]
    try:
        program = world.certified(world.proposal(steps), world.catalogue(find, use), world.allowed)
    except ProposalRejected:
        return "rejected"
    fitting = [v for v in VALUES if jsonschema_rs.Draft202012Validator(given_, validate_formats=True).is_valid(v)]
    if not fitting:
        return "rejected"
    value = random.choice(fitting)

    def tool(operation: str, _: Json) -> Json:
        return {"found": value} if operation == "lab.find" else {}

    ran = world.run(program, tool)
    used = [call.arguments["that"] for call in ran.calls if call.step == "use"]
    wrong = [v for v in used if not jsonschema_rs.Draft202012Validator(wanted, validate_formats=True).is_valid(v)]
    if wrong:
        return f"the tool was called with {wrong[0]!r}, which is not of {wanted}"
    if not used and "that" not in program.by_id["use"].runtime_checks:
        return f"certified without a check, {given_} at {path} for {wanted} was stopped with {value!r}"
    if not used and not {"bad_arguments", "missing_reference"} & set(ran.codes):
        return f"stopped for another reason: {ran.codes}"
    return "reached" if used else "stopped"


def always(value: Any) -> Any:
    """Gives a function that gives the same, whatever it is asked."""

    def instead(*_: Any) -> Any:
        return value

    return instead


@given(st.integers(0, 2**32))
@settings(max_examples=120, deadline=None)
def test_a_reference_gives_a_value_of_the_wanted_type_or_stops_before_the_effect(world: Any, seed: int) -> None:
    assert carried_out(world, seed) in ("rejected", "reached", "stopped")


def test_a_part_of_what_nothing_is_known_of_is_checked_when_it_runs(world: Any) -> None:
    find = world.spec("lab.find", {}, {"found": {"not": {"type": "null"}}})
    use = world.spec("lab.use", {"that": {}}, {}, "external")
    steps = [
        world.step("find", "lab.find", {}),
        world.step("use", "lab.use", {"that": {"from": "find", "path": "/found/0"}}),
    ]
    program = world.certified(world.proposal(steps), world.catalogue(find, use), world.allowed)
    assert program.by_id["use"].runtime_checks == ("that",)


def test_all_three_ends_are_drawn(world: Any) -> None:
    assert {carried_out(world, seed) for seed in range(60)} == {"rejected", "reached", "stopped"}


@pytest.mark.parametrize(
    ("check", "instead"),
    [
        ("executor.worker.worker.check_arguments", always(None)),
        ("validation.dependency.Relation._undecided", always(True)),
    ],
    ids=["the worker's check", "the finding that leaves it open"],
)
def test_without_the_check_the_tool_is_reached_or_the_promise_is_broken(
    world: Any, check: str, instead: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, instead)
    assert any(carried_out(world, seed) not in ("rejected", "reached", "stopped") for seed in range(200))
