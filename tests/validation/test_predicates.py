"""Predicates over outputs: each operator, and whether a schema allows it."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagwright.predicate import Operator, OutputPredicate
from validation.predicates import OPERATORS, evaluate, predicate_path_problem, predicate_problem

OUTPUTS = {
    "rows": 3,
    "mean": 4.5,
    "name": "abc",
    "when": "2024-02-29",
    "none": None,
    "flag": True,
    "table": [{"x": 1}, {"x": 2.0}],
    "a/b": 1,
}
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(-9, 9), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)),
    max_leaves=5,
)
PATHS = st.sampled_from(["", "/rows", "/name", "/table", "/table/0", "/table/0/x", "/none", "/nowhere", "/table/9"])
OPERATOR_NAMES: list[Operator] = list(get_args(Operator))


def predicate(path: str, op: str, value: Any = None) -> OutputPredicate:
    return OutputPredicate.model_validate({"path": path, "op": op, "value": value})


CASES: list[tuple[str, str, Any, bool]] = [
    ("/rows", "exists", None, True),
    ("/none", "exists", None, True),
    ("/nowhere", "exists", None, False),
    ("/table/1/x", "exists", None, True),
    ("/table/2", "exists", None, False),
    ("/table/01", "exists", None, False),
    ("/name/0", "exists", None, False),
    ("/a~1b", "exists", None, True),
    ("/rows", "equals", 3.0, True),
    ("/flag", "equals", 1, False),
    ("/table/1", "equals", {"x": 2}, True),
    ("/rows", "not_equals", "3", True),
    ("/nowhere", "not_equals", 3, False),
    ("/rows", "less", 4, True),
    ("/rows", "less", 3, False),
    ("/rows", "less", "4", False),
    ("/flag", "less", 4, False),
    ("/none", "less", 4, False),
    ("/rows", "less_or_equal", 3.0, True),
    ("/mean", "less_or_equal", 4, False),
    ("/mean", "greater", 4, True),
    ("/mean", "greater", 4.5, False),
    ("/rows", "equals", 3, True),
    ("/mean", "greater_or_equal", 4.5, True),
    ("/flag", "greater_or_equal", True, False),
    ("/when", "greater", "2023-12-31", True),
    ("/name", "min_length", 3, True),
    ("/table", "min_length", 3, False),
    ("/rows", "min_length", 0, False),
    ("", "min_length", 8, True),
    ("/table", "max_length", 2, True),
    ("/name", "max_length", 2, False),
    ("/name", "one_of", ["abc", "d"], True),
    ("/flag", "one_of", [1, "true"], False),
    ("/table", "has_member", {"x": 1.0}, True),
    ("/table/0", "has_member", "x", True),
    ("/name", "has_member", "bc", True),
    ("/rows", "has_member", 3, False),
    ("/rows", "matches_type", "number", True),
    ("/mean", "matches_type", "integer", False),
    ("/flag", "matches_type", "integer", False),
    ("/none", "matches_type", "null", True),
]


@pytest.mark.parametrize(("path", "op", "value", "holds"), CASES, ids=lambda part: str(part))
def test_evaluate(path: str, op: str, value: Any, holds: bool) -> None:
    assert evaluate(predicate(path, op, value), OUTPUTS) is holds


def test_every_operator_is_documented_and_tried() -> None:
    assert set(OPERATORS) == set(OPERATOR_NAMES)
    for op in OPERATOR_NAMES:
        assert {holds for _, name, _, holds in CASES if name == op} == {True, False}


@given(outputs=JSON, path=PATHS, op=st.sampled_from(OPERATOR_NAMES), value=JSON)
def test_evaluation_never_raises(outputs: Any, path: str, op: str, value: Any) -> None:
    assert evaluate(predicate(path, op, value), outputs) in (True, False)


@given(path=PATHS, value=JSON)
def test_order_is_total_where_it_applies(path: str, value: Any) -> None:
    less, same, greater = (evaluate(predicate(path, op, value), OUTPUTS) for op in ("less", "equals", "greater"))
    assert less + same + greater <= 1
    at_most = evaluate(predicate(path, "less_or_equal", value), OUTPUTS)
    assert at_most == (less or (same and isinstance(value, int | float | str) and not isinstance(value, bool)))


VALUE_CASES: list[tuple[str, Any, bool]] = [
    ("min_length", 1, True),
    ("min_length", -1, False),
    ("max_length", True, False),
    ("max_length", "1", False),
    ("less", 1.5, True),
    ("less", "a", True),
    ("greater", None, False),
    ("one_of", ["a"], True),
    ("one_of", "a", False),
    ("matches_type", "integer", True),
    ("matches_type", "int", False),
    ("exists", None, True),
]


@pytest.mark.parametrize(("op", "value", "right"), VALUE_CASES)
def test_what_an_operator_takes(op: str, value: Any, right: bool) -> None:
    found = predicate_problem(predicate("/rows", op, value))
    assert (found is None) == right
    assert found is None or op in found


SCHEMA = {
    "type": "object",
    "properties": {
        "rows": {"type": "integer"},
        "name": {"type": ["string", "null"]},
        "table": {"type": "array", "items": {"type": "object"}},
        "any": {},
    },
    "required": ["rows", "name", "table", "any"],
    "additionalProperties": False,
}
SCHEMA_CASES: list[tuple[str, str, Any, str | None]] = [
    ("/rows", "greater", 1.5, None),
    ("/rows", "greater", "a", "can't be compared"),
    ("/rows", "min_length", 1, "applies to"),
    ("/name", "min_length", 1, None),
    ("/name", "equals", 4, "can't be compared"),
    ("/name", "equals", None, None),
    ("/table", "less", 3, "applies to"),
    ("/table/0/x", "equals", 3, None),
    ("/any", "min_length", 3, None),
    ("/any/deeper", "less", 3, None),
    ("/count", "exists", None, "'rows', 'name', 'table', 'any'"),
    ("/rows/0", "exists", None, "nothing at '/rows/0'"),
]


@pytest.mark.parametrize(("path", "op", "value", "words"), SCHEMA_CASES, ids=lambda part: str(part))
def test_predicate_against_a_schema(path: str, op: str, value: Any, words: str | None) -> None:
    found = predicate_path_problem(predicate(path, op, value), SCHEMA)
    if words is None:
        assert found is None
    else:
        assert found is not None
        assert words in found


@pytest.mark.parametrize(
    ("path", "op", "value"), [("/list", "less", 1), ("/deep", "equals", "x"), ("/text", "less", 1)]
)
def test_a_schema_is_judged_by_the_definition_that_it_refers_to(path: str, op: str, value: Any) -> None:
    schema = {
        "properties": {name: {"$ref": f"#/$defs/{name}"} for name in ("list", "deep", "text", "circle")},
        "$defs": {
            "list": {"type": "array"},
            "deep": {"$ref": "#/$defs/flag"},
            "flag": {"type": "boolean"},
            "text": {"type": "string"},
            "circle": {"$ref": "#/$defs/circle"},
        },
    }
    assert predicate_path_problem(predicate(path, op, value), schema)
    assert predicate_path_problem(predicate("/circle", op, value), schema) is None


@given(path=PATHS, op=st.sampled_from(OPERATOR_NAMES), value=JSON)
def test_what_a_schema_rules_out_never_holds(path: str, op: str, value: Any) -> None:
    outputs = {"rows": 3, "name": "abc", "table": [{"x": 1}], "any": None}
    checked = predicate(path, op, value)
    if op != "not_equals" and predicate_path_problem(checked, SCHEMA):
        assert not evaluate(checked, outputs)
