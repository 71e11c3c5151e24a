"""A task's steps with what controls them (`dagwright.control`), as Conductor's own control tasks.

    when       when-T, then a SWITCH on its choice, with the block in the case `yes`
    each       the head, a FORK_JOIN_DYNAMIC with a SUB_WORKFLOW per item, its JOIN, then all-STEP
    repeat     a DO_WHILE over the steps, until-T and, before another pass, a WAIT
    optional   a SUB_WORKFLOW that may fail; with `each`, each of the sub-workflows may

The passes of `each` are sub-workflows because a JOIN on worker tasks races with their retries. In a
pass, tasks have its `number` beside `{run, program, step}`: from 0 for items, from 1 for repetitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import JsonValue

from dagwright.control import Control, Repeat
from dagwright.program import Program, ProgramStep
from dagwright.proposal import Proposal
from dagwright.tool import ControlBinding
from executor.workflow.definition import (
    SubWorkflowParam,
    WorkflowDef,
    WorkflowTask,
    choice_of,
    goes_on,
    passes_from,
    pause,
)
from validation.blocks import PLAIN

Role = Literal["when", "each", "until", "collect", "step"]
"""What a step is to its block; `step` for one that the proposal lists."""

PASS_NUMBER = "${workflow.input.number}"  # noqa: S105 - an expression, no password
"""The number of the pass that a sub-workflow is."""


def role_of(item: ProgramStep) -> Role:
    """Gives what a step is to its block."""
    binding = item.spec.binding
    return binding.decides if isinstance(binding, ControlBinding) else "step"


def controls_of(proposal: Proposal) -> dict[str, Control]:
    """Gives what surrounds the steps of each task that has it, by task id."""
    found = proposal.decompositions
    return {item.task_id: item.control for item in found if item.control is not None and item.control != PLAIN}


def step_task(program: Program, item: ProgramStep, number: str | None = None) -> WorkflowTask:
    """Gives the task of a step; `number` is the expression for its pass."""
    inputs: dict[str, JsonValue] = {
        "run": "${workflow.input.run}",
        "program": program.hash,
        "step": item.step.step_id,
    }
    if number is not None:
        inputs["number"] = number
    return WorkflowTask(
        name=item.spec.name, task_reference_name=item.step.step_id, type="SIMPLE", input_parameters=inputs
    )


def block_tasks(program: Program, control: Control, items: Sequence[ProgramStep]) -> tuple[WorkflowTask, ...]:
    """Gives the tasks of a block, to be run one after the other; `items` are its steps in their order."""
    return _Block(program, control, items).tasks()


def sub_workflow(
    reference: str, tasks: Sequence[WorkflowTask], program: Program, *, number: bool = False, optional: bool = False
) -> WorkflowTask:
    """Gives tasks as one SUB_WORKFLOW; `number` where its input has the number of a pass."""
    names = ("run", "program", "number") if number else ("run", "program")
    definition = WorkflowDef(
        name=f"dagwright_{program.hash[:16]}_{reference}", tasks=tuple(tasks), input_parameters=names
    )
    return WorkflowTask(
        name="sub_workflow",
        task_reference_name=reference,
        type="SUB_WORKFLOW",
        input_parameters={"run": "${workflow.input.run}", "program": program.hash},
        sub_workflow_param=SubWorkflowParam(name=definition.name, workflow_definition=definition),
        optional=optional,
    )


class _Block:
    """One block while its tasks are made."""

    def __init__(self, program: Program, control: Control, items: Sequence[ProgramStep]) -> None:
        self._program, self._control, self._items = program, control, items
        self._task = items[0].task_id

    def tasks(self) -> tuple[WorkflowTask, ...]:
        """Gives its tasks from the outside to the inside."""
        control = self._control
        if control.each is not None:
            body = self._per_item()
        elif control.repeat is not None:
            body = (self._loop(control.repeat),)
        else:
            body = self._steps("step")
        if control.when:
            body = self._on_condition(body)
        if control.optional and control.each is None:
            body = (sub_workflow(f"block-{self._task}", body, self._program, optional=True),)
        return body

    def _steps(self, role: Role, number: str | None = None) -> tuple[WorkflowTask, ...]:
        return tuple(step_task(self._program, item, number) for item in self._items if role_of(item) == role)

    def _on_condition(self, body: tuple[WorkflowTask, ...]) -> tuple[WorkflowTask, ...]:
        (condition,) = self._steps("when")
        switch = _switch(f"switch-{self._task}", condition.task_reference_name, "yes", body)
        return condition, switch

    def _per_item(self) -> tuple[WorkflowTask, ...]:
        (head,) = self._steps("each")
        steps = self._steps("step", PASS_NUMBER)
        optional = self._control.optional
        fork = WorkflowTask(
            name="each",
            task_reference_name=f"each-{self._task}",
            type="FORK_JOIN_DYNAMIC",
            input_parameters=passes_from(head.task_reference_name),
            dynamic_fork_tasks_param="dynamicTasks",
            dynamic_fork_tasks_input_param_name="dynamicTasksInput",
            pass_task=sub_workflow(f"pass-{self._task}", steps, self._program, number=True, optional=optional),
        )
        join = WorkflowTask(name="join", task_reference_name=f"joined-{self._task}", type="JOIN")
        return head, fork, join, *self._steps("collect")

    def _loop(self, repeat: Repeat) -> WorkflowTask:
        loop = f"loop-{self._task}"
        number = f"${{{loop}.output.iteration}}"
        steps, (until,) = self._steps("step", number), self._steps("until", number)
        decided = until.task_reference_name
        assert repeat.at_most is not None  # R506
        return WorkflowTask(
            name="loop",
            task_reference_name=loop,
            type="DO_WHILE",
            loop_over=(*steps, until, *self._pause(decided, repeat.wait)),
            loop_condition=goes_on(loop, decided, repeat.at_most),
        )

    def _pause(self, decided: str, seconds: int) -> tuple[WorkflowTask, ...]:
        if not seconds:
            return ()
        rest = WorkflowTask(
            name="wait", task_reference_name=f"pause-{self._task}", type="WAIT", input_parameters=pause(seconds)
        )
        return (_switch(f"again-{self._task}", decided, "again", (rest,)),)


def _switch(reference: str, decided: str, case: str, body: tuple[WorkflowTask, ...]) -> WorkflowTask:
    return WorkflowTask(
        name="switch",
        task_reference_name=reference,
        type="SWITCH",
        input_parameters={"case": choice_of(decided)},
        evaluator_type="value-param",
        expression="case",
        decision_cases={case: body},
        default_case=(),
    )
