"""The type relation is sound: its verdicts hold of values drawn from the schemas."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from validation.types import assignable, constant_schema, json_equal

LAW = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large],
)

NAMES = st.sampled_from(["a", "b", "c"])
CONSTANTS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, 1.0, -1.5]),
    st.sampled_from(["", "a", "ab", "b"]),
)


def _merged(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda found: {key: value for part in found for key, value in part.items()})


def _some(**keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keywords)


SMALL = st.integers(0, 3)
NUMBERS = _merged(
    st.sampled_from(["number", "integer"]).map(lambda name: {"type": name}),
    _some(
        minimum=st.integers(-3, 3),
        maximum=st.integers(-3, 6),
        exclusiveMinimum=st.integers(-3, 3),
        exclusiveMaximum=st.integers(-3, 6),
        multipleOf=st.integers(1, 4),
    ),
)
TEXTS = _merged(
    st.just({"type": "string"}),
    _some(
        minLength=SMALL,
        maxLength=SMALL,
        pattern=st.sampled_from(["^a", "b$"]),
        format=st.sampled_from(["date", "ipv4"]),
    ),
)
SCALARS = st.one_of(
    NUMBERS,
    TEXTS,
    st.sampled_from([{}, {"type": "null"}, {"type": "boolean"}]),
    st.lists(
        st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"]),
        min_size=1,
        max_size=4,
        unique=True,
    ).map(lambda names: {"type": names}),
    CONSTANTS.map(lambda value: {"const": value}),
    st.lists(CONSTANTS, min_size=1, max_size=4, unique_by=repr).map(lambda values: {"enum": values}),
)


def _arrays(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return _merged(
        st.just({"type": "array"}),
        _some(
            items=st.one_of(inner, st.just(False)),
            prefixItems=st.lists(inner, min_size=1, max_size=2),
            minItems=st.integers(0, 2),
            maxItems=st.integers(0, 3),
            uniqueItems=st.booleans(),
        ),
    )


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return _merged(
        st.just({"type": "object"}),
        _some(
            properties=st.dictionaries(NAMES, inner, max_size=3),
            required=st.lists(NAMES, max_size=2, unique=True),
            additionalProperties=st.one_of(st.booleans(), inner),
            patternProperties=st.dictionaries(st.sampled_from(["^a", "b"]), inner, max_size=1),
            minProperties=st.integers(0, 2),
            maxProperties=st.integers(0, 3),
            propertyNames=st.sampled_from([{"maxLength": 1}, {"enum": ["a", "b"]}]),
        ),
    )


def _combinations(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        several.map(lambda found: {"anyOf": found}),
        several.map(lambda found: {"oneOf": found}),
        several.map(lambda found: {"allOf": found}),
        inner.map(lambda found: {"not": found}),
        inner.map(lambda found: {"$ref": "#/$defs/x", "$defs": {"x": found}}),
    )


def _has_definitions(schema: Any) -> bool:
    if isinstance(schema, dict):
        return "$defs" in schema or any(map(_has_definitions, schema.values()))
    return isinstance(schema, list) and any(map(_has_definitions, schema))


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    # Definitions only at the root: JSON Schema looks references up there.
    plain = inner.filter(lambda schema: not _has_definitions(schema))
    return st.one_of(_arrays(plain), _objects(plain), _combinations(plain))


SCHEMAS = st.recursive(SCALARS, _nested, max_leaves=4)
VALUES = st.recursive(
    CONSTANTS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=5,
)


def fits(schema: dict[str, Any], value: Any) -> bool:
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(value)


def is_trivial(value: Any) -> bool:
    """Whether a value has an empty list or a whole number, which `no` doesn't speak of."""
    if isinstance(value, dict):
        return any(map(is_trivial, value.values()))
    if isinstance(value, list):
        return not value or any(map(is_trivial, value))
    return isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer()


