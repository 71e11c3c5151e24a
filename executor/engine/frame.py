"""`Frame`: one execution of a graph: of the workflow, of a SWITCH's case, of a pass, of an optional block."""

from __future__ import annotations

from collections.abc import Iterator

from dagwright.exceptions import InputError
from executor.workflow.definition import WorkflowTask
from executor.workflow.instance import Choice, Instance, instance
from executor.workflow.order import Graph


class Frame:
    """What has happened in one execution of a graph."""

    __slots__ = (
        "_choices",
        "_delays",
        "_missing",
        "completed",
        "delay",
        "end_delay",
        "graph",
        "is_optional",
        "left",
        "number",
        "open",
        "parent",
        "reference",
    )

    def __init__(
        self,
        graph: Graph,
        parent: Frame | None = None,
        reference: str = "",
        number: int | None = None,
        *,
        optional: bool = False,
        delay: float = 0.0,
    ) -> None:
        self.graph, self.parent, self.reference = graph, parent, reference
        """`reference` names the task of `parent` that the graph is inside of."""
        self.number = number if number is not None or parent is None else parent.number
        """Of the pass that it is, or is part of."""
        self.is_optional = optional
        """Whether what is around it goes on when it fails."""
        self.left = len(graph.nodes)
        """Tasks that have not ended."""
        self.open: dict[str, int] = {}
        """By task with graphs inside it that has begun: how many executions of them have not ended."""
        self.completed: list[Instance] = []
        """Of an optional frame: the steps that have completed in it."""
        self.delay, self.end_delay = delay, 0.0
        """Seconds to wait before its first steps, and before what follows it."""
        self._missing = graph.missing.copy()
        self._delays: dict[str, float] = {}
        self._choices: dict[str, Choice] = {}

    def first(self) -> Iterator[tuple[Frame, str]]:
        """Gives the tasks that it begins with."""
        return ((self, name) for name, count in self.graph.missing.items() if not count)

    def release(self, name: str, delay: float) -> Iterator[tuple[Frame, str]]:
        """Notes that a task has ended; gives those that wait for nothing more, `delay` seconds from now."""
        self.left -= 1
        after, missing = self.graph.after[name], self._missing
        if delay:
            self._delays.update((later, max(delay, self._delays.get(later, 0.0))) for later in after)
            self.end_delay = self.end_delay if after else max(self.end_delay, delay)
        for later in after:
            missing[later] -= 1
            if not missing[later]:
                yield self, later

    def delay_of(self, name: str) -> float:
        """Gives the seconds to wait before a task begins."""
        return self._delays.get(name, 0.0) if self.graph.missing[name] else self.delay

    def instance_of(self, task: WorkflowTask) -> Instance:
        """Gives the instance of a step's task here: in a pass, one of its own."""
        return instance(task.task_reference_name, self.number if "number" in task.input_parameters else None)

    def complete(self, name: str, step: Instance, choice: Choice) -> None:
        """Notes that a step has completed and what it decided."""
        if choice is not None:
            self._choices[name] = choice
        for frame in self._around():
            if frame.is_optional:
                frame.completed.append(step)

    def choice_of(self, name: str) -> Choice:
        """Gives what a step decided, here or around here.

        Raises:
            InputError: it has decided nothing.
        """
        for frame in self._around():
            if name in frame._choices:
                return frame._choices[name]
        raise InputError(f"step {name!r} decides about other steps, and has decided nothing")

    def innermost_optional(self) -> Frame | None:
        """Gives the closest frame around here, or this one, that may fail."""
        return next((frame for frame in self._around() if frame.is_optional), None)

    def up_to(self, other: Frame) -> Iterator[Frame]:
        """Gives the frames from this one to one around it, both included."""
        for frame in self._around():
            yield frame
            if frame is other:
                return

    def is_in(self, other: Frame) -> bool:
        """Whether it is that frame, or inside it."""
        return any(frame is other for frame in self._around())

    def not_begun(self) -> Iterator[Instance]:
        """Gives the steps here that still wait for others."""
        for name, count in self._missing.items():
            task = self.graph.nodes[name].task
            if count and task.type == "SIMPLE":
                yield self.instance_of(task)
            elif count:
                for body in self.graph.bodies.get(name, {}).values():
                    yield from body.steps()

    def _around(self) -> Iterator[Frame]:
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.parent
