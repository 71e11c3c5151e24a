"""Runs of random programs with blocks equal a plain reading of the proposal, also after crashes."""

from __future__ import annotations

import copy
import json
import tempfile
import threading
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagwright.exceptions import ToolRejected, TransportError
from dagwright.program import Program
from dagwright.value import part
from executor.archive.archive import Archive
from executor.engine.embedded import EmbeddedEngine
from executor.engine.engine import EngineResult, Progress
from executor.replay.reexecution import Differs, Reexecution
from executor.worker.decision import Decision
from executor.worker.worker import GuardedWorker
from executor.workflow.compile import compile_workflow

Json = Any
OPERATORS: dict[str, Callable[[Json, Json], bool]] = {
    "equals": lambda found, to: found == to,
    "greater": lambda found, to: found > to,
}


def given_by(instance: str, arguments: dict[str, Json], failing: int) -> Json:
    """Gives what a step gives: a number that depends on all that it was given and on its pass."""
    if instance == "start":
        return {"numbers": [5, 3, 8], "flag": True}
    number = zlib.crc32(json.dumps([instance, arguments], sort_keys=True).encode()) % 97
    if number < failing:
        raise ToolRejected("it does not want to", code="no")
    return {"value": number}


class Failed(Exception):
    """A step has failed."""


class Missing(Exception):
    """A step has given nothing."""


@dataclass
class Reading:
    """A plain reading of a proposal: task after task, pass after pass, no graph and no engine."""

    failing: int
    seen: dict[str, Json] = field(default_factory=dict[str, Json])
    """What steps gave, as seen from outside of their blocks."""
    given: dict[str, Json] = field(default_factory=dict[str, Json])
    """What each instance gave."""
    failed: set[str] = field(default_factory=set[str])
    """Tasks that failed, or wait for one that did."""

    def read(self, proposal: Json) -> Reading:
        steps = {item["task_id"]: item for item in proposal["decompositions"]}
        for task in proposal["plan"]["nodes"]:
            name = task["task_id"]
            if self.failed & set(task["dependencies"]):
                self.failed.add(name)
                continue
            control = steps[name].get("control", {})
            try:
                if all(self.holds(found, self.seen) for found in control.get("when", ())):
                    self.seen |= self.block(steps[name]["steps"], control)
            except Failed:
                if not control.get("optional") or "each" in control:
                    self.failed.add(name)
        return self

    def block(self, steps: Json, control: Json) -> dict[str, Json]:
        if "each" in control:
            return self.per_item(steps, control)
        if "repeat" not in control:
            return self.once(steps, self.seen, "")
        for number in range(1, control["repeat"]["at_most"] + 1):
            gave = self.once(steps, self.seen, f"#{number}")
            if all(self.holds(found, self.seen | gave) for found in control["repeat"]["until"]):
                return gave
        raise Failed

    def per_item(self, steps: Json, control: Json) -> dict[str, Json]:
        passes: list[dict[str, Json]] = []
        failed = False
        for number, item in enumerate(self.value(control["each"]["items"], self.seen)):
            head = {control["each"]["name"]: {"item": item, "number": number}}
            try:
                passes.append(self.once(steps, self.seen | head, f"#{number}"))
            except Failed:
                failed = True
        if failed and not control.get("optional"):
            raise Failed
        return {step["step_id"]: {"items": [gave[step["step_id"]] for gave in passes]} for step in steps}

    def once(self, steps: Json, seen: dict[str, Json], suffix: str) -> dict[str, Json]:
        gave: dict[str, Json] = {}
        for step in steps:
            name, inputs = step["step_id"], step["tool_intent"]["required_inputs"]
            arguments = {key: self.value(value, seen | gave) for key, value in inputs.items()}
            try:
                gave[name] = self.given[name + suffix] = given_by(name + suffix, arguments, self.failing)
            except ToolRejected:
                raise Failed from None
        return gave

    def holds(self, condition: Json, seen: dict[str, Json]) -> bool:
        try:
            return OPERATORS[condition["op"]](self.value(condition["value"], seen), condition["to"])
        except Missing:
            return False

    def value(self, value: Json, seen: dict[str, Json]) -> Json:
        if "literal" in value:
            return value["literal"]
        if "list" in value:
            return [self.value(item, seen) for item in value["list"]]
        if "coalesce" in value:
            for item in value["coalesce"]:
                try:
                    return self.value(item, seen)
                except Missing:
                    continue
            raise Missing
        if value["from"] not in seen:
            raise Missing
        return part(seen[value["from"]], value["path"])


