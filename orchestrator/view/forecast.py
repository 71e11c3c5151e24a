"""A forecast as text: how probable it is that a program finishes, and what it then takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.simulation.forecast import Distribution, Ending, FaultRate, Forecast
from orchestrator.view.blocks import called

if TYPE_CHECKING:
    from rich.console import RenderableType

SHOWN = 5
"""Steps at which runs fail that are named."""

WORDS: dict[Ending, str] = {
    "done": "done",
    "over_budget": "over budget",
    "late": "stopped at the deadline",
    "failed": "failed",
    "unknown": "an effect of unknown outcome",
}


def drawn(found: Forecast) -> RenderableType:
    """Gives the probability of finishing, how the other runs end, and a table of time, cost and calls."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    share = found.finishing
    head = f"finishes in {share.value:.1%} of {found.runs:,} runs (95 %: {share.low:.1%} – {share.high:.1%})"
    table = Table()
    for heading in ("", "mean", "median", "5 % – 95 %"):
        table.add_column(heading, justify="right" if heading else "left")
    table.add_row("seconds, where it ends", *_cells(found.makespan, 2))
    table.add_row("cost $", *_cells(found.cost, 4))
    table.add_row("calls", *_cells(found.calls, 0))
    return Group(Text(head, style="bold"), *map(Text, _lines(found)), table)


def _lines(found: Forecast) -> list[str]:
    assumed = [*_rates("fail", found.faults.failures), *_rates("time out", found.faults.timeouts)]
    lines = [f"seed {found.seed}, attempts {', '.join(assumed) if assumed else 'never fail'}; no replans"]
    others = {WORDS[ending]: count for ending, count in found.endings.items() if ending != "done"}
    if others:
        lines.append("else: " + ", ".join(f"{count} {words}" for words, count in others.items()))
    if found.failed_at:
        steps = [f"{called(step)} ({count})" for step, count in list(found.failed_at.items())[:SHOWN]]
        more = len(found.failed_at) - SHOWN
        lines.append(f"failing at {', '.join(steps)}" + (f" and {more} more" if more > 0 else ""))
    return lines


def _rates(verb: str, rates: tuple[FaultRate, ...]) -> list[str]:
    return [f"{verb} at {rate.rate:g}" + (f" ({rate.tools})" if rate.tools != "*" else "") for rate in rates]


def _cells(found: Distribution | None, digits: int) -> tuple[str, str, str]:
    if found is None:
        return "unknown", "unknown", "unknown"
    span = f"{found.low:,.{digits}f} – {found.high:,.{digits}f}"
    return f"{found.mean:,.{max(digits, 1)}f}", f"{found.median:,.{digits}f}", span
