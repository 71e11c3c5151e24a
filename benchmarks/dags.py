"""Programs over one measured operation: seeded random DAGs, and proposals that certify."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from random import Random

from pydantic import JsonValue

from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.model import Interval
from dagwright.policy import DEFAULT_POLICY
from dagwright.program import Program
from dagwright.proposal import Proposal
from dagwright.tool import PythonBinding, ToolSpec
from executor.bindings.runner import ToolContext

After = Mapping[str, Sequence[str]]
"""Predecessors by step, in a topological order."""


def nap(arguments: dict[str, JsonValue], context: ToolContext) -> dict[str, JsonValue]:
    """Sleeps for `seconds` (0 does nothing) and gives them back."""
    seconds = arguments["seconds"]
    assert isinstance(seconds, int | float)
    if seconds:
        time.sleep(seconds)
    return {"seconds": seconds}


def naps() -> Catalogue:
    """Gives the catalogue with the measured operation."""
    spec = ToolSpec(
        tool_name="bench",
        operation="nap",
        description="Sleeps.",
        input_schema={
            "type": "object",
            "properties": {"seconds": {"type": "number"}, "after": {"type": "array", "items": {"type": "number"}}},
            "required": ["seconds"],
            "additionalProperties": False,
        },
        output_schema={"type": "object", "properties": {"seconds": {"type": "number"}}, "required": ["seconds"]},
        effect="read",
        cost=Interval(low=0, high=0),
        latency=Interval(low=0, high=2),
        binding=PythonBinding(callable="benchmarks.dags:nap"),
    )
    return catalogue_of("bench", [spec])


def random_dag(random: Random, size: int) -> dict[str, list[str]]:
    """Gives a DAG in which each task waits for up to three of the eight tasks before it."""
    names = [f"s{number}" for number in range(size)]
    after: dict[str, list[str]] = {}
    for number, name in enumerate(names):
        near = names[max(0, number - 8) : number]
        after[name] = sorted(random.sample(near, min(len(near), random.choice((0, 1, 1, 2, 2, 3)))))
    return after


def critical_path(after: After, seconds: Mapping[str, float]) -> float:
    """Gives the length of the longest path, in seconds."""
    ends: dict[str, float] = {}
    for name, befores in after.items():
        ends[name] = seconds[name] + max((ends[before] for before in befores), default=0.0)
    return max(ends.values(), default=0.0)


def certified(after: After, seconds: Mapping[str, float]) -> Program:
    """Gives the program that naps along a DAG: one task with one step per name."""
    from validation import certify

    decompositions: list[JsonValue] = []
    nodes: list[JsonValue] = []
    for name, befores in after.items():
        assert math.isfinite(seconds[name])
        inputs: dict[str, JsonValue] = {"seconds": {"literal": seconds[name]}}
        if befores:
            inputs["after"] = {"list": [{"from": before, "path": "/seconds"} for before in befores]}
        intent: JsonValue = {"tool_name": "bench", "operation": "nap", "required_inputs": inputs}
        decompositions.append(
            {"task_id": f"t_{name}", "steps": [{"step_id": name, "action": "nap", "tool_intent": intent}]}
        )
        nodes.append(
            {"task_id": f"t_{name}", "description": "nap", "dependencies": [f"t_{before}" for before in befores]}
        )
    proposal = Proposal.model_validate(
        {
            "goal": {"goal_id": "naps", "text": "sleep in the given order"},
            "plan": {"dag_id": "naps", "nodes": nodes},
            "decompositions": decompositions,
            "answer": {name: {"from": name, "path": "/seconds"} for name in after},
        }
    )
    return certify(proposal, catalogue=naps(), policy=DEFAULT_POLICY, workers=frozenset({"python"}))
