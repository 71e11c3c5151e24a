"""`History`: the task events of one program in a run's archive, as both engines write and read them.

Bodies: `{program, step, attempt}` for `task.scheduled`, `task.started`, `task.timed_out` and
`task.cancelled`; with `output`, `preview` and `feedback` for `task.completed`; with `for_good` and
`feedback` for `task.failed`. A step counts as finished for a program if one of the run's programs
completed it with the same intent: the same operation on the same arguments, all the way upstream.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import JsonValue

from dagwright.canonical import Sha256, sha256
from dagwright.event import Event, EventKind
from dagwright.feedback import Feedback
from dagwright.program import Program
from dagwright.value import InputReference, StepReference, leaves
from executor.archive import Archive
from executor.decide import Completed, Failed, Finish, Occurrence, TimedOut
from executor.engine import StepResult
from executor.workflow import WorkflowDef


def record_program(archive: Archive, program: Program, *, workers: JsonValue = None, at: str | None = None) -> Event:
    """Archives all that certifying the program again takes, and the intents of its steps.

    `workers` and `at` are what `validation.certify` was given, as JSON.
    """
    with archive.batch():
        body: dict[str, JsonValue] = {
            "program": program.hash,
            "version": program.proposal.version,
            "certificate": program.certificate.model_dump(mode="json"),
            "proposal": archive.put(program.proposal),
            "catalogue": archive.put(program.catalogue),
            "policy": archive.put(program.policy),
            "intents": cast("JsonValue", intents(program)),
            "workers": workers,
            "at": at,
        }
        return archive.append("program", body)


def intents(program: Program) -> dict[str, Sha256]:
    """Gives a hash by step over its operation, its arguments and the intents that these refer to."""
    found: dict[str, Sha256] = {}
    inputs = {name: sha256(given) for name, given in program.proposal.goal.inputs.items()}
    for item in program.steps:
        intent = item.step.tool_intent
        upstream: dict[str, str] = {}
        for value in intent.required_inputs.values():
            for _, leaf in leaves(value):
                if isinstance(leaf, StepReference):
                    upstream[f"step {leaf.from_}"] = found[leaf.from_]
                elif isinstance(leaf, InputReference):
                    upstream[f"input {leaf.input}"] = inputs[leaf.input]
        found[item.step.step_id] = sha256([item.spec, intent.required_inputs, upstream])
    return found


class History:
    """Reads and writes one program's task events. Cheap to ask again: it reads only what is new."""

    def __init__(self, archive: Archive, program: Sha256) -> None:
        self._archive = archive
        self._program = program
        self._seq = -1
        self._intents: dict[Sha256, Mapping[str, Sha256]] = {}
        self._completed: dict[tuple[str, Sha256], dict[str, Any]] = {}

    def inherited(self) -> dict[str, Sha256]:
        """Gives the output hash by step, for each step that another program of the run finished."""
        self._read()
        mine = self._intents.get(self._program, {})
        found: dict[str, Sha256] = {}
        for (step, program), body in self._completed.items():
            intent = self._intents.get(program, {}).get(step)
            if program != self._program and intent is not None and intent == mine.get(step):
                found[step] = body["output"]
        return found

    def finished(self) -> dict[str, Sha256]:
        """Gives the output hash by step, for each step that this run has finished."""
        found = self.inherited()
        own = {step: body["output"] for (step, program), body in self._completed.items() if program == self._program}
        return found | own

    def output(self, step: str) -> Sha256 | None:
        """Gives the output hash of a step, or None if it has not finished."""
        self._read()
        own = self._completed.get((step, self._program))
        return own["output"] if own else self.inherited().get(step)

    def occurrences(self) -> Iterator[Occurrence]:
        """Gives what happened to this program's attempts, for the core to fold over."""
        for event in self._archive.events():
            body = cast("dict[str, Any]", event.body)
            if event.kind.startswith("task.") and body["program"] == self._program:
                occurrence = _occurrence(event.kind, body)
                if occurrence is not None:
                    yield occurrence

    def scheduled(self) -> set[tuple[str, int]]:
        """Gives each attempt of this program that was scheduled."""
        bodies = [cast("dict[str, Any]", event.body) for event in self._archive.events("task.scheduled")]
        return {(body["step"], body["attempt"]) for body in bodies if body["program"] == self._program}

    def record_workflow(self, workflow: WorkflowDef) -> None:
        """Adds which workflow is run, once."""
        definition = self._archive.put(workflow)
        body: dict[str, JsonValue] = {"program": self._program, "state": "started", "definition": definition}
        if all(event.body != body for event in self._archive.events("workflow")):
            self._archive.append("workflow", body)

    def record_end(self, end: Finish) -> None:
        """Adds how the workflow ended."""
        body: dict[str, JsonValue] = {"program": self._program, "state": "ended"}
        self._archive.append("workflow", {**body, "status": end.status, "failed_step": end.failed_step})

    def feedback(self) -> dict[str, Feedback]:
        """Gives the last feedback by step."""
        found: dict[str, Feedback] = {}
        for event in self._archive.events():
            body = cast("dict[str, Any]", event.body)
            if event.kind in ("task.completed", "task.failed") and body["program"] == self._program:
                found[body["step"]] = Feedback.model_validate(body["feedback"])
        return found

    def record(self, kind: EventKind, step: str, attempt: int) -> None:
        """Adds an event that says no more than which attempt."""
        self._archive.append(kind, {"program": self._program, "step": step, "attempt": attempt})

    def record_result(self, step: str, attempt: int, result: StepResult) -> None:
        """Adds how an attempt ended."""
        body: dict[str, JsonValue] = {"program": self._program, "step": step, "attempt": attempt}
        body["feedback"] = result.feedback.model_dump(mode="json", exclude_defaults=True)
        if result.status == "completed":
            self._archive.append("task.completed", {**body, "output": result.output, "preview": result.preview})
        else:
            self._archive.append("task.failed", {**body, "for_good": result.status == "failed_for_good"})

    def _read(self) -> None:
        for event in self._archive.events(after=self._seq):
            self._seq = event.seq
            body = cast("dict[str, Any]", event.body)
            if event.kind == "program":
                self._intents[body["program"]] = body["intents"]
            elif event.kind == "task.completed":
                self._completed[body["step"], body["program"]] = body


def _occurrence(kind: str, body: dict[str, Any]) -> Occurrence | None:
    step, attempt = body["step"], body["attempt"]
    if kind == "task.completed":
        return Completed(step, attempt)
    if kind == "task.failed":
        return Failed(step, attempt, body["for_good"])
    return TimedOut(step, attempt) if kind == "task.timed_out" else None
