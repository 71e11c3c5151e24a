"""`Proposal`: a plan with a decomposition of each task. What the validator is asked about."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from dagwright.decomposition import Decomposition, Step
from dagwright.goal import Goal
from dagwright.model import Frozen, Identifier
from dagwright.plan import Plan
from dagwright.value import Value


class Proposal(Frozen):
    """Everything that would run, and for what. Untrusted until certified."""

    goal: Goal
    """What it is for."""
    plan: Plan
    """The DAG of tasks."""
    decompositions: tuple[Decomposition, ...]
    """One per task."""
    answer: dict[Identifier, Value] = Field(default_factory=dict[Identifier, Value])
    """What answers the goal: named values, as a rule references to steps."""
    version: int = Field(default=1, ge=1)
    """1 for the first proposal of a run, one more for each replan."""

    def steps(self) -> Iterator[tuple[str, Step]]:
        """Gives every step with the id of its task, in the order of the decompositions."""
        for decomposition in self.decompositions:
            for step in decomposition.steps:
                yield decomposition.task_id, step
