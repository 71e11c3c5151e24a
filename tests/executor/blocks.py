"""Programs with blocks for the executor's tests: certified, from tasks given as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dagwright.catalogue import Catalogue
from dagwright.policy import Policy
from dagwright.program import Program
from dagwright.tool import Retry, ToolSpec
from validation import certify

NUMBERS = {"type": "array", "items": {"type": "integer"}, "maxItems": 6}
TRIES = Retry(attempts=2, delay=0)


def operation(name: str, inputs: dict[str, Any], outputs: dict[str, Any], **more: Any) -> ToolSpec:
    """Gives the contract of `work.NAME`."""
    given: dict[str, Any] = {"effect": "read", "binding": {"kind": "python", "callable": "tests:none"}} | more
    return ToolSpec(
        tool_name="work",
        operation=name,
        description="Does a piece of work.",
        input_schema={"type": "object", "properties": inputs, "additionalProperties": False},
        output_schema={"type": "object", "properties": outputs, "required": list(outputs)},
        latency={"low": 1, "high": 2},
        cost={"low": 0, "high": 0},
        **given,
    )


CATALOGUE = Catalogue(
    name="blocks",
    tools=(
        operation("list", {}, {"numbers": NUMBERS, "flag": {"type": "boolean"}}),
        operation("number", {"x": {}}, {"value": {"type": "integer"}}),
        operation("effect", {"x": {}}, {"value": {"type": "integer"}}, effect="write", idempotent=False, retry=TRIES),
    ),
)


def step(name: str, call: str = "number", /, **arguments: Any) -> dict[str, Any]:
    """Gives a step that calls `work.CALL`."""
    intent = {"tool_name": "work", "operation": call, "required_inputs": arguments}
    return {"step_id": name, "action": f"do {name}", "tool_intent": intent}


def ref(name: str, path: str = "/value") -> dict[str, Any]:
    return {"from": name, "path": path}


def proposal(
    tasks: Mapping[str, tuple[Sequence[str], Sequence[dict[str, Any]], Mapping[str, Any] | None]],
    answer: Mapping[str, Any],
) -> dict[str, Any]:
    """Gives the proposal of tasks, each `(dependencies, steps, control)`."""
    nodes = [{"task_id": name, "description": name, "dependencies": list(task[0])} for name, task in tasks.items()]
    decompositions = [
        {"task_id": name, "steps": list(steps)} | ({"control": dict(control)} if control else {})
        for name, (_, steps, control) in tasks.items()
    ]
    plan = {"dag_id": "d", "nodes": nodes}
    goal = {"goal_id": "g", "text": "a goal"}
    return {"goal": goal, "plan": plan, "decompositions": decompositions, "answer": dict(answer)}


def certified(
    tasks: Mapping[str, tuple[Sequence[str], Sequence[dict[str, Any]], Mapping[str, Any] | None]],
    answer: Mapping[str, Any],
) -> Program:
    """Gives the certified program of tasks, each `(dependencies, steps, control)`."""
    return proven(proposal(tasks, answer))


def proven(plan: Mapping[str, Any], catalogue: Catalogue = CATALOGUE) -> Program:
    """Gives the certified program of a proposal."""
    policy = Policy.model_validate({"name": "p", "defaults": {"read": "allow", "write": "allow"}})
    return certify(plan, catalogue=catalogue, policy=policy, workers=frozenset(["python", "control"]))


FLAG = ({"value": ref("start", "/flag"), "op": "equals", "to": True},)
EACH = {"name": "row", "items": ref("start", "/numbers"), "at_most": 6}
UNTIL = {"until": ({"value": ref("a2"), "op": "greater", "to": 3},), "at_most": 4, "wait": 2}

START = ((), (step("start", "list"),), None)
PAIR = (step("a1", x={"literal": 1}), step("a2", "effect", x=ref("a1")))
PER_ITEM = (step("a1", x=ref("row", "/item")), step("a2", "effect", x=ref("a1")))
CONSTRUCTS: dict[str, tuple[Sequence[dict[str, Any]], dict[str, Any], dict[str, Any]]] = {
    "when": (PAIR, {"when": FLAG}, {"coalesce": [ref("a2"), {"literal": 0}]}),
    "each": (PER_ITEM, {"each": EACH}, ref("a2", "/items/*/value")),
    "repeat": (PAIR, {"repeat": UNTIL}, ref("a2")),
    "optional": (PAIR, {"optional": True}, {"coalesce": [ref("a2"), {"literal": 0}]}),
    "optional_each": (PER_ITEM, {"each": EACH, "optional": True}, ref("a2", "/items/*/value")),
    "when_each": (PER_ITEM, {"when": FLAG, "each": EACH}, {"coalesce": [ref("a2", "/items/*/value"), {"literal": []}]}),
    "all": (
        PAIR,
        {"when": FLAG, "repeat": UNTIL, "optional": True},
        {"coalesce": [ref("a2"), {"literal": 0}]},
    ),
}
"""Steps, control and what the end is given, by construct."""


def plan(name: str, *, wait: int | None = None) -> dict[str, Any]:
    """Gives the proposal start → block → end for one of `CONSTRUCTS`, with a branch beside the block."""
    steps, control, used = CONSTRUCTS[name]
    if wait is not None and "repeat" in control:
        control = control | {"repeat": control["repeat"] | {"wait": wait}}
    tasks = {
        "begin": START,
        "block": (("begin",), steps, control),
        "beside": (("begin",), (step("b1", x=ref("start", "/numbers")),), None),
        "end": (("block", "beside"), (step("c1", x={"list": [used, ref("b1")]}),), None),
    }
    return proposal(tasks, {"c": ref("c1")})


def construct(name: str, *, wait: int | None = None) -> Program:
    """Gives the certified program of `plan`."""
    return proven(plan(name, wait=wait))


def calling() -> Program:
    """Gives the certified program start → c → c1; c calls a sub-program: a step, then a loop."""
    loop = {"each": {"name": "row", "items": {"input": "numbers"}, "at_most": 6}}
    inner = proposal(
        {
            "first": ((), (step("a1", x={"input": "numbers"}),), None),
            "loop": (("first",), (step("a2", "effect", x=ref("row", "/item")),), loop),
        },
        {"one": ref("a1"), "all": ref("a2", "/items/*/value")},
    )
    inner["goal"]["inputs"] = {"numbers": {"value": [], "schema": NUMBERS}}
    called = operation(
        "inner",
        {"numbers": NUMBERS},
        {"one": {"type": "integer"}, "all": {"type": "array"}},
        effect="write",
        binding={"kind": "program", "proposal": inner},
    )
    tasks = {
        "begin": START,
        "call": (("begin",), (step("c", "inner", numbers=ref("start", "/numbers")),), None),
        "end": (("call",), (step("c1", x={"list": [ref("c", "/one"), ref("c", "/all")]}),), None),
    }
    return proven(proposal(tasks, {"c": ref("c1")}), CATALOGUE.merged(Catalogue(name="calls", tools=(called,))))
