"""`compile_workflow`: a certified program as a Conductor workflow with exactly its partial order.

Steps are laid into a minimum number of chains, one branch of a single FORK_JOIN each. Where a step
waits for a step of another branch, a JOIN in its branch waits for that step's marker, a NOOP right
after it. Joins name markers only: Conductor decides lazily after a worker task, and retries race
with a JOIN on one, while system tasks are decided at once. No barrier is added, no order lost.

The steps of a block (`executor.workflow.block`) count as one step here: they run in their order, nothing
comes in between, and what follows the block waits for its end. Workflows of more than
`split.LIMIT` tasks are divided into sub-workflows where the order allows it (`executor.workflow.split`).
"""

from __future__ import annotations

import math

from dagwright.control import Control
from dagwright.program import Program, ProgramStep
from dagwright.tool import ToolSpec
from executor.workflow.arrangement import Part, arranged
from executor.workflow.block import block_tasks, controls_of, step_task
from executor.workflow.chains import reduced_predecessors
from executor.workflow.definition import TaskDef, WorkflowDef
from executor.workflow.split import split

GRACE_SECONDS = 2
"""How much longer than the guarded worker an engine waits for an attempt to end."""

POLL_SECONDS = 3_600
"""How long a task may wait for a worker to take it."""


def compile_workflow(program: Program) -> WorkflowDef:
    """Gives the workflow of a program; the same program always gives the same workflow."""
    parts = _parts(program)
    specs = {item.spec.name: item.spec for item in program.steps}
    return WorkflowDef(
        name=f"dagwright_{program.hash[:16]}",
        description=f"goal {program.proposal.goal.goal_id}, proposal version {program.proposal.version}",
        tasks=arranged(split(parts, program), "all"),
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


def _parts(program: Program) -> list[Part]:
    """Gives the program's steps as parts: those of a block together, in a topological order."""
    controls = controls_of(program.proposal)
    members: dict[str, list[ProgramStep]] = {}
    for item in program.steps:
        key = f"block-{item.task_id}" if item.task_id in controls else item.step.step_id
        members.setdefault(key, []).append(item)
    place = {item.step.step_id: index for index, items in enumerate(members.values()) for item in items}
    before = [
        {place[name] for item in items for name in item.after} - {index} for index, items in enumerate(members.values())
    ]
    reduced = reduced_predecessors([sorted(befores) for befores in before])
    return [_part(program, controls, items, befores) for items, befores in zip(members.values(), reduced, strict=True)]


def _part(program: Program, controls: dict[str, Control], items: list[ProgramStep], before: list[int]) -> Part:
    control = controls.get(items[0].task_id)
    tasks = (step_task(program, items[0]),) if control is None else block_tasks(program, control, items)
    return Part(items[0].step.step_id, items[-1].step.step_id, tasks, before)


def _workflow_seconds(program: Program) -> int:
    limits = (program.proposal.goal.constraints.deadline, program.policy.budget.max_seconds)
    stated = [limit for limit in limits if limit is not None]
    return math.ceil(min(stated)) if stated else 0
