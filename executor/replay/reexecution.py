"""Steps of a past run executed again: those that are pure computation, into a folder of their own.

Pure are operations of the toolchest (Python functions that see their arguments and the run's files
alone) and transformations. What a server, a model, a person or a sandbox once answered is taken from
the archive, and so are the files that such a step left.
"""

from __future__ import annotations

import queue
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import JsonValue

from dagwright.canonical import Sha256, ordered_json, sha256_bytes
from dagwright.control import Control
from dagwright.event import Event
from dagwright.exceptions import CatalogueError, DagwrightError, TimedOut
from dagwright.program import Program, ProgramStep
from dagwright.tool import ControlBinding, PythonBinding, ToolSpec
from executor.archive.archive import Archive
from executor.bindings.python import PythonRunner
from executor.bindings.runner import Runner, ToolContext
from executor.engine.history import History
from executor.engine.threads import Threads
from executor.ledger.ledger import idempotency_key
from executor.replay.verify import described_files
from executor.worker.decision import arguments_of, decision
from executor.worker.guard import checked_outputs
from executor.worker.headers import known_columns
from executor.worker.resolve import filled, resolve
from executor.worker.scope import Scope
from executor.workflow.block import controls_of
from executor.workflow.instance import parts_of

PURE = frozenset(("python", "transform"))
"""Kinds of binding whose operations may be executed again."""

CONTAINED = frozenset(("read", "write"))
"""Effects that stay within the run's folder for such a binding."""


class Differs(Exception):
    """A step gave something else than it once did. Caught by `replay`."""