def instances(schema: Any, root: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Draws values that mostly fulfil a schema; the rest is left to a filter."""
    if not isinstance(schema, dict):
        return VALUES
    if "const" in schema or "enum" in schema:
        return st.sampled_from([schema["const"]] if "const" in schema else schema["enum"])
    if "$ref" in schema:
        return instances(root["$defs"]["x"], root)
    for keyword in ("anyOf", "oneOf", "allOf"):
        if keyword in schema:
            return st.one_of([instances(part, root) for part in schema[keyword]])
    names = schema.get("type", ["null", "boolean", "number", "string", "array", "object"])
    return st.one_of([_of_type(name, schema, root) for name in (names if isinstance(names, list) else [names])])


def _of_type(name: str, schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    if name == "array":
        first = [instances(part, root) for part in schema.get("prefixItems", [])]
        rest = st.lists(instances(schema.get("items", True), root), max_size=3)
        return st.tuples(st.tuples(*first), rest).map(lambda found: [*found[0], *found[1]])
    if name == "object":
        parts = {key: instances(schema.get("properties", {}).get(key, True), root) for key in ("a", "b", "c")}
        return st.fixed_dictionaries({}, optional=parts)
    simple: dict[str, st.SearchStrategy[Any]] = {
        "null": st.none(),
        "boolean": st.booleans(),
        "integer": st.integers(-5, 13),
        "number": st.one_of(st.integers(-5, 13), st.sampled_from([0.5, -0.5, 2.5, 4.0, 6.75])),
        "string": st.sampled_from(["", "a", "b", "ab", "abb", "xyz", "2024-02-29", "127.0.0.1"]),
    }
    return simple[name]


@LAW
@given(producer=SCHEMAS, consumer=SCHEMAS, value=VALUES)
def test_a_verdict_has_no_counter_example(producer: dict[str, Any], consumer: dict[str, Any], value: Any) -> None:
    assume(fits(producer, value))
    answer = assignable(producer, consumer).answer
    if answer == "yes":
        assert fits(consumer, value)
    if answer == "no" and not is_trivial(value):
        assert not fits(consumer, value)


@LAW
@given(data=st.data(), producer=SCHEMAS, consumer=SCHEMAS)
def test_a_verdict_has_no_counter_example_drawn_from_the_producer(
    data: st.DataObject, producer: dict[str, Any], consumer: dict[str, Any]
) -> None:
    answer = assignable(producer, consumer).answer
    assume(answer != "unknown")
    value = data.draw(instances(producer, producer))
    assume(fits(producer, value))
    if answer == "yes":
        assert fits(consumer, value)
    elif not is_trivial(value):
        assert not fits(consumer, value)


@LAW
@given(schema=SCHEMAS)
def test_reflexive(schema: dict[str, Any]) -> None:
    assert assignable(schema, schema).answer == "yes"


@LAW
@given(schema=SCHEMAS, other=SCHEMAS)
def test_each_part_fits_its_union_and_the_intersection_fits_each_part(schema: Any, other: Any) -> None:
    assume(not _has_definitions(schema) and not _has_definitions(other))
    assert assignable(schema, {"anyOf": [other, schema]}).answer == "yes"
    assert assignable({"allOf": [schema, other]}, schema).answer == "yes"


@LAW
@given(left=SCHEMAS, right=SCHEMAS, consumer=SCHEMAS)
def test_a_union_fits_where_both_fit(left: Any, right: Any, consumer: Any) -> None:
    assume(not any(map(_has_definitions, (left, right))))
    answers = {assignable(left, consumer).answer, assignable(right, consumer).answer}
    if answers == {"yes"}:
        assert assignable({"anyOf": [left, right]}, consumer).answer == "yes"


@LAW
@given(value=VALUES, consumer=SCHEMAS)
def test_a_constant_is_decided_as_a_validator_decides(value: Any, consumer: dict[str, Any]) -> None:
    answer = assignable(constant_schema(value), consumer).answer
    assert (answer == "yes") == fits(consumer, value)
    assert answer != "unknown"


@LAW
@given(left=VALUES, right=VALUES)
def test_json_equality_is_that_of_const(left: Any, right: Any) -> None:
    assert json_equal(left, right) == fits({"const": right}, left)
