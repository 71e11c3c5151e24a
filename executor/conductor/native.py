"""A `WorkflowDef` as the JSON that Conductor's server takes, and a `StepResult` as a task's answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from executor.conductor.client import TaskStatus
from executor.engine import StepResult
from executor.workflow import TaskDef, WorkflowDef, WorkflowTask

Json = dict[str, JsonValue]


def native_workflow(workflow: WorkflowDef) -> Json:
    """Gives the workflow with each task's definition inside it.

    TaskDefs are shared by name on a server; with the definition inside, a run keeps its own even
    where another run registers another version of the same operation meanwhile.
    """
    found = _dump(workflow.model_copy(update={"tasks": (), "task_defs": ()}))
    del found["taskDefs"]
    definitions = {item.name: item for item in workflow.task_defs}
    found["tasks"] = [_task(task, definitions) for task in workflow.tasks]
    return found


def native_tasks(workflow: WorkflowDef) -> list[Json]:
    """Gives the workflow's TaskDefs."""
    return [_dump(item) for item in workflow.task_defs]


def _task(task: WorkflowTask, definitions: dict[str, TaskDef]) -> Json:
    found = _dump(task.model_copy(update={"fork_tasks": ()}))
    if task.type == "FORK_JOIN":
        found["forkTasks"] = [[_task(item, definitions) for item in branch] for branch in task.fork_tasks]
    if task.type == "SIMPLE" and task.name in definitions:
        found["taskDefinition"] = _dump(definitions[task.name])
    return found


def _dump(model: WorkflowDef | WorkflowTask | TaskDef) -> Json:
    return cast("Json", model.model_dump(mode="json", by_alias=True, exclude_none=True))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server is told of an attempt."""

    status: TaskStatus
    output: Json
    reason: str = ""


def answer_of(step: str, result: StepResult) -> Answer:
    """Gives a result as an answer: references and previews, never values."""
    if result.status == "completed":
        output: Json = {"step": step, "status": "completed", "output": result.output, "preview": result.preview}
        return Answer("COMPLETED", output)
    status: TaskStatus = "FAILED" if result.status == "failed" else "FAILED_WITH_TERMINAL_ERROR"
    codes = ", ".join(f"{error.kind}: {error.code}" for error in result.feedback.errors)
    return Answer(status, {"step": step, "status": result.status}, codes)


def archived_answer(step: str, output: str) -> Answer:
    """Gives the answer for a step that was finished before."""
    return Answer("COMPLETED", {"step": step, "status": "completed", "output": output})
