"""Canonical JSON: one form per JSON value, and hashes that notice every difference."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagwright.canonical import canonical_json, sha256, sha256_bytes, to_json
from dagwright.event import Event
from dagwright.finding import PatchOperation
from dagwright.goal import GoalInput
from dagwright.model import Frozen
from dagwright.predicate import OutputPredicate
from dagwright.value import InputReference, ListValue, LiteralValue, StepReference

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)


@given(JSON)
def test_it_reads_back_as_the_same_value(value: Any) -> None:
    assert json.loads(canonical_json(value)) == value


@given(JSON)
def test_it_is_a_fixed_point(value: Any) -> None:
    assert canonical_json(json.loads(canonical_json(value))) == canonical_json(value)


@given(st.dictionaries(TEXT, JSON, max_size=6), st.randoms())
def test_the_order_of_members_does_not_matter(members: dict[str, Any], random: Any) -> None:
    names = list(members)
    random.shuffle(names)
    assert canonical_json({name: members[name] for name in names}) == canonical_json(members)


@given(JSON, JSON)
def test_equal_forms_are_equal_values(left: Any, right: Any) -> None:
    if canonical_json(left) == canonical_json(right):
        assert left == right
    assert (sha256(left) == sha256(right)) == (canonical_json(left) == canonical_json(right))


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ({"b": 1, "a": [True, None, 1.5]}, b'{"a":[true,null,1.5],"b":1}'),
        ("ü \u2028 \n", '"ü \u2028 \\n"'.encode()),
        (StepReference.model_validate({"from": "s1"}), b'{"from":"s1","path":""}'),
        ({"x": (InputReference(input="t", path="/a"),)}, b'{"x":[{"input":"t","path":"/a"}]}'),
        (LiteralValue(literal={"z": 0, "a": 0}), b'{"literal":{"a":0,"z":0}}'),
    ],
    ids=["sorted", "utf-8", "model-by-alias", "model-inside", "literal"],
)
def test_the_form(value: Any, form: bytes) -> None:
    assert canonical_json(value) == form
    assert sha256(value) == sha256_bytes(form)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [-float("inf")], "\ud800"], ids=repr)
def test_what_has_no_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical_json(value)


@pytest.mark.parametrize(
    "artefact",
    [
        LiteralValue(literal=None),
        LiteralValue(literal={"a": None, "b": [None]}),
        ListValue(list=(LiteralValue(literal=None),)),
        GoalInput(value=None, schema={"type": "null"}),
        PatchOperation(op="replace", path="/a", value=None),
        PatchOperation(op="remove", path="/a"),
        OutputPredicate(path="/a", op="equals", value=None),
        Event.model_validate(
            {"seq": 0, "time": "2026-01-01", "run": "r", "kind": "goal", "body": None, "prev": "", "hash": ""}
        ),
    ],
    ids=lambda artefact: f"{type(artefact).__name__}-{canonical_json(artefact)[:40].decode()}",
)
def test_null_is_a_value_and_survives(artefact: Frozen) -> None:
    assert type(artefact).model_validate(to_json(artefact)) == artefact
    assert canonical_json(type(artefact).model_validate(to_json(artefact))) == canonical_json(artefact)


def test_a_patch_that_sets_null_says_so_and_one_that_removes_has_no_value() -> None:
    assert to_json(PatchOperation(op="replace", path="/a")) == {"op": "replace", "path": "/a", "value": None}
    assert to_json(PatchOperation(op="remove", path="/a")) == {"op": "remove", "path": "/a"}
