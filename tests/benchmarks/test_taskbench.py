"""TaskBench's format, its official figures, and its tools as a catalogue of ours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import JsonValue

from benchmarks.one_shot import one_shot, schema_of
from benchmarks.taskbench import Library, domains_of, graph_of, score
from benchmarks.taskbench_data import (
    BenchNode,
    BenchTool,
    Domain,
    Sample,
    catalogue_for,
    inputs_of,
    load_samples,
    load_tools,
    resource,
    word_of,
)
from benchmarks.taskbench_metric import counted, f1, links_of, rebuilt
from dagwright.exceptions import InputError, ModelAnswerError
from dagwright.goal import Goal
from dagwright.llm.model import ModelReply, ModelRequest
from dagwright.proposal import Proposal
from validation.types import assignable

MEDIA_TOOLS = (
    BenchTool.model_validate(
        {"id": "Image-to-Text", "desc": "Reads.", "input-type": ["image"], "output-type": ["text"]}
    ),
    BenchTool.model_validate(
        {"id": "Text Translator", "desc": "Translates.", "input-type": ["text"], "output-type": ["text"]}
    ),
    BenchTool.model_validate(
        {"id": "Video Sync", "desc": "Syncs.", "input-type": ["video", "audio"], "output-type": ["video"]}
    ),
    BenchTool.model_validate(
        {"id": "Image Search (by Image)", "desc": "Finds.", "input-type": ["image"], "output-type": ["Image"]}
    ),
)
DAILY_TOOLS = (
    BenchTool.model_validate(
        {
            "id": "book_hotel",
            "desc": "Books.",
            "parameters": [{"name": "date", "desc": "When"}, {"name": "name", "desc": "Which"}],
        }
    ),
    BenchTool.model_validate(
        {
            "id": "send_sms",
            "desc": "Sends.",
            "parameters": [{"name": "phone_number", "desc": "To"}, {"name": "content", "desc": "What"}],
        }
    ),
)


def library(domain: Domain, tools: tuple[BenchTool, ...]) -> Library:
    return Library(domain=domain, tools=tools, catalogue=catalogue_for(domain, tools))


@dataclass
class Scripted:
    """A model that answers what it was told to; keeps the requests."""

    value: JsonValue
    requests: list[ModelRequest] = field(default_factory=list)
    name: str = "scripted"
    accepts_grammar: bool = True

    def complete(self, request: ModelRequest) -> ModelReply:
        self.requests.append(request)
        if self.value is None:
            raise ModelAnswerError("cut off")
        return ModelReply(text=json.dumps(self.value), value=self.value, model=self.name)


@pytest.mark.parametrize(
    ("nodes", "links"),
    [
        pytest.param([("a", ["x.jpg"]), ("b", ["<node-0>"])], [("a", "b")], id="chain"),
        pytest.param([("a", []), ("b", []), ("c", ["<node-0>", "<node-1>"])], [("a", "c"), ("b", "c")], id="join"),
        pytest.param([("a", ["<node-0>"])], [], id="itself"),
        pytest.param([("a", []), ("b", ["<node-7>"])], [], id="nothing"),
        pytest.param([("a", []), ("b", [{"name": "text", "value": "no"}])], [], id="first member only"),
        pytest.param([("a", []), ("b", [{"value": "<node-0>"}])], [("a", "b")], id="named"),
        pytest.param(
            [("a_b", []), ("b", ["<output of a_b>", "<node-0>"])], [("a b", "b")], id="other notations do not count"
        ),
    ],
)
def test_links_are_rebuilt_from_arguments(nodes: list[tuple[str, list[str]]], links: list[tuple[str, str]]) -> None:
    assert rebuilt([BenchNode(task=task, arguments=arguments) for task, arguments in nodes]) == links


def test_links_of_the_temporal_domain_are_those_stated() -> None:
    data = {
        "id": "1",
        "type": "chain",
        "instruction": "?",
        "task_nodes": [{"task": "a", "arguments": []}, {"task": "b", "arguments": ["<node-0>"]}],
        "task_links": [{"source": "b", "target": "a"}],
    }
    assert links_of(Sample.model_validate({**data, "domain": "dailylifeapis"})) == [("b", "a")]
    assert links_of(Sample.model_validate({**data, "domain": "multimedia"})) == [("a", "b")]


@pytest.mark.parametrize(
    ("gold", "predicted", "expected"),
    [
        (["a", "b"], ["a", "b"], 1.0),
        (["a", "b"], ["b", "a", "a"], 1.0),
        (["a", "b"], ["a"], 2 / 3),
        (["a"], ["a", "b", "c"], 0.5),
        (["a"], ["b"], 0.0),
        (["a"], [], 0.0),
        ([], [], 0.0),
    ],
)
def test_f1_is_over_sets(gold: list[str], predicted: list[str], expected: float) -> None:
    assert f1([counted(gold, predicted)]) == pytest.approx(expected)


def test_f1_sums_over_samples_before_it_divides() -> None:
    assert f1([(1, 0, 0), (0, 1, 9)]) == pytest.approx(2 / 12)


def record(
    domain: str, gold: Sequence[str], found: Sequence[str], one: Sequence[str], *, outside: Sequence[str] = ()
) -> dict[str, JsonValue]:
    def plan(nodes: Sequence[str]) -> dict[str, JsonValue]:
        links: list[JsonValue] = [[a, b] for a, b in pairwise(nodes)]
        return {"nodes": list(nodes), "links": links, "tokens": 10, "seconds": 1.0}

    return {
        "domain": domain,
        "outside": list(outside),
        "gold": plan(gold),
        "two_stage": plan(found),
        "one_shot": plan(one),
    }


def test_score_is_the_mean_of_the_domains() -> None:
    records = [
        *[record("multimedia", ["a", "b"], ["a", "b"], ["a"]) for _ in range(9)],
        record("huggingface", ["a", "b"], ["c"], ["a", "b"]),
    ]
    found = {name: metric.value for name, metric in score(records).items()}
    assert found["node_f1"] == pytest.approx(0.5)
    assert found["edge_f1"] == pytest.approx(0.5)
    assert found["one_shot_node_f1"] == pytest.approx((2 / 3 + 1) / 2)
    assert found["node_f1_multimedia"] == 1.0
    assert found["node_f1_huggingface"] == 0.0


def test_gold_tools_outside_the_library_do_not_count_but_are_dirty() -> None:
    records = [
        record("multimedia", ["a", "x"], ["a"], ["a"], outside=["x"]),
        record("multimedia", ["a", "b"], ["a"], ["a"]),
    ]
    found = score(records)
    assert found["node_f1"].value == pytest.approx(2 * 2 / (2 * 2 + 1))
    assert found["node_f1_clean"].value == pytest.approx(2 / 3)
    assert (found["node_f1"].n, found["node_f1_clean"].n) == (2, 1)


def test_underscores_are_spaces_for_the_evaluator() -> None:
    assert score([record("multimedia", ["a b"], ["a_b"], ["a b"])])["node_f1"].value == 1.0


def test_tools_become_typed_operations() -> None:
    catalogue = catalogue_for("multimedia", MEDIA_TOOLS)
    sync = catalogue.by_name["multimedia.Video_Sync"]
    assert sync.input_schema["required"] == ["video"]
    assert sync.input_schema["properties"] == {"video": resource("video"), "audio": resource("audio")}
    assert catalogue.by_name["multimedia.Image_Search_by_Image"].output_schema["properties"] == {
        "image": resource("image")
    }
    daily = catalogue_for("dailylifeapis", DAILY_TOOLS).by_name["dailylifeapis.book_hotel"]
    assert daily.input_schema["required"] == ["date", "name"]


@pytest.mark.parametrize("producer", ["image", "audio", "video", "url", "text"])
@pytest.mark.parametrize("consumer", ["image", "audio", "video", "url", "text"])
def test_resources_fit_their_own_kind_alone(producer: str, consumer: str) -> None:
    assert assignable(resource(producer), resource(consumer)).answer == ("yes" if producer == consumer else "no")


def test_names_of_operations_tell_tools_apart() -> None:
    assert [word_of(tool.id) for tool in MEDIA_TOOLS] == [
        "Image-to-Text",
        "Text_Translator",
        "Video_Sync",
        "Image_Search_by_Image",
    ]


def test_files_of_a_request_become_inputs() -> None:
    request = "Sync 'a.mp4' with b-2.wav, see https://example.com/x.jpg. The script is script.txt, not e.g. this."
    found = inputs_of(request)
    assert {name: given.description for name, given in found.items()} == {
        "example_com_x_jpg": "https://example.com/x.jpg",
        "a_mp4": "a.mp4",
        "b_2_wav": "b-2.wav",
        "script_txt": "script.txt",
    }
    assert [given.schema_ for given in found.values()] == [resource(kind) for kind in ("url", "video", "audio", "text")]


def step(step_id: str, operation: str, inputs: dict[str, object]) -> dict[str, object]:
    tool, _, name = operation.partition(".")
    intent = {"tool_name": tool, "operation": name, "required_inputs": inputs}
    return {"step_id": step_id, "action": "?", "tool_intent": intent}


def proposal(*steps: dict[str, object]) -> Proposal:
    return Proposal.model_validate(
        {
            "goal": Goal(goal_id="g", text="?").model_dump(mode="json"),
            "plan": {"dag_id": "g", "nodes": [{"task_id": "t", "description": "?"}]},
            "decompositions": [{"task_id": "t", "steps": list(steps)}],
        }
    )


def test_proposal_becomes_nodes_and_links() -> None:
    written = proposal(
        step("s1", "multimedia.Image-to-Text", {"image": {"input": "a_jpg"}}),
        step("s2", "multimedia.Text_Translator", {"text": {"from": "s1", "path": "/text"}}),
        step("s3", "multimedia.Text_Translator", {"text": {"literal": "Hello"}}),
    )
    assert graph_of(written, library("multimedia", MEDIA_TOOLS)) == (
        ["Image-to-Text", "Text Translator", "Text Translator"],
        [("Image-to-Text", "Text Translator")],
    )


def test_steps_of_the_temporal_domain_follow_one_another() -> None:
    written = proposal(
        step("s1", "dailylifeapis.book_hotel", {"date": {"literal": "May 1"}, "name": {"literal": "Ritz"}}),
        step("s2", "dailylifeapis.send_sms", {"phone_number": {"literal": "1"}, "content": {"literal": "Done"}}),
    )
    assert graph_of(written, library("dailylifeapis", DAILY_TOOLS))[1] == [("book_hotel", "send_sms")]


def test_one_shot_plan_is_one_constrained_call() -> None:
    nodes = [{"task": "Image-to-Text", "arguments": ["a.jpg"]}, {"task": "Text Translator", "arguments": ["<node-0>"]}]
    model = Scripted({"task_nodes": nodes})
    names, links = one_shot(model, "multimedia", MEDIA_TOOLS, "Translate the text in a.jpg")
    assert names == ["Image-to-Text", "Text Translator"]
    assert links == [("Image-to-Text", "Text Translator")]
    (request,) = model.requests
    assert request.json_schema == schema_of("multimedia", MEDIA_TOOLS)
    assert "Image Search (by Image)" in request.messages[0].content


def test_one_shot_plan_states_its_links_where_they_are_an_order() -> None:
    value: JsonValue = {
        "task_nodes": [{"task": "book_hotel", "arguments": []}, {"task": "send_sms", "arguments": []}],
        "task_links": [{"source": "book_hotel", "target": "send_sms"}],
    }
    assert one_shot(Scripted(value), "dailylifeapis", DAILY_TOOLS, "?")[1] == [("book_hotel", "send_sms")]


def test_useless_answer_is_no_plan() -> None:
    assert one_shot(Scripted(None), "multimedia", MEDIA_TOOLS, "?") == ([], [])


def test_files_are_loaded_domain_by_domain(tmp_path: Path) -> None:
    sample = {"id": "1", "type": "single", "instruction": "?", "task_nodes": [], "task_links": [], "more": True}
    samples = [{**sample, "domain": domain} for domain in ("dailylifeapis", "huggingface", "dailylifeapis")]
    (tmp_path / "gold_sample.json").write_text(json.dumps(samples), encoding="utf-8")
    assert [one.domain for one in load_samples(tmp_path)] == ["huggingface", "dailylifeapis", "dailylifeapis"]
    (tmp_path / "multimedia").mkdir()
    tools = {"nodes": [tool.model_dump(by_alias=True) for tool in MEDIA_TOOLS]}
    (tmp_path / "multimedia" / "tool_desc.json").write_text(json.dumps(tools), encoding="utf-8")
    assert load_tools(tmp_path, "multimedia") == MEDIA_TOOLS


def test_broken_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gold_sample\.json.* cannot be read"):
        load_samples(tmp_path)
    (tmp_path / "gold_sample.json").write_text('[{"id": 3}]', encoding="utf-8")
    with pytest.raises(InputError, match="not a list of TaskBench samples"):
        load_samples(tmp_path)
    (tmp_path / "multimedia").mkdir()
    (tmp_path / "multimedia" / "tool_desc.json").write_text('{"nodes": [{"id": "x"}]}', encoding="utf-8")
    with pytest.raises(InputError, match=r"multimedia/tool_desc\.json does not describe tools"):
        load_tools(tmp_path, "multimedia")


def test_unknown_domain_is_refused() -> None:
    assert domains_of(["multimedia"]) == ["multimedia"]
    with pytest.raises(InputError, match=r"no domain 'music'.*huggingface"):
        domains_of(["music"])
