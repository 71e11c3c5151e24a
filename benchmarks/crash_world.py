"""The world of `bench crash`: seeded plans with blocks whose steps act outside, and what is right.

`add` and `away` must not happen twice, `put` may; the others change nothing. What an instance of a step gives
is its number and all that it is given, added up; so the answer is wrong if any value was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, cast

from pydantic import JsonValue

from benchmarks.dags import random_dag
from dagwright.catalogue import Catalogue
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec

Kind = Literal["plain", "when", "each", "repeat", "optional"]

KINDS: tuple[Kind, ...] = ("plain", "plain", "when", "each", "repeat", "optional")
"""What tasks are drawn from."""

ONCE = ("add", "away")
"""Operations that must not happen twice."""

MODULUS = 1_000_003

_COUNT = {"type": "integer", "minimum": 0}
_TAKES = {"number": _COUNT, "after": {"type": "array"}}
_VALUE = {"value": _COUNT}


def world(worker: int) -> Catalogue:
    """Gives the operations; `away` is one of the worker on that port."""
    python = {"kind": "python", "callable": "benchmarks.crash_driver:none"}
    away = {"kind": "worker", "url": f"http://127.0.0.1:{worker or 1}", "operation": "away"}
    numbers = {"type": "array", "items": _COUNT, "maxItems": 4}
    tools = [
        _operation("add", _TAKES, _VALUE, python, effect="write", idempotent=False),
        _operation("put", _TAKES, _VALUE, python, effect="write", idempotent=True),
        _operation("away", _TAKES, _VALUE, away, effect="write", idempotent=False),
        _operation("sum", _TAKES, _VALUE, python, effect="read"),
        _operation("tick", {}, _VALUE, python, effect="read"),
        _operation("refuse", {}, _VALUE, python, effect="read"),
        _operation("list", {"flag": {}, "numbers": numbers}, {"flag": {}, "numbers": numbers}, python, effect="read"),
    ]
    return Catalogue(name="world", tools=tuple(tools))


def _operation(
    name: str, takes: Mapping[str, Any], gives: Mapping[str, Any], binding: Mapping[str, Any], **more: Any
) -> ToolSpec:
    given = {
        "tool_name": "world",
        "operation": name,
        "description": "Does it.",
        "input_schema": {"type": "object", "properties": takes, "required": list(takes), "additionalProperties": False},
        "output_schema": {"type": "object", "properties": gives, "required": list(gives)},
        "timeout": 10,
        "retry": {"attempts": 20, "delay": 3, "factor": 1},
        "binding": binding,
    }
    return ToolSpec.model_validate(given | more)


def summed(given: object) -> int:
    """Gives the sum of all whole numbers in a value, however deep."""
    if isinstance(given, list):
        return sum(map(summed, cast("list[object]", given))) % MODULUS
    return given % MODULUS if isinstance(given, int) else 0


@dataclass(frozen=True, kw_only=True)
class Block:
    """A task with one step that acts; `name` is that step's id."""

    name: str
    kind: Kind
    operation: str
    number: int
    after: tuple[str, ...]
    passes: int
    """Of `repeat`."""
    refuses: bool
    """Of `optional`: whether a step after it fails for good, so that the block gives nothing."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A plan; its blocks are in an order in which they can run."""

    blocks: tuple[Block, ...]
    numbers: tuple[int, ...]
    flag: bool

    @property
    def proposal(self) -> Proposal:
        """What is executed."""
        return _proposal(self)

    def instances(self, block: Block) -> tuple[str, ...]:
        """Gives the instances of a block's step that are to happen."""
        if block.kind == "when" and not self.flag:
            return ()
        if block.kind == "each":
            return tuple(f"{block.name}#{number}" for number in range(len(self.numbers)))
        if block.kind == "repeat":
            return tuple(f"{block.name}#{number}" for number in range(1, block.passes + 1))
        return (block.name,)

    def effects(self) -> Iterator[tuple[Block, str]]:
        """Gives block and instance of all that is to happen outside."""
        return ((block, step) for block in self.blocks if block.operation != "sum" for step in self.instances(block))

    def right(self, given_up: AbstractSet[str] = frozenset()) -> int:
        """Gives the right answer where some optional blocks have been given up."""
        values: dict[str, int] = {}
        for block in self.blocks:
            base = block.number + sum(values[name] for name in block.after)
            nothing = block.name in given_up or (block.kind == "optional" and block.refuses)
            if nothing or not self.instances(block):
                values[block.name] = 0
            elif block.kind == "each":
                values[block.name] = sum(base + number for number in self.numbers)
            else:
                values[block.name] = base + (block.passes if block.kind == "repeat" else 0)
        return sum(values[name] for name in self.last()) % MODULUS

    def last(self) -> list[str]:
        """Gives the blocks that nothing follows."""
        used = {name for block in self.blocks for name in block.after}
        return [block.name for block in self.blocks if block.name not in used]


