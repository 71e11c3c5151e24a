"""`timeline`: when what happened in a run: its phases, each attempt at each step, the chain that decided how long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

from pydantic import JsonValue

from dagwright.canonical import Sha256
from dagwright.event import Event
from dagwright.proposal import Proposal
from executor.archive.archive import Archive
from executor.workflow.instance import parts_of
from validation.blocks import FlatStep, flat_steps

AttemptState = Literal["scheduled", "running", "completed", "failed", "timed_out", "cancelled"]

ENDS: Mapping[str, AttemptState] = {
    "task.completed": "completed",
    "task.failed": "failed",
    "task.timed_out": "timed_out",
    "task.cancelled": "cancelled",
}

PhaseName = Literal["ingest", "planning", "approval", "execution", "conclusion", "interrupted"]

PHASES: Mapping[str, PhaseName] = {
    "run.started": "ingest",
    "goal": "ingest",
    "evidence": "planning",
    "proposal": "planning",
    "report": "planning",
    "program": "planning",
    "replan": "planning",
    "approval.requested": "planning",
    "approval.given": "approval",
    "approval.refused": "approval",
    "run.resumed": "interrupted",
    "outcome": "conclusion",
}
"""Phase that the time before an event of a kind belongs to; `execution` for all others."""


@dataclass(kw_only=True)
class Attempt:
    """One attempt at a step; seconds since the beginning of the run."""

    number: int
    """1 for the first."""
    scheduled: float
    started: float | None = None
    """None where it never began."""
    ended: float | None = None
    """None where nobody knows."""
    state: AttemptState = "scheduled"
    error: str = ""
    """Kind and code of the error that it ended in."""


@dataclass(kw_only=True)
class Row:
    """One step of one version of the plan."""

    step: str
    operation: str
    version: int
    task: str = ""
    """Its task; empty where no plan names the step."""
    action: str = ""
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    before: tuple[str, ...] = ()
    """Steps that it directly waited for."""
    is_critical: bool = False
    """Whether it is on the chain of steps, each begun after the one before, that ended last."""
    preview: JsonValue = None
    """Summary of its outputs, as feedback has it."""

    @property
    def state(self) -> AttemptState:
        """How its last attempt stands."""
        return self.attempts[-1].state

    @property
    def waited(self) -> float:
        """Seconds between being due and running, all attempts together; back-off included."""
        return sum((at.started if at.started is not None else at.scheduled) - at.scheduled for at in self.attempts)

    @property
    def ran(self) -> float:
        """Seconds that its attempts took."""
        spans = [(at.started, at.ended) for at in self.attempts]
        return sum(ended - started for started, ended in spans if started is not None and ended is not None)

    @property
    def end(self) -> float:
        """When its last attempt ended; when it was due where nobody knows."""
        last = self.attempts[-1]
        return last.ended if last.ended is not None else last.started or last.scheduled


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch of a run."""

    name: PhaseName
    begun: float
    ended: float


@dataclass(frozen=True, kw_only=True)
class Call:
    """An exchange with a model."""

    begun: float
    """Not before the event that preceded it, also where the recorded answer once took longer."""
    ended: float
    seconds: float
    """What the model took."""
    tokens: int
    """Prompt and answer together."""
    cost: float | None
    """US dollars; None is unknown."""
    model: str


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """When what happened in a run."""

    run: str
    seconds: float
    """From its first event to its last."""
    phases: tuple[Phase, ...]
    calls: tuple[Call, ...]
    rows: tuple[Row, ...]
    """In the order in which they were first scheduled."""

    @property
    def begun(self) -> float:
        """When the first step was scheduled."""
        return min((row.attempts[0].scheduled for row in self.rows), default=0.0)

    @property
    def ended(self) -> float:
        """When the last step ended."""
        return max((row.end for row in self.rows), default=0.0)

    def as_json(self) -> dict[str, JsonValue]:
        """Gives it as JSON; times in seconds since the beginning of the run."""
        return {
            "run": self.run,
            "seconds": self.seconds,
            "makespan": round(self.ended - self.begun, 6),
            "critical_path": [row.step for row in self.rows if row.is_critical],
            "phases": [cast("JsonValue", vars(phase)) for phase in self.phases],
            "calls": [cast("JsonValue", vars(call)) for call in self.calls],
            "steps": [
                {
                    "step": row.step,
                    "operation": row.operation,
                    "version": row.version,
                    "state": row.state,
                    "waited": round(row.waited, 6),
                    "ran": round(row.ran, 6),
                    "is_critical": row.is_critical,
                    "attempts": [cast("JsonValue", vars(attempt)) for attempt in row.attempts],
                }
                for row in self.rows
            ],
        }


