"""`Compensator`: takes effects back, the last one first, each by the operation that was proven for it.

A compensation is an effect like any other: guarded by policy, places, schema and approval, entered in
the ledger under a key of its own, retried as its contract says. When a process dies in between, whoever
comes next goes on: what was undone is not undone again, and what may have been is not repeated
unless the compensation is idempotent.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from pydantic import JsonValue

from dagwright.canonical import Sha256, sha256
from dagwright.decomposition import Step, ToolIntent
from dagwright.exceptions import ArchiveError, Cancelled, GuardViolation, ToolUnavailable, TransportError
from dagwright.program import Compensation, Program, ProgramStep
from dagwright.value import LiteralValue
from executor.archive.archive import Archive
from executor.engine.engine import Activation
from executor.engine.jitter import jittered
from executor.ledger.effects import Effect
from executor.worker.failure import UnknownOutcome
from executor.worker.guard import check_arguments
from executor.worker.resolve import filled, follow
from executor.worker.worker import GuardedWorker

UndoState = Literal["undone", "by_hand", "unknown", "failed", "held"]
"""`by_hand`: a person must undo it; `unknown`: a person must say whether it, or its compensation, happened;
`failed`: its compensation failed; `held`: it stands because what came after it still stands."""


@dataclass(frozen=True, kw_only=True)
class Undone:
    """What became of one effect that was to be taken back."""

    effect: Effect
    state: UndoState
    why: str = ""
    """Where it is not undone: why, in words."""
    subject: str = ""
    """Where a person must say what happened: of what, if not of the effect itself; its name in the ledger."""

    def __str__(self) -> str:
        line = f"{self.effect.entry.step} ({self.effect.entry.operation})"
        return line if self.state == "undone" else f"{line}: {self.why}"

    def as_json(self) -> dict[str, JsonValue]:
        """Gives it as JSON."""
        entry = self.effect.entry
        body: dict[str, JsonValue] = {"step": entry.step, "operation": entry.operation, "key": entry.key}
        return {**body, "state": self.state, "why": self.why}


@dataclass(frozen=True, kw_only=True)
class Undoing:
    """One effect that is to be taken back, and the call that does it."""

    effect: Effect
    item: ProgramStep
    """Its compensation, as a step."""
    arguments: dict[str, JsonValue]
    key: Sha256
    """Idempotency key of the compensation, before anything was done again."""
    digest: Sha256
    """What an approval of it binds to."""


def undoing_of(effect: Effect, program: Program, archive: Archive) -> Undoing:
    """Gives the call that takes an effect back.

    Raises:
        GuardViolation: there is none that was proven, or its arguments cannot be had (`missing_reference`),
            as where nobody knows what the effect gave.
    """
    item = program.by_id[effect.step]
    if item.compensation is None:
        raise GuardViolation(f"no compensation of {item.spec.name} was proven", code="no_compensation")
    arguments = arguments_of(effect, item.compensation, archive)
    key = sha256({"undoes": effect.entry.key, "arguments": arguments})
    bound = {"undoes": effect.entry.key, "operation": item.compensation.spec.name, "arguments": arguments}
    digest = sha256({**bound, "program": program.hash, "policy": program.certificate.policy})
    step = _step(f"undo:{effect.entry.step}", item, item.compensation, arguments)
    return Undoing(effect=effect, item=step, arguments=arguments, key=key, digest=digest)


def arguments_of(effect: Effect, compensation: Compensation, archive: Archive) -> dict[str, JsonValue]:
    """Gives the arguments of a compensation from those of its effect and from what that gave.

    Raises:
        GuardViolation: one that is required cannot be had, or they do not fit the operation's contract.
    """
    known: dict[str, JsonValue] = {"arguments": archive.get(effect.arguments)}
    if effect.entry.output is not None:
        known["outputs"] = archive.get(effect.entry.output)
    required = compensation.spec.input_schema.get("required")
    found: dict[str, JsonValue] = {}
    for name, source in compensation.sources.items():
        try:
            found[name] = follow(known, source, what=f"{effect.entry.operation!r} of step {effect.entry.step!r}")
        except GuardViolation:
            if isinstance(required, list) and name in required:
                raise
    complete = filled(found, compensation.spec.input_schema)
    check_arguments(complete, compensation.spec)
    return complete


def _step(name: str, item: ProgramStep, compensation: Compensation, arguments: Mapping[str, JsonValue]) -> ProgramStep:
    spec = compensation.spec
    inputs = {argument: LiteralValue(literal=value) for argument, value in arguments.items()}
    intent = ToolIntent.model_construct(
        tool_name=spec.tool_name, operation=spec.operation, required_inputs=dict(inputs), validation_criteria=()
    )
    step = Step.model_construct(step_id=name, action=f"undo {item.step.step_id}", tool_intent=intent)
    return ProgramStep(
        task_id=item.task_id,
        step=step,
        spec=spec,
        after=(),
        output_schema=spec.output_schema,
        output_label=item.output_label,
        runtime_checks=(),
        needs_approval=compensation.needs_approval,
    )


def before(program: Program, step: str) -> frozenset[str]:
    """Gives the steps that come before a step in a program's partial order."""
    found: set[str] = set()
    open_ = [step]
    while open_:
        for name in program.by_id[open_.pop()].after:
            if name not in found:
                found.add(name)
                open_.append(name)
    return frozenset(found)


