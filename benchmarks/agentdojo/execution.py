"""A certified proposal on the embedded engine, every call through the guarded worker, into AgentDojo's environment."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Container, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from benchmarks.agentdojo.environment import World
from dagwright.exceptions import ToolRejected
from dagwright.program import Program
from dagwright.tool import ToolSpec
from executor.archive.archive import Archive
from executor.bindings.dependent import answer_schema, check_answer
from executor.bindings.runner import ToolContext
from executor.engine.embedded import EmbeddedEngine
from executor.engine.engine import Progress
from executor.worker.worker import GuardedWorker
from executor.workflow.compile import compile_workflow


@dataclass(frozen=True)
class Calls:
    """Runs AgentDojo's tools in one of its environments."""

    world: World

    def __call__(self, spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> dict[str, JsonValue]:
        """Gives `{result}`."""
        return {"result": self.world.call(spec.operation, arguments)}


@dataclass(frozen=True)
class Answers:
    """Plays the quarantined model: what each step answers is given beforehand.

    What is to be shown must hold for whatever such a model answers; so it is given the gold value where
    nobody interferes, and the worst that fits its schema where somebody does.
    """

    of: Mapping[str, JsonValue]
    otherwise: Mapping[str, JsonValue]
    """What is answered where the first does not fit: a choice that is not among the candidates."""

    def __call__(self, spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> dict[str, JsonValue]:
        """Gives `{value}`, which fits the operation's schema, choices included."""
        schema = answer_schema(spec, arguments)
        try:
            return check_answer({"value": self.of[context.step]}, schema, whose="the played")
        except ToolRejected:
            return check_answer({"value": self.otherwise[context.step]}, schema, whose="the played")


class Bench(AbstractContextManager["Bench"]):
    """One run's archive, and the engine that runs programs of that run."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="dagwright-agentdojo-")
        self._archive = Archive.create(Path(self._folder.name), "run")

    def __exit__(self, *_: object) -> None:
        self._archive.close()
        self._folder.cleanup()

    def execute(self, program: Program, world: World, answers: Answers, approvals: Container[str]) -> str:
        """Runs a program to its end; gives `completed`, or the code of the error that ended it."""
        worker = GuardedWorker(program, self._archive, {"python": Calls(world), "llm": answers}, approvals=approvals)
        try:
            result = EmbeddedEngine(workers=1).run(
                compile_workflow(program),
                run=self._archive.run,
                program=program.hash,
                worker=worker,
                archive=self._archive,
                cancelled=threading.Event(),
                on_progress=_unseen,
            )
        finally:
            worker.close()
        failed = result.feedback.get(result.failed_step or "")
        return failed.errors[-1].code if failed and failed.errors else result.status


def _unseen(_progress: Progress) -> None:
    return
