"""Operators on the form of a proposal (S101-S110)."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.mutation.operator import Draft, Operator, Table

operator = Table()


@operator("S101")
def text_cut_off(draft: Draft) -> bool:
    """The JSON text ends too early."""
    text = json.dumps(draft.proposal)
    draft.text = text[: draft.random.randrange(1, len(text) - 1)]
    return True


@operator("S101")
def tasks_as_object(draft: Draft) -> bool:
    """The list of tasks is an object."""
    draft.proposal["plan"]["nodes"] = {task["task_id"]: task for task in draft.tasks}
    return True


@operator("S101")
def bare_argument(draft: Draft) -> bool:
    """An argument is plain JSON, not a value of the wire format."""
    found = [(step, name) for step in draft.steps for name in step["tool_intent"]["required_inputs"]]
    if not found:
        return False
    step, name = draft.random.choice(found)
    step["tool_intent"]["required_inputs"][name] = 7
    return True


@operator("S103")
def value_of_two_kinds(draft: Draft) -> bool:
    """An argument is a constant and a reference at once."""
    found = [value for step in draft.steps for value in step["tool_intent"]["required_inputs"].values()]
    constants = [value for value in found if "literal" in value]
    if not constants:
        return False
    draft.random.choice(constants)["from"] = "s1"
    return True


@operator("S102")
def step_without_operation(draft: Draft) -> bool:
    """A step does not say what it calls."""
    del draft.random.choice(draft.steps)["tool_intent"]["operation"]
    return True


@operator("S102")
def proposal_without_plan(draft: Draft) -> bool:
    """The proposal has no plan."""
    del draft.proposal["plan"]
    return True


@operator("S102")
def goal_without_text(draft: Draft) -> bool:
    """The goal does not say what is wanted."""
    del draft.proposal["goal"]["text"]
    return True


@operator("S103")
def unknown_step_field(draft: Draft) -> bool:
    """A step has a field that there is not."""
    draft.random.choice(draft.steps)["condition"] = "always"
    return True


@operator("S103")
def unknown_task_field(draft: Draft) -> bool:
    """A task has a field that there is not."""
    draft.random.choice(draft.tasks)["loop"] = 3
    return True


@operator("S103")
def repeated_key(draft: Draft) -> bool:
    """The JSON text says one key twice."""
    text = json.dumps(draft.proposal)
    draft.text = text.replace('"plan": {', '"plan": {"dag_id": "other", ', 1)
    return draft.text != text


@operator("S104")
def task_twice(draft: Draft) -> bool:
    """The plan has a task twice."""
    draft.tasks.append(dict(draft.random.choice(draft.tasks)))
    return True


@operator("S104")
def decomposition_twice(draft: Draft) -> bool:
    """A task is decomposed twice."""
    group = draft.random.choice(draft.groups)
    step = {**group["steps"][-1], "step_id": "again"}
    draft.groups.append({"task_id": group["task_id"], "steps": [step]})
    return True


@operator("S105")
def step_twice(draft: Draft) -> bool:
    """Two steps have one id."""
    group = draft.random.choice(draft.groups)
    group["steps"].append(dict(draft.random.choice(draft.steps)))
    return True


@operator("S106")
def bad_step_id(draft: Draft) -> bool:
    """A step's id is no identifier."""
    draft.random.choice(draft.steps)["step_id"] = draft.random.choice(("1st", "a b", "s-1", "", "é" * 3, "s" * 65))
    return True


@operator("S106")
def bad_task_id(draft: Draft) -> bool:
    """A task's id is no identifier, here and where it is decomposed."""
    task = draft.random.choice(draft.tasks)
    new = draft.random.choice(("1st", "a b", "t-1", "$t", "t" * 65))
    for group in draft.groups:
        if group["task_id"] == task["task_id"]:
            group["task_id"] = new
    task["task_id"] = new
    return True


@operator("S107")
def no_task(draft: Draft) -> bool:
    """The plan is empty."""
    draft.tasks.clear()
    draft.groups.clear()
    return True


@operator("S107")
def task_without_decomposition(draft: Draft) -> bool:
    """A task has no steps because nobody decomposed it."""
    draft.tasks.append({"task_id": "idle", "description": "Nothing."})
    return True


@operator("S107")
def task_without_steps(draft: Draft) -> bool:
    """A task's decomposition is empty."""
    draft.tasks.append({"task_id": "idle", "description": "Nothing."})
    draft.groups.append({"task_id": "idle", "steps": []})
    return True


@operator("S108")
def nested_too_deeply(draft: Draft) -> bool:
    """An argument is nested thousands of levels deep."""
    step = draft.random.choice(draft.steps)
    step["tool_intent"]["required_inputs"]["deep"] = {"literal": "@"}
    draft.text = json.dumps(draft.proposal).replace('"@"', "[" * 5_000 + "]" * 5_000, 1)
    return True


def _written(draft: Draft, text: str) -> bool:
    """Puts a text into a constant or a description."""
    step = draft.random.choice(draft.steps)
    texts = [
        value for value in step["tool_intent"]["required_inputs"].values() if isinstance(value.get("literal"), str)
    ]
    if texts and draft.random.random() < 0.7:
        draft.random.choice(texts)["literal"] += text
    else:
        step["action"] += text
    return True


@operator("S109")
def template_in_text(draft: Draft) -> bool:
    """A text holds a template of a workflow engine."""
    return _written(draft, "${s1.output.body}")


@operator("S109")
def control_character(draft: Draft) -> bool:
    """A text holds a control character."""
    return _written(draft, draft.random.choice("\x00\x07\x1b\x7f"))


@operator("S109")
def reversed_text(draft: Draft) -> bool:
    """A text holds a character that reverses the direction of writing."""
    return _written(draft, draft.random.choice("\u202e\u2066\u202d\u2067"))


@operator("S110")
def not_a_number(draft: Draft) -> bool:
    """The JSON text holds NaN or an infinity."""
    _add(draft, draft.random.choice((float("nan"), float("inf"), float("-inf"))))
    draft.text = json.dumps(draft.proposal)
    return True


@operator("S110")
def infinite_in_data(draft: Draft) -> bool:
    """The data hold a number that is none."""
    _add(draft, draft.random.choice((float("nan"), float("inf"))))
    return True


def _add(draft: Draft, value: Any) -> None:
    step = draft.random.choice(draft.steps)
    step["tool_intent"]["required_inputs"]["number"] = {"literal": value}


OPERATORS: tuple[Operator, ...] = tuple(operator)
