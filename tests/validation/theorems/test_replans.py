"""T8: what a replan may do that no approval covers is named. Sequences of replans: `test_widening_laws`."""

from __future__ import annotations

from typing import Any

import pytest

from validation import widened

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
INPUTS = {"one": {"value": "one.txt", "schema": TEXT}, "two": {"value": "two.txt", "schema": TEXT}}


def wider(world: Any, before: Json, after: Json) -> list[str]:
    tools = world.catalogue(
        world.spec("web.visit", {"url": {**TEXT, "default": "http://else.org"}}, {}, roles={"url": "sink"}),
        world.spec("disk.put", {"path": TEXT, "text": TEXT}, {}, "write", writes=("file:{path}",)),
    )
    goal = {"inputs": INPUTS}
    programs = [world.certified(world.proposal([step], goal=goal), tools, world.allowed) for step in (before, after)]
    return [finding.message for finding in widened(*programs)]


def test_a_default_that_leads_elsewhere_is_wider(world: Any) -> None:
    named = world.step("a", "web.visit", {"url": {"literal": "http://x.org"}})
    left_out = world.step("a", "web.visit", {})
    written_out = world.step("a", "web.visit", {"url": {"literal": "http://else.org"}})
    assert wider(world, named, left_out) == [
        "the new plan may call 'web.visit' with 'url' from the constant \"http://else.org\"; the plan before may not"
    ]
    assert wider(world, written_out, left_out) == wider(world, left_out, written_out) == []


def put(world: Any, path: Json, text: str = "x") -> Json:
    return world.step("a", "disk.put", {"path": path, "text": {"literal": text}})


@pytest.mark.parametrize(
    ("before", "after", "is_wider"),
    [
        ({"input": "one"}, {"input": "two"}, True),
        ({"input": "one"}, {"input": "one"}, False),
        ({"input": "one"}, {"literal": "two.txt"}, True),
        ({"literal": "one.txt"}, {"literal": "one.txt"}, False),
    ],
    ids=["from another input", "the same", "a constant instead", "the same constant"],
)
def test_what_names_a_file_that_is_written_is_authority_in_any_role(
    world: Any, before: Json, after: Json, is_wider: bool
) -> None:
    assert bool(wider(world, put(world, before), put(world, after, "other data"))) is is_wider


def nothing(*_: Any) -> frozenset[str]:
    return frozenset()


def test_without_that_rule_another_file_would_be_written_unasked(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("validation.contract.Contract.naming_written", nothing)
    assert wider(world, put(world, {"input": "one"}), put(world, {"input": "two"})) == []
