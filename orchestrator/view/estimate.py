"""A dry run as a table: what would be called, under which policy, where, when, at what price."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue

from dagwright.model import Interval
from dagwright.policy import Action
from dagwright.program import Program, ProgramStep
from executor.simulation.simulate import SimulatedStep, Simulation
from executor.workflow.block import role_of
from orchestrator.view import fallbacks
from orchestrator.view.blocks import value as shown
from orchestrator.view.blocks import words_by_task

if TYPE_CHECKING:
    from rich.console import RenderableType

COLOURS: dict[Action, str] = {"allow": "green", "ask": "yellow", "deny": "red"}

LONGEST = 80
"""Characters of an argument that are shown."""

ONCE = Interval(low=1, high=1)

HEADINGS = ("step", "operation", "effect", "policy", "begins s", "ends s", "cost $", "places")


def drawn(program: Program, simulation: Simulation) -> RenderableType:
    """Gives the steps in the order in which they would begin, then the totals."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    steps = listed(program, simulation)
    looped = any(step.times != ONCE for step in steps)
    table = Table(title=f"dry run of {program.proposal.plan.dag_id}: nothing was called", title_justify="left")
    for heading in (*HEADINGS[:2], *(["times"] if looped else []), *HEADINGS[2:]):
        table.add_column(heading, justify="right" if heading.endswith((" s", " $", "times")) else "left")
    for step in steps:
        cells = _cells(step)
        table.add_row(*cells[:2], *([span(step.times, 0)] if looped else []), *cells[2:])
    calls = [Text(line) for line in _calls(program, steps)]
    others = [Text(f"  {line}") for line in fallbacks.lines(program)]
    parts: list[RenderableType] = [table, *calls, *others, Text(totals(simulation))]
    if simulation.unknown:
        parts.append(Text(f"without stated time or cost: {', '.join(simulation.unknown)}", style="dim"))
    if any(not step.decided for step in steps):
        parts.append(Text("(later): policy looks at values that only running gives", style="dim"))
    return Group(*parts)


def listed(program: Program, simulation: Simulation) -> list[SimulatedStep]:
    """Gives the steps that the proposal lists, in the order in which they would begin."""
    places = {item.step.step_id: place for place, item in enumerate(program.steps) if role_of(item) == "step"}
    found = [step for step in simulation.steps if step.step in places]
    return sorted(found, key=lambda step: (step.begins.low, places[step.step]))


def _calls(program: Program, steps: Sequence[SimulatedStep]) -> Iterator[str]:
    """Gives a line per call; those of a block below what the block does."""
    blocks = words_by_task(program.proposal)
    tasks: dict[str, list[SimulatedStep]] = {}
    for step in steps:
        task = program.by_id[step.step].task_id
        tasks.setdefault(task if task in blocks else f"-{step.step}", []).append(step)
    for task, found in tasks.items():
        if task in blocks:
            yield f"  {blocks[task]}:"
        indent = "  " if task in blocks else ""
        yield from (f"{indent}{call(step, program.by_id[step.step])}" for step in found)


def call(step: SimulatedStep, item: ProgramStep) -> str:
    """Gives what a step would send: arguments as far as known, and where the others come from."""
    given = item.step.tool_intent.required_inputs
    known = [f"{name}={_clipped(value)}" for name, value in step.arguments.items()]
    pending = [f"{name}={shown(given[name])}" for name in step.pending]
    with_credential = f", with credential {step.credential}" if step.credential else ""
    return f"  {step.step} = {step.operation}({', '.join([*known, *pending])}){with_credential}"


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