def timeline(archive: Archive) -> Timeline:
    """Gives the timeline of a run, also of one that is not over.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    events = list(archive.events())
    zero = events[0].time if events else None
    rows = _rows(archive, events, zero) if zero else ()
    _mark_critical(rows)
    return Timeline(
        run=archive.run,
        seconds=_since(events[-1].time, zero) if zero else 0.0,
        phases=tuple(_phases(events, zero)) if zero else (),
        calls=tuple(_calls(events, zero)) if zero else (),
        rows=rows,
    )


def _since(time: datetime, zero: datetime) -> float:
    return round((time - zero).total_seconds(), 6)


def _rows(archive: Archive, events: list[Event], zero: datetime) -> tuple[Row, ...]:
    plans: dict[Sha256, _Plan] = {}
    rows: dict[tuple[Sha256, str], Row] = {}
    for event in events:
        body = cast("dict[str, Any]", event.body) if isinstance(event.body, dict) else {}
        if event.kind == "program":
            plans[body["program"]] = _Plan(archive, body["proposal"])
        elif event.kind.startswith("task."):
            key = (body["program"], body["step"])
            if key not in rows:
                rows[key] = plans[key[0]].row(key[1]) if key[0] in plans else Row(step=key[1], operation="", version=1)
            _take(rows[key], event, body, _since(event.time, zero))
    return tuple(rows.values())


class _Plan:
    """What a version's plan says of its steps."""

    def __init__(self, archive: Archive, proposal: Sha256) -> None:
        parsed = Proposal.model_validate(archive.get(proposal))
        self._version = parsed.version
        flat = flat_steps(parsed)
        self._steps = {found.step.step_id: found.step for found in flat}
        self._tasks = {found.step.step_id: found.task_id for found in flat}
        self._before = _directly_before(parsed, flat)

    def row(self, name: str) -> Row:
        base = parts_of(name)[0]
        step = self._steps.get(base)
        return Row(
            step=name,
            operation=step.tool_intent.operation_name if step else "",
            version=self._version,
            task=self._tasks.get(base, ""),
            action=step.action if step else "",
            before=self._before.get(base, ()),
        )


def _directly_before(proposal: Proposal, flat: tuple[FlatStep, ...]) -> dict[str, tuple[str, ...]]:
    """Gives, by step, the steps that it waits for: the one before it in its task, or the last of other tasks."""
    steps: dict[str, list[str]] = {}
    for item in flat:
        steps.setdefault(item.task_id, []).append(item.step.step_id)
    found: dict[str, tuple[str, ...]] = {}
    for task in proposal.plan.nodes:
        own = steps.get(task.task_id, [])
        lasts = tuple(steps[needed][-1] for needed in task.dependencies if steps.get(needed))
        found |= {step: (own[place - 1],) if place else lasts for place, step in enumerate(own)}
    return found


def _take(row: Row, event: Event, body: dict[str, Any], at: float) -> None:
    """Adds what an event says to a row."""
    number = int(body["attempt"])
    attempt = next((known for known in reversed(row.attempts) if known.number == number), None)
    if attempt is None or (event.kind == "task.scheduled" and attempt.ended is not None):
        attempt = Attempt(number=number, scheduled=at)
        row.attempts.append(attempt)
    if event.kind == "task.started":
        attempt.started, attempt.state = at, "running"
    elif event.kind in ENDS:
        attempt.ended, attempt.state = at, ENDS[event.kind]
        row.preview = body.get("preview", row.preview)
        errors = cast("list[dict[str, str]]", body.get("feedback", {}).get("errors") or [])
        attempt.error = f"{errors[-1]['kind']} {errors[-1]['code']}" if errors else ""


def _mark_critical(rows: tuple[Row, ...]) -> None:
    """Walks back from the step that ended last to the one that each was waiting for."""
    row = max(rows, key=lambda row: row.end, default=None)
    while row is not None and not row.is_critical:
        row.is_critical = True
        due = row.attempts[0].scheduled
        named = [other for other in rows if parts_of(other.step)[0] in row.before and other.version == row.version]
        earlier = [other for other in named or rows if other.end <= due and not other.is_critical]
        row = max(earlier, key=lambda other: other.end, default=None)


def _phases(events: list[Event], zero: datetime) -> Iterator[Phase]:
    """Gives the stretches between events, neighbours of the same name as one."""
    name, begun, previous, executing = PHASES["run.started"], 0.0, 0.0, False
    for event in events:
        at = _since(event.time, zero)
        found = PHASES.get(event.kind, "execution")
        if event.kind == "llm.exchange" and not executing:
            found = "planning"
        if event.kind == "workflow":
            body = cast("dict[str, Any]", event.body)
            executing = body.get("state") != "ended"
        elif event.kind in ("replan", "outcome"):
            executing = False
        if found != name:
            if previous > begun:
                yield Phase(name=name, begun=begun, ended=previous)
            name, begun = found, previous
        previous = at
    if previous > begun:
        yield Phase(name=name, begun=begun, ended=previous)


def _calls(events: list[Event], zero: datetime) -> Iterator[Call]:
    previous = 0.0
    for event in events:
        at = _since(event.time, zero)
        if event.kind == "llm.exchange" and isinstance(event.body, dict):
            usage = cast("dict[str, Any]", event.body.get("usage") or {})
            seconds = float(usage.get("seconds", 0.0))
            yield Call(
                begun=max(previous, at - seconds),
                ended=at,
                seconds=seconds,
                tokens=int(usage.get("prompt_tokens", 0)) + int(usage.get("completion_tokens", 0)),
                cost=usage.get("cost"),
                model=str(event.body.get("model", "")),
            )
        if not event.kind.startswith("task."):
            previous = at
