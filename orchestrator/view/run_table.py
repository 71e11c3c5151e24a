"""One past run by its steps, as text: a table, a tree, a timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagwright.plan import Plan, Task
from dagwright.proposal import Proposal
from executor.replay.timeline import Timeline
from orchestrator.view.blocks import words_by_task
from orchestrator.view.gantt import SIGNS, duration
from orchestrator.view.passes import Line, folded
from orchestrator.view.text import block_line, origin

if TYPE_CHECKING:
    from rich.console import RenderableType

BAR = 60
"""Characters of the timeline from its begin to its end."""
ERRORS = 3
"""Different errors of a step's passes that are told."""
COLOURS = {"completed": "green", "failed": "red", "timed_out": "red", "cancelled": "yellow", "partly": "yellow"}


def table(line: Timeline) -> RenderableType:
    """Gives a row per step; its passes are counted."""
    from rich.table import Table

    lines = folded(line.rows)
    passes = ["passes"] if any(found.is_folded for found in lines) else []
    drawn = Table("", "step", "operation", *passes, "attempts", "began", "waited", "ran", "critical", "error", box=None)
    for row in lines:
        drawn.add_row(
            _sign(row),
            row.step,
            "" if row.decides else row.rows[0].operation,
            *([row.tally] if passes else []),
            str(len(row.attempts)),
            duration(row.begun - line.begun),
            duration(row.waited),
            duration(row.ran),
            "●" if row.is_critical else "",
            ", ".join(row.errors[:ERRORS]),
        )
    return drawn


def tree(proposal: Proposal, line: Timeline) -> RenderableType:
    """Gives the plan, each task with what surrounds its steps, its steps and how they went."""
    from rich.markup import escape
    from rich.tree import Tree

    rows = {row.step: row for row in folded(line.rows)}
    unrun = _unrun(proposal, line)
    steps: dict[str, list[str]] = {}
    for owner, step in proposal.steps():
        row = rows.get(step.step_id)
        went = _went(row) if row else f" [dim]{unrun.get(owner, 'was not run in this version')}[/]"
        called = escape(step.tool_intent.operation_name + origin(step))
        told = f"{_sign(row)} {escape(step.step_id)} [dim]{called}[/]{went}"
        steps.setdefault(owner, []).append(told)
    blocks = words_by_task(proposal)
    root = Tree(f"[bold]plan[/] {escape(proposal.plan.dag_id)} · version {proposal.version}")
    nodes: dict[str, Tree] = {}
    for task in _ordered(proposal.plan):
        needed = task.dependencies
        others = f" [dim]also after {', '.join(needed[:-1])}[/]" if len(needed) > 1 else ""
        label = f"[cyan]{escape(task.task_id)}[/] {escape(task.description)}{others}"
        label += block_line(blocks.get(task.task_id, ""))
        parent = nodes.get(needed[-1], root) if needed else root
        nodes[task.task_id] = parent.add("\n".join([label, *steps.get(task.task_id, ())]))
    return root


def _unrun(proposal: Proposal, line: Timeline) -> dict[str, str]:
    """Gives why steps of a task were not run, by task, where its block decided that."""
    decided = {row.step for row in line.rows if row.state == "completed" and row.version == proposal.version}
    found: dict[str, str] = {}
    for item in proposal.decompositions:
        each = item.control.each if item.control else None
        if each is not None and each.name in decided:
            found[item.task_id] = "there was no item"
        elif f"when-{item.task_id}" in decided:
            found[item.task_id] = "skipped: the condition did not hold"
    return found


def _ordered(plan: Plan) -> list[Task]:
    """Gives the tasks in an order in which each follows what it depends on."""
    waiting, done, found = list(plan.nodes), set[str](), list[Task]()
    while waiting:
        ready = next((task for task in waiting if set(task.dependencies) <= done), waiting[0])
        waiting.remove(ready)
        done.add(ready.task_id)
        found.append(ready)
    return found


def bars(line: Timeline) -> RenderableType:
    """Gives a line per step: due (·), running (█ on the critical path, else ▓), failed (×)."""
    from rich.console import Group
    from rich.text import Text

    span = (line.ended - line.begun) or 1e-9
    lines: list[RenderableType] = [Text(f"{'':<24}0{duration(span):>{BAR - 1}}", style="dim")]
    for row in folded(line.rows):
        cells = _cells(row, line.begun, span)
        text = Text.assemble(_sign_text(row), f" {row.step[:20]:<21} ")
        text.append("".join(cells), style="blue" if row.is_critical else COLOURS.get(row.state, ""))
        tries = f", {len(row.attempts)} attempts" if row.retries else ""
        text.append(f" {duration(row.took)}{tries}{f', {row.tally}' if row.tally else ''}", style="dim")
        lines.append(text)
    lines.append(Text("█ critical path  ▓ other steps  × failed attempt  · due, or waiting for a retry", style="dim"))
    return Group(*lines)


def _cells(row: Line, begun: float, span: float) -> list[str]:
    cells = [" "] * (BAR + 1)

    def place(at: float) -> int:
        return min(BAR, max(0, round(BAR * (at - begun) / span)))

    for attempt in row.attempts:
        started = attempt.started if attempt.started is not None else attempt.ended or attempt.scheduled
        for at in range(place(attempt.scheduled), place(started)):
            cells[at] = "·" if cells[at] == " " else cells[at]
        if attempt.started is not None:
            sign = "×" if attempt.state in ("failed", "timed_out") else "█" if row.is_critical else "▓"
            until = place(attempt.ended if attempt.ended is not None else begun + span)
            for at in range(place(started), max(place(started) + 1, until)):
                cells[at] = cells[at] if cells[at] == "×" else sign
    return cells


def _sign(row: Line | None) -> str:
    if row is None:
        return "[dim]·[/]"
    return f"[{COLOURS.get(row.state, 'blue')}]{SIGNS[row.state]}[/]"


def _sign_text(row: Line) -> tuple[str, str]:
    return (SIGNS[row.state], COLOURS.get(row.state, "blue"))


def _went(row: Line) -> str:
    tally = f" {row.tally}," if row.tally else ""
    tries = f" [yellow]{len(row.attempts)} attempts[/]" if row.retries else ""
    error = "".join(f" [red]{error}[/]" for error in row.errors[-ERRORS:]) if row.state != "completed" else ""
    critical = " [blue]critical[/]" if row.is_critical else ""
    return f"{tally} {duration(row.took)}{tries}{error}{critical}"