@dataclass
class Reexecution:
    """Executes the steps of an archive again, in the order in which they were completed."""

    archive: Archive
    runners: Mapping[str, Runner]
    """Runners of pure operations."""
    programs: Mapping[Sha256, Program]
    """Programs of the run, certified again."""
    executed: list[str] = field(default_factory=list[str])
    """Steps that were executed again and gave the same bytes."""
    taken: Counter[str] = field(default_factory=Counter[str])
    """How many steps were taken from the archive, by kind of binding."""
    _scopes: dict[Sha256, Scope] = field(default_factory=dict[Sha256, Scope])
    _controls: dict[Sha256, dict[str, Control]] = field(default_factory=dict[Sha256, dict[str, Control]])

    def to_end(self) -> None:
        """Executes all again.

        Raises:
            Differs: the first step that gives other bytes, or none.
        """
        threads = Threads("again")
        try:
            with tempfile.TemporaryDirectory(prefix="dagwright-replay-") as scratch:
                for event in self.archive.events("task.completed"):
                    self._step(event, Path(scratch), threads)
                self._compare_files(Path(scratch))
        finally:
            threads.close()

    def _step(self, event: Event, scratch: Path, threads: Threads) -> None:
        body = cast("dict[str, Any]", event.body)
        program = self.programs.get(body["program"])
        step, number = parts_of(body["step"])
        item = program.by_id.get(step) if program else None
        runner = self._decider(program, item, number) or self._runner(item)
        if program is None or item is None or runner is None:
            self.taken[item.spec.binding.kind if item else "unknown"] += 1
            self._bring(body["output"], scratch)
            return
        try:
            arguments = self._arguments(program, item, number)
            context = self._context(program, item, arguments, scratch, body)
            outputs = _bounded(lambda: runner(item.spec, arguments, context), threads, item.spec.timeout)
            decides = isinstance(item.spec.binding, ControlBinding)
            data = ordered_json(outputs) if decides else checked_outputs(outputs, item.spec)
        except (DagwrightError, KeyError) as error:
            raise Differs(f"step {body['step']!r} was completed once, and now fails: {error}") from error
        if sha256_bytes(data) != body["output"]:
            place = first_difference(self.archive.get(body["output"]), cast("JsonValue", outputs))
            raise Differs(f"step {body['step']!r} ({item.spec.name}) now gives other bytes, first at {place!r}")
        self.executed.append(body["step"])

    def _decider(self, program: Program | None, item: ProgramStep | None, number: int | None) -> Runner | None:
        """Gives what decides about a block again; None for a step that controls none."""
        if program is None or item is None or not isinstance(item.spec.binding, ControlBinding):
            return None
        if program.hash not in self._controls:
            self._controls[program.hash] = controls_of(program.proposal)
        control = self._controls[program.hash][item.task_id]

        def decide(spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> dict[str, JsonValue]:
            return decision(item, control, arguments, number).outputs

        return decide

    def _compare_files(self, scratch: Path) -> None:
        """Compares what was written with what the run left, outputs that no tool told of included."""
        bodies = [event.body for event in self.archive.events("outcome") if isinstance(event.body, dict)]
        left = bodies[-1].get("digests") if bodies and not self.taken else None
        for name, digest in left.items() if isinstance(left, dict) else ():
            path = scratch / name
            if path.is_file() and sha256_bytes(path.read_bytes()) != digest:
                raise Differs(f"the file {name!r} now has other bytes")

    def _runner(self, item: ProgramStep | None) -> Runner | None:
        """Gives what runs a step again; None where it is taken from the archive."""
        if item is None or item.spec.effect not in CONTAINED:
            return None
        runner = self.runners.get(item.spec.binding.kind)
        if isinstance(runner, PythonRunner) and isinstance(item.spec.binding, PythonBinding):
            try:
                runner.resolve(item.spec.binding.callable)
            except CatalogueError:  # a function of somebody's own, which is not registered here
                return None
        return runner

    def _arguments(self, program: Program, item: ProgramStep, number: int | None) -> dict[str, JsonValue]:
        if program.hash not in self._scopes:
            self._scopes[program.hash] = Scope(program, History(self.archive, program.hash), self.archive.get)
        seen = self._scopes[program.hash].seen_by(item, number)
        inputs = program.proposal.goal.inputs
        if isinstance(item.spec.binding, ControlBinding):
            return arguments_of(item, seen, inputs)
        given = {name: resolve(value, seen, inputs) for name, value in item.step.tool_intent.required_inputs.items()}
        return filled(given, item.spec.input_schema)

    def _context(
        self,
        program: Program,
        item: ProgramStep,
        arguments: dict[str, JsonValue],
        scratch: Path,
        body: Mapping[str, Any],
    ) -> ToolContext:
        return ToolContext(
            run=self.archive.run,
            step=body["step"],
            attempt=body["attempt"],
            idempotency_key=idempotency_key(self.archive.run, body["step"], arguments),
            files=scratch,
            inputs=self.archive.inputs,
            policy=program.policy,
            secrets=lambda _name: None,
            columns=known_columns(program, item, arguments),
            cancelled=threading.Event(),
            deadline=time.monotonic() + item.spec.timeout,
        )

    def _bring(self, output: Sha256, scratch: Path) -> None:
        """Copies the files that a step from the archive left to where later steps look for them."""
        for name, _ in described_files(self.archive.get(output)):
            folder, _, rest = name.partition("/")
            target = (scratch / rest).resolve()
            if folder == "files" and target.is_relative_to(scratch.resolve()):
                target.parent.mkdir(parents=True, exist_ok=True)
                with suppress(OSError):  # `verify` says which file is missing
                    shutil.copyfile(self.archive.folder / name, target)


def pure_runners() -> dict[str, Runner]:
    """Gives the runners of pure operations, of all that there are."""
    from executor.bindings import runners

    return {kind: runner for kind, runner in runners().items() if kind in PURE}


def _bounded(call: Callable[[], object], threads: Threads, seconds: float) -> object:
    """Gives what a call gives; leaves it behind when its time is up.

    Raises:
        TimedOut: it is.
    """
    ended: queue.SimpleQueue[object] = queue.SimpleQueue()

    def job() -> None:
        try:
            ended.put(call())
        except Exception as error:  # noqa: BLE001 - raised again by the waiting thread
            ended.put(error)

    threads.submit(job)
    try:
        outcome = ended.get(timeout=seconds)
    except queue.Empty:
        raise TimedOut(f"it did not end within {seconds:g} s") from None
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def first_difference(left: JsonValue, right: JsonValue, pointer: str = "") -> str:
    """Gives the JSON Pointer of the first place where two values differ; the order of members counts."""
    places: list[tuple[str, JsonValue, JsonValue]] = []
    if isinstance(left, dict) and isinstance(right, dict) and list(left) == list(right):
        places = [(name, left[name], right[name]) for name in left]
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        places = [(str(number), *pair) for number, pair in enumerate(zip(left, right, strict=True))]
    for name, one, other in places:
        if ordered_json(one) != ordered_json(other):
            return first_difference(one, other, f"{pointer}/{name}")
    return pointer
