"""A `WorkflowDef` as the JSON that Conductor's server takes, and a `StepResult` as a task's answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from pydantic import JsonValue

from executor.conductor.client import TaskStatus, TaskView
from executor.engine.engine import StepResult
from executor.workflow.definition import TaskDef, WorkflowDef, WorkflowTask, pass_tasks, source_of
from executor.workflow.instance import Choice, Instance, instance

Json = dict[str, JsonValue]

ONCE: Json = {"name": "sub_workflow", "retryCount": 0, "timeoutSeconds": 0}
"""The TaskDef of every SUB_WORKFLOW: what is inside is retried there, never the whole."""


def native_workflow(workflow: WorkflowDef) -> Json:
    """Gives the workflow with each task's definition inside it.

    TaskDefs are shared by name on a server; with the definition inside, a run keeps its own even
    where another run registers another version of the same operation meanwhile.
    """
    return _definition(workflow, {item.name: item for item in workflow.task_defs})


def native_passes(workflow: WorkflowDef) -> list[Json]:
    """Gives the workflows that passes are, for the server to know by name: answers only name them."""
    definitions = {item.name: item for item in workflow.task_defs}
    found = (task.pass_task.sub_workflow_param for task in every_task(workflow) if task.pass_task is not None)
    return [_definition(item.workflow_definition, definitions) for item in found if item is not None]


def native_tasks(workflow: WorkflowDef) -> list[Json]:
    """Gives the workflow's TaskDefs."""
    return [_dump(item) for item in workflow.task_defs]


def every_task(workflow: WorkflowDef) -> Iterator[WorkflowTask]:
    """Gives all tasks of a workflow, those inside others too."""
    waiting = list(workflow.tasks)
    while waiting:
        task = waiting.pop()
        yield task
        for body in _inside(task):
            waiting.extend(body)


def _inside(task: WorkflowTask) -> Iterator[tuple[WorkflowTask, ...]]:
    yield from task.fork_tasks
    yield from (task.decision_cases or {}).values()
    yield task.default_case or ()
    yield task.loop_over or ()
    if task.pass_task is not None:
        yield (task.pass_task,)
    if task.sub_workflow_param is not None:
        yield task.sub_workflow_param.workflow_definition.tasks


def _definition(workflow: WorkflowDef, definitions: Mapping[str, TaskDef]) -> Json:
    found = _dump(workflow.model_copy(update={"tasks": (), "task_defs": ()}))
    del found["taskDefs"]
    found["tasks"] = _tasks(workflow.tasks, definitions)
    return found


def _tasks(tasks: tuple[WorkflowTask, ...], definitions: Mapping[str, TaskDef]) -> list[JsonValue]:
    return [_task(task, definitions) for task in tasks]


def _task(task: WorkflowTask, definitions: Mapping[str, TaskDef]) -> Json:
    inside = partial(_tasks, definitions=definitions)
    found = _own(task)
    if task.type == "FORK_JOIN":
        found["forkTasks"] = [inside(branch) for branch in task.fork_tasks]
    if task.decision_cases is not None:
        found["decisionCases"] = {case: inside(body) for case, body in task.decision_cases.items()}
        found["defaultCase"] = inside(task.default_case or ())
    if task.loop_over is not None:
        found["loopOver"] = inside(task.loop_over)
    if task.type == "SIMPLE" and task.name in definitions:
        found["taskDefinition"] = _dump(definitions[task.name])
    if task.sub_workflow_param is not None:
        nested = task.sub_workflow_param
        found["subWorkflowParam"] = {
            "name": nested.name,
            "version": nested.version,
            "workflowDefinition": _definition(nested.workflow_definition, definitions),
        }
        found["taskDefinition"] = ONCE
    return found


_NESTED = {
    "fork_tasks": (),
    "decision_cases": None,
    "default_case": None,
    "loop_over": None,
    "pass_task": None,
    "sub_workflow_param": None,
}


def _own(task: WorkflowTask) -> Json:
    """Gives a task's own fields, without what is inside it."""
    found = _dump(task.model_copy(update=_NESTED))
    return {name: value for name, value in found.items() if value is not None}


def _dump(model: WorkflowDef | WorkflowTask | TaskDef) -> Json:
    return cast("Json", model.model_dump(mode="json", by_alias=True))


# ------------------------------------------------------------------------------------------- answers


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server is told of an attempt."""

    status: TaskStatus
    output: Json
    reason: str = ""


class Answers:
    """Answers to the tasks of one workflow: references and previews, never values."""

    def __init__(self, workflow: WorkflowDef, run: str) -> None:
        self._run = run
        self._forks: dict[str, WorkflowTask] = {
            source_of(task.input_parameters[task.dynamic_fork_tasks_param or ""]): task
            for task in every_task(workflow)
            if task.type == "FORK_JOIN_DYNAMIC"
        }

    def of(self, step: Instance, result: StepResult) -> Answer:
        """Gives a result as an answer."""
        if result.status == "completed":
            decided = self._decided(step, result.choice)
            output: Json = {"step": step, "status": "completed", "output": result.output, "preview": result.preview}
            return Answer("COMPLETED", {**output, **decided})
        status: TaskStatus = "FAILED" if result.status == "failed" else "FAILED_WITH_TERMINAL_ERROR"
        codes = ", ".join(f"{error.kind}: {error.code}" for error in result.feedback.errors)
        return Answer(status, {"step": step, "status": result.status}, codes)

    def archived(self, step: Instance, output: str, choice: Choice) -> Answer:
        """Gives the answer for a step that was finished before."""
        return Answer(
            "COMPLETED", {"step": step, "status": "completed", "output": output, **self._decided(step, choice)}
        )

    def given_up(self, step: Instance) -> Answer:
        """Gives the answer for a step that failed before, after which the run went on."""
        return Answer("FAILED_WITH_TERMINAL_ERROR", {"step": step, "status": "failed_for_good"}, "it failed before")

    def _decided(self, step: Instance, choice: Choice) -> Json:
        if choice is None:
            return {}
        fork = self._forks.get(step)
        passes = [_pass(task, self._run) for task in pass_tasks(fork, int(choice))] if fork is not None else None
        if passes is None:
            return {"choice": choice}
        inputs: Json = {str(task["taskReferenceName"]): task["inputParameters"] for task in passes}
        return {"choice": choice, "dynamicTasks": [*passes], "dynamicTasksInput": inputs}


def _pass(task: WorkflowTask, run: str) -> Json:
    """Gives the task of a pass; its workflow is one that the server knows by name."""
    assert task.sub_workflow_param is not None
    nested = task.sub_workflow_param
    return {
        **_own(task.model_copy(update={"input_parameters": {**task.input_parameters, "run": run}})),
        "subWorkflowParam": {"name": nested.name, "version": nested.version},
        "taskDefinition": ONCE,
    }


def instance_of(task: TaskView) -> Instance:
    """Gives the instance that a task on the server is; of a task for control, its reference name."""
    step, number = task.input_data.get("step"), task.input_data.get("number")
    if not isinstance(step, str):
        return task.reference_task_name
    return instance(step, int(cast("Any", number)) if number is not None else None)
