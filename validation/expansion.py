"""Expansion: a proposal with the steps of sub-programs in the place of the steps that call them (D315, S108).

Whatever is proven, approved, executed and archived is what comes out: there is no call left in it. A call that
stands alone in a task without control becomes its sub-program's tasks, with their blocks and their order; any
other becomes its steps, one after the other, in the place of the calling step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from dagwright.catalogue import Catalogue
from dagwright.control import Control
from dagwright.decomposition import Decomposition, Step
from dagwright.finding import Finding, Report
from dagwright.plan import Task
from dagwright.proposal import Proposal
from dagwright.value import InputReference, StepReference, Value
from validation.call import Call, Refused, without_calls
from validation.notes import finding
from validation.order import TaskOrder
from validation.substitution import replaced
from validation.syntactic import MAX_STEPS

MAX_NESTING: Final = 8
"""Sub-programs that may call each other in a row."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something of an expansion comes from in the proposal as it was written."""

    path: str
    task: str | None
    step: str | None
    call: bool
    """Whether it comes from the sub-program that stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """A proposal written out."""

    written: Proposal
    """The proposal that was given."""
    proposal: Proposal
    """The same without calls; what was given where there are findings."""
    findings: tuple[Finding, ...]
    """Why it can't be written out; none where it could be."""
    origins: Mapping[str, Origin]
    """By place in `proposal`: tasks, decompositions and steps."""

    def as_written(self, report: Report) -> Report:
        """Gives a report on the expansion with the places of the proposal as it was written, and without fixes."""
        found = tuple(self._as_written(item) for item in report.findings)
        return report.model_copy(update={"findings": found})

    def _as_written(self, item: Finding) -> Finding:
        tokens = item.path.split("/")
        for length in range(len(tokens), 1, -1):
            origin = self.origins.get("/".join(tokens[:length]))
            if origin is None:
                continue
            if not origin.call:  # an argument may hold something else than what was written
                kept = (
                    tokens[length : length + 3] if tokens[length : length + 1] == ["tool_intent"] else tokens[length:]
                )
                return item.model_copy(update={"path": "/".join((origin.path, *kept)), "fix": None})
            message = f"in the sub-program that step {origin.step!r} calls: {item.message}"
            changed = {"path": origin.path, "task_id": origin.task, "step_id": origin.step, "message": message}
            return item.model_copy(update={**changed, "fix": None})
        return item.model_copy(update={"fix": None})


def expand(proposal: Proposal, catalogue: Catalogue) -> Expansion:
    """Gives a proposal written out; itself where it has no calls. What it calls need not be valid."""
    if not any(step.tool_intent.operation_name in catalogue.programs for _, step in proposal.steps()):
        return Expansion(written=proposal, proposal=proposal, findings=(), origins={})
    return _Writer(proposal, _Library(catalogue)).expansion()


