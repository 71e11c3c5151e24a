"""T9: a program is what a proposal certifies to, and nothing else: never read back, always certified again."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import fields
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagwright.catalogue import Catalogue
from dagwright.policy import Policy
from dagwright.program import Program, Seal

Json = dict[str, Any]
TEXT: Json = {"type": "string"}


def program(world: Any, seed: int) -> Program:
    random = Random(seed)
    tools = [
        world.spec(f"lab.{name}", {"text": {**TEXT, "maxLength": random.randint(1, 9)}}, {"text": TEXT})
        for name in "abc"
    ]
    steps: list[Json] = []
    for place in range(random.randint(1, 4)):
        source = {"from": f"s{place - 1}", "path": "/text"} if place and random.random() < 0.5 else {"literal": "x"}
        steps.append(world.step(f"s{place}", f"lab.{random.choice('abc')}", {"text": source}))
    return world.certified(world.proposal(steps), world.catalogue(*tools), world.allowed)


def again(world: Any, proposal: Json, catalogue: Json, policy: Json) -> str:
    found = world.certified(proposal, Catalogue.model_validate(catalogue), Policy.model_validate(policy))
    return found.hash


@given(st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_what_is_archived_certifies_to_the_same_program_and_anything_else_to_another(world: Any, seed: int) -> None:
    one = program(world, seed)
    parts = [json.loads(part.model_dump_json(by_alias=True)) for part in (one.proposal, one.catalogue, one.policy)]
    assert again(world, *parts) == one.hash
    which = seed % 3
    place = {0: ("goal", "text"), 1: ("tools", 0), 2: ("name",)}[which]
    target = parts[which]
    for token in place[:-1]:
        target = target[token]
    if which == 1:
        target[0]["description"] += "."
    else:
        target[place[-1]] += "."
    assert again(world, *parts) != one.hash


@pytest.mark.parametrize("way", [pickle.dumps, copy.deepcopy], ids=["pickle", "deepcopy"])
def test_a_program_is_not_serialised(world: Any, way: Any) -> None:
    with pytest.raises(TypeError, match="never serialised"):
        way(program(world, 1))


def test_a_seal_of_ones_own_makes_no_program(world: Any) -> None:
    one = program(world, 1)
    held: Json = {field.name: getattr(one, field.name) for field in fields(one)}
    held["seal"] = Seal()
    with pytest.raises(TypeError, match="certify"):
        Program(**held)
