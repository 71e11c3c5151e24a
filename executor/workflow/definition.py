"""`WorkflowDef`: Conductor's own workflow JSON, the subset that the compiler emits."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from dagwright.exceptions import InputError
from dagwright.model import Frozen

TaskType = Literal[
    "SIMPLE", "FORK_JOIN", "JOIN", "NOOP", "SWITCH", "DO_WHILE", "FORK_JOIN_DYNAMIC", "SUB_WORKFLOW", "WAIT"
]
"""Conductor's types of tasks, as far as the compiler emits them."""


class Native(Frozen):
    """Base of what goes to Conductor: fields have their Conductor names in JSON."""

    model_config = ConfigDict(alias_generator=to_camel)


class WorkflowTask(Native):
    """One task of a workflow, in Conductor's field names."""

    name: str
    """Name of the TaskDef: `{tool}.{operation}` for steps, `fork`, `join`, `done` for control."""
    task_reference_name: str
    """Unique in the workflow; a step's id for steps."""
    type: TaskType
    """Type in Conductor."""
    input_parameters: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """For steps `{run, program, step}`, in a pass of a block `number` too: references, never values."""
    fork_tasks: tuple[tuple[WorkflowTask, ...], ...] = ()
    """Branches of a FORK_JOIN."""
    join_on: tuple[str, ...] = ()
    """Markers that a JOIN waits for."""
    optional: bool = False
    """Whether the workflow goes on when it fails."""
    evaluator_type: Literal["value-param"] | None = None
    """Of a SWITCH: its case is the input parameter that `expression` names."""
    expression: str | None = None
    """Of a SWITCH."""
    decision_cases: dict[str, tuple[WorkflowTask, ...]] | None = None
    """Of a SWITCH: the tasks of each case; in any other, those of `default_case` are run."""
    default_case: tuple[WorkflowTask, ...] | None = None
    """Of a SWITCH."""
    loop_over: tuple[WorkflowTask, ...] | None = None
    """Of a DO_WHILE: the tasks of a pass."""
    loop_condition: str | None = None
    """Of a DO_WHILE: whether there is another pass; see `goes_on`."""
    dynamic_fork_tasks_param: str | None = None
    """Of a FORK_JOIN_DYNAMIC: the input parameter with its tasks, which an earlier task's answer gives."""
    dynamic_fork_tasks_input_param_name: str | None = None
    """Of a FORK_JOIN_DYNAMIC: the input parameter with their inputs."""
    pass_task: WorkflowTask | None = None
    """Of a FORK_JOIN_DYNAMIC: the task of each pass, which `pass_tasks` numbers. An answer says only how many
    passes there are; the engine makes the tasks. Not part of Conductor's own WorkflowTask."""
    sub_workflow_param: SubWorkflowParam | None = None
    """Of a SUB_WORKFLOW."""


class TaskDef(Native):
    """How a step's task is retried and timed, in Conductor's field names (seconds)."""

    name: str
    retry_count: int = 0
    retry_logic: Literal["FIXED", "EXPONENTIAL_BACKOFF", "LINEAR_BACKOFF"] = "EXPONENTIAL_BACKOFF"
    retry_delay_seconds: int = 1
    backoff_scale_factor: int = 2
    timeout_seconds: int
    response_timeout_seconds: int
    poll_timeout_seconds: int
    timeout_policy: Literal["RETRY", "TIME_OUT_WF"] = "RETRY"
    owner_email: str = "dagwright@localhost.localdomain"


class WorkflowDef(Native):
    """A workflow as Conductor takes it, with the TaskDefs that it needs beside it."""

    name: str
    description: str = ""
    version: int = 1
    schema_version: int = 2
    tasks: tuple[WorkflowTask, ...]
    input_parameters: tuple[str, ...] = ("run", "program")
    output_parameters: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    timeout_policy: Literal["TIME_OUT_WF", "ALERT_ONLY"] = "TIME_OUT_WF"
    timeout_seconds: int = 0
    owner_email: str = "dagwright@localhost.localdomain"
    restartable: bool = True
    task_defs: tuple[TaskDef, ...] = ()
    """Registered beside the workflow; not part of Conductor's WorkflowDef itself. Those of the tasks of
    sub-workflows stand with the outermost workflow."""


