"""NESTFUL's sequences, GNN4TaskPlan's plans and BFCL's calls as proposals, against independent readings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from benchmarks import bfcl, gnn_plans, nestful
from benchmarks.bfcl_data import Item, accepted, contradictions, load_items, schema_of
from benchmarks.bfcl_unanswerable import read_call, taken_from
from benchmarks.gnn_plans import ModelPlan, counted, judged, linked, load_plans, typed
from benchmarks.nestful import Function, GoldSequence
from benchmarks.taskbench_data import BenchTool
from dagwright.exceptions import InputError

# ---------------------------------------------------------------------------------------- nestful

FUNCTIONS = {
    function.name: function
    for function in (
        Function(
            name="area",
            query_parameters={
                "radius": {"type": "number", "required": True},
                "unit": {"type": "string", "required": False},
            },
            output_parameters={"area": {"type": "number"}, "sizes": {"type": "array"}},
        ),
        Function(name="tell", parameters={"text": {"type": "string", "required": True}}, output_parameters={}),
    )
}


def sequence(*calls: tuple[str, dict[str, Any]]) -> GoldSequence:
    output = [{"name": name, "arguments": given, "label": f"var{at}"} for at, (name, given) in enumerate(calls, 1)]
    return GoldSequence.model_validate({"input": "Do it.", "output": output})


@pytest.mark.parametrize(
    ("calls", "contradiction"),
    [
        pytest.param([("area", {"radius": 2})], None, id="one call"),
        pytest.param([("area", {"radius": 2}), ("area", {"radius": "$var1.area$"})], None, id="reference"),
        pytest.param([("area", {"radius": 2}), ("tell", {"text": "It is $var1.area$."})], None, id="in a text"),
        pytest.param([("area", {"radius": 2}), ("area", {"radius": "$var1.sizes[0]$"})], None, id="item of a list"),
        pytest.param([("area", {})], "var1 radius: missing", id="missing"),
        pytest.param([("area", {"radius": "2"})], "var1 radius: string for number", id="constant of another type"),
        pytest.param([("area", {"radius": 2, "color": 1})], "var1 color: unknown argument", id="unknown argument"),
        pytest.param([("volume", {})], "var1 : unknown function", id="unknown function"),
        pytest.param(
            [("area", {"radius": 2}), ("tell", {"text": "$var1.area$"})], "var2 text: number for string", id="type"
        ),
        pytest.param(
            [("area", {"radius": 2}), ("tell", {"text": "$var1.name$"})],
            "var2 text: reference to what is not specified",
            id="output that is not specified",
        ),
        pytest.param(
            [("tell", {"text": "$var2.area$"}), ("area", {"radius": 2})],
            "var1 text: reference to what is not specified",
            id="later call",
        ),
        pytest.param(
            [("area", {"radius": 2}), ("var_result", {"a": "$var7$"})],
            "answer a: reference to what is not specified",
            id="answer",
        ),
    ],
)
def test_sequences_are_accepted_or_a_contradiction_is_named(
    calls: list[tuple[str, dict[str, Any]]], contradiction: str | None
) -> None:
    record = nestful.judged(sequence(*calls), FUNCTIONS, nestful.catalogue_for(FUNCTIONS))
    assert record["contradictions"] == ([contradiction] if contradiction else [])
    assert record["accepted"] == (contradiction is None), record["findings"]
    assert record["unexplained"] == record["missed"] == []


# -------------------------------------------------------------------------------------- gnn-plans

TOOLS = tuple(
    BenchTool.model_validate({"id": name, "desc": name, "input-type": given, "output-type": made})
    for name, given, made in (
        ("Image-to-Text", ["image"], ["text"]),
        ("Text-to-Speech", ["text"], ["audio"]),
        ("Question Answering", ["text", "text"], ["text"]),
        ("Similarity", ["text", "text"], []),
    )
)
GRAPH = frozenset(
    (
        ("Image-to-Text", "Text-to-Speech"),
        ("Image-to-Text", "Question Answering"),
        ("Question Answering", "Text-to-Speech"),
        ("Image-to-Text", "Similarity"),
    )
)


@pytest.mark.parametrize(
    ("nodes", "links", "by_types", "by_graph", "illegal"),
    [
        pytest.param(["Image-to-Text", "Text-to-Speech"], [(0, 1)], [], [], [], id="legal"),
        pytest.param(["Text-to-Speech", "Image-to-Text"], [(0, 1)], [0], [0], [0], id="audio is no image"),
        pytest.param(["Similarity", "Text-to-Speech"], [(0, 1)], [0], [0], [0], id="nothing is given"),
        pytest.param(["Ghost", "Text-to-Speech"], [(0, 1)], [0], [0], [0], id="unknown tool"),
        pytest.param(["Question Answering"] * 2, [(0, 0)], [], [0], [0], id="a tool after itself"),
        pytest.param(["Question Answering"], [(0, 0)], [0], [0], [0], id="a step after itself"),
        pytest.param(
            ["Image-to-Text", "Text-to-Speech"], [(0, 1), (1, 0)], [1], [1], [1], id="a circle with an illegal link"
        ),
        pytest.param(
            ["Image-to-Text", "Image-to-Text", "Text-to-Speech"], [(0, 2), (0, 2)], [], [], [], id="more than it takes"
        ),
    ],
)
def test_illegal_links_are_found(
    nodes: list[str], links: list[tuple[int, int]], by_types: list[int], by_graph: list[int], illegal: list[int]
) -> None:
    plan = ModelPlan("m/1", "Do it.", tuple(nodes), tuple((nodes[a], nodes[b]) for a, b in links))
    names = counted(plan, TOOLS, GRAPH)
    assert names["illegal"] == illegal
    for kind, catalogue, expected in (("types", typed(TOOLS), by_types), ("graph", linked(TOOLS, GRAPH), by_graph)):
        found = judged(plan, kind, TOOLS, catalogue)  # type: ignore[arg-type]
        assert found["illegal"] == expected, (kind, found)
        assert found["unknown"] == names["unknown"]


def test_plans_are_read_with_names_that_are_no_texts(tmp_path: Path) -> None:
    folder = tmp_path / "predictions_huggingface" / "m"
    folder.mkdir(parents=True)
    line = {
        "id": "1",
        "user_request": "?",
        "task_nodes": [{"task": "a"}],
        "task_links": [{"source": "a", "target": ["b"]}],
    }
    (folder / "direct.json").write_text(json.dumps(line) + "\n")
    (plan,) = load_plans(tmp_path)
    assert plan == ModelPlan("m/1", "?", ("a",), (("a", '["b"]'),))
    (folder / "direct.json").write_text("{}\n")
    with pytest.raises(InputError, match=r"direct.json', line 1, is not a plan"):
        list(load_plans(tmp_path))
    with pytest.raises(InputError, match="there are no predictions"):
        list(load_plans(tmp_path / "empty"))


def test_figures_of_plans_are_of_the_records() -> None:
    record = {"item": "m/1", "nodes": 2, "links": 2, "unknown": 1, "illegal": [0], "self": []}
    metrics = gnn_plans.score(
        [{**record, "types": {"unknown": 0, "illegal": []}, "graph": {"unknown": 1, "illegal": [0, 1]}}]
    )
    assert metrics["unknown_tool_plans"].value == 0
    assert metrics["unknown_tool_plans_counted"].value == 1
    assert metrics["illegal_links_missed_by_types"].value == 1
    assert metrics["legal_links_refused_by_graph"].value == 1


# ------------------------------------------------------------------------------------- bfcl-check

WEATHER: dict[str, Any] = {
    "name": "weather.now",
    "description": "Weather.",
    "parameters": {
        "type": "dict",
        "required": ["city"],
        "properties": {
            "city": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": None},
            "days": {"type": "integer", "default": 1},
            "spot": {"type": "dict", "properties": {"x": {"type": "float"}}, "required": ["x"]},
        },
    },
}


def item(**values: list[Any]) -> Item:
    return Item(
        id="x", category="live_simple", text="How is it?", functions=(WEATHER,), calls=(("weather.now", values),)
    )


@pytest.mark.parametrize(
    ("values", "passes", "first", "contradicts"),
    [
        pytest.param({"city": ["Oslo"]}, True, True, False, id="plain"),
        pytest.param({"city": ["Oslo"], "unit": [None]}, True, True, False, id="null default"),
        pytest.param(
            {"city": ["Oslo"], "unit": ["C", "celsius"]}, True, False, False, id="variant of an allowed value"
        ),
        pytest.param({"city": ["Oslo"], "unit": ["C", ""]}, True, False, False, id="may be left out"),
        pytest.param({"city": [""]}, True, True, False, id="empty text of a required argument"),
        pytest.param({"city": ["Oslo"], "unit": ["kelvin"]}, False, False, True, id="none of the values"),
        pytest.param({"city": ["Oslo"], "days": ["2"]}, False, False, True, id="another type"),
        pytest.param({"city": ["Oslo"], "spot": [{"x": [1.5]}]}, True, True, False, id="object"),
        pytest.param({"city": ["Oslo"], "spot": [{"x": [1], "y": [2]}]}, False, False, True, id="unknown member"),
        pytest.param({"city": ["Oslo"], "hour": [2]}, False, False, True, id="unknown argument"),
        pytest.param({"unit": ["celsius"]}, False, False, True, id="required and not accepted"),
    ],
)
def test_gold_calls_pass_as_the_suite_means_them(
    values: dict[str, list[Any]], passes: bool, first: bool, contradicts: bool
) -> None:
    draft, first_listed = bfcl.fitting(item(**values))
    assert draft.report().is_valid == passes, draft.report().errors
    assert first_listed.is_valid == first
    assert bool(list(contradictions(item(**values)))) == contradicts


def test_passwords_come_from_the_goal() -> None:
    login = {
        "name": "login",
        "description": "",
        "parameters": {"type": "dict", "properties": {"password": {"type": "string"}}},
    }
    one = Item(
        id="x", category="live_simple", text="?", functions=(login,), calls=(("login", {"password": ["secret"]}),)
    )
    draft, _ = bfcl.fitting(one)
    assert draft.steps[0]["tool_intent"]["required_inputs"] == {"password": {"input": "s1_password"}}
    assert draft.report().is_valid


def test_accepted_values_inside_objects_and_lists_are_written_out() -> None:
    assert accepted([{"a": [1, 2], "b": [""]}], required=True) == [{"a": 1}, {"a": 2}]
    assert accepted([[{"a": [1, 2]}, {"a": [3]}]], required=True) == [[{"a": 1}, {"a": 3}], [{"a": 2}, {"a": 3}]]
    assert accepted(["", "x"], required=False) == ["x"]


def test_the_suite_s_types_become_json_schema() -> None:
    assert schema_of({"type": "tuple", "items": {"type": "float"}}) == {"type": "array", "items": {"type": "number"}}
    assert schema_of({"type": "array", "enum": ["a", "b"]}) == {"type": "array", "items": {"enum": ["a", "b"]}}
    assert schema_of({"type": "HashMap"}, in_code=True) == {"type": ["object", "string"]}
    assert schema_of({"type": "any"}) == {}


@pytest.mark.parametrize(
    ("text", "schema", "found"),
    [
        ("Count to 7", {"type": "integer"}, True),
        ("Count to seven", {"type": "number"}, True),
        ("Count", {"type": "integer"}, False),
        ("In Celsius", {"type": "string", "enum": ["celsius", "kelvin"]}, True),
        ("Warm", {"type": "string", "enum": ["celsius"]}, False),
        ("Warm", {"type": "array", "items": {"type": "number"}}, False),
        ("Warm", {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, True),
    ],
)
def test_what_a_goal_s_words_can_give(text: str, schema: dict[str, Any], found: bool) -> None:
    assert (taken_from(text, schema) is not None) == found


def test_calls_written_in_python_are_read() -> None:
    functions = [{"name": "mv", "parameters": {"properties": {"source": {}, "destination": {}}}}]
    assert read_call("mv('a', destination='b')", functions) == ("mv", {"source": "a", "destination": "b"})


def test_items_are_read_from_the_wheel(tmp_path: Path) -> None:
    row = {"id": "s_0", "question": [[{"role": "user", "content": "How is it?"}]], "function": [WEATHER]}
    with ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.writestr("bfcl_eval/data/BFCL_v4_live_simple.json", json.dumps(row) + "\n")
        gold = {"id": "s_0", "ground_truth": [{"weather.now": {"city": ["Oslo"]}}]}
        archive.writestr("bfcl_eval/data/possible_answer/BFCL_v4_live_simple.json", json.dumps(gold))
    with ZipFile(tmp_path / "w.zip") as archive:
        (found,) = load_items(archive, "live_simple")
        assert found.calls == (("weather.now", {"city": ["Oslo"]}),)
        with pytest.raises(InputError, match="not the bfcl-eval wheel"):
            list(load_items(archive, "multiple"))
