"""The world of `bench faults`: operations with real effects outside of any run, an observer of them, and faults.

What is done is written to a file that no run knows of: one line per effect, flushed before the operation
answers. The file alone says what happened.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal

from pydantic import JsonValue

from benchmarks.dags import random_dag
from dagwright.catalogue import Catalogue
from dagwright.exceptions import ToolRejected, ToolUnavailable
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec
from executor.bindings.runner import ToolContext

Fault = Literal[
    "none", "wrong_type", "out_of_schema", "criterion", "malformed", "oversized", "hang", "slow", "flaky", "refuses"
]

TIMEOUT = 0.5
"""Seconds that a call may take."""

MODULUS = 1_000_003

_COUNT = {"type": "integer", "minimum": 0}
_TAKES = {"item": {"type": "string"}, "number": _COUNT, "after": {"type": "array", "items": _COUNT}}


def world() -> Catalogue:
    """Gives the operations: `add` must not happen twice, `put` may, `sum` changes nothing; each undone by another."""
    retry = {"attempts": 5, "delay": 0, "factor": 1}
    tools = [
        _operation("add", _TAKES, effect="write", idempotent=False, compensation="world.take", retry=retry),
        _operation("put", _TAKES, effect="write", idempotent=True, compensation="world.remove", retry=retry),
        _operation("sum", _TAKES, effect="read", retry=retry),
        _operation("take", {"item": _TAKES["item"]}, effect="write", idempotent=True, retry=retry),
        _operation("remove", {"item": _TAKES["item"]}, effect="write", idempotent=True, retry=retry),
    ]
    return Catalogue(name="world", tools=tuple(tools))


def _operation(name: str, takes: Mapping[str, Any], **more: Any) -> ToolSpec:
    closed = {"type": "object", "properties": dict(takes), "required": list(takes), "additionalProperties": False}
    value = {"type": "object", "properties": {"value": _COUNT}, "required": ["value"]}
    given = {
        "tool_name": "world",
        "operation": name,
        "description": "Does it.",
        "input_schema": closed,
        "output_schema": value,
        "timeout": TIMEOUT,
        "binding": {"kind": "python", "callable": f"benchmarks.faults_world:{name}"},
    }
    return ToolSpec.model_validate(given | more)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One generated plan with its right answers."""

    proposal: Proposal
    operations: dict[str, str]
    """`add`, `put` or `sum` by step."""
    right: dict[str, int]
    """The value of each step that nothing follows, computed without any tool."""


def case_of(seed: int) -> Case:
    """Gives a seeded plan: a random DAG of 6 to 12 steps, each value the sum of its number and those before it."""
    random = Random(seed)
    after = random_dag(random, random.randint(6, 12))
    operations = {name: random.choice(("add", "put", "sum")) for name in after}
    numbers = {name: random.randint(1, 1_000) for name in after}
    values: dict[str, int] = {}
    for name, befores in after.items():
        values[name] = _value(numbers[name], [values[before] for before in befores])
    last = after.keys() - {before for befores in after.values() for before in befores}
    body = {
        "goal": {"goal_id": "faults", "text": "do it"},
        "plan": {"dag_id": "faults", "nodes": [_task(name, befores) for name, befores in after.items()]},
        "decompositions": [
            {"task_id": f"t_{name}", "steps": [_step(name, operations[name], numbers[name], befores)]}
            for name, befores in after.items()
        ],
        "answer": {name: {"from": name, "path": "/value"} for name in sorted(last)},
    }
    right = {name: values[name] for name in last}
    return Case(proposal=Proposal.model_validate(body), operations=operations, right=right)


def _value(number: int, befores: Sequence[int]) -> int:
    return (number + sum(befores)) % MODULUS


def _task(name: str, befores: Sequence[str]) -> dict[str, JsonValue]:
    return {"task_id": f"t_{name}", "description": "do", "dependencies": [f"t_{before}" for before in befores]}


def _step(name: str, operation: str, number: int, befores: Sequence[str]) -> dict[str, JsonValue]:
    values: list[JsonValue] = [{"from": before, "path": "/value"} for before in befores]
    inputs: dict[str, JsonValue] = {"item": {"literal": name}, "number": {"literal": number}, "after": {"list": values}}
    criteria: list[JsonValue] = [{"path": "/value", "op": "less", "value": MODULUS}]
    intent: JsonValue = {
        "tool_name": "world",
        "operation": operation,
        "required_inputs": inputs,
        "validation_criteria": criteria,
    }
    strategy = "none" if operation == "sum" else "compensate"
    return {"step_id": name, "action": "do", "tool_intent": intent, "rollback_strategy": strategy}


