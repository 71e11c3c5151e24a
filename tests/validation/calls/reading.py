"""A plain reading of plans with sub-programs, and random ones: a call runs its sub-program by itself."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from hypothesis import strategies as st

from dagwright.catalogue import Catalogue
from dagwright.control import Control
from dagwright.decomposition import Decomposition, Step
from dagwright.goal import GoalInput
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec
from dagwright.value import Value
from executor.worker.absence import Absent
from executor.worker.resolve import resolve
from validation.order import TaskOrder

Json = dict[str, Any]

INT = {"type": "integer"}
ROWS = {"type": "array", "items": {"type": "object", "properties": {"a": INT}, "required": ["a"]}}
ROW = {"type": "object", "properties": {"a": INT, "rows": ROWS}, "required": ["a", "rows"]}
MEMBERS = {"n": INT, "rows": ROWS, "row": ROW}
"""What every operation, called or not, takes and gives."""
OBJECT = {"type": "object", "properties": MEMBERS, "required": list(MEMBERS), "additionalProperties": False}


def operation(name: str, binding: Json | None = None, **more: Any) -> ToolSpec:
    """Gives the contract of `work.NAME`."""
    fields: Json = {
        "tool_name": "work",
        "operation": name,
        "description": f"Do {name}.",
        "input_schema": OBJECT,
        "output_schema": OBJECT,
        "effect": "read",
        "cost": {"low": 0, "high": 0},
        "latency": {"low": 1, "high": 2},
        "binding": binding or {"kind": "python", "callable": "tests:none"},
    }
    return ToolSpec.model_validate(fields | more)


def program(name: str, proposal: Json) -> ToolSpec:
    """Gives the operation `work.NAME` that calls a proposal."""
    return operation(name, {"kind": "program", "proposal": proposal})


def catalogue(**programs: Json) -> Catalogue:
    """Gives `work.mix`, `work.store` (an effect) and some sub-programs."""
    tools = [operation("mix"), operation("store", effect="write", idempotent=False)]
    return Catalogue(name="work", tools=(*tools, *(program(name, plan) for name, plan in programs.items())))


def step(name: str, call: str = "mix", given: Json | None = None, **more: Any) -> Json:
    """Gives a step that calls `work.CALL`."""
    stated: Json = {key: more.pop(key) for key in ("expected_outputs", "validation_criteria") if key in more}
    intent = {"tool_name": "work", "operation": call, "required_inputs": given or constants(), **stated}
    return {"step_id": name, "action": f"do {name}", "tool_intent": intent, **more}


def constants() -> Json:
    """Gives arguments."""
    return {
        "n": {"literal": 7},
        "rows": {"literal": [{"a": 1}, {"a": 2}]},
        "row": {"literal": {"a": 3, "rows": [{"a": 4}]}},
    }


def passed(source: Json) -> Json:
    """Gives arguments that are all that a step gave."""
    return {name: {**source, "path": f"/{name}"} for name in MEMBERS}


def inputs() -> Json:
    """Gives arguments that are a sub-program's own."""
    return {name: {"input": name} for name in MEMBERS}


def plan(tasks: Mapping[str, tuple[list[str], list[Json]] | tuple[list[str], list[Json], Json]], answer: Json) -> Json:
    """Gives the proposal of tasks, each `(dependencies, steps)` or `(dependencies, steps, control)`."""
    given = {name: {"value": value["literal"], "schema": MEMBERS[name]} for name, value in constants().items()}
    nodes = [{"task_id": name, "description": name, "dependencies": task[0]} for name, task in tasks.items()]
    groups = [
        {"task_id": name, "steps": task[1]} | ({"control": task[2]} if len(task) > 2 else {})
        for name, task in tasks.items()
    ]
    goal = {"goal_id": "g", "text": "a goal", "inputs": given}
    return {"goal": goal, "plan": {"dag_id": "d", "nodes": nodes}, "decompositions": groups, "answer": answer}


# ------------------------------------------------------------------------------------------ reading


def answer_of(proposal: Proposal, tools: Catalogue, given: Mapping[str, Any]) -> Json:
    """Gives the answer of a proposal by reading it: task after task, pass after pass."""
    return Reading(tools, given).answer(proposal)


class Reading:
    """What is known while a proposal is read."""

    def __init__(self, tools: Catalogue, given: Mapping[str, Any]) -> None:
        self._tools = tools
        self._given = {name: GoalInput.model_validate({"value": value, "schema": {}}) for name, value in given.items()}
        self._outputs: dict[str, Any] = {}

    def answer(self, proposal: Proposal) -> Json:
        for item in ordered(proposal):
            passes = self._passes(item.control)
            for inner in passes:
                self._block(item.steps, inner)
            for one in item.steps:
                found = [inner[one.step_id] for inner in passes]
                if item.control and item.control.each:
                    self._outputs[one.step_id] = {"items": found}
                elif found:
                    self._outputs[one.step_id] = found[0]
        return {name: self._valued(value, {}) for name, value in proposal.answer.items()}

    def _passes(self, control: Control | None) -> list[dict[str, Any]]:
        if control is None:
            return [{}]
        if not all(self._valued(one.value, {}) > one.to for one in control.when):
            return []
        if control.each is None:
            return [{}]
        items = self._valued(control.each.items, {})
        return [{control.each.name: {"item": one, "number": number}} for number, one in enumerate(items)]

    def _block(self, steps: Iterable[Step], inner: dict[str, Any]) -> None:
        for one in steps:
            arguments = {name: self._valued(value, inner) for name, value in one.tool_intent.required_inputs.items()}
            called = self._tools.programs.get(one.tool_intent.operation_name)
            inner[one.step_id] = answer_of(called, self._tools, arguments) if called else mixed(arguments)

    def _valued(self, value: Value, inner: Mapping[str, Any]) -> Any:
        def found(name: str) -> Any:
            if name not in inner and name not in self._outputs:
                raise Absent(name)
            return inner[name] if name in inner else self._outputs[name]

        return resolve(value, found, self._given)


