"""`compare`: what two runs have in common and where they part, in the order in which one thing leads to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from pydantic import JsonValue

from dagwright.canonical import Sha256, canonical_json, sha256
from dagwright.exceptions import ArchiveError
from dagwright.finding import Finding, Report
from dagwright.goal import Goal, GoalInput
from dagwright.proposal import Proposal
from executor.archive.archive import Archive
from executor.replay.timeline import Row, Timeline, timeline

Aspect = Literal["goal", "input", "policy", "step", "finding", "execution", "answer", "outcome"]
"""What a difference is about; in the order of causes: a plan follows from a goal, outputs from a plan."""

MEASURED = ("seconds", "makespan", "retries", "model calls", "tokens", "cost")
"""Names of the figures."""

PREVIEW = 160
"""Characters of a value that are shown."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that is otherwise."""

    aspect: Aspect
    name: str
    """Which input, step, finding, answer."""
    left: str | None
    """Small preview; None where there is none."""
    right: str | None

    def __str__(self) -> str:
        return f"{self.aspect} {self.name}: {_or_none(self.left)} → {_or_none(self.right)}"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number of both runs."""

    name: str
    left: float | None
    """None is unknown."""
    right: float | None


@dataclass(frozen=True, kw_only=True)
class StepPair:
    """A step that both runs executed."""

    step: str
    states: tuple[str, str]
    attempts: tuple[int, int]
    seconds: tuple[float, float]
    """Running, all attempts together."""
    same_output: bool | None
    """Whether the outputs are the same bytes; None where one has none."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs side by side."""

    left: str
    right: str
    differences: tuple[Difference, ...]
    """In the order of causes."""
    steps: tuple[StepPair, ...]
    figures: tuple[Figure, ...]
    """Times, tokens, cost: never the same twice, and no difference by themselves."""

    @property
    def first(self) -> Difference | None:
        """The first divergence; None where the runs did the same."""
        return self.differences[0] if self.differences else None

    def as_json(self) -> dict[str, JsonValue]:
        """Gives it as JSON."""
        return {
            "left": self.left,
            "right": self.right,
            "same": self.first is None,
            "first_divergence": cast("JsonValue", vars(self.first)) if self.first else None,
            "differences": [cast("JsonValue", vars(found)) for found in self.differences],
            "steps": [
                {**vars(pair), "states": list(pair.states), "attempts": list(pair.attempts), "seconds": [*pair.seconds]}
                for pair in self.steps
            ],
            "figures": {figure.name: [figure.left, figure.right] for figure in self.figures},
        }


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """What one archive says, of the last version of its plan."""

    goal: Goal | None
    proposal: Proposal | None
    policy: Sha256
    findings: Mapping[str, Finding]
    rows: Mapping[str, Row]
    outputs: Mapping[str, Sha256]
    outcome: Mapping[str, Any]
    line: Timeline


def compare(left: Archive, right: Archive) -> Comparison:
    """Compares two runs.

    Raises:
        ArchiveError: one of them cannot be read.
    """
    one, other = _facts(left), _facts(right)
    return Comparison(
        left=left.run,
        right=right.run,
        differences=tuple(_differences(one, other)),
        steps=tuple(_pairs(one, other)),
        figures=tuple(_figures(one.line, other.line)),
    )


def _facts(archive: Archive) -> _Facts:
    last: dict[str, Any] = {}
    outputs: dict[str, Sha256] = {}
    for event in archive.events():
        last[event.kind] = event.body
        if event.kind == "task.completed":
            body = cast("dict[str, Any]", event.body)
            outputs[body["step"]] = body["output"]
    if not last:
        raise ArchiveError(f"the archive of run {archive.run!r} is empty")
    line = timeline(archive)
    program = cast("dict[str, str]", last.get("program") or {})
    proposal = program.get("proposal") or cast("dict[str, str]", last.get("proposal") or {}).get("proposal")
    report = Report.model_validate(last["report"]) if "report" in last else Report()
    return _Facts(
        goal=Goal.model_validate(archive.get(last["goal"]["goal"])) if "goal" in last else None,
        proposal=Proposal.model_validate(archive.get(proposal)) if proposal else None,
        policy=program.get("policy", ""),
        findings={_place(finding): finding for finding in report.findings},
        rows={row.step: row for row in line.rows},
        outputs=outputs,
        outcome=last.get("outcome") or {},
        line=line,
    )