class Observer:
    """The file that says what was done outside. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path, self._guard = path, threading.Lock()

    def note(self, operation: str, item: str) -> None:
        """Writes one effect down."""
        with self._guard, self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([operation, item]) + "\n")

    def counts(self) -> Counter[tuple[str, str]]:
        """Gives how often each operation was done to each item."""
        with self._guard:
            lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        return Counter((str(operation), str(item)) for operation, item in map(json.loads, lines))

    def stands(self) -> dict[str, int]:
        """Gives how many effects on each item stand: those of `add` less those taken; of `put`, the last one."""
        with self._guard:
            lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        found: Counter[str] = Counter()
        for operation, item in map(json.loads, lines):
            found[item] = {"put": 1, "remove": 0, "add": found[item] + 1, "take": max(0, found[item] - 1)}[operation]
        return dict(found)


@dataclass
class Faulty:
    """Runs the operations, honestly but for its fault; the same seed gives the same faults."""

    seed: int
    fault: Fault
    share: float
    """Share of calls that fail where it is flaky."""
    victim: str
    """The step whose operation has any other fault."""
    observer: Observer
    injected: int = 0
    """Faults so far."""
    calls: Counter[str] = field(default_factory=Counter[str])
    """Calls so far, by step."""
    most_bytes: int = 0
    """Bytes of an oversized output."""

    def __call__(self, spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> Any:
        """Runs one operation."""
        drawn = self._drawn(context)
        if self.fault == "flaky" and drawn.random() < self.share:
            return self._fails(spec, arguments, drawn)
        if context.step != self.victim or self.fault in ("none", "flaky"):
            return self.done(spec, arguments)
        self.injected += 1
        return _FAULTS[self.fault](self, spec, arguments, context, drawn)

    def _drawn(self, context: ToolContext) -> Random:
        self.calls[context.step] += 1
        named = f"{self.seed} {context.step} {self.calls[context.step]}"
        return Random(hashlib.sha256(named.encode()).digest())

    def done(self, spec: ToolSpec, arguments: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Does it, honestly: the effect first, then the answer."""
        if spec.effect != "read":
            self.observer.note(spec.operation, str(arguments["item"]))
        return self.receipt(arguments)

    def receipt(self, given: JsonValue) -> dict[str, JsonValue]:
        """Gives what an honest call with these arguments gives; a person finds it outside, too."""
        arguments = given if isinstance(given, dict) else {}
        after, number = arguments.get("after"), arguments.get("number")
        befores = [value for value in after if isinstance(value, int)] if isinstance(after, list) else []
        return {"value": _value(number, befores) if isinstance(number, int) else 0}

    def _fails(self, spec: ToolSpec, arguments: dict[str, JsonValue], drawn: Random) -> Any:
        """Half of the failures come before the effect and say so; of the others nobody knows."""
        self.injected += 1
        if drawn.random() < 0.5:
            raise ToolUnavailable("busy", code="http_503")
        if drawn.random() < 0.5:
            self.done(spec, arguments)
        raise ToolUnavailable("the connection broke", code="http_broken")


def _hang(tool: Faulty, spec: ToolSpec, arguments: Any, context: ToolContext, drawn: Random) -> Any:
    if drawn.random() < 0.5:
        tool.done(spec, arguments)
    context.cancelled.wait(4 * TIMEOUT)
    raise ToolUnavailable("too late for anybody to hear", code="http_broken")


def _slow(tool: Faulty, spec: ToolSpec, arguments: Any, context: ToolContext, drawn: Random) -> Any:
    context.cancelled.wait(TIMEOUT * 0.6 * drawn.random())
    return tool.done(spec, arguments)


def _refuse(tool: Faulty, spec: ToolSpec, arguments: Any, context: ToolContext, drawn: Random) -> Any:
    raise ToolRejected("never", code="http_409")


def _lying(lie: Callable[[Faulty, dict[str, Any]], Any]) -> Callable[[Faulty, ToolSpec, Any, ToolContext, Random], Any]:
    def act(tool: Faulty, spec: ToolSpec, arguments: Any, context: ToolContext, drawn: Random) -> Any:
        return lie(tool, tool.done(spec, arguments))

    return act


_MALFORMED: tuple[Any, ...] = ({"value": float("nan")}, "no object", None)

_FAULTS: dict[Fault, Callable[[Faulty, ToolSpec, Any, ToolContext, Random], Any]] = {
    "wrong_type": _lying(lambda tool, given: {"value": str(given["value"])}),
    "out_of_schema": _lying(lambda tool, given: {"value": -1 - given["value"]}),
    "criterion": _lying(lambda tool, given: {"value": given["value"] + MODULUS}),
    "malformed": _lying(lambda tool, given: _MALFORMED[given["value"] % 3]),
    "oversized": _lying(lambda tool, given: {**given, "more": "x" * tool.most_bytes}),
    "hang": _hang,
    "slow": _slow,
    "refuses": _refuse,
}
