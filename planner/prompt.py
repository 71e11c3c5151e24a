"""The prompts, from the files in `planner/prompts`; stable parts first, so that prefixes are cached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from dagwright.goal import Goal
from dagwright.tool import ToolSpec
from planner.signature import signature

if TYPE_CHECKING:
    from planner.outline import TaskOutline


@cache
def prompt_file(name: str) -> str:
    """Gives the text of a prompt file."""
    return (files("planner") / "prompts" / f"{name}.md").read_text(encoding="utf-8")


def interleaved_prompt(
    goal: Goal, operations: Mapping[str, ToolSpec], inputs: Sequence[str], feedback: Sequence[str]
) -> tuple[str, str]:
    """Gives the system and the user text of the interleaved strategy."""
    system = _filled("interleaved", operations)
    return system, _situation(goal, inputs, feedback)


def outline_prompt(
    goal: Goal, operations: Mapping[str, ToolSpec], inputs: Sequence[str], feedback: Sequence[str]
) -> tuple[str, str]:
    """Gives the system and the user text for a whole outline."""
    return _filled("outline", operations), _situation(goal, inputs, feedback)


def decomposition_prompt(
    goal: Goal, operations: Mapping[str, ToolSpec], inputs: Sequence[str], outline: Sequence[TaskOutline]
) -> tuple[str, str]:
    """Gives the system and the user text for a task's calls."""
    tasks = "\n".join(f"{task.task_id}: {task.description}" for task in outline)
    return _filled("decomposition", operations), f"{_situation(goal, inputs, ())}\n\nTasks:\n{tasks}"


def _filled(name: str, operations: Mapping[str, ToolSpec]) -> str:
    lines = "\n".join(signature(word, spec) for word, spec in operations.items())
    return prompt_file(name).replace("<<OPERATIONS>>", lines).strip()


def _situation(goal: Goal, inputs: Sequence[str], feedback: Sequence[str]) -> str:
    parts = ["\n".join(inputs) if inputs else "no inputs", f"Goal: {goal.text.strip()}"]
    if feedback:
        parts.append("What went wrong before:\n" + "\n".join(f"- {line}" for line in feedback))
    return "\n".join(parts)