@st.composite
def proposals(draw: st.DrawFn, blocks: Any) -> Json:
    """Draws tasks with random dependencies and blocks, whose steps use what is upstream of them."""
    tasks: dict[str, Any] = {"begin": blocks.START}
    upstream: dict[str, set[str]] = {"begin": set()}
    values: dict[str, list[Json]] = {"begin": [{"literal": 7}]}
    for index in range(draw(st.integers(1, 5))):
        name = f"t{index}"
        before = [
            "begin",
            *draw(st.lists(st.sampled_from([t for t in tasks if t != "begin"] or ["begin"]), max_size=2)),
        ]
        upstream[name] = set(before).union(*(upstream[other] for other in before))
        known = [value for other in sorted(upstream[name]) for value in values[other]]
        kind = draw(st.sampled_from(("once", "each", "repeat")))
        control: dict[str, Any] = {"optional": draw(st.booleans())}
        inside = list(known)
        if draw(st.booleans()):
            control["when"] = [{"value": draw(st.sampled_from(known)), "op": "greater", "to": 2}]
            control["when"] = [draw(st.sampled_from((control["when"][0], *blocks.FLAG)))]
        if kind == "each":
            control["each"] = {**blocks.EACH, "name": f"row{index}"}
            inside.append(blocks.ref(f"row{index}", "/item"))
        steps: list[Json] = []
        for number in range(draw(st.integers(1, 3))):
            used = [inside[-1], *draw(st.lists(st.sampled_from(inside), max_size=2))]
            steps.append(blocks.step(f"s{index}_{number}", x={"list": used}))
            inside.append(blocks.ref(f"s{index}_{number}"))
        last = steps[-1]["step_id"]
        if kind == "repeat":
            until = {"value": blocks.ref(last), "op": "greater", "to": draw(st.sampled_from((0, 40, 80)))}
            control["repeat"] = {"until": [until], "at_most": 3}
        outside = blocks.ref(last, "/items/*/value" if kind == "each" else "/value")
        fallback = {"literal": [] if kind == "each" else 1}
        tasks[name] = (tuple(dict.fromkeys(before)), steps, control)
        may_be_absent = bool(control.get("when")) or control["optional"]
        values[name] = [] if kind == "each" else [{"coalesce": [outside, fallback]} if may_be_absent else outside]
        values[f"list {name}"] = [{"coalesce": [outside, fallback]} if may_be_absent else outside]
        if kind == "each":
            steps_after = blocks.step(f"e{index}", x=values[f"list {name}"][0])
            tasks[f"u{index}"] = ((name,), [steps_after], None)
            upstream[f"u{index}"] = upstream[name] | {name}
            values[f"u{index}"] = [blocks.ref(f"e{index}")]
    return blocks.proposal(tasks, {"a": blocks.ref("start", "/numbers")})


class Crash(Exception):
    """The process is gone."""


@dataclass
class Runs:
    """Runs of one program in one archive."""

    program: Program
    archive: Archive
    failing: int = 0
    flaky: bool = False

    def run(self, crash_at: int | None = None) -> EngineResult:
        """Runs it, or goes on; with `crash_at`, until so many states were told."""
        told = 0

        def count(progress: Progress) -> None:
            nonlocal told
            told += 1
            if crash_at is not None and told > crash_at:
                raise Crash

        def call(spec: Any, arguments: Any, context: Any) -> Any:
            if self.flaky and context.attempt == 1 and spec.retry.attempts > 1:
                raise TransportError("not now")
            return given_by(context.step, arguments, self.failing)

        worker = GuardedWorker(self.program, self.archive, {"python": call})
        try:
            return EmbeddedEngine(workers=4).run(
                compile_workflow(self.program),
                run="run",
                program=self.program.hash,
                worker=worker,
                archive=self.archive,
                cancelled=threading.Event(),
                on_progress=count,
            )
        finally:
            worker.close()

    def completed(self) -> Counter[str]:
        bodies = [cast("dict[str, Any]", event.body) for event in self.archive.events("task.completed")]
        return Counter(body["step"] for body in bodies)

    def gave(self, result: EngineResult) -> dict[str, Json]:
        return {step: self.archive.get(output) for step, output in result.outputs.items()}


