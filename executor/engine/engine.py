"""`Engine`: what both engines, embedded and Conductor, are to the rooms above."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from pydantic import JsonValue

from dagwright.feedback import Feedback
from executor.archive.archive import Archive
from executor.workflow.definition import WorkflowDef
from executor.workflow.instance import Choice, Instance, instance


@dataclass(frozen=True, kw_only=True)
class Activation:
    """One attempt at one step, as an engine hands it to the guarded worker."""

    run: str
    program: str
    """Hash of the certified program."""
    step: str
    attempt: int
    """1 for the first."""
    number: int | None = None
    """Of the pass of its block: from 0 for items, from 1 for repetitions; None for a step in no pass."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set when the attempt is to stop: time is up, the run failed, or a person stopped it."""

    @property
    def instance(self) -> Instance:
        """What the archive, the ledger and the views know it by."""
        return instance(self.step, self.number)


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What a guarded worker gives back to an engine: references and small previews, never values."""

    status: Literal["completed", "failed", "failed_for_good"]
    """`failed` may be retried (transport only), `failed_for_good` may not."""
    output: str | None = None
    """SHA-256 of the outputs in the artefact store."""
    choice: Choice = None
    """What a step that controls a block decided."""
    preview: JsonValue = None
    """Small summary; holds no `${`."""
    feedback: Feedback
    """What a planner may learn of it."""
    retry_after: float = 0.0
    """Of a failed attempt: for how many seconds another one would be refused as well, without being tried."""


class Worker(Protocol):
    """Runs one attempt of one step, guarded. Never raises for what a tool does."""

    def __call__(self, activation: Activation) -> StepResult:
        """Runs the attempt and says how it ended."""
        ...


@runtime_checkable
class BeginningWorker(Worker, Protocol):
    """A worker whose attempts need no thread of their own besides the one that begins them."""

    def begin(self, activation: Activation, ended: Callable[[StepResult | Exception], None]) -> None:
        """Runs the attempt in this thread and tells how it ended, from another one where its tool hangs in this."""
        ...


ProgressState = Literal["scheduled", "running", "completed", "failed", "retrying", "skipped", "cancelled"]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A step changed its state; for the live view."""

    step: Instance
    state: ProgressState
    attempt: int = 1
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class EngineResult:
    """How a workflow ended on an engine."""

    status: Literal["completed", "failed", "timed_out", "cancelled"]
    outputs: dict[str, str]
    """Artefact hash of the outputs by instance, for each that completed, but for those of an optional block
    that failed; for a repeated step that of its last pass also by the step's id."""
    feedback: dict[str, Feedback]
    """Last feedback by instance, for each that was tried."""
    failed_step: str | None = None
    """The instance that ended it."""


class Engine(Protocol):
    """Runs a compiled workflow to its end; resumes what a crash left."""

    @property
    def name(self) -> str:
        """`embedded` or `conductor`."""
        ...

    def run(
        self,
        workflow: WorkflowDef,
        *,
        run: str,
        program: str,
        worker: Worker,
        archive: Archive,
        cancelled: threading.Event,
        on_progress: Callable[[Progress], None],
    ) -> EngineResult:
        """Runs the workflow; steps that the archive shows as finished are not run again.

        Raises:
            Unreachable: the engine is not there; says which command starts it.
        """
        ...
