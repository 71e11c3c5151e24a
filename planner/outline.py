"""The planner's outline for `plan_first`: all tasks in one answer under a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from dagwright.exceptions import ModelAnswerError
from dagwright.goal import Goal
from dagwright.llm.model import Model, ModelRequest
from dagwright.model import Frozen, Identifier, JsonSchema
from dagwright.tool import ToolSpec
from planner.prompt import outline_prompt

MAX_TASKS = 12
"""Tasks of the longest outline."""

OUTLINE_SCHEMA: JsonSchema = {
    "type": "object",
    "properties": {
        "tasks": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_TASKS,
            "items": {
                "type": "object",
                "properties": {
                    "task_id": {"type": "string", "maxLength": 8},
                    "description": {"type": "string", "maxLength": 200},
                    "dependencies": {"type": "array", "items": {"type": "string", "maxLength": 8}, "maxItems": 6},
                },
                "required": ["task_id", "description", "dependencies"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["tasks"],
    "additionalProperties": False,
}


class TaskOutline(Frozen):
    """One task of an outline."""

    task_id: Identifier
    description: str
    dependencies: tuple[str, ...]


def write_outline(
    model: Model,
    goal: Goal,
    operations: Mapping[str, ToolSpec],
    inputs: tuple[str, ...],
    feedback: tuple[str, ...],
    *,
    seed: int = 0,
) -> tuple[TaskOutline, ...]:
    """Gives the tasks in an order that respects their dependencies.

    Raises:
        ModelAnswerError: the answer is not an outline.
        TransportError: the model cannot be reached.
    """
    messages = outline_prompt(goal, operations, inputs, feedback)
    request = ModelRequest(
        messages=messages, json_schema=OUTLINE_SCHEMA, max_tokens=1200, seed=seed, stable=len(messages) - 1
    )
    reply = model.complete(request)
    value = cast("dict[str, list[dict[str, object]]]", reply.value or {})
    try:
        tasks = [TaskOutline.model_validate(item) for item in value["tasks"]]
    except (KeyError, ValueError) as error:
        raise ModelAnswerError(f"the model's outline is not one: {error}") from error
    return _ordered(tasks)


def _ordered(tasks: list[TaskOutline]) -> tuple[TaskOutline, ...]:
    """Gives tasks after those that they name; a task in a cycle comes where it was written."""
    done: list[TaskOutline] = []
    rest = list(tasks)
    while rest:
        finished = {task.task_id for task in done}
        waiting = {task.task_id for task in rest}
        ready = next((t for t in rest if not (set(t.dependencies) - finished) & waiting), rest[0])
        done.append(ready)
        rest.remove(ready)
    return tuple(done)
