"""The person at the terminal: consoles, questions, approvals."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dagwright.program import Program, ProgramStep
from orchestrator.approval import Decision
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


def ask_approval(program: Program, step: ProgramStep) -> Decision:
    """Shows exactly what would run and asks: yes, no or later."""
    out = console()
    out.print(f"\n[bold yellow]approval needed[/] {step.step.step_id}: {step.spec.name} ({step.spec.effect})")
    for name, value in step.step.tool_intent.required_inputs.items():
        out.print(f"    {name}: {shown(value)}", markup=False)
    answer = input("  run this step? [y]es, [n]o, [l]ater: ").strip().lower()
    return "approve" if answer.startswith("y") else "reject" if answer.startswith("n") else "later"
