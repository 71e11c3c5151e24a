"""`Line`: what a view says of one step, all its passes together; of what controls blocks only what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from executor.replay.timeline import Attempt, AttemptState, Row
from executor.workflow.instance import parts_of
from validation.blocks import TOOL

LineState = AttemptState | Literal["partly"]
"""`partly`: some passes are completed, others are not and will not be."""

TITLES: Final = {
    "when": "{} (condition)",
    "each": "{} (loop)",
    "until": "{} (loop)",
    "collect": "{} (all passes)",
}
"""What a step that controls a block is called, by what it decides."""


@dataclass(frozen=True)
class Line:
    """One step of one version of the plan, with its passes where it is in a loop."""

    rows: tuple[Row, ...]
    """A row per pass, in the order in which they were first due; one for a step in no loop."""
    most: int = 1
    """Passes of its block, as far as they have begun."""

    @cached_property
    def step(self) -> str:
        """The step's id; for what controls a block its title."""
        name, decides = parts_of(self.rows[0].step)[0], self.decides
        if not decides:
            return name
        return TITLES[decides].format(name.partition("-")[2] or name)

    @property
    def decides(self) -> str:
        """What it decides of a block; nothing for a step that the proposal lists."""
        tool, _, operation = self.rows[0].operation.partition(".")
        return operation if tool == TOOL else ""

    @property
    def is_folded(self) -> bool:
        """Whether it stands for passes."""
        return parts_of(self.rows[0].step)[1] is not None

    @cached_property
    def state(self) -> LineState:
        """How it stands."""
        found = Counter(row.state for row in self.rows)
        if len(found) == 1:
            return self.rows[0].state
        if found["running"] or found["scheduled"]:
            return "running"
        return "partly" if found["completed"] else "failed"

    @property
    def tally(self) -> str:
        """How its passes stand, as `12 of 20 done, 1 failed`; nothing for a step in no loop."""
        if not self.is_folded:
            return ""
        found = Counter(row.state for row in self.rows)
        words = {"running": ("running",), "failed": ("failed", "timed_out"), "cancelled": ("cancelled",)}
        others = {word: sum(found[state] for state in states) for word, states in words.items()}
        parts = [f"{found['completed']} of {self.most} done", *(f"{n} {word}" for word, n in others.items() if n)]
        return ", ".join(parts)

    @cached_property
    def attempts(self) -> tuple[Attempt, ...]:
        """All attempts, in the order in which they were due."""
        return tuple(sorted((at for row in self.rows for at in row.attempts), key=lambda at: at.scheduled))

    @property
    def retries(self) -> int:
        """Attempts after the first one of a pass."""
        return len(self.attempts) - len(self.rows)

    @property
    def begun(self) -> float:
        """When it was first due."""
        return self.attempts[0].scheduled

    @property
    def end(self) -> float:
        """When its last pass ended."""
        return max(row.end for row in self.rows)

    @property
    def waited(self) -> float:
        """Seconds between being due and running, all passes together."""
        return sum(row.waited for row in self.rows)

    @property
    def ran(self) -> float:
        """Seconds that its attempts took, all passes together."""
        return sum(row.ran for row in self.rows)

    @property
    def took(self) -> float:
        """Seconds that it ran; for passes from the first one's beginning to the last one's end."""
        begun = min((at.started for at in self.attempts if at.started is not None), default=self.end)
        return self.end - begun if self.is_folded else self.ran

    @property
    def is_critical(self) -> bool:
        """Whether one of its passes is on the critical path."""
        return any(row.is_critical for row in self.rows)

    @property
    def errors(self) -> tuple[str, ...]:
        """The different errors that attempts ended in."""
        return tuple(dict.fromkeys(at.error for at in self.attempts if at.error))


def folded(rows: Iterable[Row]) -> tuple[Line, ...]:
    """Gives the rows of a timeline as lines, in the order in which they began."""
    found: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row.version, parts_of(row.step)[0]), []).append(row)
    most: Counter[tuple[int, str]] = Counter()
    for passes in found.values():
        block = (passes[0].version, passes[0].task)
        most[block] = max(most[block], len(passes))
    lines = [Line(tuple(passes), most[passes[0].version, passes[0].task]) for passes in found.values()]
    return tuple(line for line in lines if not line.decides or line.state != "completed")


def listed(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Gives the lines of steps that the proposal lists."""
    return tuple(line for line in lines if not line.decides)
