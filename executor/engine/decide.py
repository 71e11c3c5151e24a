"""The embedded engine's core: what to do next, given what happened. No clock, no thread, no disk.

`Execution` is a state machine over a workflow's JSON: `start` and `advance` turn events into
commands. The durable driver, the simulator and replay feed it; the same events always give the
same commands, so state is a fold over the archive's events and nothing else.

What it calls steps are instances (`executor.workflow.instance`): a step in a pass of a block is one of its own,
which appears when the pass is decided on. What a control step decided comes with its completion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from executor.engine.frame import Frame
from executor.workflow.definition import TaskDef, WorkflowDef, WorkflowTask, loop_of, pause_of, source_of
from executor.workflow.instance import Choice, Instance, instance
from executor.workflow.order import Graph, graph_of

EndStatus = Literal["completed", "failed", "timed_out", "cancelled"]


@dataclass(frozen=True, slots=True)
class Completed:
    """An attempt at a step succeeded."""

    step: Instance
    attempt: int
    choice: Choice = None
    """What it decided, if it is a step that controls a block."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt at a step failed."""

    step: Instance
    attempt: int
    for_good: bool
    """True where another attempt would fail in the same way."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """An attempt at a step did not end within its time."""

    step: Instance
    attempt: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The run as a whole is to stop."""

    status: Literal["cancelled", "timed_out"]


