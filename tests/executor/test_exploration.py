"""Every state of a small model of decide, ledger and crash: nothing happens twice, nothing is lost, all runs can end.

Where a rule of the ledger is left out, the same search finds how a promise breaks.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dagwright.exceptions import ToolUnavailable
from executor.archive.archive import Archive
from executor.engine.engine import Activation
from executor.ledger.ledger import Ledger
from executor.worker.worker import GuardedWorker
from executor.workflow.compile import compile_workflow


def _model() -> Any:
    spec = importlib.util.spec_from_file_location("exploration", Path(__file__).with_name("exploration.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["exploration"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


model = _model()


def steps(names: str, **calls: str) -> Callable[[Any], dict[str, Any]]:
    """Gives tasks of one step each: `a b:a c:a,b` are their names and what they wait for."""

    def tasks(blocks: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for item in names.split():
            name, _, after = item.partition(":")
            call = calls.get(name, "effect")
            used = [blocks.ref(before) for before in after.split(",") if before]
            task = (tuple(f"t_{before}" for before in after.split(",") if before),)
            found[f"t_{name}"] = (*task, (blocks.step(name, call, x={"list": used}),), None)
        return found

    return tasks


def optional(blocks: Any) -> dict[str, Any]:
    used = {"coalesce": [blocks.ref("a"), {"literal": 0}]}
    return {
        "t_a": ((), (blocks.step("a", "effect", x={"literal": 1}),), {"optional": True}),
        "t_b": (("t_a",), (blocks.step("b", "effect", x=used),), None),
    }


def repeated(blocks: Any) -> dict[str, Any]:
    until = {"until": ({"value": blocks.ref("r"), "op": "greater", "to": 0},), "at_most": 2}
    inside = (blocks.step("r", x={"literal": 0}), blocks.step("a", "effect", x=blocks.ref("r")))
    return {
        "t_a": ((), inside, {"repeat": until}),
        "t_b": (("t_a",), (blocks.step("b", "effect", x=blocks.ref("a")),), None),
    }


def items(blocks: Any) -> dict[str, Any]:
    each = {"name": "row", "items": blocks.ref("start", "/numbers"), "at_most": 2}
    return {
        "t_start": ((), (blocks.step("start", "list"),), None),
        "t_a": (("t_start",), (blocks.step("a", x=blocks.ref("row", "/item")),), {"each": each}),
        "t_b": (("t_a",), (blocks.step("b", x=blocks.ref("a", "/items/*/value")),), None),
    }


def conditional(blocks: Any) -> dict[str, Any]:
    when = ({"value": blocks.ref("start", "/flag"), "op": "equals", "to": True},)
    used = {"coalesce": [blocks.ref("a"), {"literal": 0}]}
    return {
        "t_start": ((), (blocks.step("start", "list"),), None),
        "t_a": (("t_start",), (blocks.step("a", "effect", x=blocks.ref("start", "/flag")),), {"when": when}),
        "t_b": (("t_a",), (blocks.step("b", "effect", x=used),), None),
    }


@dataclass(frozen=True, kw_only=True)
class Case:
    tasks: Callable[[Any], dict[str, Any]]
    last: str
    once: frozenset[str]
    often: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    harm: tuple[dict[str, int], ...] = ({"crashes": 2}, {"losses": 1}, {"late": 1, "crashes": 1})

    def of(self, blocks: Any, **left_out: bool) -> Any:
        program = blocks.certified(self.tasks(blocks), {"x": blocks.ref(self.last)})
        choices = {item.step.step_id: choice(item.spec.binding.decides) for item in program.steps if is_control(item)}
        return model.Model(
            compile_workflow(program), self.once, self.often, choices, self.optional, model.Rules(**left_out)
        )


def is_control(item: Any) -> bool:
    return item.spec.binding.kind == "control"


def choice(decides: str) -> Callable[[int], tuple[Any, ...]]:
    """Gives what a step may decide; the second pass is the last one."""
    return {
        "when": lambda number: ("yes", "no"),
        "each": lambda number: (0, 1, 2),
        "until": lambda number: ("again", "done") if number < 2 else ("done",),
        "collect": lambda number: (None,),
    }[decides]


A, B = frozenset("a"), frozenset("ab")
# what is cheapest first: a step more, or another harm, is ten times as many states
FEW = ({"crashes": 1}, {"losses": 1}, {"late": 1})

CASES = {
    "one": Case(tasks=steps("a"), last="a", once=A),
    "repeatable": Case(tasks=steps("a"), last="a", once=frozenset(), often=A),
    "chain": Case(tasks=steps("a b:a"), last="b", once=B),
    "chain to a repeatable": Case(tasks=steps("a b:a"), last="b", once=A, often=frozenset("b")),
    "join": Case(tasks=steps("a b c:a,b", a="number", b="number", c="number"), last="c", once=B, harm=FEW[:1]),
    "optional": Case(tasks=optional, last="b", once=B, optional=A, harm=FEW[:2]),
    "when": Case(tasks=conditional, last="b", once=B, harm=FEW),
    "repeat": Case(tasks=repeated, last="b", once=B, harm=FEW),
    "each": Case(tasks=items, last="b", once=A, harm=FEW[:1]),
}


@pytest.mark.parametrize("name", CASES)
def test_no_state_breaks_a_promise_and_all_can_end(blocks: Any, name: str) -> None:
    case = CASES[name]
    for harm in case.harm:
        found = model.explored(case.of(blocks), **harm)
        assert found.problem is None, (harm, found.problem, found.trace)
        assert found.stuck == 0
        assert found.ends - {"timed_out"} == {"completed", "failed"}


WITHOUT = {
    "the look into the ledger": ("one", {"looks_first": False, "looks_again": False}, {"crashes": 1}, "twice"),
    "writing down what is meant": ("one", {"means_first": False}, {"crashes": 1}, "twice"),
    "looking again when it is meant": ("one", {"looks_again": False}, {"late": 1}, "twice"),
    "syncing what is meant": ("one", {"is_durable": False}, {"losses": 1}, "twice"),
    "one log for events and ledger": ("repeat", {"is_one_log": False}, {"losses": 1}, "no part of it"),
}


@pytest.mark.parametrize("what", WITHOUT)
def test_without_a_rule_a_promise_breaks(blocks: Any, what: str) -> None:
    name, left_out, harm, problem = WITHOUT[what]
    found = model.explored(CASES[name].of(blocks, **left_out), **harm)
    assert found.problem is not None
    assert problem in found.problem
    assert len(found.trace) > 3


class Listening(Ledger):
    """Notes what it is told."""

    def __init__(self, archive: Archive) -> None:
        super().__init__(archive)
        self.heard: list[str] = []

    def find(self, key: str) -> Any:
        self.heard.append("find")
        return super().find(key)

    def intend(self, *given: Any, **more: Any) -> None:
        self.heard.append(f"intend{' durably' if more['durable'] else ''}")
        super().intend(*given, **more)

    def done(self, *given: Any, **more: Any) -> None:
        self.heard.append(f"done{' durably' if more['durable'] else ''}")
        super().done(*given, **more)

    def not_done(self, key: str) -> None:
        self.heard.append("not_done")
        super().not_done(key)

    def unknown(self, key: str) -> None:
        self.heard.append("unknown")
        super().unknown(key)


LOST, BUSY = ToolUnavailable("it broke", code="http_broken"), ToolUnavailable("busy", code="http_503")
ORDERS: dict[str, tuple[bool, Exception | None, list[str]]] = {
    "once, answered": (False, None, ["find", "find", "intend durably", "call", "done durably"]),
    "once, lost": (False, LOST, ["find", "find", "intend durably", "call", "unknown"]),
    "once, refused": (False, BUSY, ["find", "find", "intend durably", "call", "not_done"]),
    "often, answered": (True, None, ["find", "find", "intend", "call", "done"]),
    "often, lost": (True, LOST, ["find", "find", "intend", "call"]),
}


@pytest.mark.parametrize("name", ORDERS)
def test_the_worker_takes_the_steps_of_the_model(archive: Archive, build: Any, name: str) -> None:
    idempotent, error, expected = ORDERS[name]
    ledger = Listening(archive)

    def call(spec: Any, arguments: Any, context: Any) -> Any:
        ledger.heard.append("call")
        if error is not None:
            raise error
        return {}

    program = build.program({"a": []}, specs={"a": build.operation(effect="write", idempotent=idempotent)})
    worker = GuardedWorker(program, archive, {"python": call}, ledger=ledger)
    worker(Activation(run=archive.run, program=program.hash, step="a", attempt=1))
    worker.close()
    assert ledger.heard == expected