class SubWorkflowParam(Native):
    """Which workflow a SUB_WORKFLOW runs: one that is defined on the spot."""

    name: str
    version: int = 1
    workflow_definition: WorkflowDef


WorkflowTask.model_rebuild()


# ------------------------------------------------------------------- how tasks use what others answer


def choice_of(reference: str) -> str:
    """Gives the expression for what a control task decided: `yes` or `no`, `again` or `done`, or how many passes."""
    return f"${{{reference}.output.choice}}"


def passes_from(head: str) -> dict[str, JsonValue]:
    """Gives the inputs of a FORK_JOIN_DYNAMIC whose passes the answer of task `head` gives."""
    return {
        "dynamicTasks": f"${{{head}.output.dynamicTasks}}",
        "dynamicTasksInput": f"${{{head}.output.dynamicTasksInput}}",
    }


def source_of(expression: JsonValue) -> str:
    """Gives the reference name of the task whose answer an expression reads.

    Raises:
        InputError: it is no such expression.
    """
    found = _ANSWER.fullmatch(expression) if isinstance(expression, str) else None
    if found is None:
        raise InputError(f"{expression!r} does not read a task's answer, as ${{TASK.output.NAME}} does")
    return found[1]


def goes_on(loop: str, until: str, at_most: int) -> str:
    """Gives the condition of a DO_WHILE that goes on as long as task `until` decides so, `at_most` passes."""
    return f"$['{loop}']['iteration'] < {at_most} && $['{until}']['choice'] == 'again'"


def loop_of(condition: str) -> tuple[str, int]:
    """Gives the deciding task and the most passes of a condition made by `goes_on`.

    Raises:
        InputError: it is none.
    """
    found = _CONDITION.fullmatch(condition)
    if found is None:
        raise InputError(f"{condition!r} is no condition of a loop as the compiler writes it")
    return found[2], int(found[1])


def pause(seconds: int) -> dict[str, JsonValue]:
    """Gives the inputs of a WAIT of that many seconds."""
    return {"duration": f"{seconds} seconds"}


def pause_of(task: WorkflowTask) -> float:
    """Gives the seconds that a task lets pass: 0 for all but a WAIT.

    Raises:
        InputError: it is a WAIT that does not say how many seconds.
    """
    if task.type != "WAIT":
        return 0.0
    found = _DURATION.fullmatch(str(task.input_parameters.get("duration")))
    if found is None:
        raise InputError(f"{task.task_reference_name!r} waits, but not for a duration of `N seconds`")
    return float(found[1])


def pass_tasks(fork: WorkflowTask, count: int) -> tuple[WorkflowTask, ...]:
    """Gives the tasks of the passes 0 … `count` - 1 of a FORK_JOIN_DYNAMIC.

    Raises:
        InputError: it says nothing of its passes.
    """
    if fork.pass_task is None:
        raise InputError(f"{fork.task_reference_name!r} does not say what task its passes are")
    return tuple(_numbered(fork.pass_task, number) for number in range(count))


def _numbered(task: WorkflowTask, number: int) -> WorkflowTask:
    inputs = {**task.input_parameters, "number": number}
    reference = f"{task.task_reference_name}-{number}"
    return task.model_copy(update={"task_reference_name": reference, "input_parameters": inputs})


_ANSWER = re.compile(r"\$\{([^.{}]+)\.output\.\w+\}")
_DURATION = re.compile(r"(\d+) seconds")
_CONDITION = re.compile(r"\$\['[^']+'\]\['iteration'\] < (\d+) && \$\['([^']+)'\]\['choice'\] == 'again'")
