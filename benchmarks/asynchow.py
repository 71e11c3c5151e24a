"""AsyncHow's plans: everyday tasks with durations, an order, and the shortest time that somebody worked out.

Source: fangru-lin/graph-llm-asynchow-plan (MIT); arXiv 2402.02805.
"""

from __future__ import annotations

import hashlib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from benchmarks.sources import folder_of, read_source
from dagwright.exceptions import InputError

FILE = "async_benchmark.json"
SHA256 = "11345fec68efb89f588cccb5de4abba6cc2e87057b11d6db6265d6f0a93675be"
"""Of the file with all 1,598 plans; another file of the same format is another slice, and is read too."""

START, END = "START", "END"


class AsyncHowPlan(BaseModel):
    """A plan as the suite has it. Durations are in seconds, each the least and the most."""

    model_config = ConfigDict(frozen=True)

    title: str
    steps: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    durations_s: dict[str, tuple[float, float]]
    optimal_s: tuple[float, float]

    def after(self) -> dict[str, list[str]]:
        """Gives the predecessors by step (`s1`, …), in a topological order.

        Raises:
            InputError: the order has a cycle, or a step has no duration.
        """
        before: dict[str, set[str]] = {name: set() for name in sorted(self.durations_s, key=int)}
        try:
            for first, second in self.edges:
                if first != START and second != END:
                    before[second].add(first)
            order = list(TopologicalSorter(before).static_order())
        except (KeyError, CycleError) as error:
            raise InputError(f"plan {self.title!r} of AsyncHow is no order of its steps: {error}") from error
        return {f"s{name}": sorted(f"s{earlier}" for earlier in before[name]) for name in order}

    def seconds(self) -> dict[str, float]:
        """Gives the longest duration of each step."""
        return {f"s{name}": most for name, (_, most) in self.durations_s.items()}


def load_plans(root: Path | None) -> tuple[AsyncHowPlan, ...]:
    """Gives the plans below a data root.

    Raises:
        InputError: the file is not there or does not hold plans.
    """
    path = folder_of("asynchow", root) / FILE
    try:
        return TypeAdapter(tuple[AsyncHowPlan, ...]).validate_json(read_source(path))
    except ValidationError as error:
        raise InputError(f"{str(path)!r} does not hold AsyncHow's plans: {error}") from error


def is_whole(root: Path | None) -> bool:
    """Tells whether the file is the one with all plans, by its checksum."""
    path = folder_of("asynchow", root) / FILE
    return hashlib.sha256(path.read_bytes()).hexdigest() == SHA256
