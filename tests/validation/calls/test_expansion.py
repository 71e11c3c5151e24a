"""Expansion: what a plan with calls is written out to means the same, is proven the same, and has names of its own."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from reading import Json, answer_of, cases, catalogue, constants, inputs, passed, plan, plans, step

from dagwright.catalogue import Catalogue
from dagwright.policy import Policy
from dagwright.proposal import Proposal
from dagwright.value import StepReference, part
from executor.worker.resolve import resolve
from validation import certify, repair, validate
from validation.expansion import MAX_NESTING, Expansion, expand
from validation.substitution import at
from validation.types.schema import pointer_of

POLICY = Policy.model_validate({"name": "p", "defaults": {"read": "allow", "write": "allow"}})
WORKERS = frozenset(("python",))
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def judged(proposal: object, tools: Catalogue) -> Any:
    return validate(proposal, catalogue=tools, policy=POLICY, workers=WORKERS)


def written_out(proposal: Json, tools: Catalogue) -> Expansion:
    return expand(Proposal.model_validate(proposal), tools)


def flat(proposal: Proposal) -> Json:
    """Gives a proposal without the note of where its steps come from."""
    data = proposal.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for group in data["decompositions"]:
        for one in group["steps"]:
            one.pop("called_by", None)
    return data


INNER = plan(
    {
        "a": ([], [step("first", given=inputs())]),
        "b": (["a"], [step("left", given=passed({"from": "first"}))]),
        "c": (["a"], [step("right", given=passed({"from": "first"}))]),
    },
    {
        "n": {"from": "left", "path": "/n"},
        "rows": {"list": [{"from": "left", "path": "/row"}, {"from": "right", "path": "/row"}]},
        "row": {"object": {"a": {"input": "n"}, "rows": {"from": "right", "path": "/rows"}}},
    },
)
BLOCKS = plan(
    {
        "a": ([], [step("first", given=inputs())]),
        "b": (
            ["a"],
            [step("per", given={**constants(), "n": {"from": "it", "path": "/item/a"}})],
            {"each": {"name": "it", "items": {"input": "rows"}, "at_most": 9}},
        ),
    },
    {
        "n": {"from": "first", "path": "/n"},
        "rows": {"from": "per", "path": "/items/*/row"},
        "row": {"from": "first", "path": "/row"},
    },
)


# ------------------------------------------------------------------------------ it means the same


@given(cases())
@UNHURRIED
def test_written_out_a_plan_gives_the_answer_that_it_gives_where_calls_run_by_themselves(
    case: tuple[Json, Catalogue],
) -> None:
    proposal, tools = case
    expansion = written_out(proposal, tools)
    assume(not expansion.findings)
    given = {name: value["literal"] for name, value in constants().items()}
    assert answer_of(expansion.proposal, tools, given) == answer_of(expansion.written, tools, given)


@given(cases())
@UNHURRIED
def test_written_out_once_a_plan_stays_as_it_is(case: tuple[Json, Catalogue]) -> None:
    expansion = written_out(*case)
    assume(not expansion.findings)
    again = expand(expansion.proposal, case[1])
    assert again.proposal is expansion.proposal
    assert not any(one.tool_intent.operation_name in case[1].programs for _, one in expansion.proposal.steps())


@given(cases())
@UNHURRIED
def test_certifying_a_plan_is_certifying_what_it_stands_for(case: tuple[Json, Catalogue]) -> None:
    proposal, tools = case
    expansion = written_out(proposal, tools)
    if not judged(proposal, tools).is_valid:
        assert expansion.findings or not judged(expansion.proposal, tools).is_valid
        return
    program = certify(proposal, catalogue=tools, policy=POLICY, workers=WORKERS)
    alone = Catalogue(name="work", tools=tuple(tool for tool in tools.tools if tool.name not in tools.programs))
    again = certify(program.proposal, catalogue=alone, policy=POLICY, workers=WORKERS)
    assert (again.hash, again.report, again.bounds) == (program.hash, program.report, program.bounds)


def test_written_out_a_plan_is_the_one_that_a_person_would_write() -> None:
    tools = catalogue(inner=INNER)
    calls = plan(
        {
            "before": ([], [step("s0")]),
            "call": (["before"], [step("c", "inner", passed({"from": "s0"}))]),
            "after": (["call"], [step("s1", "store", passed({"from": "c"}))]),
        },
        {"row": {"from": "c", "path": "/row"}, "whole": {"from": "c"}},
    )
    row = {"object": {"a": {"from": "s0", "path": "/n"}, "rows": {"from": "c_right", "path": "/rows"}}}
    rows = {"list": [{"from": "c_left", "path": "/row"}, {"from": "c_right", "path": "/row"}]}
    n = {"from": "c_left", "path": "/n"}
    by_hand = plan(
        {
            "before": ([], [step("s0")]),
            "c_a": (["before"], [step("c_first", given=passed({"from": "s0"}))]),
            "c_b": (["c_a"], [step("c_left", given=passed({"from": "c_first"}))]),
            "c_c": (["c_a"], [step("c_right", given=passed({"from": "c_first"}))]),
            "after": (["c_b", "c_c"], [step("s1", "store", {"n": n, "rows": rows, "row": row})]),
        },
        {"row": row, "whole": {"object": {"n": n, "rows": rows, "row": row}}},
    )
    for action, name in (("do first", "c_first"), ("do left", "c_left"), ("do right", "c_right")):
        for group in by_hand["decompositions"]:
            for one in group["steps"]:
                one["action"] = action if one["step_id"] == name else one["action"]
    for node, words in zip(by_hand["plan"]["nodes"], ["before", "a", "b", "c", "after"], strict=True):
        node["description"] = words
    found = written_out(calls, tools).proposal
    assert flat(found) == flat(Proposal.model_validate(by_hand))
    assert judged(found, tools) == judged(by_hand, tools)
    assert judged(by_hand, tools).is_valid


def test_beside_other_steps_and_in_blocks_steps_follow_each_other_where_the_call_stood() -> None:
    item = {**constants(), "n": {"from": "i", "path": "/item/a"}}
    calls = plan(
        {
            "t": (
                [],
                [step("s0"), step("c", "inner", passed({"from": "s0"})), step("s1", given=passed({"from": "c"}))],
            ),
            "u": (
                ["t"],
                [step("d", "inner", item)],
                {"each": {"name": "i", "items": {"from": "s1", "path": "/rows"}, "at_most": 9}},
            ),
        },
        {"all": {"from": "d", "path": "/items/*/n"}, "first": {"from": "d", "path": "/items/0/n"}},
    )
    tools = catalogue(inner=INNER)
    found = written_out(calls, tools).proposal
    names = [[one.step_id for one in group.steps] for group in found.decompositions]
    assert names == [["s0", "c_first", "c_left", "c_right", "s1"], ["d_first", "d_left", "d_right"]]
    assert found.plan == Proposal.model_validate(calls).plan
    assert flat(found)["answer"] == {
        "all": {"from": "d_left", "path": "/items/*/n"},
        "first": {"from": "d_left", "path": "/items/0/n"},
    }
    assert judged(calls, tools).is_valid


def test_blocks_of_a_sub_program_keep_what_surrounds_them() -> None:
    calls = plan({"t": ([], [step("c", "inner")])}, {"rows": {"from": "c", "path": "/rows/*/a"}})
    tools = catalogue(inner=BLOCKS)
    found = flat(written_out(calls, tools).proposal)
    each = found["decompositions"][1]["control"]["each"]
    assert each == {"name": "c_it", "items": constants()["rows"], "at_most": 9}
    assert found["answer"] == {"rows": {"from": "c_per", "path": "/items/*/row/a"}}
    assert judged(calls, tools).is_valid


def test_each_step_says_which_calls_it_was_written_out_for() -> None:
    outer = plan({"t": ([], [step("i", "inner", inputs())])}, {name: {"from": "i", "path": f"/{name}"} for name in "n"})
    calls = plan({"t": ([], [step("c", "outer"), step("s", given=constants())])}, {"n": {"from": "c", "path": "/n"}})
    found = written_out(calls, catalogue(inner=INNER, outer=outer)).proposal
    said = {one.step_id: [(call.step, call.operation) for call in one.called_by or ()] for _, one in found.steps()}
    inside = [("c", "work.outer"), ("i", "work.inner")]
    assert said == {"c_i_first": inside, "c_i_left": inside, "c_i_right": inside, "s": []}


# -------------------------------------------------------------------------------------------- names

NAMES = st.sampled_from(["a", "a_a", "a_a_a", "a_2", "a_a_2", "b" * 60, "b" * 64, f"a_{'b' * 60}", "b" * 63])


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True), st.lists(NAMES, min_size=1, max_size=4, unique=True))
@settings(deadline=None)
def test_names_never_clash_and_the_plans_own_stay(outer: list[str], inner: list[str]) -> None:
    body = plan(
        {name: (inner[:at_], [step(name, given=inputs())]) for at_, name in enumerate(inner)},
        {name: {"from": inner[-1], "path": f"/{name}"} for name in ("n", "rows", "row")},
    )
    calls = plan(
        {name: ([], [step(name, "body" if at_ % 2 == 0 else "mix")]) for at_, name in enumerate(outer)},
        {f"x{at_}": {"from": name, "path": "/n"} for at_, name in enumerate(outer)},
    )
    tools = catalogue(body=body)
    found = written_out(calls, tools).proposal
    steps = [one.step_id for _, one in found.steps()]
    tasks = [task.task_id for task in found.plan.nodes]
    assert max(Counter(steps).values()) == max(Counter(tasks).values()) == 1
    assert set(outer[1::2]) <= set(steps)
    assert Proposal.model_validate(found.model_dump(mode="json", by_alias=True)) == found
    assert judged(calls, tools).is_valid


# ------------------------------------------------------------------------- what is said of the call


def test_what_a_call_states_is_stated_of_the_steps_that_it_stands_for() -> None:
    inner = deepcopy(INNER)
    inner["decompositions"][1]["steps"][0]["tool_intent"]["operation"] = "store"
    stated = step(
        "c",
        "inner",
        validation_criteria=[{"path": "/row/rows", "op": "min_length", "value": 1}],
        expected_outputs={"n": {"type": "integer"}},
        preconditions=[{"fact": "ready"}],
        postconditions=[{"fact": "told"}, {"path": "/n", "op": "greater", "value": 0}],
        rollback_strategy="manual",
    )
    calls = plan({"t": ([], [stated])}, {"n": {"from": "c", "path": "/n"}})
    steps = {one.step_id: one for _, one in written_out(calls, catalogue(inner=inner)).proposal.steps()}
    said = {
        name: (
            [item.model_dump(exclude_defaults=True) for item in one.tool_intent.validation_criteria],
            one.tool_intent.expected_outputs,
            [item.model_dump(exclude_defaults=True) for item in one.preconditions],
            [item.model_dump(exclude_defaults=True) for item in one.postconditions],
            one.rollback_strategy,
        )
        for name, one in steps.items()
    }
    assert said == {
        "c_first": ([], {}, [{"fact": "ready"}], [], "none"),
        "c_left": (
            [{"path": "/n", "op": "greater", "value": 0}],
            {"n": {"type": "integer"}},
            [],
            [{"fact": "told"}],
            "manual",
        ),
        "c_right": ([{"path": "/rows", "op": "min_length", "value": 1}], {}, [], [{"fact": "told"}], "none"),
    }


# ------------------------------------------------------------------------------------- what cannot be


@dataclass(frozen=True)
class Case:
    id: str
    message: str
    inner: Json = field(default_factory=lambda: deepcopy(INNER))
    steps: list[Json] = field(default_factory=lambda: [step("c", "inner")])
    control: Json | None = None
    answer: Json = field(default_factory=lambda: {"n": {"from": "c", "path": "/n"}})
    code: str = "D315"
    path: str = "/decompositions/0/steps/0"


EACH = {"each": {"name": "i", "items": {"input": "rows"}, "at_most": 9}}
WHEN = {"when": [{"value": {"input": "n"}, "op": "greater", "to": 3}]}
COALESCED = {"n": {"coalesce": [{"from": "c", "path": "/n"}, {"literal": 0}]}}


def with_answer(**answer: Json) -> Json:
    return {**deepcopy(INNER), "answer": {**INNER["answer"], **answer}}


CASES = [
    Case("blocks beside other steps", "whose task 'b' is a block", BLOCKS, [step("c", "inner"), step("s")]),
    Case("blocks in a block", "whose task 'b' is a block", BLOCKS, control=WHEN, answer=COALESCED),
    Case(
        "all that passes gave",
        "only '/items/*/NAME'",
        control=EACH,
        answer={"all": {"from": "c", "path": "/items"}},
        path="/answer/all",
    ),
    Case(
        "what no step gave in each pass",
        "only '/items/*/NAME'",
        control=EACH,
        answer={"rows": {"from": "c", "path": "/items/*/rows"}},
        path="/answer/rows",
    ),
    Case(
        "a constant of what may be skipped",
        "would be there even where",
        with_answer(n={"literal": 1}),
        control=WHEN,
        answer=COALESCED,
        path="/answer/n",
    ),
    Case(
        "a part of a constant that it doesn't have",
        "a constant has nothing at '/rows/9/a'",
        with_answer(n={"input": "row", "path": "/rows/9/a"}),
    ),
    Case(
        "a criterion over a constant",
        "which no step of 'work.inner' outside a block gives",
        with_answer(n={"literal": 1}),
        [step("c", "inner", validation_criteria=[{"path": "/n", "op": "exists"}])],
    ),
    Case(
        "a criterion over a block",
        "which no step of 'work.inner' outside a block gives",
        BLOCKS,
        [step("c", "inner", validation_criteria=[{"path": "/rows", "op": "min_length", "value": 1}])],
    ),
    Case(
        "a step of somebody else",
        "refers to step 's', which isn't its own",
        with_answer(n={"from": "s", "path": "/n"}),
        [step("s"), step("c", "inner")],
        path="/decompositions/0/steps/1",
    ),
    Case(
        "a task of somebody else",
        "waits for a task of nobody",
        {**INNER, "plan": {"dag_id": "d", "nodes": [{"task_id": "a", "description": "a", "dependencies": ["t"]}]}},
    ),
    Case(
        "itself",
        "'work.inner' calls itself",
        plan({"t": ([], [step("i", "inner", inputs())])}, passed({"from": "i"})),
        code="S108",
    ),
    Case(
        "calls in a circle",
        "in a circle",
        plan(
            {
                "t": ([], [step("x", "leaf", passed({"from": "y"}))]),
                "u": ([], [step("y", "leaf", passed({"from": "x"}))]),
            },
            passed({"from": "x"}),
        ),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_cannot_be_written_out_is_said_where_it_stands(case: Case) -> None:
    tasks: Any = {"t": ([], case.steps, case.control) if case.control else ([], case.steps)}
    report = judged(plan(tasks, case.answer), catalogue(inner=case.inner, leaf=INNER))
    (found,) = [item for item in report.findings if item.severity == "error"]
    assert (found.code, found.path) == (case.code, case.path), report.findings
    assert case.message in found.message


def nested(depth: int, *, calls: int = 1) -> dict[str, Json]:
    found: dict[str, Json] = {"p0": INNER}
    for number in range(1, depth):
        steps = [step(f"c{at_}", f"p{number - 1}", inputs()) for at_ in range(calls)]
        found[f"p{number}"] = plan({"t": ([], steps)}, passed({"from": "c0"}))
    return found


@pytest.mark.parametrize(("depth", "codes"), [(MAX_NESTING, []), (MAX_NESTING + 1, ["S108"])])
def test_sub_programs_are_nested_so_deep_and_no_deeper(depth: int, codes: list[str]) -> None:
    calls = plan({"t": ([], [step("c", f"p{depth - 1}")])}, passed({"from": "c"}))
    assert [item.code for item in judged(calls, catalogue(**nested(depth))).errors] == codes


def test_it_does_not_matter_in_which_order_nesting_is_met() -> None:
    programs = nested(MAX_NESTING + 1)
    steps = [step(f"c{number}", f"p{number}") for number in range(MAX_NESTING + 1)]
    answer = {f"n{number}": {"from": f"c{number}", "path": "/n"} for number in range(MAX_NESTING + 1)}
    report = judged(plan({"t": ([], steps)}, answer), catalogue(**programs))
    assert [(item.code, item.step_id) for item in report.errors] == [("S108", f"c{MAX_NESTING}")]


def test_what_grows_beyond_all_bounds_is_refused_before_it_is_built() -> None:
    steps = plan({"t": ([], [step("c", "p7")])}, passed({"from": "c"}))
    (many,) = judged(steps, catalogue(**nested(8, calls=6))).errors
    assert (many.code, f"stands for {3 * 6**7} steps" in many.message) == ("S108", True)
    doubled = {**INNER, "answer": {**INNER["answer"], "rows": {"list": [{"input": "row"}, {"input": "row"}]}}}
    doubled["answer"]["row"] = {"object": {"a": {"input": "n"}, "rows": {"list": [{"input": "row"}] * 2}}}
    calls = [step("c0", "inner")]
    calls += [step(f"c{number}", "inner", passed({"from": f"c{number - 1}"})) for number in range(1, 40)]
    report = judged(plan({"t": ([], calls)}, {"n": {"from": "c39", "path": "/n"}}), catalogue(inner=doubled))
    assert "S108" in {item.code for item in report.errors}


@given(plans(["leaf"], is_inner=True), st.randoms(use_true_random=False))
@UNHURRIED
def test_whatever_a_sub_program_says_it_is_written_out_or_refused_in_words(inner: Json, random: Random) -> None:
    names = ["t0", "t1", "s0_0", "s1_0", "i1", "nobody"]
    for item in inner["plan"]["nodes"]:
        item["dependencies"] = [random.choice(names) if random.random() < 0.2 else it for it in item["dependencies"]]
    for group in inner["decompositions"]:
        group["task_id"] = random.choice(names) if random.random() < 0.1 else group["task_id"]
        group["steps"] = [one for one in group["steps"] if random.random() < 0.9]
        for one in group["steps"]:
            one["step_id"] = random.choice(names) if random.random() < 0.1 else one["step_id"]
            if random.random() < 0.2:
                one["tool_intent"]["required_inputs"]["n"] = {"from": random.choice(names), "path": "/n"}
    calls = plan({"t": ([], [step("c", "inner")]), "u": ([], [step("d", "inner"), step("e")])}, passed({"from": "c"}))
    tools = catalogue(inner=inner, leaf=INNER)
    expansion = written_out(calls, tools)
    report = judged(calls, tools)
    assert all(item.message and item.path.startswith(("/dec", "/plan", "/answer")) for item in report.errors)
    assert report.is_valid == (not expansion.findings and judged(expansion.proposal, tools).is_valid)


# ------------------------------------------------------------------------------- how it is reported


def test_a_call_with_wrong_arguments_is_found_as_any_operation_s_and_its_fixes_apply() -> None:
    wrong = {**constants(), "m": {"literal": 1}, "n": {"literal": "seven"}}
    calls = plan({"t": ([], [step("c", "inner", wrong)])}, {"n": {"from": "c", "path": "/m"}})
    tools = catalogue(inner=INNER)
    report = judged(calls, tools)
    assert {item.code for item in report.errors} == {"M204", "M205", "D306"}
    assert all(code.startswith("S") for code in report.checks_passed)
    repaired = repair(calls, catalogue=tools, policy=POLICY, workers=WORKERS)
    assert [code for code, _ in repaired.applied] == ["M204"]
    assert {item.code for item in repaired.report.errors} == {"M205", "D306"}


def test_what_is_wrong_inside_is_said_at_the_call() -> None:
    calls = plan({"s": ([], [step("s0")]), "t": (["s"], [step("c", "inner")])}, passed({"from": "c"}))
    inner = deepcopy(INNER)
    inner["decompositions"][1]["steps"][0]["tool_intent"]["required_inputs"]["n"] = {"literal": "seven"}
    (found,) = judged(calls, catalogue(inner=inner)).errors
    assert (found.code, found.path, found.task_id, found.step_id) == ("M205", "/decompositions/1/steps/0", "t", "c")
    assert found.message.startswith("in the sub-program that step 'c' calls: ")


def test_what_policy_says_of_a_step_inside_is_said_of_the_call() -> None:
    inner = deepcopy(INNER)
    inner["decompositions"][1]["steps"][0]["tool_intent"]["operation"] = "store"
    calls = plan({"t": ([], [step("c", "inner")])}, passed({"from": "c"}))
    strict = Policy.model_validate({"name": "p", "defaults": {"read": "allow", "write": "deny"}})
    report = validate(calls, catalogue=catalogue(inner=inner), policy=strict, workers=WORKERS)
    assert [(item.code, item.step_id) for item in report.errors] == [("P401", "c")]


# --------------------------------------------------------------------------------- parts of values

LEAVES = st.sampled_from(
    [
        *({"from": "s", "path": path} for path in ("", "/n", "/rows", "/rows/*/a", "/row/rows/*/a", "/row", "/rows/1")),
        {"input": "row"},
        {"input": "row", "path": "/rows"},
        {"literal": {"n": 1, "rows": [{"a": 2}, {"a": 3}]}},
        {"literal": [[{"a": 5}], [{"a": 6}]]},
    ]
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: {"list": items}),
        st.dictionaries(st.sampled_from(["n", "rows", "a", "*", "0", "x/y~z"]), inner, max_size=3).map(
            lambda members: {"object": members}
        ),
        st.lists(inner, min_size=1, max_size=2).map(lambda items: {"coalesce": items}),
    ),
    max_leaves=6,
)


@given(TREES, st.data())
@settings(max_examples=150, deadline=None)
def test_a_part_of_a_value_is_what_lies_there_once_it_is_resolved(tree: Json, data: st.DataObject) -> None:
    proposal = Proposal.model_validate(plan({}, {"x": tree}))
    found = {"s": {"n": 1, "rows": [{"a": 2}, {"a": 3}], "row": {"a": 4, "rows": [{"a": 5}]}}}
    whole = here = resolve(proposal.answer["x"], found.__getitem__, proposal.goal.inputs)
    tokens: list[str] = []
    while isinstance(here, dict | list) and here and data.draw(st.booleans()):
        tokens.append(data.draw(st.sampled_from(list(here) if isinstance(here, dict) else ["0", "*"])))
        here = part(here, pointer_of("0" if isinstance(here, list) else tokens[-1]))
    try:
        expected, inside = part(whole, "".join(map(pointer_of, tokens))), at(proposal.answer["x"], tokens)
    except LookupError:  # an item among others has no such part, or no single value says so
        return
    assert resolve(inside, found.__getitem__, proposal.goal.inputs) == expected


@pytest.mark.parametrize("token", ["0", "a"])
def test_of_a_list_that_is_put_together_from_parts_no_single_one_can_be_referred_to(token: str) -> None:
    value = StepReference.model_validate({"from": "s", "path": "/rows/*/a"})
    assert at(value, ["*", "b"]) == StepReference.model_validate({"from": "s", "path": "/rows/*/a/b"})
    with pytest.raises(LookupError, match="only all items together"):
        at(value, [token])
