"""The compiled workflow has exactly the plan's partial order."""

from __future__ import annotations

import json
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagwright.canonical import to_json
from dagwright.program import Program
from dagwright.tool import Retry
from executor.workflow.chains import minimum_chains, reduced_predecessors
from executor.workflow.compile import compile_workflow, task_def
from executor.workflow.definition import WorkflowDef, WorkflowTask
from tests.executor.order import order_of

GOLDEN = Path(__file__).parent / "golden"

SHAPES: dict[str, dict[str, list[str]]] = {
    "single": {"a": []},
    "chain": {"a": [], "b": ["a"], "c": ["b"]},
    "apart": {"a": [], "b": []},
    "diamond": {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]},
    "crossed": {"a": [], "b": [], "c": ["a", "b"], "d": ["b"], "e": ["c"], "f": ["d", "a"]},
}


@st.composite
def dags(draw: st.DrawFn, most: int = 14) -> dict[str, list[str]]:
    """Draws a DAG as predecessors by step, in a topological order, with redundant edges."""
    names = [f"s{index}" for index in range(draw(st.integers(1, most)))]
    return {name: draw(st.lists(st.sampled_from(names[:i]), unique=True)) if i else [] for i, name in enumerate(names)}


def closure(after: dict[str, list[str]]) -> frozenset[tuple[str, str]]:
    earlier: dict[str, set[str]] = {}
    for name, befores in after.items():
        earlier[name] = set(befores).union(*(earlier[before] for before in befores))
    return frozenset((before, name) for name, befores in earlier.items() for before in befores)


def every_task(tasks: tuple[WorkflowTask, ...]) -> list[WorkflowTask]:
    return [found for task in tasks for found in (task, *(t for branch in task.fork_tasks for t in every_task(branch)))]


@given(after=dags())
@settings(max_examples=300, deadline=None)
def test_no_order_is_lost_and_no_barrier_added(build: Any, after: dict[str, list[str]]) -> None:
    assert order_of(compile_workflow(build.program(after))) == closure(after)


@given(after=dags())
@settings(max_examples=100, deadline=None)
def test_joins_wait_for_markers_only_and_names_are_unique(build: Any, after: dict[str, list[str]]) -> None:
    tasks = every_task(compile_workflow(build.program(after)).tasks)
    by_name = {task.task_reference_name: task for task in tasks}
    assert len(by_name) == len(tasks)
    for task in tasks:
        assert all(by_name[name].type == "NOOP" for name in task.join_on)
        assert task.type != "JOIN" or task.join_on
        assert "permissive" not in json.dumps(to_json(task))


@given(after=dags(most=9))
@settings(max_examples=100, deadline=None)
def test_chains_are_as_few_as_possible(after: dict[str, list[str]]) -> None:
    position = {name: index for index, name in enumerate(after)}
    before = reduced_predecessors([[position[b] for b in befores] for befores in after.values()])
    chains = minimum_chains(before)
    assert sorted(index for chain in chains for index in chain) == list(range(len(before)))
    assert all(early in before[late] for chain in chains for early, late in pairwise(chain))
    assert len(chains) == len(before) - most_links(before)


def most_links(before: list[list[int]]) -> int:
    """Gives the size of a maximum matching by trying everything: each element links to one predecessor or none."""
    most = 0
    for choice in product(*([None, *befores] for befores in before)):
        chosen = [found for found in choice if found is not None]
        if len(chosen) == len(set(chosen)):
            most = max(most, len(chosen))
    return most


def test_a_reduction_needs_a_topological_order() -> None:
    with pytest.raises(ValueError, match="element 0 does not come after"):
        reduced_predecessors([[1], []])


def test_a_pure_chain_needs_no_fork(build: Any) -> None:
    assert [task.type for task in compile_workflow(build.program(SHAPES["chain"])).tasks] == ["SIMPLE"] * 3


def test_tasks_carry_references_and_never_values(build: Any) -> None:
    program = build.program({"a": []}, inputs={"a": {"x": {"literal": "${workflow.secrets.KEY}"}}})
    (task,) = compile_workflow(program).tasks
    assert task.input_parameters == {"run": "${workflow.input.run}", "program": program.hash, "step": "a"}
    assert "secrets" not in compile_workflow(program).model_dump_json()


def matches_golden(name: str, workflow: WorkflowDef) -> bool:
    """Delete a golden file to have it written anew; read the difference before committing it."""
    path = GOLDEN / f"{name}.json"
    text = json.dumps(to_json(workflow), indent=1, sort_keys=True) + "\n"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return path.read_text() == text and WorkflowDef.model_validate_json(text) == workflow


@pytest.mark.parametrize("name", SHAPES)
def test_golden(build: Any, name: str) -> None:
    assert matches_golden(name, compile_workflow(build.program(SHAPES[name])))