class Compensator(GuardedWorker):
    """Takes back effects of one program, one after the other. It is the guarded worker of compensations."""

    def undo(self, effect: Effect, stopped: threading.Event) -> Undone:
        """Takes one effect back, or finds that this was done already; tries again as the contract says.

        Raises:
            Cancelled: it was stopped.
            ArchiveError: the archive takes nothing more.
        """
        try:
            undoing = undoing_of(effect, self._program, self._archive)
            self._tried(undoing, stopped)
        except (ArchiveError, Cancelled):
            raise
        except UnknownOutcome as error:
            why, subject = f"nobody knows whether it was undone: {error}", f"undo:{effect.entry.step}"
            return Undone(effect=effect, state="unknown", why=why, subject=subject)
        except GuardViolation as error:
            unsure = error.code == "missing_reference" and effect.is_open
            state: UndoState = "unknown" if unsure else "by_hand"
            return Undone(effect=effect, state=state, why=f"it may have happened; {error}" if unsure else str(error))
        except Exception as error:  # noqa: BLE001 - whatever a tool raises is a result
            return Undone(effect=effect, state="failed", why=f"its compensation failed: {error}")
        self._ledger.undone(effect.entry.key, by=undoing.key)
        return Undone(effect=effect, state="undone")

    def _tried(self, undoing: Undoing, stopped: threading.Event) -> None:
        self._current = undoing
        self._admit(undoing.item, undoing.arguments)
        spec, step = undoing.item.spec, undoing.item.step.step_id
        for attempt in range(1, spec.retry.attempts + 1):
            activation = Activation(
                run=self._archive.run, program=self._program.hash, step=step, attempt=attempt, cancelled=stopped
            )
            try:
                self._awaited(self._effect(undoing.item, undoing.arguments, activation, undoing.key), stopped)
                return
            except TransportError as error:
                if attempt == spec.retry.attempts:
                    raise
                refused = error.retry_after if isinstance(error, ToolUnavailable) else 0.0
                if stopped.wait(max(jittered(spec.retry.waits[attempt - 1], activation.run, step, attempt), refused)):
                    raise Cancelled(f"{step!r} was stopped") from None

    def _digest(self, item: ProgramStep) -> Sha256:
        return self._current.digest

    def _undoing(self, item: ProgramStep, arguments: dict[str, JsonValue]) -> dict[str, JsonValue]:
        kept = cast("JsonValue", self._archive.put(arguments))
        return {"program": self._program.hash, "arguments": kept, "undoes": self._current.effect.entry.key}
