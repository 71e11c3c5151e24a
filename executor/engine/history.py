"""`History`: the task events of one program in a run's archive, as both engines write and read them.

Bodies: `{program, step, attempt}` for `task.scheduled`, `task.started`, `task.timed_out` and
`task.cancelled`; with `output`, `preview` and `feedback` for `task.completed`; with `for_good` and
`feedback` for `task.failed`. `step` is an instance (`executor.workflow.instance`); `task.completed` has the `choice`
of a step that controls a block. A step counts as finished for a program if one of the run's programs
completed it with the same intent: the same operation on the same arguments, all the way upstream.
Programs are known from `program` events with `{program, proposal, catalogue}`, the latter two hashes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any, ClassVar, cast
from weakref import WeakValueDictionary

from pydantic import JsonValue

from dagwright.canonical import Sha256, sha256
from dagwright.catalogue import Catalogue
from dagwright.event import EventKind
from dagwright.feedback import ErrorRecord, Feedback
from dagwright.proposal import Proposal
from dagwright.value import InputReference, StepReference, leaves
from executor.archive.archive import Archive
from executor.engine.decide import Completed, Execution, Failed, Finish, Occurrence, Schedule, TimedOut
from executor.engine.engine import StepResult
from executor.workflow.block import controls_of
from executor.workflow.instance import Choice, Instance, parts_of
from validation.blocks import flat_steps


def intents_of(proposal: Proposal, catalogue: Catalogue) -> dict[str, Sha256]:
    """Gives a hash by step over its operation, its arguments, what must hold of its outputs, and upstream intents.

    Steps that control a block count too; what surrounds a step is part of its intent.
    """
    flat = {item.step.step_id: item for item in flat_steps(proposal)}
    steps = {name: item.step.tool_intent for name, item in flat.items()}
    controls = controls_of(proposal)
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


def optional_steps(proposal: Proposal) -> frozenset[str]:
    """Gives the steps, those that control blocks included, of the blocks that may fail."""
    optional = {item.task_id for item in proposal.decompositions if item.control is not None and item.control.optional}
    return frozenset(item.step.step_id for item in flat_steps(proposal) if item.task_id in optional)


def outstanding(execution: Execution, history: History) -> list[Schedule]:
    """Folds an execution that has not begun over what the archive knows; gives the attempts that are to be made."""
    commands = execution.start(history.inherited())
    for occurrence in history.occurrences():
        commands += execution.advance(occurrence)
    running = execution.running
    return [item for item in commands if isinstance(item, Schedule) and running.get(item.step) == item.attempt]


_SHARING = threading.Lock()


class History:
    """Reads and writes one program's task events. Cheap to ask again: it reads only what is new.

    Only one writes to an archive at a time, so what it wrote itself it knows without reading. `shared` gives
    the worker the one that the engine writes with: one thread writes, others may ask for outputs and choices.
    """

    _shared: ClassVar[WeakValueDictionary[tuple[int, Sha256], History]] = WeakValueDictionary()

    @classmethod
    def shared(cls, archive: Archive, program: Sha256) -> History:
        """Gives the one that all who ask for it have in common."""
        with _SHARING:
            key = (id(archive), program)  # what is found keeps its archive, so that no other one has its identity
            found = cls._shared.get(key)
            if found is None:
                found = cls._shared[key] = cls(archive, program)
            return found

    def __init__(self, archive: Archive, program: Sha256) -> None:
        self._archive = archive
        self._program = program
        self._seq = -1
        self._programs: dict[Sha256, dict[str, Any]] = {}
        self._known: dict[Sha256, Mapping[str, Sha256]] = {}
        self._completed: dict[tuple[Instance, Sha256], tuple[int, dict[str, Any]]] = {}
        self._others: set[Sha256] = set()
        self._taken_over: Mapping[Instance, dict[str, Any]] | None = None
        self._began: int | None = None
        self._written: int | None = None
        self._told: dict[Instance, Feedback] = {}

    def inherited(self) -> dict[Instance, Choice]:
        """Gives each step that another program finished before this one began, with what it decided."""
        self._read()
        return {step: body.get("choice") for step, body in self._inherited().items()}

    def finished(self) -> dict[Instance, Sha256]:
        """Gives the output hash by step, for each step that this run has finished."""
        self._read()
        found = {step: body["output"] for step, body in self._inherited().items()}
        for (step, program), (_, body) in self._completed.copy().items():
            if program == self._program:
                found[step] = body["output"]
        return found

    def output(self, step: Instance) -> Sha256 | None:
        """Gives the output hash of a step, or None if it has not finished."""
        body = self._completion(step)
        return body["output"] if body else None

    def choice(self, step: Instance) -> Choice:
        """Gives what a step that has finished decided."""
        body = self._completion(step)
        return body.get("choice") if body else None

    def occurrences(self) -> Iterator[Occurrence]:
        """Gives what happened to this program's attempts, for the core to fold over."""
        for _, kind, body in self._events("task.completed", "task.failed", "task.timed_out"):
            if body["program"] == self._program:
                yield _occurrence(kind, body)

    def scheduled(self) -> set[tuple[Instance, int]]:
        """Gives each attempt of this program that was scheduled."""
        bodies = [body for _, _, body in self._events("task.scheduled")]
        return {(body["step"], body["attempt"]) for body in bodies if body["program"] == self._program}

    def given_up(self) -> frozenset[Instance]:
        """Gives the steps of optional blocks that failed for another program before this one began.

        What followed them there was computed from their absence, so they stay absent.
        """
        self._read()
        if len(self._programs) < 2:
            return frozenset()
        last: dict[tuple[Sha256, Instance], tuple[int, EventKind]] = {}
        for seq, kind, body in self._events("task.scheduled", "task.completed", "task.failed", "task.timed_out"):
            last[body["program"], body["step"]] = seq, kind
        optional, began = optional_steps(self._proposal(self._program)), self._beginning()
        return frozenset(
            step
            for (program, step), (seq, kind) in last.items()
            if kind in ("task.failed", "task.timed_out")
            and parts_of(step)[0] in optional
            and self._took(program, step, seq, began)
        )

    def record_end(self, end: Finish) -> None:
        """Adds how the workflow ended."""
        body: dict[str, JsonValue] = {"program": self._program, "state": "ended"}
        self._archive.append("workflow", {**body, "status": end.status, "failed_step": end.failed_step})

    def feedback(self) -> dict[Instance, Feedback]:
        """Gives the last feedback by step."""
        found: dict[Instance, Feedback] = {}
        for seq, kind, body in self._events("task.completed", "task.failed", "task.timed_out"):
            if self._written is not None and seq >= self._written:
                break
            if body["program"] == self._program:
                late = kind == "task.timed_out"
                found[body["step"]] = _late(body["step"]) if late else Feedback.model_validate(body["feedback"])
        return found | self._told

    def record(self, kind: EventKind, step: Instance, attempt: int) -> None:
        """Adds an event that says no more than which attempt."""
        seq = self._archive.note(kind, {"program": self._program, "step": step, "attempt": attempt})
        if kind == "task.timed_out":
            self._tell(seq, step, _late(step))

    def record_result(self, step: Instance, attempt: int, result: StepResult) -> None:
        """Adds how an attempt ended."""
        body: dict[str, JsonValue] = {"program": self._program, "step": step, "attempt": attempt}
        body["feedback"] = result.feedback.model_dump(mode="json", exclude_defaults=True)
        if result.choice is not None:
            body["choice"] = result.choice
        if result.status == "completed":
            if self._seq < 0:
                self._read()
            body |= {"output": result.output, "preview": result.preview}
            seq = self._seq = self._archive.note("task.completed", body)
            self._completed[step, self._program] = seq, body
        else:
            seq = self._archive.note("task.failed", {**body, "for_good": result.status == "failed_for_good"})
        self._tell(seq, step, result.feedback)

    def _tell(self, seq: int, step: Instance, feedback: Feedback) -> None:
        self._written = seq if self._written is None else self._written
        self._told[step] = feedback

    def _completion(self, step: Instance) -> dict[str, Any] | None:
        own = self._completed.get((step, self._program))
        if own is None:
            self._read()
            own = self._completed.get((step, self._program))
        return own[1] if own else self._inherited().get(step)

    def _inherited(self) -> Mapping[Instance, dict[str, Any]]:
        """Gives the completions that this program took over, out of all that was read; final once it has begun."""
        if self._taken_over is not None or not self._others:
            return self._taken_over or {}
        began = self._beginning()
        found = {
            step: body
            for (step, program), (seq, body) in self._completed.copy().items()
            if self._took(program, step, seq, began)
        }
        self._taken_over = found if began is not None else None
        return found

    def _took(self, program: Sha256, step: Instance, seq: int, began: int | None) -> bool:
        """Whether this program took over what another one knew of a step by some event: it meant the same by it."""
        if program == self._program or (began is not None and seq > began):
            return False
        name = parts_of(step)[0]
        intent = self._intents(program).get(name)
        return intent is not None and intent == self._intents(self._program).get(name)

    def _beginning(self) -> int | None:
        """Gives the event with which this program began to run, or None if it has not."""
        if self._began is None:
            events = self._events("task.scheduled")
            self._began = next((seq for seq, _, body in events if body["program"] == self._program), None)
        return self._began

    def _read(self) -> None:
        for seq, kind, body in self._events("program", "task.completed", after=self._seq):
            self._seq = seq
            if kind == "program":
                self._programs[body["program"]] = body
            else:
                self._completed[body["step"], body["program"]] = seq, body
                if body["program"] != self._program:
                    self._others.add(body["program"])

    def _events(self, *kinds: EventKind, after: int = -1) -> Iterator[tuple[int, EventKind, dict[str, Any]]]:
        """Gives number, kind and body of the events of some kinds, in order."""
        for event in self._archive.events(*kinds, after=after):
            yield event.seq, event.kind, cast("dict[str, Any]", event.body)

    def _proposal(self, program: Sha256) -> Proposal:
        return Proposal.model_validate(self._archive.get(self._programs[program]["proposal"]))

    def _intents(self, program: Sha256) -> Mapping[str, Sha256]:
        """Gives the intents of a program that the archive records; none for any other."""
        if program not in self._known:
            body = self._programs.get(program)
            if body is None:
                return {}
            proposal = self._proposal(program)
            catalogue = Catalogue.model_validate(self._archive.get(body["catalogue"]))
            self._known[program] = intents_of(proposal, catalogue)
        return self._known[program]


def _late(step: str) -> Feedback:
    error = ErrorRecord(kind="timeout", code="timed_out", message="the attempt did not end within its time")
    return Feedback(step_id=step, execution_status="failure", errors=(error,), requires_replan=True)


def _occurrence(kind: str, body: dict[str, Any]) -> Occurrence:
    step, attempt = body["step"], body["attempt"]
    if kind == "task.completed":
        return Completed(step, attempt, body.get("choice"))
    if kind == "task.failed":
        return Failed(step, attempt, body["for_good"])
    return TimedOut(step, attempt)
