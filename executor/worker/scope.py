"""`Scope`: what a step sees of another's outputs, where steps run in passes, are skipped, or may fail.

Within a pass a step sees what the same pass gave, and the head of `each` gives the pass's item. A step of
the block outside of its passes sees the list of what all complete passes gave. From outside of the
block, a repeated step is that of the last pass, once the conditions hold; any other has given something
if the block ran to its end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pydantic import JsonValue

from dagwright.canonical import Sha256
from dagwright.program import Program, ProgramStep
from executor.worker.absence import Absent
from executor.workflow.block import controls_of, role_of
from executor.workflow.instance import Choice, Instance, instance


class Completions(Protocol):
    """What is known of the instances that have completed; `executor.engine.history.History` is one."""

    def output(self, step: Instance) -> Sha256 | None:
        """Gives the hash of an instance's outputs, or None if it has not completed."""
        ...

    def choice(self, step: Instance) -> Choice:
        """Gives what an instance decided."""
        ...


class Scope:
    """The outputs of a program's steps, as other steps and the answer see them."""

    def __init__(self, program: Program, finished: Completions, load: Callable[[Sha256], JsonValue]) -> None:
        """`load` gives the JSON with a hash."""
        self._program, self._finished, self._load = program, finished, load
        self._controls = controls_of(program.proposal)
        self._blocks: dict[str, list[ProgramStep]] = {task: [] for task in self._controls}
        for item in program.steps:
            if item.task_id in self._blocks:
                self._blocks[item.task_id].append(item)
        self._lists: dict[Sha256, JsonValue] = {}

    def seen_by(self, reader: ProgramStep | None, number: int | None) -> Callable[[str], JsonValue]:
        """Gives what gives a step's outputs to `reader` in a pass; to the answer if that is None."""
        task = reader.task_id if reader is not None else None
        return lambda step: self._seen(step, task, number)

    def _seen(self, step: str, task: str | None, number: int | None) -> JsonValue:
        """Gives the outputs of a step.

        Raises:
            Absent: it has given nothing.
        """
        item = self._program.by_id.get(step)
        if item is None or item.task_id not in self._controls:
            return self._given(step)
        return self._inside(item, number) if item.task_id == task else self._outside(item)

    def _inside(self, item: ProgramStep, number: int | None) -> JsonValue:
        control, step, role = self._controls[item.task_id], item.step.step_id, role_of(item)
        if role == "each":
            return self._item(step, number)
        if control.each is not None and number is None:
            return [self._given(instance(step, complete)) for complete in self._complete(item.task_id)]
        return self._given(instance(step, number) if role in ("step", "until") else step)

    def _outside(self, item: ProgramStep) -> JsonValue:
        control, step, role = self._controls[item.task_id], item.step.step_id, role_of(item)
        last = self._blocks[item.task_id][-1].step.step_id
        if control.repeat is not None:
            number = self._last_pass(last)
            if role != "step" or self._finished.choice(instance(last, number)) != "done":
                raise Absent(step)
            return self._given(instance(step, number))
        if (control.each is not None and role != "collect") or self._finished.output(last) is None:
            raise Absent(step)
        return self._given(step)

    def _item(self, head: str, number: int | None) -> JsonValue:
        items = self._items(head)
        if number is None or number >= len(items):
            raise Absent(head)
        return {"item": items[number], "number": number}

    def _items(self, head: str) -> list[JsonValue]:
        output = self._finished.output(head)
        if output is None:
            raise Absent(head)
        lists = self._lists
        if output not in lists:  # read once for all of its items
            lists = self._lists = {output: self._load(output)}
        found = lists[output]
        items = found.get("items") if isinstance(found, dict) else None
        return items if isinstance(items, list) else []

    def _complete(self, task: str) -> list[int]:
        """Gives the numbers of the passes that ran to their end."""
        block = self._blocks[task]
        head = next(item.step.step_id for item in block if role_of(item) == "each")
        last = [item.step.step_id for item in block if role_of(item) == "step"][-1]
        numbers = range(len(self._items(head)))
        return [number for number in numbers if self._finished.output(instance(last, number)) is not None]

    def _last_pass(self, until: str) -> int:
        number = 0
        while self._finished.output(instance(until, number + 1)) is not None:
            number += 1
        return number

    def _given(self, step: Instance) -> JsonValue:
        output = self._finished.output(step)
        if output is None:
            raise Absent(step)
        return self._load(output)
