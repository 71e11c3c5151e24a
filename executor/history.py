"""`History`: the task events of one program in a run's archive, as both engines write and read them.

Bodies: `{program, step, attempt}` for `task.scheduled`, `task.started`, `task.timed_out` and
`task.cancelled`; with `output`, `preview` and `feedback` for `task.completed`; with `for_good` and
`feedback` for `task.failed`. `step` is an instance (`executor.instance`); `task.completed` has the `choice`
of a step that controls a block. A step counts as finished for a program if one of the run's programs
completed it with the same intent: the same operation on the same arguments, all the way upstream.
Programs are known from `program` events with `{program, proposal, catalogue}`, the latter two hashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any, cast

from pydantic import JsonValue

from dagwright.canonical import Sha256, sha256
from dagwright.catalogue import Catalogue
from dagwright.control import Control
from dagwright.event import EventKind
from dagwright.feedback import ErrorRecord, Feedback
from dagwright.proposal import Proposal
from dagwright.value import InputReference, StepReference, leaves
from executor.archive import Archive
from executor.decide import Completed, Failed, Finish, Occurrence, TimedOut
from executor.engine import StepResult
from executor.instance import Choice, Instance, parts_of
from validation.blocks import flat_steps


def intents_of(proposal: Proposal, catalogue: Catalogue) -> dict[str, Sha256]:
    """Gives a hash by step over its operation, its arguments, what must hold of its outputs, and upstream intents.

    Steps that control a block count too; what surrounds a step is part of its intent.
    """
    flat = {item.step.step_id: item for item in flat_steps(proposal)}
    steps = {name: item.step.tool_intent for name, item in flat.items()}
    controls = {item.task_id: item.control for item in proposal.decompositions if item.control not in (None, Control())}
    inputs = {name: sha256(given) for name, given in proposal.goal.inputs.items()}
    references = {
        name: [leaf for value in intent.required_inputs.values() for _, leaf in leaves(value)]
        for name, intent in steps.items()
    }
    sources = {
        name: {leaf.from_ for leaf in leafs if isinstance(leaf, StepReference)} for name, leafs in references.items()
    }
    intents: dict[str, Sha256] = {}
    for name in TopologicalSorter(sources).static_order():
        item = flat[name]
        given = {leaf.input: inputs[leaf.input] for leaf in references[name] if isinstance(leaf, InputReference)}
        upstream = {source: intents[source] for source in sources[name]}
        spec = item.spec or catalogue.get(steps[name].operation_name)
        stated = [*steps[name].validation_criteria, *item.step.postconditions]
        around = [controls[item.task_id]] if item.task_id in controls else []
        intents[name] = sha256([spec, steps[name].required_inputs, stated, given, upstream, *around])
    return intents


class History:
    """Reads and writes one program's task events. Cheap to ask again: it reads only what is new."""

    def __init__(self, archive: Archive, program: Sha256) -> None:
        self._archive = archive
        self._program = program
        self._seq = -1
        self._programs: dict[Sha256, dict[str, Any]] = {}
        self._known: dict[Sha256, Mapping[str, Sha256]] = {}
        self._completed: dict[tuple[str, Sha256], tuple[int, dict[str, Any]]] = {}
        self._began: int | None = None

    def inherited(self) -> dict[Instance, Choice]:
        """Gives each step that another program finished before this one began, with what it decided."""
        return {step: body.get("choice") for step, body in self._inherited().items()}

    def _inherited(self) -> dict[Instance, dict[str, Any]]:
        self._read()
        found: dict[Instance, dict[str, Any]] = {}
        for (step, program), (seq, body) in self._completed.items():
            if program != self._program and (self._began is None or seq < self._began):
                name = parts_of(step)[0]
                intent = self._intents(program).get(name)
                if intent is not None and intent == self._intents(self._program).get(name):
                    found[step] = body
        return found

    def finished(self) -> dict[Instance, Sha256]:
        """Gives the output hash by step, for each step that this run has finished."""
        found = {step: body["output"] for step, body in self._inherited().items()}
        mine = {name: body for name, (_, body) in self._completed.items() if name[1] == self._program}
        own = {step: body["output"] for (step, _), body in mine.items()}
        return found | own

    def output(self, step: Instance) -> Sha256 | None:
        """Gives the output hash of a step, or None if it has not finished."""
        body = self._completion(step)
        return body["output"] if body else None

    def choice(self, step: Instance) -> Choice:
        """Gives what a step that has finished decided."""
        body = self._completion(step)
        return body.get("choice") if body else None

    def _completion(self, step: Instance) -> dict[str, Any] | None:
        self._read()
        own = self._completed.get((step, self._program))
        return own[1] if own else self._inherited().get(step)

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
            elif event.kind == "task.timed_out" and body["program"] == self._program:
                found[body["step"]] = _late(body["step"])
        return found

    def record(self, kind: EventKind, step: str, attempt: int) -> None:
        """Adds an event that says no more than which attempt."""
        self._archive.append(kind, {"program": self._program, "step": step, "attempt": attempt})

    def record_result(self, step: str, attempt: int, result: StepResult) -> None:
        """Adds how an attempt ended."""
        body: dict[str, JsonValue] = {"program": self._program, "step": step, "attempt": attempt}
        body["feedback"] = result.feedback.model_dump(mode="json", exclude_defaults=True)
        if result.choice is not None:
            body["choice"] = result.choice
        if result.status == "completed":
            self._archive.append("task.completed", {**body, "output": result.output, "preview": result.preview})
        else:
            self._archive.append("task.failed", {**body, "for_good": result.status == "failed_for_good"})

    def _read(self) -> None:
        for event in self._archive.events(after=self._seq):
            self._seq = event.seq
            body = cast("dict[str, Any]", event.body)
            if event.kind == "program":
                self._programs[body["program"]] = body
            elif event.kind == "task.completed":
                self._completed[body["step"], body["program"]] = (event.seq, body)
            elif event.kind == "task.scheduled" and self._began is None and body["program"] == self._program:
                self._began = event.seq

    def _intents(self, program: Sha256) -> Mapping[str, Sha256]:
        """Gives the intents of a program that the archive records; none for any other."""
        if program not in self._known:
            body = self._programs.get(program)
            if body is None:
                return {}
            proposal = Proposal.model_validate(self._archive.get(body["proposal"]))
            catalogue = Catalogue.model_validate(self._archive.get(body["catalogue"]))
            self._known[program] = intents_of(proposal, catalogue)
        return self._known[program]


def _late(step: str) -> Feedback:
    error = ErrorRecord(kind="timeout", code="timed_out", message="the attempt did not end within its time")
    return Feedback(step_id=step, execution_status="failure", errors=(error,), requires_replan=True)


def _occurrence(kind: str, body: dict[str, Any]) -> Occurrence | None:
    step, attempt = body["step"], body["attempt"]
    if kind == "task.completed":
        return Completed(step, attempt, body.get("choice"))
    if kind == "task.failed":
        return Failed(step, attempt, body["for_good"])
    return TimedOut(step, attempt) if kind == "task.timed_out" else None
