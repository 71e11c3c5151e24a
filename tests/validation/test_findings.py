"""What a finding says of its place: in which task and step it lies, how deep inside a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dagwright.finding import Finding, Report
from validation.naming import Names
from validation.types import resolve
from validation.width import width_of

Json = dict[str, Any]
Judge = Callable[..., Report]


def one(report: Report, code: str) -> Finding:
    (found,) = [item for item in report.findings if item.code == code]
    return found


def test_what_is_wrong_in_a_task_names_it(good: Json, judge: Judge) -> None:
    good["plan"]["nodes"][1]["colour"] = "red"
    found = one(judge(good), "S103")
    assert (found.task_id, found.step_id, found.path) == (
        good["plan"]["nodes"][1]["task_id"],
        None,
        "/plan/nodes/1/colour",
    )


def test_what_is_wrong_in_a_step_names_it_and_its_task(good: Json, judge: Judge) -> None:
    group = good["decompositions"][1]
    group["steps"][0]["colour"] = "red"
    found = one(judge(good), "S103")
    assert (found.task_id, found.step_id) == (group["task_id"], group["steps"][0]["step_id"])
    assert found.path == "/decompositions/1/steps/0/colour"


def test_a_decomposition_without_steps_is_empty(good: Json, judge: Judge) -> None:
    good["decompositions"][3]["steps"] = []
    found = one(judge(good), "S107")
    assert (found.path, found.task_id) == ("/decompositions/3/steps", good["decompositions"][3]["task_id"])


def test_a_reference_is_found_however_deep_it_lies(good: Json, judge: Judge) -> None:
    lost = {"from": "nowhere", "path": "/x"}
    deep = {"object": {"a/b": {"list": [{"literal": 1}, {"object": {"c": lost}}]}}}
    good["answer"]["deep"] = deep
    found = one(judge(good), "D304")
    assert found.path == "/answer/deep/object/a~1b/list/1/object/c"


def test_a_name_that_a_pattern_may_allow_is_not_known_to_be_absent() -> None:
    schema: Any = {"type": "object", "patternProperties": {"^x": {}}, "additionalProperties": False}
    assert resolve(schema, "/y").answer == "unknown"
    assert resolve({**schema, "patternProperties": {}}, "/y").answer == "absent"


def test_the_width_of_a_schema_that_holds_itself_is_decided() -> None:
    schema: Any = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}
    assert width_of(schema) == "free"


def test_a_hint_names_what_is_near_else_what_is_known() -> None:
    names = Names(["measure", "weigh"])
    assert names.hint("mesure") == "nearest: 'measure'"
    assert names.hint("paint") == "known: 'measure', 'weigh'"
    assert Names([]).hint("paint") == "there are none"
    assert Names([f"x{number}" for number in range(10)]).hint("paint").endswith("'x7' and 2 more")
