"""Parts of a partial order as the tasks of one workflow: chains in the branches of a fork, JOINs on markers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from executor.workflow.chains import minimum_chains
from executor.workflow.definition import WorkflowTask


class Part(NamedTuple):
    """Tasks that run one after the other and that nothing else comes between."""

    first: str
    """Names it where it waits."""
    last: str
    """Names it where others wait for it."""
    tasks: tuple[WorkflowTask, ...]
    """What it runs."""
    before: list[int]
    """Indices of the parts that come directly before it, all smaller than its own."""


def arranged(parts: Sequence[Part], name: str) -> tuple[WorkflowTask, ...]:
    """Gives the tasks that run parts in exactly their order; `name` makes the names of fork and join unique."""
    chains = minimum_chains([part.before for part in parts])
    if len(chains) <= 1:
        return tuple(task for chain in chains for index in chain for task in parts[index].tasks)
    chain_of = {index: number for number, chain in enumerate(chains) for index in chain}
    foreign = [[b for b in part.before if chain_of[b] != chain_of[index]] for index, part in enumerate(parts)]
    marked = {index for befores in foreign for index in befores} | {chain[-1] for chain in chains}
    branches: list[tuple[WorkflowTask, ...]] = []
    for chain in chains:
        branch: list[WorkflowTask] = []
        for index in chain:
            part = parts[index]
            if foreign[index]:
                branch.append(_join(f"wait-{part.first}", [_marker(parts[other]) for other in foreign[index]]))
            branch.extend(part.tasks)
            if index in marked:
                branch.append(WorkflowTask(name="done", task_reference_name=_marker(part), type="NOOP"))
        branches.append(tuple(branch))
    fork = WorkflowTask(name="fork", task_reference_name=f"fork-{name}", type="FORK_JOIN", fork_tasks=tuple(branches))
    return fork, _join(f"join-{name}", [_marker(parts[chain[-1]]) for chain in chains])


def _marker(part: Part) -> str:
    return f"done-{part.last}"  # no step is called so


def _join(reference: str, markers: list[str]) -> WorkflowTask:
    return WorkflowTask(name="join", task_reference_name=reference, type="JOIN", join_on=tuple(markers))
