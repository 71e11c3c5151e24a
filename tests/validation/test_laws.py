"""Laws: random valid plans pass, whatever the order in which they are written; nothing crashes the validator."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import validation
from dagwright.exceptions import ProposalRejected
from dagwright.finding import Report
from dagwright.program import SEAL, Program, Seal
from validation import parse_proposal
from validation.order import TaskOrder
from validation.patch import patched
from validation.text import MAX_DEPTH

Json = dict[str, Any]
Judge = Callable[..., Report]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@st.composite
def plans(draw: st.DrawFn) -> tuple[int, list[list[int]]]:
    """How many tasks there are, and which earlier ones each reads from."""
    count = draw(st.integers(1, 14))
    return count, [sorted(draw(st.sets(st.integers(0, i - 1), max_size=3))) if i else [] for i in range(count)]


def proposal_of(good: Json, reads: list[list[int]]) -> Json:
    """A plan in which each task shortens texts, the last task's and every unread one's in the answer."""
    nodes: list[Json] = []
    groups: list[Json] = []
    for number, sources in enumerate(reads):
        nodes.append({"task_id": f"t{number}", "description": "x", "dependencies": [f"t{i}" for i in sources]})
        texts: list[Json] = [{"from": f"s{source}", "path": "/text"} for source in sources] or [{"literal": "a text"}]
        steps = [
            {
                "step_id": f"s{number}" if position == len(texts) - 1 else f"s{number}_{position}",
                "action": "shorten",
                "tool_intent": {"tool_name": "words", "operation": "shorten", "required_inputs": {"text": text}},
            }
            for position, text in enumerate(texts)
        ]
        groups.append({"task_id": f"t{number}", "steps": steps})
    answer = {item["step_id"]: {"from": item["step_id"], "path": "/text"} for g in groups for item in g["steps"]}
    return {"goal": good["goal"], "plan": {"dag_id": "d", "nodes": nodes}, "decompositions": groups, "answer": answer}


@given(plans(), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_random_plans_are_valid_in_any_order(
    judge: Judge, template: Json, plan: tuple[int, list[list[int]]], random: random.Random
) -> None:
    proposal = proposal_of(template, plan[1])
    assert judge(proposal).findings == ()
    random.shuffle(proposal["plan"]["nodes"])
    random.shuffle(proposal["decompositions"])
    assert judge(proposal).findings == ()


@given(plans())
@settings(max_examples=50, deadline=None)
def test_steps_of_a_program_come_directly_after_what_nothing_else_implies(
    prove: Callable[..., Program], template: Json, plan: tuple[int, list[list[int]]]
) -> None:
    import networkx as nx

    program = prove(proposal_of(template, plan[1]))
    order: nx.DiGraph[str] = nx.DiGraph()
    order.add_nodes_from(item.step.step_id for item in program.steps)
    for group in program.proposal.decompositions:
        ids = [step.step_id for step in group.steps]
        order.add_edges_from(itertools.pairwise(ids))
        task = next(task for task in program.proposal.plan.nodes if task.task_id == group.task_id)
        for dependency in task.dependencies:
            last = next(g.steps[-1].step_id for g in program.proposal.decompositions if g.task_id == dependency)
            order.add_edge(last, ids[0])
    compiled = {(before, item.step.step_id) for item in program.steps for before in item.after}
    assert compiled == set(nx.transitive_reduction(order).edges)
    places = {item.step.step_id: place for place, item in enumerate(program.steps)}
    assert all(places[before] < places[after] for before, after in compiled)


BLOCKS: dict[str, Json] = {
    "once": {},
    "when": {"when": [{"value": {"input": "address"}, "op": "min_length", "to": 1}]},
    "optional": {"optional": True},
    "repeat": {"repeat": {"until": [{"value": {"input": "address"}, "op": "exists"}], "at_most": 3, "wait": 1}},
    "each": {"each": {"items": {"literal": ["a", "b"]}, "at_most": 2}},
    "each, perhaps": {"each": {"items": {"literal": ["a", "b"]}, "at_most": 2}, "optional": True},
}


def surrounded(proposal: Json, modes: list[str]) -> Json:
    """The same plan with something around its tasks, and references that make do with it."""
    groups = proposal["decompositions"]
    of = {item["step_id"]: mode for group, mode in zip(groups, modes, strict=False) for item in group["steps"]}
    for number, (group, mode) in enumerate(zip(groups, modes, strict=False)):
        for item in group["steps"]:
            text = item["tool_intent"]["required_inputs"]["text"]
            item["tool_intent"]["required_inputs"]["text"] = _made_do(text, of)
        if mode != "once":
            group["control"] = deepcopy(BLOCKS[mode])
        if mode.startswith("each"):
            group["control"]["each"]["name"] = f"item{number}"
    proposal["answer"] = {name: _made_do(value, of, answer=True) for name, value in proposal["answer"].items()}
    return proposal


def _made_do(value: Json, of: dict[str, str], *, answer: bool = False) -> Json:
    mode = of.get(value.get("from", ""), "once")
    if mode in ("when", "optional"):
        return {"coalesce": [value, {"literal": "nothing"}]}
    if mode.startswith("each"):
        return {**value, "path": "/items/*/text" if answer else "/items/0/text"}
    return value


MODES = st.lists(st.sampled_from(sorted(BLOCKS)), min_size=14, max_size=14)


@given(plans(), MODES, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_random_plans_with_blocks_are_valid_in_any_order(
    judge: Judge,
    prove: Callable[..., Program],
    template: Json,
    plan: tuple[int, list[list[int]]],
    modes: list[str],
    random: random.Random,
) -> None:
    proposal = surrounded(proposal_of(template, plan[1]), modes)
    report = judge(proposal)
    assert {finding.code for finding in report.findings} <= {"D308"}
    turned = deepcopy(proposal)
    random.shuffle(turned["plan"]["nodes"])
    random.shuffle(turned["decompositions"])
    assert sorted(told(report)) == sorted(told(judge(turned)))
    program, same = prove(proposal), prove(json.dumps(proposal))
    assert program.hash == same.hash
    assert program.bounds == prove(turned).bounds
    assert {step.step_id for _, step in program.proposal.steps()} == {
        item.step.step_id for item in program.steps if item.spec.binding.kind != "control"
    }


def told(report: Report) -> list[tuple[str, str | None, str]]:
    return [(finding.code, finding.step_id, finding.message) for finding in report.findings]


@given(plans(), MODES, st.data())
@settings(max_examples=100, deadline=None)
def test_a_fix_in_a_plan_with_blocks_removes_its_finding_and_adds_none(
    judge: Judge, template: Json, plan: tuple[int, list[list[int]]], modes: list[str], data: st.DataObject
) -> None:
    proposal = surrounded(proposal_of(template, plan[1]), modes)
    text = json.dumps(proposal)
    places = [match.span() for match in re.finditer(DAMAGES, text)]
    for begin, end in data.draw(st.lists(st.sampled_from(places), max_size=2, unique=True)) if places else ():
        text = text[:begin] + DAMAGE[text[begin:end]].ljust(end - begin) + text[end:]
    before = judge(text)
    for finding in before.findings:
        if finding.fix and finding.severity == "error":
            after = judge(patched(json.loads(text), finding.fix))
            assert (finding.code, finding.step_id, finding.message) not in told(after)
            new = set(told(after)) - set(told(before))
            assert {code for code, _, _ in new} <= {"D308"}, new


DAMAGE = {
    '"/items/0/text"': '"/text"',
    '"/items/*/text"': '"/text"',
    ', {"literal": "nothing"}': "",
    ', "at_most": 2': "",
    ', "at_most": 3': "",
}
DAMAGES = "|".join(map(re.escape, DAMAGE))
"""What a model forgets about blocks."""


@given(st.lists(st.sets(st.integers(0, 9), max_size=3), min_size=10, max_size=10))
@settings(max_examples=150, deadline=None)
def test_the_order_of_tasks_agrees_with_a_graph_library(needed: list[set[int]]) -> None:
    import networkx as nx

    dependencies = [sorted(found - {task}) for task, found in enumerate(needed)]
    order = TaskOrder(dependencies)
    graph: nx.DiGraph[int] = nx.DiGraph((source, task) for task, found in enumerate(dependencies) for source in found)
    graph.add_nodes_from(range(10))
    knots = [knot for knot in nx.strongly_connected_components(graph) if len(knot) > 1]
    circles = order.circles()
    assert len(circles) == len(knots)
    for circle in circles:
        assert any(set(circle) <= knot for knot in knots)
        assert all(
            dependency in dependencies[task] for task, dependency in zip(circle, [*circle[1:], circle[0]], strict=True)
        )
    if not knots:
        reach = {task: nx.ancestors(graph, task) for task in graph}
        assert all(order.precedes(a, b) == (a in reach[b]) for a in range(10) for b in range(10))
        reduced = nx.transitive_reduction(graph)
        assert all(set(order.direct(task)) == set(reduced.predecessors(task)) for task in range(10))


@given(JSON)
@settings(max_examples=150, deadline=None)
def test_no_json_crashes_the_validator(judge: Judge, data: Any) -> None:
    assert not judge(data).is_valid


@given(st.data())
@settings(max_examples=250, deadline=None)
def test_no_damage_to_a_proposal_crashes_the_validator(judge: Judge, template: Json, data: st.DataObject) -> None:
    proposal = deepcopy(template)
    container: Any = proposal
    for _ in range(data.draw(st.integers(0, 9))):
        key = data.draw(st.sampled_from(list(container) if isinstance(container, dict) else range(len(container))))
        if not isinstance(container[key], dict | list) or not container[key]:
            break
        container = container[key]
    key = data.draw(st.sampled_from(list(container) if isinstance(container, dict) else range(len(container))))
    container[key] = data.draw(JSON)
    report = judge(proposal)
    assert isinstance(report, Report)
    assert judge(json.loads(report.model_dump_json())) is not None


@given(st.binary(max_size=80) | st.text(max_size=80))
@settings(max_examples=150, deadline=None)
def test_no_text_crashes_the_reader(judge: Judge, text: str | bytes) -> None:
    assert not judge(text).is_valid


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"goal": 1, "goal": 2}', "S103"),
        ("[" * 100_000, "S108"),
        ('{"plan": ' + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1) + "}", "S108"),
        ("{'plan': 1}", "S101"),
        (b"\xff\xfe{}", "S101"),
        ("1" * 5_000, "S101"),
        ("NaN", "S110"),
        ("", "S101"),
    ],
)
def test_texts_that_are_no_proposals(judge: Judge, text: str | bytes, code: str) -> None:
    assert code in {finding.code for finding in judge(text).errors}


def test_a_text_that_is_too_long_is_not_read() -> None:
    read = parse_proposal(b" " * 11, max_bytes=10)
    assert read.data is None
    assert [finding.code for finding in read.findings] == ["S108"]


def test_what_is_no_json_at_all_gets_an_error(judge: Judge, good: Json) -> None:
    good["goal"]["inputs"]["data"]["value"] = {1, 2}
    assert "S101" in {finding.code for finding in judge(good).errors}
    circular: list[Any] = []
    circular.append(circular)
    assert "S108" in {finding.code for finding in judge({"plan": circular}).errors}


def test_the_hash_of_a_program_depends_on_what_is_said_alone(prove: Callable[..., Program], good: Json) -> None:
    program = prove(good)
    again = prove(json.dumps(good, sort_keys=True))
    assert again.hash == program.hash
    assert again.certificate == program.certificate
    good["goal"]["text"] += "!"
    assert prove(good).hash != program.hash


def test_a_rejected_proposal_makes_no_program(prove: Callable[..., Program], good: Json) -> None:
    good["plan"]["nodes"][0]["dependencies"] = ["store"]
    with pytest.raises(ProposalRejected, match="D301") as caught:
        prove(good)
    assert not caught.value.report.is_valid


def test_a_program_says_what_was_found_out(prove: Callable[..., Program], good: Json) -> None:
    good["decompositions"][4]["steps"][0]["tool_intent"]["required_inputs"]["body"]["path"] = "/body"
    program = prove(good)
    by_id = program.by_id
    assert by_id["sorted"].after == ("mean",)
    assert by_id["light"].after == ("load",)
    assert by_id["fetch"].after == ()
    table: Any = by_id["sorted"].output_schema["properties"]
    assert list(table["table"]["items"]["properties"]) == ["species", "mean_mass"]
    assert by_id["send"].runtime_checks == ("body",)
    assert by_id["send"].needs_approval
    assert not by_id["write"].needs_approval
    assert by_id["write"].output_label.integrity == "untrusted"
    assert {tool.name for tool in program.catalogue.tools} == {item.spec.name for item in program.steps}


def test_bounds_follow_the_critical_path(prove: Callable[..., Program], good: Json) -> None:
    bounds = prove(good).bounds
    # read, three steps of groups, then the file: three attempts of 2 s with delays of 1 s and 2 s.
    assert bounds.makespan is not None
    assert (bounds.makespan.low, bounds.makespan.high) == (5, 4 * 2 + 3 * 2 + 1 + 2)
    assert bounds.cost is not None
    assert (bounds.cost.low, bounds.cost.high) == pytest.approx((0.51, 0.52))
    assert (bounds.calls.low, bounds.calls.high) == (7, 9)


def test_unknown_cost_and_time_stay_unknown(prove: Callable[..., Program], good: Json) -> None:
    ask = {"tool_name": "person", "operation": "ask", "required_inputs": {"question": {"literal": "?"}}}
    good["decompositions"][2]["steps"].append({"step_id": "ask", "action": "ask", "tool_intent": ask})
    bounds = prove(good).bounds
    assert bounds.cost is None
    assert bounds.makespan is None


def test_only_the_certifier_holds_the_seal() -> None:
    root = Path(validation.__file__).parent.parent
    rooms = ("dagwright", "knowledge", "validation", "planner", "decomposer", "executor", "orchestrator", "benchmarks")
    holders = {
        str(path.relative_to(root))
        for room in rooms
        for path in (root / room).rglob("*.py")
        if re.search(r"\bSEAL\b", path.read_text(encoding="utf-8"))
    }
    assert holders == {"dagwright/program.py", "validation/certification.py"}


def test_a_program_without_the_seal_cannot_be_made(prove: Callable[..., Program], good: Json) -> None:
    program = prove(good)
    fields = {name: getattr(program, name) for name in Program.__dataclass_fields__}
    assert Program(**{**fields, "seal": SEAL}) == program
    with pytest.raises(TypeError, match="certify"):
        Program(**{**fields, "seal": Seal()})
