"""Values: a closed union, written as data, with every leaf to be found at its pointer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonpointer import resolve_pointer
from pydantic import TypeAdapter, ValidationError

from dagwright.canonical import to_json
from dagwright.value import InputReference, ListValue, LiteralValue, ObjectValue, StepReference, Value, leaves

ADAPTER: TypeAdapter[Any] = TypeAdapter(Value)
NAMES = st.text("ab/~0", max_size=4)
POINTERS = st.sampled_from(["", "/table", "/rows/0", "/a~1b/~0"])
LEAVES = (
    st.builds(
        LiteralValue, literal=st.none() | st.booleans() | st.text("${}x", max_size=5) | st.lists(st.integers(0, 9))
    )
    | st.builds(lambda path: StepReference.model_validate({"from": "s1", "path": path}), POINTERS)
    | st.builds(InputReference, input=st.just("data"), path=POINTERS)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(ListValue, list=st.lists(inner, max_size=3).map(tuple))
        | st.builds(ObjectValue, object=st.dictionaries(NAMES, inner, max_size=3))
    ),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert ADAPTER.validate_python(ADAPTER.dump_python(value, mode="json", by_alias=True)) == value


@given(VALUES)
def test_every_leaf_lies_at_its_pointer(value: Any) -> None:
    written = ADAPTER.dump_python(value, mode="json", by_alias=True)
    for pointer, leaf in leaves(value):
        assert resolve_pointer(written, pointer) == leaf.model_dump(mode="json", by_alias=True)


@given(VALUES)
def test_the_number_of_leaves_is_that_of_the_parts(value: Any) -> None:
    if isinstance(value, ListValue):
        assert len(list(leaves(value))) == sum(len(list(leaves(item))) for item in value.list)
    elif isinstance(value, ObjectValue):
        assert len(list(leaves(value))) == sum(len(list(leaves(item))) for item in value.object.values())
    else:
        assert list(leaves(value)) == [("", value)]


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"template": "${s1.output}"},
        {"from": "s1", "input": "x"},
        {"literal": 1, "path": ""},
        {"from": "s1", "path": "table"},
        {"from": "1s"},
        {"input": "a b"},
        {"list": [1]},
        {"object": {"a": "s1"}},
        "s1",
        7,
        None,
        ["x"],
    ],
    ids=str,
)
def test_anything_else_is_no_value(written: Any) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(written)


def test_no_text_is_ever_a_reference() -> None:
    value = ADAPTER.validate_python({"literal": "${s1.output} {{ x }}"})
    assert isinstance(value, LiteralValue)
    assert to_json(value) == {"literal": "${s1.output} {{ x }}"}
