"""`PlanningStrategy`: goal in, proposal out. Both strategies give the same artefacts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from dagwright.catalogue import Catalogue
from dagwright.goal import Goal
from dagwright.llm.model import Model
from dagwright.model import JsonSchema
from dagwright.proposal import Proposal
from planner.derivation import Draft

MAX_STEPS = 24
"""Steps of the longest plan that a strategy writes; beyond, it stops and says so."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A step of an earlier version that ran; it stays as it is, its outputs are injected."""

    draft: Draft
    line: str
    """The call as the model wrote it; empty for a derived step."""
    schema: JsonSchema
    """Schema of its outputs."""


@dataclass(frozen=True, kw_only=True)
class PlanningContext:
    """Everything that a strategy may use. Nothing in it executes."""

    model: Model
    catalogue: Catalogue
    """Operations that policy does not forbid outright."""
    evidence: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Documents shown, by operation; operations without any are not offered."""
    at: datetime | None = None
    """When planning happens (UTC)."""
    version: int = 1
    finished: tuple[Finished, ...] = ()
    """Steps that a replan keeps."""
    notes: tuple[str, ...] = ()
    """Texts of documents that the person added and that the goal's words find."""
    feedback: tuple[str, ...] = ()
    """What went wrong so far, typed, one line each."""
    banned: frozenset[str] = frozenset()
    """Lines that are known to fail."""
    on_line: Callable[[str], None] = lambda _line: None
    """Told of each line as it is written."""
    seed: int = 0
    temperature: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A proposal, with the lines that the model wrote for it."""

    proposal: Proposal
    lines: Mapping[str, str]
    """Call by step, as written; derived steps have none."""


class PlanningStrategy(Protocol):
    """Turns a goal into a proposal."""

    @property
    def name(self) -> str:
        """`interleaved`, `cited` or `plan_first`."""
        ...

    def propose(self, goal: Goal, context: PlanningContext) -> Planned:
        """Gives a proposal; untrusted until certified.

        Raises:
            ModelAnswerError: the model did not come to an answer within the bounds.
            TransportError: the model cannot be reached.
        """
        ...
