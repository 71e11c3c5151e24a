"""The person at the terminal: consoles, questions, approvals."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dagwright.tool import ControlBinding
from orchestrator.approval import Decision, Question
from orchestrator.view.fallbacks import words
from planner.derivation import shown

if TYPE_CHECKING:
    from rich.console import Console


LOG_WIDTH = 160
"""Characters of a line where output goes to a file or another program."""


def console(*, quiet: bool = False) -> Console:
    """Gives the console for people: standard error where standard output is for a machine."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else LOG_WIDTH
    return Console(stderr=quiet, quiet=quiet, highlight=False, width=width)


def interactive() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask_approval(question: Question) -> Decision:
    """Shows exactly what would run, or what a new version may do beyond the last, and asks: yes, no or later."""
    out = console()
    out.print("\n[bold yellow]approval needed[/]", end=" ")
    if question.step:
        step = question.step
        often = f", {question.often}" if question.often else ""
        if isinstance(step.spec.binding, ControlBinding):
            out.print(str(question), markup=False)
        else:
            out.print(f"{question.subject}: {step.spec.name} ({step.spec.effect}){often}", markup=False)
        if question.block:
            out.print(f"    {question.block}", style="italic", markup=False)
        for name in question.instead:
            out.print(
                f"    or, where {step.spec.name} is down, {words(question.program.catalogue.by_name[name])}",
                markup=False,
            )
        for name, value in step.step.tool_intent.required_inputs.items():
            out.print(f"    {name}: {shown(value)}", markup=False)
    else:
        out.print(f"version {question.program.proposal.version} of the plan")
        for line in question.widened:
            out.print(f"    {line}", markup=False)
    subject = "this step" if question.step else "this plan"
    answer = input(f"  run {subject}? [y]es, [n]o, [l]ater: ").strip().lower()
    return "approve" if answer.startswith("y") else "reject" if answer.startswith("n") else "later"
