"""Propagation: the output schema of every step of a proposal, without running anything."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from dagwright.catalogue import Catalogue
from dagwright.decomposition import Step
from dagwright.model import JsonSchema
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec
from dagwright.value import ListValue, LiteralValue, ObjectValue, StepReference, Value
from validation.types.rule import output_schema
from validation.types.scope import TypeScope, inputs_of, value_schema


@dataclass(frozen=True, kw_only=True)
class Propagation:
    """What is known of a proposal's data before it runs."""

    scope: TypeScope
    """Goal inputs and the outputs of all steps, for looking up references."""
    order: tuple[str, ...]
    """Ids of the steps so that each comes after those it refers to; steps on a cycle are last."""
    arguments: Mapping[str, Mapping[str, JsonSchema]]
    """Per step id: the schemas of its arguments."""
    literals: Mapping[str, Mapping[str, JsonValue]]
    """Per step id: the constants among its arguments."""
    undecided: frozenset[str]
    """Steps of which nothing is known: their operation is unknown, or they refer to each other in a cycle."""

    @property
    def outputs(self) -> Mapping[str, JsonSchema]:
        """Output schemas by step id; `{}` for the undecided."""
        return self.scope.steps


def propagate(proposal: Proposal, catalogue: Catalogue) -> Propagation:
    """Gives the schemas of all arguments and outputs of a proposal, in time linear in its size.

    The order is that of the references alone, so that types are known even where a dependency is
    missing or the plan has a cycle. Of steps with the same id the first counts.
    """
    steps: dict[str, Step] = {}
    for _, step in proposal.steps():
        steps.setdefault(step.step_id, step)
    order, cyclic = _ordered(steps)
    outputs: dict[str, JsonSchema] = {step_id: {} for step_id in cyclic}
    scope = TypeScope(inputs=inputs_of(proposal.goal), steps=outputs)
    arguments: dict[str, Mapping[str, JsonSchema]] = {}
    literals: dict[str, Mapping[str, JsonValue]] = {}
    undecided = set(cyclic)
    shared: dict[tuple[int | str, ...], JsonSchema] = {}
    for step_id in order:
        given = steps[step_id].tool_intent.required_inputs
        arguments[step_id] = {name: value_schema(value, scope) for name, value in given.items()}
        literals[step_id] = literals_of(given)
        spec = catalogue.get(steps[step_id].tool_intent.operation_name)
        if spec is None:
            undecided.add(step_id)
        if step_id not in cyclic:
            found = {} if spec is None else output_schema(spec, arguments[step_id], literals[step_id])
            outputs[step_id] = shared.setdefault(_parts(spec, found), found)
    return Propagation(scope=scope, order=order, arguments=arguments, literals=literals, undecided=frozenset(undecided))


def _parts(spec: ToolSpec | None, outputs: JsonSchema) -> tuple[int | str, ...]:
    """Gives what outputs are made of: those of the same parts share one schema, which is then looked into once."""
    properties = outputs.get("properties")
    return (id(spec), *properties, *map(id, properties.values())) if isinstance(properties, dict) else (id(spec),)


def literals_of(given: Mapping[str, Value]) -> dict[str, JsonValue]:
    """Gives the constants among arguments by name."""
    return {name: value.literal for name, value in given.items() if isinstance(value, LiteralValue)}


def _ordered(steps: Mapping[str, Step]) -> tuple[tuple[str, ...], frozenset[str]]:
    waiting: dict[str, int] = {}
    users: dict[str, list[str]] = {}
    for step_id, step in steps.items():
        sources = _sources(step, steps)
        waiting[step_id] = len(sources)
        for source in sources:
            users.setdefault(source, []).append(step_id)
    ready = deque(step_id for step_id, count in waiting.items() if count == 0)
    order: list[str] = []
    while ready:
        step_id = ready.popleft()
        order.append(step_id)
        for user in users.get(step_id, ()):
            waiting[user] -= 1
            if waiting[user] == 0:
                ready.append(user)
    blocked = [step_id for step_id, count in waiting.items() if count]
    return (*order, *blocked), frozenset(blocked)


def _sources(step: Step, steps: Mapping[str, Step]) -> set[str]:
    found: set[str] = set()
    pending: list[Value] = [
        value for value in step.tool_intent.required_inputs.values() if not isinstance(value, LiteralValue)
    ]
    while pending:
        value = pending.pop()
        if isinstance(value, StepReference):
            if value.from_ in steps:
                found.add(value.from_)
        elif isinstance(value, ListValue):
            pending.extend(value.list)
        elif isinstance(value, ObjectValue):
            pending.extend(value.object.values())
    return found
