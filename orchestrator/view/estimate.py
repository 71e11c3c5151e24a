"""A dry run as a table: what would be called, under which policy, where, when, at what price."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic import JsonValue

from dagwright.model import Interval
from dagwright.policy import Action
from dagwright.program import Program
from executor.simulate import SimulatedStep, Simulation

if TYPE_CHECKING:
    from rich.console import RenderableType

COLOURS: dict[Action, str] = {"allow": "green", "ask": "yellow", "deny": "red"}

LONGEST = 80
"""Characters of an argument that are shown."""

HEADINGS = ("step", "operation", "effect", "policy", "begins s", "ends s", "cost $", "places")


def drawn(program: Program, simulation: Simulation) -> RenderableType:
    """Gives the steps in the order in which they would begin, then the totals."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"dry run of {program.proposal.plan.dag_id}: nothing was called", title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading.endswith((" s", " $")) else "left")
    for step in simulation.steps:
        table.add_row(*_cells(step))
    parts: list[RenderableType] = [table, *(Text(call(step)) for step in simulation.steps), Text(totals(simulation))]
    if simulation.unknown:
        parts.append(Text(f"without stated time or cost: {', '.join(simulation.unknown)}", style="dim"))
    if any(not step.decided for step in simulation.steps):
        parts.append(Text("(later): policy looks at values that only running gives", style="dim"))
    return Group(*parts)


def call(step: SimulatedStep) -> str:
    """Gives what a step would send: arguments as far as known, and where the others come from."""
    known = [f"{name}={_clipped(value)}" for name, value in step.arguments.items()]
    pending = [f"{name}={_source(value)}" for name, value in step.pending.items()]
    with_credential = f", with credential {step.credential}" if step.credential else ""
    return f"  {step.step} = {step.operation}({', '.join([*known, *pending])}){with_credential}"


def _source(value: JsonValue) -> str:
    """Gives a reference as `s1/table`; other values that only running gives as they stand in the proposal."""
    if isinstance(value, dict) and "from" in value:
        return f"{value['from']}{value.get('path', '')}"
    return _clipped(value)


def _clipped(value: JsonValue) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= LONGEST else shown[:LONGEST] + "…"


def totals(simulation: Simulation) -> str:
    """Gives calls, time, cost and what else is bounded in one line; what is unknown is called so."""
    parts = [
        f"{span(simulation.calls, 0)} calls",
        f"{span(simulation.makespan)} s" if simulation.makespan else "unknown time",
        f"${span(simulation.cost, 4)}" if simulation.cost else "unknown cost",
    ]
    if simulation.tokens and simulation.tokens.high:
        parts.append(f"at most {simulation.tokens.high:.0f} tokens of answers")
    if simulation.concurrency and simulation.concurrency.high > 1:
        parts.append(f"up to {simulation.concurrency.high:.0f} steps at a time")
    if simulation.payload:
        parts.append(f"at most {simulation.payload.high:,.0f} bytes in a call")
    return ", ".join(parts)


def span(interval: Interval | None, digits: int = 2) -> str:
    """Gives an interval as `low – high`, as one number where both are the same, or as `?`."""
    if interval is None:
        return "?"
    low, high = f"{interval.low:.{digits}f}", f"{interval.high:.{digits}f}"
    return low if low == high else f"{low} – {high}"


def _cells(step: SimulatedStep) -> tuple[str, ...]:
    from rich.markup import escape

    later = "" if step.decided else " (later)"
    return (
        escape(step.step),
        escape(step.operation),
        step.effect,
        f"[{COLOURS[step.action]}]{step.action}[/]{later}",
        span(step.begins),
        span(step.ends),
        span(step.cost, 4),
        escape(", ".join(step.places)),
    )
