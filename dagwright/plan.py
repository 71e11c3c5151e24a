"""`Plan`: the planner's DAG of tasks. Untrusted, because a language model wrote it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from dagwright.model import Frozen, Identifier

Complexity = Literal["low", "medium", "high"]


class Task(Frozen):
    """A node of the plan."""

    task_id: Identifier
    """Unique in the plan."""
    description: str = Field(max_length=4_000)
    """What is to be done, in words."""
    dependencies: tuple[Identifier, ...] = ()
    """Tasks that must be finished before this one starts."""
    parallelizable: bool = True
    """Whether it may run beside other tasks."""
    estimated_complexity: Complexity = "low"
    """The planner's estimate."""
    required_capabilities: tuple[str, ...] = ()
    """Capabilities that the tools of this task must have."""


class PlanMetadata(Frozen):
    """What the planner says about its plan."""

    planning_timestamp: datetime | None = None
    """When it was made (UTC)."""
    confidence_score: float | None = Field(default=None, ge=0, le=1)
    """The planner's confidence; None where there is no measure of it."""
    alternative_approaches: tuple[str, ...] = ()
    """Other ways, in words."""


class Plan(Frozen):
    """A directed acyclic graph of tasks."""

    dag_id: Identifier
    """Unique name."""
    nodes: tuple[Task, ...]
    """The tasks; their order has no meaning."""
    metadata: PlanMetadata = PlanMetadata()
    """What the planner says about it."""