CONSTRUCTS = ("when", "each", "repeat", "optional", "optional_each", "when_each", "all")


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_golden_blocks(blocks: Any, name: str) -> None:
    assert set(CONSTRUCTS) == set(blocks.CONSTRUCTS)
    assert matches_golden(f"block_{name}", compile_workflow(blocks.construct(name)))


def program_order(program: Program) -> frozenset[tuple[str, str]]:
    return closure({item.step.step_id: list(item.after) for item in program.steps})


@st.composite
def block_programs(draw: st.DrawFn, blocks: Any) -> Program:
    """Draws a program whose tasks have random dependencies and random blocks."""
    tasks: dict[str, Any] = {"begin": blocks.START}
    for index in range(draw(st.integers(1, 6))):
        steps = [blocks.step(f"s{index}_{n}", x={"literal": n}) for n in range(draw(st.integers(1, 3)))]
        control: dict[str, Any] = {"when": list(blocks.FLAG)} if draw(st.booleans()) else {}
        match draw(st.sampled_from(("once", "each", "repeat"))):
            case "each":
                control["each"] = {**blocks.EACH, "name": f"row{index}"}
                steps[0] = blocks.step(f"s{index}_0", x=blocks.ref(f"row{index}", "/item"))
            case "repeat":
                until = {"value": blocks.ref(f"s{index}_0"), "op": "equals", "to": 1}
                control["repeat"] = {"until": [until], "at_most": 2, "wait": draw(st.integers(0, 1))}
            case _:
                pass
        control["optional"] = draw(st.booleans())
        before = draw(st.lists(st.sampled_from([name for name in tasks if name != "begin"] or ["begin"]), unique=True))
        tasks[f"t{index}"] = (["begin", *before], steps, control)
    return blocks.certified(tasks, {"a": blocks.ref("start", "/numbers")})


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_blocks_keep_the_order_of_the_program(blocks: Any, data: st.DataObject) -> None:
    program = data.draw(block_programs(blocks))
    assert order_of(compile_workflow(program)) == program_order(program)


def trees(width: int, depth: int) -> dict[str, list[str]]:
    """Gives `depth` layers of chains side by side between one first and one last step, several times over."""
    after: dict[str, list[str]] = {"first": []}
    last = ["first"]
    for round_ in range(2):
        ends: list[str] = []
        for row in range(width):
            for step in range(depth):
                name = f"r{round_}_{row}_{step}"
                after[name] = [f"r{round_}_{row}_{step - 1}"] if step else last
            ends.append(f"r{round_}_{row}_{depth - 1}")
        after[f"end{round_}"] = ends
        last = [f"end{round_}"]
    return after


LARGE: dict[str, tuple[dict[str, list[str]], bool]] = {
    "wide": ({f"s{n}": [] for n in range(1_000)}, True),
    "long": ({f"s{n}": [f"s{n - 1}"] if n else [] for n in range(1_000)}, True),
    "chains between forks": (trees(20, 20), True),
    "many of all": (trees(300, 3), True),
    "interwoven": (
        {f"s{n}": [f"s{b}" for b in sorted({n - 20, n - 21 - n % 7}) if b >= 0] for n in range(300)},
        False,
    ),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_workflows_are_divided_where_the_order_allows_it(build: Any, name: str) -> None:
    after, divided = LARGE[name]
    workflow = compile_workflow(build.program(after))
    assert order_of(workflow) == closure(after)
    top = [task for task in every_task(workflow.tasks) if task.type in ("SIMPLE", "SUB_WORKFLOW")]
    assert (len(top) <= 200) == divided


@given(after=dags(most=14))
@settings(max_examples=200, deadline=None)
def test_dividing_changes_no_order(build: Any, after: dict[str, list[str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("LIMIT", 2), ("SMALLEST", 2), ("PIECE", 4)):
            patch.setattr(f"executor.workflow.split.{name}", value)
        assert order_of(compile_workflow(build.program(after))) == closure(after)


RETRIES = [
    (Retry(), (0, "FIXED", 1)),
    (Retry(attempts=2, delay=1), (1, "FIXED", 1)),
    (Retry(attempts=4, delay=0.5), (3, "EXPONENTIAL_BACKOFF", 1)),
    (Retry(attempts=4, delay=2, factor=1), (3, "FIXED", 2)),
    (Retry(attempts=20, delay=1, max_delay=30), (19, "FIXED", 30)),
    (Retry(attempts=3, delay=60, max_delay=5), (2, "FIXED", 5)),
]


@pytest.mark.parametrize(("retry", "expected"), RETRIES)
def test_retries_of_a_contract(build: Any, retry: Retry, expected: tuple[int, str, int]) -> None:
    made = task_def(build.operation(retry=retry, timeout=7.5))
    assert (made.retry_count, made.retry_logic, made.retry_delay_seconds) == expected
    assert 8 < made.response_timeout_seconds < made.timeout_seconds
    assert made.poll_timeout_seconds > 0
