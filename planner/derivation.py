"""What can be derived is never generated: tasks, dependencies and descriptions from the steps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dagwright.decomposition import Decomposition, Step, ToolIntent
from dagwright.plan import Complexity, Plan, PlanMetadata, Task
from dagwright.tool import ToolSpec
from dagwright.value import InputReference, LiteralValue, StepReference, Value, leaves

_COMPLEXITY: dict[str, Complexity] = {"python": "low", "transform": "low", "human": "high"}
"""Of steps by their kind of binding; every other one is `medium`."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One step as a strategy gathers it."""

    step_id: str
    intent: ToolIntent
    spec: ToolSpec
    evidence: tuple[str, ...]
    """Documents that were shown about the operation."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Steps whose outputs it takes, in order."""
        found = [
            leaf.from_
            for value in self.intent.required_inputs.values()
            for _, leaf in leaves(value)
            if isinstance(leaf, StepReference)
        ]
        return tuple(dict.fromkeys(found))

    @property
    def writes(self) -> tuple[str, ...]:
        """Resources that it writes, templates filled with its constants."""
        constants = {
            name: value.literal
            for name, value in self.intent.required_inputs.items()
            if isinstance(value, LiteralValue)
        }
        return tuple(_filled(template, constants) for template in self.spec.writes)

    def task_id(self) -> str:
        """The id of the task that holds this step alone."""
        return f"t_{self.step_id}"


def _filled(template: str, constants: Mapping[str, object]) -> str:
    for name, value in constants.items():
        template = template.replace("{" + name + "}", str(value))
    return template


def described(spec: ToolSpec, intent: ToolIntent) -> str:
    """Gives a step in words: what the operation does, and with what."""
    arguments = ", ".join(f"{name} {shown(value)}" for name, value in intent.required_inputs.items())
    return f"{spec.operation.replace('_', ' ')} ({arguments})"


def shown(value: Value) -> str:
    """Gives a value in words."""
    if isinstance(value, LiteralValue):
        return json.dumps(value.literal, ensure_ascii=False)
    if isinstance(value, StepReference):
        return f"of {value.from_}"
    if isinstance(value, InputReference):
        return f"= {value.input}"
    return f"of {', '.join(dict.fromkeys(shown(leaf).removeprefix('of ') for _, leaf in leaves(value)))}"


def step_of(draft: Draft) -> Step:
    """Gives the step in the wire format; references to documents are those really shown."""
    return Step(
        step_id=draft.step_id,
        action=described(draft.spec, draft.intent)[:4000],
        tool_intent=draft.intent,
        documentation_references=draft.evidence,
        rollback_strategy="retry" if draft.spec.idempotent and draft.spec.retry.attempts > 1 else "none",
    )


def plan_of(dag_id: str, drafts: Sequence[Draft], *, at: datetime | None, confidence: float | None = None) -> Plan:
    """Gives the plan whose tasks hold one step each, ordered by data and by what they write."""
    tasks: list[Task] = []
    writers: dict[str, str] = {}
    for draft in drafts:
        needed = list(draft.sources)
        for resource in draft.writes:
            if resource in writers:
                needed.append(writers[resource])
            writers[resource] = draft.step_id
        tasks.append(
            Task(
                task_id=draft.task_id(),
                description=described(draft.spec, draft.intent)[:4000],
                dependencies=tuple(f"t_{step}" for step in dict.fromkeys(needed)),
                parallelizable=True,
                estimated_complexity=_COMPLEXITY.get(draft.spec.binding.kind, "medium"),
                required_capabilities=draft.spec.capabilities,
            )
        )
    metadata = PlanMetadata(planning_timestamp=at, confidence_score=confidence)
    return Plan(dag_id=dag_id, nodes=tuple(tasks), metadata=metadata)


def decompositions_of(drafts: Iterable[Draft]) -> tuple[Decomposition, ...]:
    """Gives one decomposition per draft."""
    return tuple(Decomposition(task_id=draft.task_id(), steps=(step_of(draft),)) for draft in drafts)


def answer_names(chosen: Sequence[tuple[Value, Draft | None]]) -> dict[str, Value]:
    """Gives the answer's values by names that say what they are."""
    named: dict[str, Value] = {}
    for value, draft in chosen:
        base = _name(draft) if draft else "input"
        name, number = base, 1
        while name in named:
            number += 1
            name = f"{base[:60]}_{number}"
        named[name] = value
    return named


def _name(draft: Draft) -> str:
    words = [draft.intent.operation]
    for value in draft.intent.required_inputs.values():
        literal = value.literal if isinstance(value, LiteralValue) else None
        if isinstance(literal, str) and literal.replace("_", "").isalnum():
            words.append(literal)
    joined = "_".join(words)
    return "".join(character if character.isalnum() and character.isascii() else "_" for character in joined)[:60]
