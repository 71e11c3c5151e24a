"""What a workflow's JSON means as a graph: which task waits for which.

Forks and sub-workflows that must succeed are part of the graph around them. What may run not at all,
several times or in vain (a SWITCH's cases, the passes of a DO_WHILE or of a FORK_JOIN_DYNAMIC, a
SUB_WORKFLOW that is optional) is one node there, and has a graph of its own inside.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dagwright.exceptions import InputError
from executor.workflow.definition import WorkflowDef, WorkflowTask, loop_of, source_of


@dataclass(frozen=True, slots=True)
class Node:
    """One task with what must end before it starts."""

    task: WorkflowTask
    before: tuple[str, ...]
    """Reference names; a fork stands before each of its branches, markers before their JOIN."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Tasks that begin and end together."""

    nodes: dict[str, Node]
    """By reference name, in an order in which they can run."""
    after: dict[str, list[str]]
    """By reference name, the tasks that wait for it."""
    missing: dict[str, int]
    """By reference name, how many tasks it waits for."""
    bodies: dict[str, dict[str, Graph]] = field(default_factory=dict[str, dict[str, "Graph"]])
    """The graphs inside a node: by case for a SWITCH, else the only one as `""`."""

    def steps(self) -> Iterator[str]:
        """Gives the reference names of the worker tasks in it and inside its nodes."""
        for reference, node in self.nodes.items():
            if node.task.type == "SIMPLE":
                yield reference
            for body in self.bodies.get(reference, {}).values():
                yield from body.steps()


def graph_of(workflow: WorkflowDef) -> Graph:
    """Gives the graph of a workflow.

    Raises:
        InputError: it is not a workflow that can end: names that are not unique or unknown, an
            empty branch, a fork without a JOIN next to it, or tasks that wait for each other; or
            it decides by something else than what a task of it answers.
    """
    return _graph(workflow.name, workflow.tasks, set())


def bodies_of(task: WorkflowTask) -> Mapping[str, Sequence[WorkflowTask]]:
    """Gives the tasks inside a task that are a graph of their own; by case for a SWITCH, else as `""`.

    Raises:
        InputError: it lacks what it is to run, or decides by.
    """
    reference = task.task_reference_name
    if task.type == "SWITCH":
        source_of(task.input_parameters.get(task.expression or ""))
        return task.decision_cases or {}
    if task.type == "DO_WHILE":
        loop_of(task.loop_condition or "")
        return {"": _filled(reference, task.loop_over)}
    if task.type == "FORK_JOIN_DYNAMIC":
        source_of(task.input_parameters.get(task.dynamic_fork_tasks_param or ""))
        return {"": _filled(reference, _inside(task.pass_task))}
    return {"": _inside(task)} if task.type == "SUB_WORKFLOW" and task.optional else {}


def _inside(task: WorkflowTask | None) -> Sequence[WorkflowTask]:
    """Gives the tasks of a SUB_WORKFLOW."""
    if task is None or task.sub_workflow_param is None:
        raise InputError(f"{task.task_reference_name if task else 'a dynamic fork'!r} does not say what it runs")
    return _filled(task.task_reference_name, task.sub_workflow_param.workflow_definition.tasks)


def _filled(reference: str, tasks: Sequence[WorkflowTask] | None) -> Sequence[WorkflowTask]:
    if not tasks:
        raise InputError(f"task {reference!r} has nothing to run")
    return tasks


def _graph(name: str, tasks: Sequence[WorkflowTask], known: set[str]) -> Graph:
    nodes: dict[str, Node] = {}
    for task, before in _walk(tasks, ()):
        if task.task_reference_name in known:
            raise InputError(f"workflow {name!r} has two tasks called {task.task_reference_name!r}")
        known.add(task.task_reference_name)
        nodes[task.task_reference_name] = Node(task, before)
    for reference, node in nodes.items():
        unknown = [other for other in node.before if other not in nodes]
        if unknown:
            raise InputError(f"task {reference!r} of workflow {name!r} joins on {unknown}, which do not exist")
    graph = _sorted(name, nodes)
    for reference, node in nodes.items():
        if bodies := bodies_of(node.task):
            graph.bodies[reference] = {case: _graph(name, body, known) for case, body in bodies.items()}
    return graph


def _walk(
    tasks: Sequence[WorkflowTask], first: tuple[str, ...]
) -> Generator[tuple[WorkflowTask, tuple[str, ...]], None, tuple[str, ...]]:
    """Gives each task with what comes before it, and at last what comes before whatever follows."""
    previous, fork = first, None
    for task in tasks:
        reference = task.task_reference_name
        if fork is not None and task.type != "JOIN":
            raise InputError(f"fork {fork!r} must be followed by a JOIN, not by {reference!r}")
        fork = reference if task.type in ("FORK_JOIN", "FORK_JOIN_DYNAMIC") else None
        yield task, (*previous, *task.join_on)
        for branch in task.fork_tasks:
            if not branch:
                raise InputError(f"fork {reference!r} has an empty branch")
            yield from _walk(branch, (reference,))
        previous = (reference,)
        if task.type == "SUB_WORKFLOW" and not task.optional:
            ends = yield from _walk(_inside(task), (reference,))
            previous = (*previous, *ends)
    if fork is not None:
        raise InputError(f"fork {fork!r} must be followed by a JOIN")
    return previous


def _sorted(name: str, nodes: dict[str, Node]) -> Graph:
    missing = {reference: len(set(node.before)) for reference, node in nodes.items()}
    count = dict(missing)
    after: dict[str, list[str]] = {reference: [] for reference in nodes}
    for reference, node in nodes.items():
        for before in set(node.before):
            after[before].append(reference)
    ready = [reference for reference, left in count.items() if not left]
    for reference in ready:  # grows while it is walked
        for later in after[reference]:
            count[later] -= 1
            if not count[later]:
                ready.append(later)
    if len(ready) < len(nodes):
        stuck = sorted(reference for reference, left in count.items() if left)
        raise InputError(f"tasks of workflow {name!r} wait for each other and would never start: {stuck[:10]}")
    return Graph({reference: nodes[reference] for reference in ready}, after, missing)
