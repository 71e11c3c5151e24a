"""What a workflow's JSON means as a graph: which task waits for which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dagwright.exceptions import InputError
from executor.workflow import WorkflowDef, WorkflowTask


@dataclass(frozen=True, slots=True)
class Node:
    """One task with what must end before it starts."""

    task: WorkflowTask
    before: tuple[str, ...]
    """Reference names; a fork stands before each of its branches, markers before their JOIN."""


def graph_of(workflow: WorkflowDef) -> dict[str, Node]:
    """Gives the nodes of a workflow by reference name, in an order in which they can run.

    Raises:
        InputError: it is not a workflow that can end: names that are not unique or unknown, an
            empty branch, a fork without a JOIN next to it, or tasks that wait for each other.
    """
    nodes: dict[str, Node] = {}
    for task, before in _walk(workflow.tasks, ()):
        if task.task_reference_name in nodes:
            raise InputError(f"workflow {workflow.name!r} has two tasks called {task.task_reference_name!r}")
        nodes[task.task_reference_name] = Node(task, before)
    for reference, node in nodes.items():
        unknown = [name for name in node.before if name not in nodes]
        if unknown:
            raise InputError(f"task {reference!r} of workflow {workflow.name!r} joins on {unknown}, which do not exist")
    return _sorted(workflow.name, nodes)


def order_of(workflow: WorkflowDef) -> frozenset[tuple[str, str]]:
    """Gives the strict partial order of a workflow's steps: all pairs (earlier, later).

    Raises:
        InputError: as for `graph_of`.
    """
    nodes = graph_of(workflow)
    earlier: dict[str, frozenset[str]] = {}
    for reference, node in nodes.items():
        direct = {name for name in node.before if nodes[name].task.type == "SIMPLE"}
        earlier[reference] = frozenset(direct).union(*(earlier[name] for name in node.before))
    return frozenset(
        (before, reference)
        for reference, befores in earlier.items()
        if nodes[reference].task.type == "SIMPLE"
        for before in befores
    )


def _walk(tasks: Sequence[WorkflowTask], first: tuple[str, ...]) -> Iterator[tuple[WorkflowTask, tuple[str, ...]]]:
    previous, fork = first, None
    for task in tasks:
        reference = task.task_reference_name
        if fork is not None and task.type != "JOIN":
            raise InputError(f"fork {fork!r} must be followed by a JOIN, not by {reference!r}")
        fork = None
        yield task, (*previous, *task.join_on)
        if task.type == "FORK_JOIN":
            fork = reference
            for branch in task.fork_tasks:
                if not branch:
                    raise InputError(f"fork {reference!r} has an empty branch")
                yield from _walk(branch, (reference,))
        previous = (reference,)
    if fork is not None:
        raise InputError(f"fork {fork!r} must be followed by a JOIN")


def _sorted(name: str, nodes: dict[str, Node]) -> dict[str, Node]:
    missing = {reference: len(set(node.before)) for reference, node in nodes.items()}
    after: dict[str, list[str]] = {reference: [] for reference in nodes}
    for reference, node in nodes.items():
        for before in set(node.before):
            after[before].append(reference)
    ready = [reference for reference, count in missing.items() if not count]
    for reference in ready:  # grows while it is walked
        for later in after[reference]:
            missing[later] -= 1
            if not missing[later]:
                ready.append(later)
    if len(ready) < len(nodes):
        stuck = sorted(reference for reference, count in missing.items() if count)
        raise InputError(f"tasks of workflow {name!r} wait for each other and would never start: {stuck[:10]}")
    return {reference: nodes[reference] for reference in ready}
