"""Schemas lose their references and keep their meaning."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.ingest.schema import MAX_NODES, Dangling, SchemaReader

ROOT: dict[str, Any] = {
    "components": {
        "schemas": {
            "Name": {"type": "string", "maxLength": 5},
            "Tree": {"type": "object", "properties": {"left": {"$ref": "#/components/schemas/Tree"}}},
            "Base": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
            "a/b~c": {"type": "boolean"},
        }
    }
}


def read(schema: Any, direction: Any = "response") -> Any:
    return SchemaReader(ROOT).read(schema, direction)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param({"$ref": "#/components/schemas/Name"}, {"type": "string", "maxLength": 5}, id="reference"),
        pytest.param({"$ref": "#/components/schemas/a~1b~0c"}, {"type": "boolean"}, id="escaped reference"),
        pytest.param(
            {"$ref": "#/components/schemas/Name", "description": "said here"},
            {"type": "string", "maxLength": 5, "description": "said here"},
            id="beside a reference",
        ),
        pytest.param({"type": "string", "nullable": True}, {"type": ["string", "null"]}, id="nullable"),
        pytest.param(
            {"type": "string", "nullable": True, "enum": ["a"]},
            {"type": ["string", "null"], "enum": ["a", None]},
            id="nullable enum",
        ),
        pytest.param(
            {"nullable": True, "oneOf": [{"type": "string"}]},
            {"anyOf": [{"oneOf": [{"type": "string"}]}, {"type": "null"}]},
            id="nullable without type",
        ),
        pytest.param({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}, id="exclusive by flag"),
        pytest.param({"maximum": 1, "exclusiveMaximum": False}, {"maximum": 1}, id="inclusive by flag"),
        pytest.param({"exclusiveMaximum": 1}, {"exclusiveMaximum": 1}, id="exclusive by number"),
        pytest.param(
            {"type": "string", "example": "x", "x-internal": 1, "xml": {}}, {"type": "string"}, id="annotations"
        ),
        pytest.param(
            {"properties": {"example": {}}}, {"properties": {"example": {}}}, id="a property with such a name"
        ),
        pytest.param({"type": "string", "required": True}, {"type": "string"}, id="required as a flag"),
        pytest.param({"items": True}, {"items": True}, id="boolean schema"),
        pytest.param(
            {
                "allOf": [
                    {"$ref": "#/components/schemas/Base"},
                    {"type": "object", "properties": {"b": {}}, "required": ["b"]},
                ]
            },
            {"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}, "required": ["a", "b"]},
            id="objects put together",
        ),
        pytest.param(
            {"allOf": [{"$ref": "#/components/schemas/Name"}], "description": "one"},
            {"type": "string", "maxLength": 5, "description": "one"},
            id="a single part",
        ),
        pytest.param(
            {"allOf": [{"minimum": 1}, {"maximum": 2}]},
            {"allOf": [{"minimum": 1}, {"maximum": 2}]},
            id="other parts stay",
        ),
    ],
)
def test_a_schema_of_openapi_becomes_one_of_json_schema(schema, expected):
    assert read(schema) == expected


@pytest.mark.parametrize(("direction", "names"), [("request", {"secret"}), ("response", {"id"})])
def test_a_request_has_no_read_only_and_a_response_no_write_only_properties(direction, names):
    schema = {
        "type": "object",
        "properties": {"id": {"readOnly": True}, "secret": {"writeOnly": True}},
        "required": ["id", "secret"],
    }
    found = read(schema, direction)
    assert set(found["properties"]) == set(found["required"]) == names


def test_recursion_is_followed_once_and_said():
    reader = SchemaReader(ROOT)
    found: Any = reader.read({"$ref": "#/components/schemas/Tree"}, "response")
    assert found["properties"]["left"] == {"description": "a Tree again; not described further"}
    assert reader.cuts == ["Tree contains itself"]


def test_a_schema_that_grows_without_bound_is_cut():
    levels: dict[str, Any] = {
        f"L{n}": {"properties": {name: {"$ref": f"#/components/schemas/L{n + 1}"} for name in "abcd"}}
        for n in range(20)
    }
    reader = SchemaReader({"components": {"schemas": levels | {"L20": {"type": "string"}}}})
    found: Any = reader.read({"$ref": "#/components/schemas/L0"}, "response")
    assert str(found).count("properties") <= MAX_NODES
    assert "deeper than" in reader.cuts[0]
    assert all(branch["properties"] for branch in found["properties"].values())  # no branch starves another


@pytest.mark.parametrize("reference", ["#/components/schemas/None", "other.json#/x", "#/components/schemas/Name/type"])
def test_a_reference_to_nothing_is_told(reference):
    with pytest.raises(Dangling, match=r"ref|object"):
        read({"$ref": reference})


SCALARS = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer", "minimum": 0},
        {"type": "boolean", "nullable": True},
        {"$ref": "#/components/schemas/Name"},
    ]
)
SCHEMAS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(lambda item: {"type": "array", "items": item}, inner),
        st.builds(
            lambda parts: {"type": "object", "properties": parts, "required": list(parts)[:1]},
            st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        ),
        st.builds(lambda part: {"allOf": [part, {"$ref": "#/components/schemas/Base"}]}, inner),
    ),
    max_leaves=6,
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.text("ab", max_size=7)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=5,
)


def with_null(schema: Any) -> Any:
    """The same schema in JSON Schema's words, references kept: an independent reading."""
    if isinstance(schema, list):
        return [with_null(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: with_null(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [result, {"type": "null"}]} if schema.get("nullable") is True else result


@given(SCHEMAS, st.lists(VALUES, min_size=1, max_size=8))
def test_what_fits_before_fits_afterwards_and_nothing_else(schema, values):
    original = jsonschema_rs.Draft202012Validator(with_null(schema) | ROOT)
    rewritten = jsonschema_rs.Draft202012Validator(read(schema))
    for value in values:
        assert rewritten.is_valid(value) == original.is_valid(value)