class _Library:
    """The sub-programs of a catalogue, each written out once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._sizes = _sizes(catalogue.programs)
        self._bodies: dict[str, Proposal | Refused] = {}

    def size(self, operation: str) -> int:
        """Gives the steps that a call of an operation stands for; 1 where it is no sub-program, or one without end."""
        return self._sizes.get(operation, 1)

    def body(self, name: str) -> Proposal:
        """Gives a sub-program without calls."""
        if name not in self._bodies:
            self._bodies[name] = self._written_out(name)
        found = self._bodies[name]
        if isinstance(found, Refused):
            raise Refused(found.args[0], found.code)
        return found

    def _written_out(self, name: str) -> Proposal | Refused:
        if name not in self._sizes:
            return Refused(f"{name!r} calls itself, or sub-programs more than {MAX_NESTING} levels deep", "S108")
        if self._sizes[name] > MAX_STEPS:
            return Refused(f"{name!r} stands for {self._sizes[name]} steps; at most {MAX_STEPS} are allowed", "S108")
        expansion = _Writer(self.catalogue.programs[name], self).expansion()
        wrong = next(iter(expansion.findings), None)
        return Refused(f"in {name!r}: {wrong.message}", wrong.code) if wrong else expansion.proposal


def _sizes(programs: Mapping[str, Proposal]) -> dict[str, int]:
    """Gives the steps that each sub-program stands for; nothing for one nested too deeply, or in itself."""
    calls = {name: [step.tool_intent.operation_name for _, step in plan.steps()] for name, plan in programs.items()}
    found: dict[str, int] = {}
    for _ in range(MAX_NESTING):
        ready = [name for name in calls if all(inner in found or inner not in calls for inner in calls[name])]
        found |= {name: sum(found.get(inner, 1) for inner in calls[name]) for name in ready}
    return found


@dataclass
class _Written:
    """What an expansion is put together from."""

    nodes: list[Task] = field(default_factory=list[Task])
    decompositions: list[Decomposition] = field(default_factory=list[Decomposition])
    origins: dict[str, Origin] = field(default_factory=dict[str, Origin])

    def add(self, steps: list[tuple[Step, Origin]], task: str, control: Control | None, origin: Origin) -> None:
        """Adds a decomposition."""
        path = f"/decompositions/{len(self.decompositions)}"
        self.origins[path] = origin
        self.origins.update({f"{path}/steps/{number}": source for number, (_, source) in enumerate(steps)})
        whole = tuple(step for step, _ in steps)
        self.decompositions.append(Decomposition(task_id=task, steps=whole, control=control))

    def add_task(self, task: Task, origin: Origin) -> None:
        """Adds a task."""
        self.origins[f"/plan/nodes/{len(self.nodes)}"] = origin
        self.nodes.append(task)


class _Writer:
    """Writes one proposal out."""

    def __init__(self, proposal: Proposal, library: _Library) -> None:
        self._proposal, self._library = proposal, library
        self._findings: list[Finding] = []
        self._calls: dict[str, Call] = {}

    def expansion(self) -> Expansion:
        """Gives the proposal written out."""
        given, written, answer = self._proposal, _Written(), dict[str, Value]()
        self._prepare()
        if not self._findings:
            self._write_calls()
        if not self._findings:
            self._write(written)
            answer = {name: self._seen(value, None, f"/answer/{name}") for name, value in given.answer.items()}
        if self._findings:
            return Expansion(written=given, proposal=given, findings=tuple(self._findings), origins={})
        plan = given.plan.model_copy(update={"nodes": tuple(written.nodes)})
        changed = {"plan": plan, "decompositions": tuple(written.decompositions), "answer": answer}
        proposal = given.model_copy(update=changed)
        return Expansion(written=given, proposal=proposal, findings=(), origins=written.origins)

    def _refuse(self, error: Refused, path: str, task: str | None = None, step: str | None = None) -> None:
        self._findings.append(finding(error.code, path, error.args[0], task=task, step=step))

    # ------------------------------------------------------------------------------ what is called

    def _prepare(self) -> None:
        """Finds the calls, and names for what they are written out to."""
        steps = {step.step_id for _, step in self._proposal.steps()}
        controls = [item.control for item in self._proposal.decompositions if item.control]
        steps.update(control.each.name for control in controls if control.each)
        tasks = {task.task_id for task in self._proposal.plan.nodes}
        size = sum(self._library.size(step.tool_intent.operation_name) for _, step in self._proposal.steps())
        if size > MAX_STEPS:
            self._refuse(
                Refused(f"it stands for {size} steps; at most {MAX_STEPS} are allowed", "S108"), "/decompositions"
            )
            return
        for index, item in enumerate(self._proposal.decompositions):
            for position, step in enumerate(item.steps):
                if step.tool_intent.operation_name not in self._library.catalogue.programs:
                    continue
                path = f"/decompositions/{index}/steps/{position}"
                try:
                    body = self._library.body(step.tool_intent.operation_name)
                    call = self._calls[step.step_id] = Call(step, item, path, body, self._library.catalogue)
                    call.rename(steps, tasks)
                except Refused as error:
                    self._refuse(error, path, item.task_id, step.step_id)

    def _write_calls(self) -> None:
        """Writes each call, those first that others refer to."""
        calls = list(self._calls.values())
        numbers = {call.step.step_id: number for number, call in enumerate(calls)}
        order = TaskOrder([sorted({numbers[name] for name in call.sources() if name in numbers}) for call in calls])
        for number in order.sequence:
            call = calls[number]
            given: dict[str, Value] = {}
            for name, value in call.step.tool_intent.required_inputs.items():
                given[name] = self._seen(value, call.task_id, call.path, call.step.step_id)
            try:
                call.write(given)
            except Refused as error:
                self._refuse(error, call.path, call.task_id, call.step.step_id)
                del self._calls[call.step.step_id]  # what refers to it isn't wrong in itself
        if len(order.sequence) < len(calls):
            self._refuse(Refused("calls refer to each other in a circle"), "")

    def _seen(self, value: Value, task: str | None, path: str, step: str | None = None) -> Value:
        """Gives a value with what calls give, as a task sees it, in the place of references to them."""

        def replacement(reference: StepReference | InputReference) -> Value:
            call = self._calls.get(reference.from_) if isinstance(reference, StepReference) else None
            return reference if call is None else call.given(reference.path, outside=task != call.task_id)

        try:
            return replaced(value, replacement)
        except Refused as error:
            self._refuse(error, path, task, step)
            return value

    # ------------------------------------------------------------------------------------- written

    def _write(self, written: _Written) -> None:
        alone = {call.task_id: call for call in self._calls.values() if call.stands_alone}
        for index, task in enumerate(self._proposal.plan.nodes):
            needed: list[str] = []
            for name in task.dependencies:
                needed.extend(alone[name].last_tasks if name in alone else (name,))
            whole = task.model_copy(update={"dependencies": tuple(dict.fromkeys(needed))})
            call = alone.get(task.task_id)
            for each in call.tasks(whole) if call else (whole,):
                written.add_task(each, _of(call) if call else Origin(f"/plan/nodes/{index}", task.task_id, None, False))
        for index, item in enumerate(self._proposal.decompositions):
            path = f"/decompositions/{index}"
            call = alone.get(item.task_id)
            if call is not None:
                for inner in call.decompositions:
                    written.add([(step, _of(call)) for step in inner.steps], inner.task_id, inner.control, _of(call))
            else:
                origin = Origin(path, item.task_id, None, False)
                control = self._control(item, path)
                written.add(list(self._steps(item, path)), item.task_id, control, origin)

    def _steps(self, item: Decomposition, path: str) -> Iterator[tuple[Step, Origin]]:
        for position, step in enumerate(item.steps):
            call = self._calls.get(step.step_id)
            if call is not None:
                yield from ((inner, _of(call)) for inner in call.steps)
                continue
            origin = Origin(f"{path}/steps/{position}", item.task_id, step.step_id, False)
            given = step.tool_intent.required_inputs
            seen = {name: self._seen(value, item.task_id, origin.path, step.step_id) for name, value in given.items()}
            intent = step.tool_intent.model_copy(update={"required_inputs": seen})
            yield step if seen == given else step.model_copy(update={"tool_intent": intent}), origin

    def _control(self, item: Decomposition, path: str) -> Control | None:
        return without_calls(item.control, lambda value: self._seen(value, item.task_id, f"{path}/control"))


def _of(call: Call) -> Origin:
    return Origin(call.path, call.task_id, call.step.step_id, True)
