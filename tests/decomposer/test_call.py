"""The short form that a model writes becomes values; whatever is not a call is refused."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from dagwright.exceptions import ModelAnswerError
from dagwright.value import InputReference, ListValue, LiteralValue, StepReference
from decomposer.call import parse_call
from decomposer.scope import Scope, Variable

TABLE = StepReference.model_validate({"from": "load_people", "path": "/table"})
BODY = StepReference.model_validate({"from": "s1", "path": "/body/results"})
SCOPE = Scope(
    (
        Variable(name="people", value=TABLE, schema={"type": "array"}),
        Variable(name="s1.body.results", value=BODY, schema={"type": "array"}),
        Variable(name="limit", value=InputReference(input="limit"), schema={"type": "integer"}),
    )
)


def test_references_are_data() -> None:
    call = parse_call("join(left=people, right=s1.body.results, most=limit)", SCOPE)
    assert call.operation == "join"
    assert call.arguments == {"left": TABLE, "right": BODY, "most": InputReference(input="limit")}
    assert call.variables == ("people", "s1.body.results", "limit")


def test_positional_arguments_are_numbered() -> None:
    assert parse_call("answer(people, limit)", SCOPE).arguments == {"0": TABLE, "1": InputReference(input="limit")}


def test_a_list_of_constants_is_one_constant_and_a_mixed_one_is_not() -> None:
    call = parse_call('f(a=["x", "y"], b=[people, "x"], c={"k": true})', SCOPE)
    assert call.arguments["a"] == LiteralValue(literal=["x", "y"])
    assert call.arguments["b"] == ListValue(list=(TABLE, LiteralValue(literal="x")))
    assert call.arguments["c"] == LiteralValue(literal={"k": True})


def test_text_that_looks_like_a_reference_stays_text() -> None:
    call = parse_call('f(a="people", b="${workflow.input.x}")', SCOPE)
    assert call.arguments == {"a": LiteralValue(literal="people"), "b": LiteralValue(literal="${workflow.input.x}")}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "people",
        "f(",
        "f(a=)",
        "f(a=unknown)",
        "f(a=people",
        "f(a='x')",
        "f(a=[1,)",
        "(a=1)",
        "I cannot help with that.",
    ],
)
def test_what_is_no_call_is_refused_with_its_place(line: str) -> None:
    with pytest.raises(ModelAnswerError, match="is not a call"):
        parse_call(line, SCOPE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_constants_come_back_as_they_were_written(value: JsonValue) -> None:
    line = f"f(a={json.dumps(value, ensure_ascii=False)})"
    assert parse_call(line, SCOPE).arguments == {"a": LiteralValue(literal=value)}


@given(st.text())
def test_no_line_raises_anything_else(line: str) -> None:
    with contextlib.suppress(ModelAnswerError):
        parse_call(line, SCOPE)
