"""`Call`: one step that calls a sub-program, and what is written in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from dagwright.canonical import sha256
from dagwright.catalogue import Catalogue
from dagwright.control import Control
from dagwright.decomposition import Caller, Decomposition, Step
from dagwright.plan import Task
from dagwright.predicate import OutputPredicate, Predicate
from dagwright.proposal import Proposal
from dagwright.value import InputReference, ListValue, ObjectValue, StepReference, Value, leaves, tokens_of
from validation.blocks import PLAIN
from validation.order import TaskOrder
from validation.substitution import at, is_within, replaced
from validation.types.schema import pointer_of

MAX_PARTS: Final = 1_000
"""Values that one value of a sub-program's answer may be made of, once it is written out."""
MAX_DEPTH: Final = 20
"""Levels of nesting that it may have."""
LONGEST_NAME: Final = 64
"""Characters of an identifier."""


class Refused(Exception):
    """A call cannot be written out; its first argument says why."""

    def __init__(self, message: str, code: str = "D315") -> None:
        super().__init__(message)
        self.code = code


class Call:
    """One calling step.

    Args:
        step: the step.
        item: the decomposition that it stands in.
        path: its place in the proposal.
        body: the sub-program, without calls.
        catalogue: the operations.
    """

    def __init__(self, step: Step, item: Decomposition, path: str, body: Proposal, catalogue: Catalogue) -> None:
        self.step, self.task_id, self.path, self._body, self._catalogue = step, item.task_id, path, body, catalogue
        self._control = item.control or PLAIN
        self.stands_alone = len(item.steps) == 1 and self._control == PLAIN
        self._blocks = {one.task_id: one.control for one in body.decompositions if one.control not in (None, PLAIN)}
        self._names: dict[str, str] = {}
        self._tasks: dict[str, str] = {}
        self._arguments: Mapping[str, Value] = {}
        self._answer: dict[str, Value] = {}
        self.decompositions: tuple[Decomposition, ...] = ()
        """What is written in the place of its task's, where it stands alone."""
        self.steps: tuple[Step, ...] = ()
        """What is written in its place, where it does not."""
        tasks = {task.task_id for task in body.plan.nodes}
        if not tasks or not all(tasks.issuperset(task.dependencies) for task in body.plan.nodes):
            raise Refused(f"sub-program {self._operation!r} has no tasks, or one that waits for a task of nobody")
        if self._blocks and not self.stands_alone:
            block = next(iter(self._blocks))
            raise Refused(
                f"step {step.step_id!r} calls {self._operation!r}, whose task {block!r} is a block, beside other steps "
                f"or in a block; call it in a task of its own, without control"
            )

    @property
    def _operation(self) -> str:
        return self.step.tool_intent.operation_name

    def sources(self) -> set[str]:
        """Gives the steps that its arguments refer to."""
        values = self.step.tool_intent.required_inputs.values()
        return {leaf.from_ for value in values for _, leaf in leaves(value) if isinstance(leaf, StepReference)}

    def rename(self, steps: set[str], tasks: set[str]) -> None:
        """Finds names for its sub-program's steps, loops and tasks that are not among those taken, and takes them."""
        for item in self._body.decompositions:
            loops = (item.control.each.name,) if item.control and item.control.each else ()
            for name in (*loops, *(step.step_id for step in item.steps)):
                self._names.setdefault(name, _free(self.step.step_id, name, steps))
            self._tasks.setdefault(item.task_id, "")
        for task in self._body.plan.nodes:
            self._tasks.setdefault(task.task_id, "")
        if self.stands_alone:
            self._tasks = {name: _free(self.step.step_id, name, tasks) for name in self._tasks}

    def write(self, arguments: Mapping[str, Value]) -> None:
        """Writes its steps, with arguments that refer to no call."""
        self._arguments = arguments
        self._answer = {name: self._inside(value) for name, value in self._body.answer.items()}
        for name, value in self._answer.items():
            if not is_within(value, parts=MAX_PARTS, depth=MAX_DEPTH):
                most = f"{MAX_PARTS} values, {MAX_DEPTH} levels deep"
                raise Refused(f"answer {name!r} of {self._operation!r} is made of more than {most}", "S108")
        if self.stands_alone:
            self.decompositions = tuple(self._decompositions())
        else:
            self.steps = tuple(self._steps())

    # ----------------------------------------------------------------------- what it gives to others

    def given(self, path: str, *, outside: bool) -> Value:
        """Gives what lies at a path of its outputs; as seen from outside the block that it stands in, or inside."""
        tokens = tokens_of(path)
        if outside and self._control.each is not None:
            return self._of_all_passes(tokens)
        if not tokens:
            return ObjectValue(object={name: self._outside(name, outside) for name in self._answer})
        return self._part(self._outside(tokens[0], outside), tokens[1:])

    def _outside(self, name: str, outside: bool) -> Value:
        if name not in self._answer:
            raise Refused(f"{self._operation!r} answers {sorted(self._answer)}, not {name!r}")
        value = self._answer[name]
        if outside and self._control != PLAIN and not self._depends(value):
            raise Refused(
                f"{name!r} of step {self.step.step_id!r} is no step's output, "
                f"so it would be there even where task {self.task_id!r} gives nothing"
            )
        return value

    def _depends(self, value: Value) -> bool:
        """Whether a value is there only where the steps of its sub-program have given something."""
        if isinstance(value, StepReference):
            return value.from_ in self._names.values()
        if isinstance(value, ListValue):
            return any(map(self._depends, value.list))
        return isinstance(value, ObjectValue) and any(map(self._depends, value.object.values()))

    def _of_all_passes(self, tokens: tuple[str, ...]) -> Value:
        """Gives a part of what all passes of a loop gave: `/items/*/NAME/…`."""
        if len(tokens) > 2 and tokens[0] == "items":
            value = self._part(self._outside(tokens[2], True), tokens[3:])
            if isinstance(value, StepReference):
                return value.model_copy(update={"path": f"{pointer_of(*tokens[:2])}{value.path}"})
        raise Refused(
            f"of step {self.step.step_id!r}, which is run per item, only '/items/*/NAME' of an answer NAME that is a "
            f"step's output can be referred to, not {pointer_of(*tokens)!r}"
        )

    def _part(self, value: Value, tokens: tuple[str, ...]) -> Value:
        try:
            return at(value, tokens)
        except LookupError as error:
            raise Refused(f"what step {self.step.step_id!r} gives can't be referred to so: {error.args[0]}") from error

    # -------------------------------------------------------------------------- what is written for it

    def tasks(self, task: Task) -> Iterator[Task]:
        """Gives its sub-program's tasks in the place of the task that it alone is of."""
        for inner in self._body.plan.nodes:
            needed = tuple(self._tasks[name] for name in inner.dependencies) or task.dependencies
            yield inner.model_copy(update={"task_id": self._tasks[inner.task_id], "dependencies": needed})

    @property
    def last_tasks(self) -> tuple[str, ...]:
        """The written tasks that no other of them waits for."""
        awaited = {name for task in self._body.plan.nodes for name in task.dependencies}
        return tuple(self._tasks[task.task_id] for task in self._body.plan.nodes if task.task_id not in awaited)

    def _decompositions(self) -> Iterator[Decomposition]:
        """Gives its sub-program's decompositions in the place of its own."""
        last, first = self.last_tasks, {task.task_id for task in self._body.plan.nodes if not task.dependencies}
        said = self._said(
            [one.steps[0] for one in self._body.decompositions if one.steps and one.task_id in first],
            [one.steps[-1] for one in self._body.decompositions if one.steps and self._tasks[one.task_id] in last],
        )
        for item in self._body.decompositions:
            steps = tuple(self._written(step, said) for step in item.steps)
            control = without_calls(item.control, self._inside)
            if control is not None and control.each is not None:
                each = control.each.model_copy(update={"name": self._names[control.each.name]})
                control = control.model_copy(update={"each": each})
            yield Decomposition(task_id=self._tasks[item.task_id], steps=steps, control=control)

    def _steps(self) -> Iterator[Step]:
        """Gives its sub-program's steps in the place of the calling step, each after those that it needs."""
        body = self._body
        numbers = {task.task_id: number for number, task in enumerate(body.plan.nodes)}
        order = TaskOrder(
            [[numbers[name] for name in task.dependencies if name in numbers] for task in body.plan.nodes]
        )
        rank = {body.plan.nodes[number].task_id: place for place, number in enumerate(order.sequence)}
        ordered = sorted(body.decompositions, key=lambda item: rank.get(item.task_id, len(rank)))
        steps = [step for item in ordered for step in item.steps]
        said = self._said(steps[:1], steps[-1:])
        yield from (self._written(step, said) for step in steps)

    def _inside(self, value: Value) -> Value:
        """Gives a value of the sub-program as it is written."""

        def replacement(reference: StepReference | InputReference) -> Value:
            if isinstance(reference, StepReference):
                if reference.from_ not in self._names:
                    raise Refused(
                        f"sub-program {self._operation!r} refers to step {reference.from_!r}, which isn't its own"
                    )
                return reference.model_copy(update={"from_": self._names[reference.from_]})
            if reference.input not in self._arguments:
                raise Refused(f"step {self.step.step_id!r} gives {self._operation!r} no {reference.input!r}")
            return self._part(self._arguments[reference.input], tokens_of(reference.path))

        return replaced(value, replacement)

    def _written(self, step: Step, said: Mapping[str, dict[str, Any]]) -> Step:
        given = {name: self._inside(value) for name, value in step.tool_intent.required_inputs.items()}
        more = said.get(step.step_id, {})
        intent = {
            "required_inputs": given,
            "expected_outputs": {**more.get("expected", {}), **step.tool_intent.expected_outputs},
            "validation_criteria": (*step.tool_intent.validation_criteria, *more.get("criteria", ())),
        }
        changed: dict[str, Any] = {
            "step_id": self._names[step.step_id],
            "tool_intent": step.tool_intent.model_copy(update=intent),
            "preconditions": (*step.preconditions, *more.get("before", ())),
            "postconditions": (*step.postconditions, *more.get("after", ())),
            "called_by": (Caller(step=self.step.step_id, operation=self._operation), *(step.called_by or ())),
        }
        spec = self._catalogue.get(step.tool_intent.operation_name)
        if step.rollback_strategy == "none" and spec is not None and spec.effect != "read":
            changed["rollback_strategy"] = self.step.rollback_strategy
        return step.model_copy(update=changed)

    # ------------------------------------------------------------------------------ what is said of it

    def _said(self, first: list[Step], last: list[Step]) -> dict[str, dict[str, Any]]:
        """Gives what the calling step states, by the step of the sub-program that it is stated of."""
        found: dict[str, dict[str, Any]] = {}
        for step in first:
            found.setdefault(step.step_id, {})["before"] = self.step.preconditions
        after = [item for item in self.step.postconditions if not isinstance(item, OutputPredicate)]
        for step in last:
            found.setdefault(step.step_id, {})["after"] = tuple(after)
        intent = self.step.tool_intent
        for item in (*intent.validation_criteria, *self.step.postconditions):
            if isinstance(item, OutputPredicate):
                name, path = self._producer(item.path)
                criteria: list[Predicate] = found.setdefault(name, {}).setdefault("criteria", [])
                criteria.append(item.model_copy(update={"path": path}))
        for output, expected in intent.expected_outputs.items():
            if expected:
                name, path = self._producer(pointer_of(output))
                if len(tokens_of(path)) != 1:
                    raise Refused(
                        f"{output!r} of {self._operation!r} is a part of a step's output; expect nothing of it"
                    )
                found.setdefault(name, {}).setdefault("expected", {})[tokens_of(path)[0]] = expected
        return found

    def _producer(self, path: str) -> tuple[str, str]:
        """Gives the sub-program's step, by its own name, that gives what lies at a path of the outputs, and where."""
        value = self.given(path, outside=False)
        owners = {self._names[step.step_id]: (task, step.step_id) for task, step in self._body.steps()}
        task, name = owners.get(value.from_, ("", "")) if isinstance(value, StepReference) else ("", "")
        if not isinstance(value, StepReference) or not name or task in self._blocks:
            raise Refused(
                f"step {self.step.step_id!r} states something of {path!r}, "
                f"which no step of {self._operation!r} outside a block gives"
            )
        return name, value.path


def without_calls(control: Control | None, seen: Callable[[Value], Value]) -> Control | None:
    """Gives a control with its values replaced."""
    if control is None:
        return None
    when = tuple(item.model_copy(update={"value": seen(item.value)}) for item in control.when)
    each, repeat = control.each, control.repeat
    if each is not None:
        each = each.model_copy(update={"items": seen(each.items)})
    if repeat is not None:
        until = tuple(item.model_copy(update={"value": seen(item.value)}) for item in repeat.until)
        repeat = repeat.model_copy(update={"until": until})
    return control.model_copy(update={"when": when, "each": each, "repeat": repeat})


def _free(call: str, inner: str, taken: set[str]) -> str:
    """Gives a name for something of a sub-program, and takes it: that of the call, and its own."""
    whole = f"{call}_{inner}"
    stem = whole if len(whole) <= LONGEST_NAME else f"{whole[: LONGEST_NAME - 9]}_{sha256(whole)[:8]}"
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem[: LONGEST_NAME - len(str(number)) - 1]}_{number}"
    taken.add(name)
    return name
