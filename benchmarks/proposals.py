"""Proposals made of calls: what the suites of the validator are fed with, as JSON data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

Json = dict[str, Any]
Place = tuple[str | int, ...]
"""Where in an argument list: the argument's name, then members and indexes."""


@dataclass(kw_only=True)
class Call:
    """A step to be: an operation with its arguments as values of the wire format."""

    step_id: str
    operation: str
    """`tool.operation`."""
    inputs: Json
    task_id: str = "t1"
    capabilities: tuple[str, ...] = ()
    """What its task requires."""
    expected: tuple[str, ...] = ()
    """Outputs that it expects and whose presence it demands."""
    postconditions: list[Json] = field(default_factory=list[Json])


def wired(value: Any, replaced: Mapping[Place, Json], place: Place = ()) -> Json:
    """Gives JSON data as a value of the wire format, with some places replaced by other values."""
    if place in replaced:
        return replaced[place]
    if not any(other[: len(place)] == place for other in replaced):
        return {"literal": value}
    if isinstance(value, dict):
        members = cast("Json", value)
        return {"object": {name: wired(inner, replaced, (*place, name)) for name, inner in members.items()}}
    items = cast("list[Any]", value)
    return {"list": [wired(inner, replaced, (*place, index)) for index, inner in enumerate(items)]}


def arguments(parameters: Json, replaced: Mapping[Place, Json] | None = None) -> Json:
    """Gives the arguments of a call as values of the wire format."""
    return {name: wired(value, replaced or {}, (name,)) for name, value in parameters.items()}


def proposal_of(name: str, text: str, calls: Sequence[Call], *, inputs: Json | None = None) -> Json:
    """Gives a proposal: tasks by their first call, dependencies from references, the last call as answer."""
    tasks = list(dict.fromkeys(call.task_id for call in calls))
    owner = {call.step_id: call.task_id for call in calls}
    return {
        "goal": {"goal_id": name, "text": text[:20_000] or name, "inputs": inputs or {}, "constraints": {}},
        "plan": {"dag_id": f"{name}_plan"[:64], "nodes": [_task(task, calls, owner) for task in tasks]},
        "decompositions": [
            {"task_id": task, "steps": [_step(call) for call in calls if call.task_id == task]} for task in tasks
        ],
        "answer": {"result": {"from": calls[-1].step_id}} if calls else {},
    }


def sources_of(value: Any) -> Iterator[str]:
    """Gives the steps that a value of the wire format refers to."""
    if not isinstance(value, dict):
        return
    members = cast("Json", value)
    if "from" in members:
        yield str(members["from"])
    elif "list" in members:
        for inner in members["list"]:
            yield from sources_of(inner)
    elif "object" in members:
        for inner in members["object"].values():
            yield from sources_of(inner)


def _task(task: str, calls: Sequence[Call], owner: Mapping[str, str]) -> Json:
    own = [call for call in calls if call.task_id == task]
    used = (source for call in own for value in call.inputs.values() for source in sources_of(value))
    needed = dict.fromkeys(owner[source] for source in used if owner.get(source, task) != task)
    capabilities = dict.fromkeys(name for call in own for name in call.capabilities)
    return {
        "task_id": task,
        "description": f"Call {', '.join(call.operation for call in own)}."[:4_000],
        "dependencies": list(needed),
        "required_capabilities": list(capabilities),
    }


def _step(call: Call) -> Json:
    tool, _, operation = call.operation.partition(".")
    return {
        "step_id": call.step_id,
        "action": f"Call {call.operation}.",
        "tool_intent": {
            "tool_name": tool,
            "operation": operation,
            "required_inputs": call.inputs,
            "expected_outputs": {name: {} for name in call.expected},
            "validation_criteria": [{"path": f"/{name}", "op": "exists"} for name in call.expected],
        },
        "documentation_references": [f"tool:{call.operation}"],
        "postconditions": call.postconditions,
    }
