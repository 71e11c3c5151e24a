"""The prompts, from the files in `planner/prompts`; stable parts first, so that prefixes are cached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from dagwright.goal import Goal
from dagwright.llm.model import Message
from dagwright.tool import ToolSpec
from planner.signature import signature
from planner.worked import operations_of

if TYPE_CHECKING:
    from planner.outline import TaskOutline


@cache
def prompt_file(name: str) -> str:
    """Gives the text of a prompt file."""
    return (files("planner") / "prompts" / f"{name}.md").read_text(encoding="utf-8")


def interleaved_prompt(
    goal: Goal,
    operations: Mapping[str, ToolSpec],
    inputs: Sequence[str],
    feedback: Sequence[str],
    shown: Sequence[Message] = (),
) -> tuple[Message, ...]:
    """Gives the messages of the interleaved strategy: rules and operations, worked examples, the goal."""
    return (
        _system("interleaved", operations),
        *shown,
        Message(role="user", content=_situation(goal, inputs, feedback)),
    )


def outline_prompt(
    goal: Goal, operations: Mapping[str, ToolSpec], inputs: Sequence[str], feedback: Sequence[str]
) -> tuple[Message, ...]:
    """Gives the messages that ask for a whole outline."""
    return (_system("outline", operations), Message(role="user", content=_situation(goal, inputs, feedback)))


def decomposition_prompt(
    goal: Goal, operations: Mapping[str, ToolSpec], inputs: Sequence[str], outline: Sequence[TaskOutline]
) -> tuple[Message, ...]:
    """Gives the messages that ask for the calls of a plan's tasks."""
    tasks = "\n".join(f"{task.task_id}: {task.description}" for task in outline)
    content = f"{_situation(goal, inputs, ())}\n\nTasks:\n{tasks}"
    return (_system("decomposition", operations), Message(role="user", content=content))


def cited_prompt(
    goal: Goal, operations: Mapping[str, ToolSpec], inputs: Sequence[str], feedback: Sequence[str]
) -> tuple[Message, ...]:
    """Gives the messages that ask for citations and calls in turn."""
    situation = _situation(goal, inputs, feedback)
    shown = _dialogue(prompt_file("cited_examples").split("\n---\n"), "# ")
    return (_system("cited", operations), *shown, Message(role="user", content=situation))


def own_examples(operations: Mapping[str, ToolSpec], plans: Sequence[str]) -> Iterator[Message]:
    """Gives those of a person's worked plans that use only operations on offer, as user and assistant in turn."""
    return _dialogue((f"no inputs\n{plan}" for plan in plans if _fits(plan, operations)), "s1 = ")


def _dialogue(blocks: Iterable[str], opening: str) -> Iterator[Message]:
    for block in blocks:
        situation, _, answer = block.strip().partition(f"\n{opening}")
        yield Message(role="user", content=situation)
        yield Message(role="assistant", content=f"{opening}{answer}")


def _fits(block: str, operations: Mapping[str, ToolSpec]) -> bool:
    return all(word in operations for word in operations_of(block))


def _system(name: str, operations: Mapping[str, ToolSpec]) -> Message:
    lines = "\n".join(signature(word, spec) for word, spec in operations.items())
    return Message(role="system", content=prompt_file(name).replace("<<OPERATIONS>>", lines).strip())


def _situation(goal: Goal, inputs: Sequence[str], feedback: Sequence[str]) -> str:
    parts = ["\n".join(inputs) if inputs else "no inputs", f"Goal: {goal.text.strip()}"]
    if feedback:
        parts.append("What went wrong before:\n" + "\n".join(f"- {line}" for line in feedback))
    return "\n".join(parts)
