"""Questions to the person, through whatever asks: a terminal, a page, a test."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from dagwright.exceptions import ToolRejected
from dagwright.tool import HumanBinding, ToolSpec
from executor.bindings.dependent import answer_schema, check_answer
from executor.bindings.runner import ToolContext

MOST_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Question:
    """What the person is asked."""

    text: str
    choices: tuple[str, ...] = ()
    """Answers to choose from; empty for any text."""
    complaint: str = ""
    """What was wrong with the answer before."""


Asker = Callable[[Question, ToolContext], str | None]
"""Gives the person's answer; None where there is nobody to ask."""


class HumanRunner:
    """Runs operations with a `HumanBinding`; without an asker it refuses."""

    def __init__(self, ask: Asker | None) -> None:
        self.ask = ask

    def __call__(self, spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> dict[str, JsonValue]:
        """Gives `{answer}`.

        Raises:
            ToolRejected: `nobody_to_ask`, or `bad_answer` after three tries.
        """
        if not isinstance(spec.binding, HumanBinding):
            raise TypeError(f"{spec.name!r} is not bound to the person")
        schema = answer_schema(spec, arguments)
        choices = tuple(cast("list[str]", arguments.get("choices") or []))
        question = Question(text=str(arguments["question"]), choices=choices)
        problem = ToolRejected("no answer", code="bad_answer")
        for _ in range(MOST_TRIES):
            answer = self.ask(question, context) if self.ask else None
            if answer is None:
                raise ToolRejected(
                    f"{spec.name} needs a person to answer, but there is no terminal", code="nobody_to_ask"
                )
            try:
                return check_answer({"answer": _chosen(answer, choices)}, schema, whose="the person's")
            except ToolRejected as error:
                problem = error
                question = Question(text=question.text, choices=choices, complaint=str(error))
        raise problem


def _chosen(answer: str, choices: tuple[str, ...]) -> str:
    text = answer.strip()
    if text.isdigit() and text not in choices and 1 <= int(text) <= len(choices):
        return choices[int(text) - 1]
    return next((choice for choice in choices if choice.casefold() == text.casefold()), text)


def ask_at_terminal(question: Question, context: ToolContext) -> str | None:
    """Asks on standard error and reads a line from standard input; None where that is no terminal."""
    if not sys.stdin.isatty():
        return None
    lines = [question.complaint, question.text]
    lines += [f"  {number}. {choice}" for number, choice in enumerate(question.choices, start=1)]
    sys.stderr.write("\n".join(line for line in lines if line) + "\n> ")
    sys.stderr.flush()
    return sys.stdin.readline().rstrip("\n") or None