def _differences(left: _Facts, right: _Facts) -> Iterator[Difference]:
    if left.goal and right.goal:
        yield from _changed("goal", {"text": left.goal.text}, {"text": right.goal.text})
        yield from _changed("input", _inputs(left.goal), _inputs(right.goal))
    if left.policy and right.policy:  # only a program names its policy
        yield from _changed("policy", {"hash": left.policy[:16]}, {"hash": right.policy[:16]})
    yield from _changed("step", _intents(left.proposal), _intents(right.proposal))
    yield from _changed("finding", *({k: f.message for k, f in facts.findings.items()} for facts in (left, right)))
    yield from _changed("execution", _executed(left), _executed(right))
    yield from _changed("answer", _answer(left), _answer(right))
    yield from _changed("outcome", _ended(left), _ended(right))


def _changed(aspect: Aspect, left: Mapping[str, JsonValue], right: Mapping[str, JsonValue]) -> Iterator[Difference]:
    """Gives what one has and the other has not, or has otherwise; the left one's order first."""
    for name in dict.fromkeys((*left, *right)):
        one, other = left.get(name), right.get(name)
        if (name in left) != (name in right) or canonical_json(one) != canonical_json(other):
            yield Difference(
                aspect=aspect,
                name=name,
                left=_preview(one, other) if name in left else None,
                right=_preview(other, one) if name in right else None,
            )


def _inputs(goal: Goal) -> dict[str, JsonValue]:
    return {name: _given(value) for name, value in goal.inputs.items()}


def _given(given: GoalInput) -> JsonValue:
    if isinstance(given.value, dict) and "sha256" in given.value:
        return {"path": given.value.get("path"), "sha256": given.value["sha256"]}
    return given.value


def _intents(proposal: Proposal | None) -> dict[str, JsonValue]:
    """Gives, by step, its operation with its arguments."""
    if proposal is None:
        return {}
    intents = {step.step_id: step.tool_intent for _, step in proposal.steps()}
    found: dict[str, JsonValue] = {}
    for name, intent in intents.items():
        values = cast("dict[str, JsonValue]", intent.model_dump(mode="json", by_alias=True, exclude_none=True))
        found[name] = {"operation": intent.operation_name, "arguments": values["required_inputs"]}
    return found


def _executed(facts: _Facts) -> dict[str, JsonValue]:
    """Gives, by step in the order of execution, how it ended and what it gave."""
    return {
        step: {
            "state": row.state,
            "error": row.attempts[-1].error,
            "output": facts.outputs.get(step),
            "preview": row.preview,
        }
        for step, row in facts.rows.items()
    }


def _answer(facts: _Facts) -> dict[str, JsonValue]:
    return cast("dict[str, JsonValue]", facts.outcome.get("answer") or {})


def _ended(facts: _Facts) -> dict[str, JsonValue]:
    return {name: facts.outcome.get(name) for name in ("status", "files")}


def _pairs(left: _Facts, right: _Facts) -> Iterator[StepPair]:
    for step, one in left.rows.items():
        other = right.rows.get(step)
        if other is not None:
            outputs = (left.outputs.get(step), right.outputs.get(step))
            yield StepPair(
                step=step,
                states=(one.state, other.state),
                attempts=(len(one.attempts), len(other.attempts)),
                seconds=(round(one.ran, 6), round(other.ran, 6)),
                same_output=None if None in outputs else outputs[0] == outputs[1],
            )


def _figures(left: Timeline, right: Timeline) -> Iterator[Figure]:
    for name, one, other in zip(MEASURED, _measured(left), _measured(right), strict=True):
        yield Figure(name=name, left=one, right=other)


def _measured(line: Timeline) -> tuple[float | None, ...]:
    costs = [call.cost for call in line.calls]
    return (
        line.seconds,
        round(line.ended - line.begun, 6),
        sum(len(row.attempts) - 1 for row in line.rows),
        len(line.calls),
        sum(call.tokens for call in line.calls),
        None if None in costs else sum(cost for cost in costs if cost is not None),
    )


def _place(finding: Finding) -> str:
    return f"{finding.code} {finding.step_id or finding.task_id or finding.path}".strip()


def _preview(value: JsonValue, other: JsonValue) -> str:
    """Gives a value in short; members that the other one shares are left out."""
    if isinstance(value, dict) and isinstance(other, dict):
        value = {name: item for name, item in value.items() if item != other.get(name)} or value
    text = value if isinstance(value, str) else canonical_json(value).decode()
    return text if len(text) <= PREVIEW else f"{text[:PREVIEW]}… ({sha256(value)[:8]})"


def _or_none(text: str | None) -> str:
    return "none" if text is None else text
