"""A small world in which certified programs are really run: the worker and engine that users have, tools of its own."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dagwright.canonical import canonical_json
from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.model import Interval
from dagwright.policy import Policy
from dagwright.program import Program
from dagwright.tool import PythonBinding, ToolSpec
from executor.archive.archive import Archive
from executor.engine.embedded import EmbeddedEngine
from executor.worker.worker import GuardedWorker
from executor.workflow.compile import compile_workflow
from validation import certify, validate

Json = dict[str, Any]
Tool = Callable[[str, Json], Json]
"""What an operation does: gives outputs for an operation's name and its arguments."""

WORKERS = frozenset(("python",))
ALLOWED = {"read": "allow", "write": "allow", "external": "allow", "irreversible": "allow"}


@dataclass(frozen=True)
class Call:
    """One call that reached a tool."""

    step: str
    operation: str
    arguments: Json


@dataclass
class Ran:
    """What came of a run."""

    status: str = ""
    failed_step: str | None = None
    codes: list[str] = field(default_factory=list[str])
    """Codes of the errors of all steps."""
    calls: list[Call] = field(default_factory=list[Call])
    """In the order in which they began."""
    at_once: int = 0
    """The most calls at a time."""


class World:
    """Builders and a run, for tests, which cannot import this file."""

    allowed = Policy.model_validate({"name": "open", "defaults": ALLOWED, "flows": ()})

    @staticmethod
    def spec(name: str, inputs: Json, outputs: Json, effect: str = "read", **more: Any) -> ToolSpec:
        tool, operation = name.split(".")
        closed = {"type": "object", "additionalProperties": False}
        given = {"cost": Interval(low=0, high=0), "latency": Interval(low=0, high=1), **more}
        return ToolSpec.model_validate(
            {
                "tool_name": tool,
                "operation": operation,
                "description": name,
                "input_schema": {**closed, "properties": inputs},
                "output_schema": {**closed, "properties": outputs, "required": list(outputs)},
                "effect": effect,
                "binding": PythonBinding(callable="some:where"),
                **given,
            }
        )

    @staticmethod
    def catalogue(*tools: ToolSpec) -> Catalogue:
        return catalogue_of("world", tools)

    @staticmethod
    def step(step_id: str, operation: str, given: Mapping[str, Any], **more: Any) -> Json:
        tool, _, name = operation.partition(".")
        intent = {"tool_name": tool, "operation": name, "required_inputs": dict(given), **more}
        return {"step_id": step_id, "action": "x", "tool_intent": intent}

    @staticmethod
    def proposal(
        steps: list[Json], *, needs: Mapping[str, list[str]] | None = None, goal: Json | None = None, text: str = "Do."
    ) -> Json:
        """Gives one task per step; each waits for those that `needs` names, or for the one before."""
        ids = [step["step_id"] for step in steps]
        chain = {name: ids[max(0, place - 1) : place] for place, name in enumerate(ids)}
        waits = chain if needs is None else needs
        nodes = [
            {"task_id": f"t_{name}", "description": "x", "dependencies": [f"t_{other}" for other in waits[name]]}
            for name in ids
        ]
        return {
            "goal": {"goal_id": "g", "text": text, **(goal or {})},
            "plan": {"dag_id": "p", "nodes": nodes},
            "decompositions": [{"task_id": f"t_{step['step_id']}", "steps": [step]} for step in steps],
        }

    @staticmethod
    def judged(proposal: Json, catalogue: Catalogue, policy: Policy) -> Any:
        return validate(proposal, catalogue=catalogue, policy=policy, workers=WORKERS)

    @staticmethod
    def certified(proposal: Json, catalogue: Catalogue, policy: Policy) -> Program:
        return certify(proposal, catalogue=catalogue, policy=policy, workers=WORKERS)

    @staticmethod
    def run(program: Program, tool: Tool, *, approvals: Container[str] = ()) -> Ran:
        """Runs a program to its end with the real worker and engine; nothing is stood in for but the tools."""
        ran, now, guard = Ran(), [0], threading.Lock()

        def perform(spec: ToolSpec, arguments: Json, context: Any) -> Json:
            with guard:
                ran.calls.append(Call(context.step, spec.name, arguments))
                now[0] += 1
                ran.at_once = max(ran.at_once, now[0])
            try:
                return tool(spec.name, arguments)
            finally:
                with guard:
                    now[0] -= 1

        with tempfile.TemporaryDirectory() as folder, Archive.create(Path(folder), "run") as archive:
            archived = {"proposal": program.proposal, "catalogue": program.catalogue, "policy": program.policy}
            body = {name: archive.put(content) for name, content in archived.items()}
            archive.append("program", {"program": program.hash, "at": None, **body})
            worker = GuardedWorker(program, archive, {"python": perform}, approvals=approvals)
            result = EmbeddedEngine().run(
                compile_workflow(program),
                run=archive.run,
                program=program.hash,
                worker=worker,
                archive=archive,
                cancelled=threading.Event(),
                on_progress=lambda progress: None,
            )
            worker.close()
        ran.status, ran.failed_step = result.status, result.failed_step
        ran.codes = [error.code for found in result.feedback.values() for error in found.errors]
        return ran

    @staticmethod
    def size(value: Any) -> int:
        return len(canonical_json(value))


@pytest.fixture(scope="session")
def world() -> World:
    return World()
