"""Operations whose input schema refers to definitions: literals are judged, whatever the references point at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.finding import Report

TAG: dict[str, Any] = {"type": "object", "required": ["key"], "properties": {"key": {"type": "string"}}}


def with_input(catalogue: Catalogue, schema: dict[str, Any]) -> Catalogue:
    tools = [
        tool.model_copy(update={"input_schema": schema}) if tool.name == "web.fetch" else tool
        for tool in catalogue.tools
    ]
    return catalogue_of("lab", tools)


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "array", "items": {"$ref": "#/$defs/Tag"}}, id="items"),
        pytest.param({"$ref": "#/$defs/Tags"}, id="whole argument"),
        pytest.param({"type": "array", "items": {"$ref": "#/properties/other"}}, id="other argument"),
    ],
)
@pytest.mark.parametrize("value", [None, 7, "x", {}, {"key": "x"}, [{}], [7], [{"key": 7}]])
def test_a_literal_that_does_not_fit_is_found(
    schema: dict[str, Any], value: Any, judge: Callable[..., Report], good: dict[str, Any], catalogue: Catalogue
) -> None:
    given = good["decompositions"][2]["steps"][0]["tool_intent"]["required_inputs"]
    given.clear()
    given["tags"] = {"literal": value}
    whole = {
        "type": "object",
        "properties": {"tags": schema, "other": TAG},
        "$defs": {"Tag": TAG, "Tags": {"type": "array", "items": {"$ref": "#/$defs/Tag"}}},
    }
    report = judge(good, catalogue=with_input(catalogue, whole))
    assert "M205" in {finding.code for finding in report.errors}