def assert_same(runs: Runs, result: EngineResult, reading: Reading) -> None:
    gave = runs.gave(result)
    assert (result.status == "failed") == bool(reading.failed), result
    expected = reading.given
    if result.status == "completed":
        outside = {step: value for step, value in reading.seen.items() if "#" not in step}
        for step, value in outside.items():
            assert gave.get(f"all-{step}", gave.get(step, value)) == value
    for step, value in gave.items():
        bare = step.partition("#")[0]
        if (
            bare in {item.step.step_id for item in runs.program.steps if item.spec.tool_name == "work"}
            and step in expected
        ):
            assert value == expected[step]
    ran = {step for step in runs.completed() if runs.program.by_id[step.partition("#")[0]].spec.tool_name == "work"}
    assert ran <= set(expected)
    if result.status == "completed":
        assert ran == set(expected)
    assert set(runs.completed().values()) <= {1}, "a step was completed twice"


@given(data=st.data(), failing=st.sampled_from((0, 10, 40)))
@settings(max_examples=60, deadline=None)
def test_a_run_equals_a_plain_reading(blocks: Any, data: st.DataObject, failing: int) -> None:
    proposal = data.draw(proposals(blocks))
    with tempfile.TemporaryDirectory() as home, Archive.create(Path(home), "run") as archive:
        runs = Runs(blocks.proven(proposal), archive, failing)
        assert_same(runs, runs.run(), Reading(failing).read(proposal))


@given(data=st.data(), failing=st.sampled_from((0, 10, 40)))
@settings(max_examples=40, deadline=None)
def test_a_run_that_crashed_ends_as_if_it_had_not(blocks: Any, data: st.DataObject, failing: int) -> None:
    proposal = data.draw(proposals(blocks))
    with tempfile.TemporaryDirectory() as home, Archive.create(Path(home), "run") as archive:
        runs = Runs(blocks.proven(proposal), archive, failing)
        for moment in data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=3)):
            try:
                runs.run(crash_at=moment)
            except Crash:
                continue
        assert_same(runs, runs.run(), Reading(failing).read(proposal))


@pytest.mark.parametrize("name", ["when", "each", "repeat", "optional", "optional_each", "when_each", "all"])
@pytest.mark.parametrize("failing", [0, 40])
def test_what_a_block_decided_is_decided_again_in_replay(
    blocks: Any, archive: Archive, name: str, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Runs(blocks.construct(name, wait=0), archive, failing, flaky=True)
    runs.run()
    again = Reexecution(archive, {}, {runs.program.hash: runs.program})
    again.to_end()
    control = {step for step in runs.completed() if runs.program.by_id[step.partition("#")[0]].spec.tool_name != "work"}
    assert set(again.executed) == control
    monkeypatch.setattr("executor.replay.reexecution.decision", lambda *_: Decision({"holds": "other"}, None))
    if control:
        with pytest.raises(Differs):
            Reexecution(archive, {}, {runs.program.hash: runs.program}).to_end()


CHANGES: list[tuple[str, Callable[[Any], Any], set[str]]] = [
    ("nothing of the block", lambda plan: plan, set()),
    (
        "what surrounds it",
        lambda plan: plan["decompositions"][1]["control"]["each"].update(at_most=5),
        {"row", "a1", "a2", "all-a2"},
    ),
    (
        "a step of it",
        lambda plan: plan["decompositions"][1]["steps"][1].update(postconditions=[{"path": "/value", "op": "exists"}]),
        {"a2", "all-a2"},
    ),
]


@pytest.mark.parametrize(("what", "change", "again"), CHANGES, ids=[what for what, _, _ in CHANGES])
def test_a_replan_keeps_the_passes_whose_intent_is_the_same(
    blocks: Any, build: Any, archive: Archive, what: str, change: Callable[[Any], Any], again: set[str]
) -> None:
    plan = blocks.plan("each")
    first = Runs(blocks.proven(plan), archive)
    build.record(archive, first.program)
    assert first.run().status == "completed"
    changed = copy.deepcopy(plan) | {"version": 2}
    change(changed)
    second = Runs(blocks.proven(changed), archive)
    build.record(archive, second.program)
    before = first.completed()
    result = second.run()
    assert result.status == "completed"
    ran = {step.partition("#")[0] for step in (second.completed() - before)}
    assert ran == (again | {"c1"} if again else set()), what
    assert {"a1#0", "a2#2", "all-a2", "c1"} <= set(result.outputs)
