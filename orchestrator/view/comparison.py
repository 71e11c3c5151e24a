"""Two runs side by side, as text: where they part first, then everything that is otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.replay.comparison import Comparison, Difference
from orchestrator.view.gantt import duration

if TYPE_CHECKING:
    from rich.console import RenderableType


def drawn(found: Comparison) -> RenderableType:
    """Gives the comparison for a terminal."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text.assemble(("runs ", "bold"), f"{found.left} → {found.right}")]
    if found.first is None:
        parts.append(Text("the same goal, plan, findings, outputs and answer", style="green"))
    else:
        parts.append(Text.assemble(("first divergence: ", "bold red"), f"{found.first.aspect} {found.first.name}"))
    parts += [line for difference in found.differences for line in _lines(difference)]
    parts += [_steps(found), _figures(found)] if found.steps else [_figures(found)]
    return Group(*parts)


def _lines(found: Difference) -> list[RenderableType]:
    from rich.text import Text

    sign, style = ("+", "green") if found.left is None else ("-", "red") if found.right is None else ("~", "yellow")
    lines: list[RenderableType] = [Text.assemble((f"{sign} ", style), (f"{found.aspect} ", "bold"), found.name)]
    if found.left is not None:
        lines.append(Text.assemble(("    - ", "red"), found.left))
    if found.right is not None:
        lines.append(Text.assemble(("    + ", "green"), found.right))
    return lines


def _steps(found: Comparison) -> RenderableType:
    from rich.table import Table

    table = Table("step", "state", "attempts", "seconds", "output", box=None, header_style="dim")
    words = {True: "same bytes", False: "other bytes", None: "—"}
    for pair in found.steps:
        states = " → ".join(dict.fromkeys(pair.states))
        attempts = (
            str(pair.attempts[0]) if pair.attempts[0] == pair.attempts[1] else " → ".join(map(str, pair.attempts))
        )
        table.add_row(pair.step, states, attempts, " → ".join(map(duration, pair.seconds)), words[pair.same_output])
    return table


def _figures(found: Comparison) -> RenderableType:
    from rich.table import Table

    table = Table("figure", found.left, found.right, box=None, header_style="dim")
    for figure in found.figures:
        table.add_row(
            figure.name, *("unknown" if value is None else f"{value:g}" for value in (figure.left, figure.right))
        )
    return table
