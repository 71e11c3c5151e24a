"""`LiveLoops`: what a person is told of loops while they run: passes are counted, a line a second at the most."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from dagwright.control import Control
from dagwright.program import Program
from executor.engine.engine import Progress, ProgressState
from executor.workflow.block import controls_of, role_of
from executor.workflow.instance import parts_of
from orchestrator.view.blocks import words

SECONDS: Final = 1.0
"""Between two lines about one loop."""


@dataclass(kw_only=True)
class Loop:
    """One loop while it runs."""

    task: str
    control: Control
    steps: tuple[str, ...]
    """Those that the proposal lists, in their order."""
    clock: Callable[[], float]
    passes: set[int] = field(default_factory=set[int])
    """Numbers of the passes that have begun."""
    done: set[int] = field(default_factory=set[int])
    """Those that have ended well."""
    failed: set[int] = field(default_factory=set[int])
    """Those that have failed, or were given up; a retry may still save one."""
    begun: float = 0.0
    told: float = 0.0
    """When there was a line last."""
    said: str = ""

    def take(self, progress: Progress) -> None:
        """Takes in how a step of a pass stands."""
        step, number = parts_of(progress.step)
        assert number is not None
        if not self.passes:
            self.begun = self.clock()
        self.passes.add(number)
        if progress.state in ("failed", "cancelled"):
            self.failed.add(number)
        elif progress.state in ("retrying", "running"):
            self.failed.discard(number)
        elif progress.state == "completed" and step == self.steps[-1]:
            self.done.add(number)

    @property
    def is_over(self) -> bool:
        """Whether all passes that have begun have ended."""
        return len(self.done) + len(self.failed) >= len(self.passes)

    @property
    def line(self) -> tuple[ProgressState, str]:
        """Gives how it stands: state, and words."""
        tail = f", {len(self.failed)} failed" if self.failed else ""
        state: ProgressState = "running" if not self.is_over else "completed" if self.done else "failed"
        if self.control.repeat is not None:
            return state, f"pass {max(self.passes)} of at most {self.control.repeat.at_most}{tail}"
        return state, f"{len(self.done)} of {len(self.passes)} done{tail}"


class LiveLoops:
    """All loops of a program."""

    def __init__(self, program: Program, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._loops: dict[str, Loop] = {}
        controls = controls_of(program.proposal)
        for task, control in controls.items():
            steps = tuple(
                item.step.step_id for item in program.steps if item.task_id == task and role_of(item) == "step"
            )
            if steps and (control.each is not None or control.repeat is not None):
                loop = Loop(task=task, control=control, steps=steps, clock=clock)
                self._loops |= dict.fromkeys(steps, loop)

    def line(self, progress: Progress) -> tuple[ProgressState, str, str, float] | None:
        """Gives state, task, words and seconds so far of the loop that a pass is of; None where nothing is to be said.

        The first line about a loop says what it does.
        """
        loop = self._loops.get(parts_of(progress.step)[0])
        if loop is None:
            return None
        loop.take(progress)
        if progress.state == "scheduled":
            return None
        now = self._clock()
        if not loop.said:
            loop.told, loop.said = now, words(loop.control)
            return "running", loop.task, loop.said, 0.0
        is_due = loop.control.each is not None and loop.is_over
        return self._told(loop) if is_due or now - loop.told >= SECONDS else None

    def rest(self) -> list[tuple[ProgressState, str, str, float]]:
        """Gives what was not said yet about loops."""
        loops = {id(loop): loop for loop in self._loops.values() if loop.said}
        return [told for loop in loops.values() if (told := self._told(loop)) is not None]

    def _told(self, loop: Loop) -> tuple[ProgressState, str, str, float] | None:
        state, said = loop.line
        if loop.said == f"{state} {said}":
            return None
        loop.told, loop.said = self._clock(), f"{state} {said}"
        return state, loop.task, said, loop.told - loop.begun