def ordered(proposal: Proposal) -> list[Decomposition]:
    """Gives the decompositions in an order in which they may run."""
    numbers = {task.task_id: number for number, task in enumerate(proposal.plan.nodes)}
    order = TaskOrder([[numbers[name] for name in task.dependencies] for task in proposal.plan.nodes])
    groups = {item.task_id: item for item in proposal.decompositions}
    return [groups[proposal.plan.nodes[number].task_id] for number in order.sequence]


def mixed(arguments: Mapping[str, Any]) -> Json:
    """Gives what an operation gives: something that depends on all of its arguments."""
    number = zlib.crc32(json.dumps(arguments, sort_keys=True).encode()) % 1_000
    rows = [{"a": number + 1}, {"a": number + 2}]
    return {"n": number, "rows": rows, "row": {"a": number + 3, "rows": [{"a": number + 4}]}}


# --------------------------------------------------------------------------------------- random plans

PATHS: dict[str, tuple[str, ...]] = {
    "n": ("/n", "/row/a", "/rows/0/a"),
    "rows": ("/rows", "/row/rows"),
    "row": ("/row",),
}
INSIDE: dict[str, tuple[tuple[str, str], ...]] = {
    "n": (("n", ""), ("row", "/a"), ("rows", "/0/a"), ("row", "/rows/0/a")),
    "rows": (("rows", ""), ("row", "/rows")),
    "row": (("row", ""),),
}


@st.composite
def values(draw: st.DrawFn, kind: str, scope: list[tuple[str, str]], *, is_inner: bool, depth: int = 2) -> Json:
    """A value of a kind over the steps of a scope, each with how it may be referred to."""
    choices = ["literal", *(["from"] * 3 if scope else []), *(["input"] * 3 if is_inner else [])]
    choices += ["built"] if depth and kind != "n" else []
    choices += ["coalesce"] if depth else []
    chosen = draw(st.sampled_from(choices))
    if chosen == "input":
        name, path = draw(st.sampled_from(INSIDE[kind]))
        return {"input": name, "path": path}
    if chosen == "from":
        name, how = draw(st.sampled_from(scope))
        path = draw(st.sampled_from(PATHS[kind]))
        if how == "each":
            path = "/items/*/row" if kind == "rows" else f"/items/0{path}"
        reference = {"from": name, "path": path}
        return {"coalesce": [reference, constants()[kind]]} if how == "when" else reference
    if chosen == "coalesce":
        first = draw(values(kind, scope, is_inner=is_inner, depth=depth - 1))
        return {"coalesce": [first, constants()[kind]]}
    number = draw(values("n", scope, is_inner=is_inner, depth=depth - 1)) if chosen == "built" else None
    if number is not None and kind == "rows":
        return {"list": [{"object": {"a": number}}, {"object": {"a": {"literal": 5}}}]}
    if number is not None:
        rows = draw(values("rows", scope, is_inner=is_inner, depth=depth - 1))
        return {"object": {"a": number, "rows": rows}}
    return constants()[kind]


@st.composite
def plans(draw: st.DrawFn, calls: list[str], *, is_inner: bool, with_blocks: bool = True) -> Json:
    """A plan whose steps mix values or call sub-programs; of a sub-program, it uses the goal's inputs."""
    tasks: dict[str, Any] = {}
    seen: list[tuple[str, str]] = []
    for number in range(draw(st.integers(1, 4))):
        how = draw(st.sampled_from(["plain", "plain", "each", "when"])) if with_blocks and seen else "plain"
        scope, steps = list(seen), list[Json]()
        for position in range(draw(st.integers(1, 2))):
            given = {kind: draw(values(kind, scope, is_inner=is_inner)) for kind in MEMBERS}
            if how == "each":
                given["n"] = {"from": f"i{number}", "path": "/item/a"}
            name = f"s{number}_{position}"
            steps.append(step(name, draw(st.sampled_from(["mix", *calls])), given))
            scope.append((name, "plain"))
        control: Json = {}
        if how == "each":
            items = draw(values("rows", list(seen), is_inner=is_inner))
            control = {"each": {"name": f"i{number}", "items": items, "at_most": 9}}
        elif how == "when":
            tested = draw(values("n", list(seen), is_inner=is_inner))
            control = {"when": [{"value": tested, "op": "greater", "to": draw(st.sampled_from([0, 500]))}]}
        needed = [name for name in tasks if name]
        tasks[f"t{number}"] = (needed, steps, control) if control else (needed, steps)
        seen += [(one["step_id"], how) for one in steps]
    answer = {kind: draw(values(kind, seen, is_inner=is_inner)) for kind in MEMBERS}
    return plan(tasks, answer)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Json, Catalogue]:
    """A plan that calls sub-programs, one of which calls the other; and the operations."""
    first = draw(plans([], is_inner=True, with_blocks=draw(st.booleans())))
    second = draw(plans(["one"], is_inner=True, with_blocks=draw(st.booleans())))
    tools = catalogue(one=first, two=second)
    return draw(plans(["one", "two"], is_inner=False)), tools
