"""Plans, findings and answers as text for a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from dagwright.decomposition import Step
from dagwright.feedback import Outcome
from dagwright.finding import Finding, Report
from dagwright.plan import Plan

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.tree import Tree

ROWS_SHOWN = 12
"""Rows of a table that an answer shows."""

MARKS = {"error": "[red]✗[/]", "warning": "[yellow]![/]", "info": "[blue]·[/]"}


def tree(plan: Plan, blocks: Mapping[str, str] | None = None) -> Tree:
    """Gives the plan as a tree: each task once, below the last of those that it waits for.

    Args:
        plan: the plan.
        blocks: what surrounds the steps of a task, in words, by task id.
    """
    from rich.markup import escape
    from rich.tree import Tree

    root = Tree(f"[bold]plan[/] {escape(plan.dag_id)} · {len(plan.nodes)} tasks")
    nodes: dict[str, Tree] = {}
    waiting = list(plan.nodes)
    while waiting:
        ready = next((t for t in waiting if all(n in nodes for n in t.dependencies)), waiting[0])
        waiting.remove(ready)
        parent = nodes.get(ready.dependencies[-1], root) if ready.dependencies else root
        others = [f"[dim]also after {', '.join(ready.dependencies[:-1])}[/]"] if len(ready.dependencies) > 1 else []
        label = " ".join([f"[cyan]{escape(ready.task_id)}[/] {escape(ready.description)}", *others])
        nodes[ready.task_id] = parent.add(label + block_line((blocks or {}).get(ready.task_id, "")))
    return root


def block_line(words: str) -> str:
    """Gives what surrounds a task's steps as a line below the task, in Rich's markup; nothing for nothing."""
    from rich.markup import escape

    return f"\n[italic magenta]{escape(words)}[/]" if words else ""


def origin(step: Step) -> str:
    """Gives the sub-programs that a step is of, with the steps that called them; nothing where it is the plan's own."""
    return "".join(f" of {call.operation} ({call.step})" for call in step.called_by or ())


def findings(report: Report) -> RenderableType:
    """Gives the findings, one block each: what, where, what to do."""
    from rich.console import Group
    from rich.markup import escape
    from rich.text import Text

    lines: list[RenderableType] = []
    for finding in report.findings:
        place = _place(finding)
        lines.append(
            Text.from_markup(
                f"{MARKS[finding.severity]} [bold]{finding.code}[/] {escape(place)}: {escape(finding.message)}"
            )
        )
        if finding.suggested_fix:
            lines.append(Text.from_markup(f"    [dim]fix:[/] {escape(finding.suggested_fix)}"))
    counts = {
        severity: sum(f.severity == severity for f in report.findings) for severity in ("error", "warning", "info")
    }
    verdict = "[green]valid[/]" if report.is_valid else "[red]rejected[/]"
    approval = ", approval required" if report.approval_required else ""
    checked = f"{len(report.checks_passed)} checks passed" if report.checks_passed else ""
    tail = ", ".join(filter(None, [f"{counts['error']} errors", f"{counts['warning']} warnings", checked]))
    lines.append(Text.from_markup(f"{verdict}: {tail}{approval}"))
    return Group(*lines)


def _place(finding: Finding) -> str:
    """Gives the step that a finding is about, what controls a block by its task; else the task, or the path."""
    step = finding.step_id or ""
    listed = step if "-" not in step else ""  # ids of a proposal's own steps have no hyphen
    return listed or finding.task_id or finding.path or "proposal"


def answer(values: Mapping[str, JsonValue]) -> RenderableType:
    """Gives the named answers: numbers and texts in a line, tables as tables, files as paths."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for name, value in values.items():
        shown = name.replace("_", " ")
        if is_table(value):
            parts += [Text(f"{shown}:", style="bold"), table(cast("list[dict[str, JsonValue]]", value))]
        else:
            parts.append(Text.assemble((f"{shown}: ", "bold"), scalar(value)))
    return Group(*parts)


def whereabouts(outcome: Outcome, folder: Path, pictures: Sequence[Path]) -> RenderableType:
    """Gives where a run's files and pictures lie, what it took, and how to look at it again."""
    from rich.console import Group
    from rich.text import Text

    lines = [Text.assemble(("  file ", "bold"), str(folder / "files" / file)) for file in outcome.files]
    lines += [Text.assemble(("  plan ", "bold"), str(picture)) for picture in pictures]
    lines += [Text.assemble(("  undone ", "green"), line) for line in outcome.undone]
    lines += [Text.assemble(("  stands ", "red"), line) for line in outcome.not_undone]
    cost = "unknown" if outcome.cost is None else f"${outcome.cost:.4f}"
    took = f"{outcome.tokens} tokens, cost {cost}, {outcome.seconds:.1f} s, {outcome.replans} replans"
    lines.append(Text(f"  {took}", style="dim"))
    lines.append(Text.assemble(("  run ", "bold"), outcome.run, (f"   dagwright runs show {outcome.run}", "dim")))
    return Group(*lines)


def is_table(value: JsonValue) -> bool:
    """Whether a value is a non-empty array of row objects."""
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def table(rows: Sequence[Mapping[str, JsonValue]]) -> RenderableType:
    """Gives rows as a table, the first `ROWS_SHOWN` of them."""
    from rich.table import Table

    drawn = Table(caption=f"{len(rows)} rows" if len(rows) > ROWS_SHOWN else None)
    names = list(rows[0])
    for name in names:
        drawn.add_column(name)
    for row in rows[:ROWS_SHOWN]:
        drawn.add_row(*(scalar(row.get(name)) for name in names))
    return drawn


def scalar(value: JsonValue) -> str:
    """Gives one value as text; numbers with up to six significant decimals."""
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:,.2f}"
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and isinstance(value.get("path"), str):
        return str(value["path"])
    if value is None:
        return "—"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else text[:400] + "…"
