"""Fallbacks in words: what may take the place of a step's operation, and what happened where it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dagwright.program import Program
from dagwright.reach import destinations
from dagwright.tool import HttpBinding, ToolSpec
from validation.demand import Demand


def words(spec: ToolSpec) -> str:
    """Gives an operation that may take another's place: what it changes, what it reaches, what it can take."""
    bounds = Demand([spec], [()]).bounds()
    calls = f"at most {bounds.calls.high:.0f} {'call' if bounds.calls.high == 1 else 'calls'}"
    cost = f"${bounds.cost.high:.4f}" if bounds.cost else "unknown cost"
    time = f"{bounds.makespan.high:.2f} s" if bounds.makespan else "unknown time"
    return f"{spec.name} ({', '.join([spec.effect, *_places(spec), calls, cost, time])})"


def lines(program: Program) -> Iterator[str]:
    """Gives a line for each step whose operation others may replace, in the order of the steps."""
    for item in program.steps:
        others = program.fallbacks_of(item.step.step_id)
        if others:
            yield f"{item.step.step_id}: where {item.spec.name} is down {', then '.join(map(words, others))}"


def happened(exchange: Mapping[str, str]) -> str:
    """Gives what a `replan` event says of a fallback in words."""
    return f"{exchange['step']}: {exchange['to']} instead of {exchange['from']} ({exchange['code']})"


def _places(spec: ToolSpec) -> Iterator[str]:
    if isinstance(spec.binding, HttpBinding):
        yield f"{spec.binding.method} {spec.binding.url}"
        return
    yield from (f"{found.kind} {found}" for found in destinations(spec.binding))