Occurrence = Completed | Failed | TimedOut | Stopped
"""What a driver tells the core."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Begin an attempt at a step, as soon as a worker is free."""

    step: Instance
    attempt: int
    delay: float
    """Seconds to wait first."""
    timeout: float
    """Seconds that the attempt may take."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop an attempt that was scheduled."""

    step: Instance
    attempt: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The workflow has ended."""

    status: EndStatus
    failed_step: Instance | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """A step is not run: its condition does not hold, its list is empty, or its optional block has failed."""

    step: Instance


Command = Schedule | Cancel | Skip | Finish
"""What the core tells a driver."""


Ready = tuple[Frame, str]
"""A task that waits for nothing more."""


class Execution:
    """One execution of a workflow. Give it every event exactly once, in the order in which they happened."""

    def __init__(self, workflow: WorkflowDef, *, graph: Graph | None = None) -> None:
        """Takes a workflow; `graph` is its graph (`graph_of`), for a caller who has it already."""
        self._root = Frame(graph or graph_of(workflow))
        self._defs = {found.name: found for found in workflow.task_defs}
        self._finished: Mapping[Instance, Choice] = {}
        self._places: dict[Instance, tuple[Frame, WorkflowTask]] = {}
        self._commands: list[Command] = []
        self.running: dict[Instance, int] = {}
        """Number of the attempt by step, for each step that is scheduled and has not ended."""
        self.dropped: set[Instance] = set()
        """Steps that completed in an optional block that then failed: as if they had given nothing."""
        self.failed: set[Instance] = set()
        """Steps that ended without having completed, optional ones and those of optional blocks among them."""
        self.last: dict[str, Instance] = {}
        """By step of a repeated block that has ended: its instance in the last pass."""
        self.ended: Finish | None = None
        """How the workflow ended; None while it runs."""

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps of the workflow by id, blocks' included, in an order in which they can run."""
        return tuple(self._root.graph.steps())

    def start(self, finished: Mapping[Instance, Choice] | None = None) -> list[Command]:
        """Gives the first commands; steps in `finished` count as completed, so decided, when their turn comes."""
        self._finished = finished or {}
        if not self._root.left:
            return self._finish(Finish("completed"))
        return self._go_on(list(self._root.first()))

    def advance(self, event: Occurrence) -> list[Command]:
        """Gives the commands that follow from an event; none for one that comes too late."""
        if self.ended is not None:
            return []
        if isinstance(event, Stopped):
            return self._finish(Finish(event.status))
        if self.running.get(event.step) != event.attempt:
            return []
        if isinstance(event, Completed):
            frame, task = self._leave(event.step)
            ready: list[Ready] = []
            self._completed(frame, task, event.step, event.choice, ready)
            return self._go_on(ready)
        return self._fail(event)

    def _leave(self, step: Instance) -> tuple[Frame, WorkflowTask]:
        del self.running[step]
        return self._places.pop(step)

    def _go_on(self, ready: list[Ready]) -> list[Command]:
        """Begins the tasks that wait for nothing more; control tasks end at once."""
        for frame, name in ready:  # grows while it is walked
            task = frame.graph.nodes[name].task
            if task.type == "SIMPLE":
                self._begin(frame, task, ready)
            elif name in frame.graph.bodies:
                self._open(frame, task, ready)
            else:
                self._passed(frame, name, ready, frame.delay_of(name) + pause_of(task))
        commands, self._commands = self._commands, []
        return commands

    def _begin(self, frame: Frame, task: WorkflowTask, ready: list[Ready]) -> None:
        step = frame.instance_of(task)
        if step in self._finished:
            self._completed(frame, task, step, self._finished[step], ready)
            return
        self.running[step] = 1
        self._places[step] = frame, task
        seconds = _seconds(self._definition(task.name))
        self._commands.append(Schedule(step, 1, frame.delay_of(task.task_reference_name), seconds))

    def _completed(self, frame: Frame, task: WorkflowTask, step: Instance, choice: Choice, ready: list[Ready]) -> None:
        frame.complete(task.task_reference_name, step, choice)
        self._passed(frame, task.task_reference_name, ready)

    def _passed(self, frame: Frame, name: str, ready: list[Ready], delay: float = 0.0) -> None:
        """Notes that a task has ended, and all that ends with it."""
        ready.extend(frame.release(name, delay))
        if frame.left:
            return
        if frame.parent is None:
            self._commands.extend(self._finish(Finish("completed")))
        else:
            self._closed(frame, frame.parent, ready)

    # ------------------------------------------------------------- tasks that have tasks inside them

    def _open(self, frame: Frame, task: WorkflowTask, ready: list[Ready]) -> None:
        """Begins what is inside a task."""
        reference = task.task_reference_name
        inside = self._inside(frame, task, frame.graph.bodies[reference], frame.delay_of(reference))
        frame.open[reference] = len(inside)
        for entered in inside:
            ready.extend(entered.first())
        if not inside:
            self._passed(frame, reference, ready, frame.delay_of(reference))

    def _inside(self, frame: Frame, task: WorkflowTask, bodies: Mapping[str, Graph], delay: float) -> list[Frame]:
        reference = task.task_reference_name
        if task.type == "SWITCH":
            case = str(frame.choice_of(source_of(task.input_parameters[task.expression or ""])))
            self._skip(step for name, body in bodies.items() if name != case for step in body.steps())
            return [Frame(bodies[case], frame, reference, delay=delay)] if case in bodies else []
        if task.type == "FORK_JOIN_DYNAMIC":
            count = int(frame.choice_of(source_of(task.input_parameters[task.dynamic_fork_tasks_param or ""])) or 0)
            if not count:
                self._skip(bodies[""].steps())
            optional = task.pass_task is not None and task.pass_task.optional
            return [Frame(bodies[""], frame, reference, n, optional=optional) for n in range(count)]
        number = 1 if task.type == "DO_WHILE" else None
        return [Frame(bodies[""], frame, reference, number, optional=task.optional, delay=delay)]

    def _closed(self, frame: Frame, parent: Frame, ready: list[Ready]) -> None:
        """Goes on where a frame has run to its end."""
        task = parent.graph.nodes[frame.reference].task
        if task.type == "DO_WHILE" and frame.number is not None:
            until, at_most = loop_of(task.loop_condition or "")
            if frame.choice_of(until) == "again" and frame.number < at_most:
                again = Frame(frame.graph, parent, frame.reference, frame.number + 1, delay=frame.end_delay)
                ready.extend(again.first())
                return
            self.last.update((step, instance(step, frame.number)) for step in frame.graph.steps())
        self._left_open(frame, parent, ready)

    def _left_open(self, frame: Frame, parent: Frame, ready: list[Ready]) -> None:
        parent.open[frame.reference] -= 1
        if not parent.open[frame.reference]:
            self._passed(parent, frame.reference, ready, frame.end_delay)

    def _skip(self, steps: Iterable[Instance]) -> None:
        self._commands.extend(Skip(step) for step in steps)

    # -------------------------------------------------------------------------------- failures

    def _fail(self, event: Failed | TimedOut) -> list[Command]:
        frame, task = self._places[event.step]
        definition = self._definition(task.name)
        late = isinstance(event, TimedOut)
        for_good = definition.timeout_policy == "TIME_OUT_WF" if late else event.for_good
        if not for_good and event.attempt <= definition.retry_count:
            attempt = self.running[event.step] = event.attempt + 1
            return [Schedule(event.step, attempt, retry_delay(definition, event.attempt), _seconds(definition))]
        self._leave(event.step)
        self.failed.add(event.step)
        ready: list[Ready] = []
        optional = frame.innermost_optional()
        if task.optional:
            self._passed(frame, task.task_reference_name, ready)
        elif optional is not None and optional.parent is not None:
            self._give_up(optional, frame)
            self._left_open(optional, optional.parent, ready)
        else:
            return self._finish(Finish("timed_out" if late else "failed", event.step))
        return self._go_on(ready)

    def _give_up(self, frame: Frame, failed: Frame) -> None:
        """Stops what runs in an optional frame, and drops what it gave; a step of `failed`, inside it, failed."""
        begun = dict.fromkeys(failed.up_to(frame))
        for step in [step for step, (place, _) in self._places.items() if place.is_in(frame)]:
            self._commands.append(Cancel(step, self.running[step]))
            self.failed.add(step)
            place, _ = self._leave(step)
            begun |= dict.fromkeys(place.up_to(frame))
        self.dropped.update(frame.completed)
        self.last = {step: last for step, last in self.last.items() if last not in self.dropped}
        self._skip(step for entered in begun for step in entered.not_begun())

    def _finish(self, finish: Finish) -> list[Command]:
        self.ended = finish
        cancelled = [Cancel(step, attempt) for step, attempt in self.running.items()]
        self.running.clear()
        return [*cancelled, finish]

    def _definition(self, name: str) -> TaskDef:
        return self._defs.get(name) or unregistered(name)


def outputs_of(execution: Execution, finished: Mapping[Instance, str]) -> dict[str, str]:
    """Gives what an execution gave, out of what is finished; see `EngineResult.outputs`."""
    kept = {step: output for step, output in finished.items() if step not in execution.dropped}
    return kept | {step: kept[last] for step, last in execution.last.items() if last in kept}


def retry_delay(definition: TaskDef, failed_attempt: int) -> float:
    """Gives the seconds between a failed attempt and the next one, as Conductor counts them."""
    delay = float(definition.retry_delay_seconds)
    if definition.retry_logic == "EXPONENTIAL_BACKOFF":
        return delay * 2.0 ** (failed_attempt - 1)
    if definition.retry_logic == "LINEAR_BACKOFF":
        return delay * definition.backoff_scale_factor * failed_attempt
    return delay


def unregistered(name: str) -> TaskDef:
    """Gives how a task without a TaskDef is run: once, within an hour."""
    return TaskDef(
        name=name, retry_count=0, timeout_seconds=3_600, response_timeout_seconds=3_599, poll_timeout_seconds=3_600
    )


def _seconds(definition: TaskDef) -> float:
    return float(min(definition.timeout_seconds, definition.response_timeout_seconds) or definition.timeout_seconds)
