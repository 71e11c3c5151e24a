"""`compile_workflow`: a certified program as a Conductor workflow with exactly its partial order.

Steps are laid into a minimum number of chains, one branch of a single FORK_JOIN each. Where a step
waits for a step of another branch, a JOIN in its branch waits for that step's marker, a NOOP right
after it. Joins name markers only: Conductor decides lazily after a worker task, and retries race
with a JOIN on one, while system tasks are decided at once. No barrier is added, no order lost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydantic import JsonValue

from dagwright.program import Program, ProgramStep
from dagwright.tool import ToolSpec
from executor.chains import minimum_chains, reduced_predecessors
from executor.workflow import TaskDef, WorkflowDef, WorkflowTask

GRACE_SECONDS = 2
"""How much longer than the guarded worker an engine waits for an attempt to end."""

POLL_SECONDS = 3_600
"""How long a task may wait for a worker to take it."""


def compile_workflow(program: Program) -> WorkflowDef:
    """Gives the workflow of a program; the same program always gives the same workflow."""
    position = {item.step.step_id: index for index, item in enumerate(program.steps)}
    before = reduced_predecessors([[position[name] for name in item.after] for item in program.steps])
    chains = minimum_chains(before)
    if len(chains) <= 1:
        tasks = tuple(_step_task(program, program.steps[index]) for chain in chains for index in chain)
    else:
        tasks = _forked(program, before, chains)
    specs = {item.spec.name: item.spec for item in program.steps}
    return WorkflowDef(
        name=f"dagwright_{program.hash[:16]}",
        description=f"goal {program.proposal.goal.goal_id}, proposal version {program.proposal.version}",
        tasks=tasks,
        timeout_seconds=_workflow_seconds(program),
        task_defs=tuple(task_def(specs[name]) for name in sorted(specs)),
    )


def task_def(spec: ToolSpec) -> TaskDef:
    """Gives how attempts at an operation are timed and retried; depends on nothing but its spec.

    Whole seconds, rounded up, because Conductor knows no others.
    """
    seconds = math.ceil(spec.timeout)
    delay, doubled = spec.retry.backoff
    return TaskDef(
        name=spec.name,
        retry_count=spec.retry.attempts - 1,
        retry_logic="EXPONENTIAL_BACKOFF" if doubled else "FIXED",
        retry_delay_seconds=delay,
        timeout_seconds=seconds + 2 * GRACE_SECONDS,
        response_timeout_seconds=seconds + GRACE_SECONDS,
        poll_timeout_seconds=POLL_SECONDS,
    )


def _forked(
    program: Program, before: Sequence[Sequence[int]], chains: Sequence[Sequence[int]]
) -> tuple[WorkflowTask, ...]:
    names = [item.step.step_id for item in program.steps]
    chain_of = {index: number for number, chain in enumerate(chains) for index in chain}
    foreign = [[b for b in befores if chain_of[b] != chain_of[index]] for index, befores in enumerate(before)]
    marked = {index for befores in foreign for index in befores} | {chain[-1] for chain in chains}
    branches: list[tuple[WorkflowTask, ...]] = []
    for chain in chains:
        branch: list[WorkflowTask] = []
        for index in chain:
            if foreign[index]:
                branch.append(_join(f"wait-{names[index]}", [_marker(names[other]) for other in foreign[index]]))
            branch.append(_step_task(program, program.steps[index]))
            if index in marked:
                branch.append(WorkflowTask(name="done", task_reference_name=_marker(names[index]), type="NOOP"))
        branches.append(tuple(branch))
    fork = WorkflowTask(name="fork", task_reference_name="fork-all", type="FORK_JOIN", fork_tasks=tuple(branches))
    return fork, _join("join-all", [_marker(names[chain[-1]]) for chain in chains])


def _step_task(program: Program, item: ProgramStep) -> WorkflowTask:
    inputs: dict[str, JsonValue] = {
        "run": "${workflow.input.run}",
        "program": program.hash,
        "step": item.step.step_id,
    }
    return WorkflowTask(
        name=item.spec.name, task_reference_name=item.step.step_id, type="SIMPLE", input_parameters=inputs
    )


def _marker(step: str) -> str:
    return f"done-{step}"  # no step is called so: identifiers have no hyphen


def _join(reference: str, markers: list[str]) -> WorkflowTask:
    return WorkflowTask(name="join", task_reference_name=reference, type="JOIN", join_on=tuple(markers))


def _workflow_seconds(program: Program) -> int:
    limits = (program.proposal.goal.constraints.deadline, program.policy.budget.max_seconds)
    stated = [limit for limit in limits if limit is not None]
    return math.ceil(min(stated)) if stated else 0