def case_of(seed: int, acts: Sequence[str] = ("add", "add", "put", "sum")) -> Case:
    """Gives a seeded plan of 5 to 8 tasks; what they do is drawn from `acts`."""
    random = Random(seed)
    after = random_dag(random, random.randint(5, 8))
    blocks = [
        Block(
            name=name,
            kind=random.choice(KINDS),
            operation=random.choice(acts),
            number=random.randint(1, 100),
            after=tuple(befores),
            passes=random.randint(1, 3),
            refuses=random.random() < 0.5,
        )
        for name, befores in after.items()
    ]
    numbers = tuple(random.randint(1, 9) for _ in range(random.randint(0, 4)))
    return Case(blocks=tuple(blocks), numbers=numbers, flag=random.random() < 0.7)


def _proposal(case: Case) -> Proposal:
    known = {block.name: block for block in case.blocks}
    begin = {"flag": {"literal": case.flag}, "numbers": {"literal": list(case.numbers)}}
    decompositions = [{"task_id": "t_begin", "steps": [_step("begin", "list", begin)]}]
    decompositions += [_decomposition(block, known) for block in case.blocks]
    last = {"number": {"literal": 0}, "after": {"list": [_value(known[name]) for name in case.last()]}}
    decompositions.append({"task_id": "t_end", "steps": [_step("end", "sum", last)]})
    nodes = [_task("begin", ())]
    nodes += [_task(block.name, ("begin", *block.after)) for block in case.blocks]
    body = {
        "goal": {"goal_id": "crash", "text": "do it"},
        "plan": {"dag_id": "crash", "nodes": [*nodes, _task("end", ("begin", *case.last()))]},
        "decompositions": decompositions,
        "answer": {"value": _ref("end")},
    }
    return Proposal.model_validate(body)


def _task(name: str, befores: Sequence[str]) -> dict[str, Any]:
    return {"task_id": f"t_{name}", "description": "do", "dependencies": [f"t_{before}" for before in befores]}


def _step(name: str, operation: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    intent = {"tool_name": "world", "operation": operation, "required_inputs": dict(inputs)}
    return {"step_id": name, "action": "do", "tool_intent": intent}


def _ref(name: str, path: str = "/value") -> dict[str, JsonValue]:
    return {"from": name, "path": path}


def _value(block: Block) -> dict[str, Any]:
    """Gives what a block's successors are given of it."""
    if block.kind == "each":
        return _ref(block.name, "/items/*/value")
    if block.kind in ("when", "optional"):
        return {"coalesce": [_ref(block.name), {"literal": 0}]}
    return _ref(block.name)


def _decomposition(block: Block, known: Mapping[str, Block]) -> dict[str, Any]:
    name, item, tick = block.name, f"{block.name}_item", f"{block.name}_tick"
    more: dict[Kind, list[Any]] = {"each": [_ref(item, "/item")], "repeat": [_ref(tick)]}
    after = [_value(known[before]) for before in block.after] + more.get(block.kind, [])
    steps = [_step(name, block.operation, {"number": {"literal": block.number}, "after": {"list": after}})]
    if block.kind == "repeat":
        steps.insert(0, _step(tick, "tick", {}))
    if block.kind == "optional" and block.refuses:
        steps.append(_step(f"{name}_refuse", "refuse", {}))
    until = {"value": _ref(tick), "op": "greater_or_equal", "to": block.passes}
    controls: dict[Kind, dict[str, Any]] = {
        "when": {"when": [{"value": _ref("begin", "/flag"), "op": "equals", "to": True}]},
        "each": {"each": {"name": item, "items": _ref("begin", "/numbers"), "at_most": 4}},
        "repeat": {"repeat": {"until": [until], "at_most": 4}},
        "optional": {"optional": True},
    }
    found: dict[str, Any] = {"task_id": f"t_{name}", "steps": steps}
    return found | ({"control": controls[block.kind]} if block.kind in controls else {})
