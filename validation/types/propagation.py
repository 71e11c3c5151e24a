"""Propagation: the output schema of every step of a proposal, without running anything."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import JsonValue

from dagwright.catalogue import Catalogue
from dagwright.model import JsonSchema
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec
from dagwright.value import LiteralValue, StepReference, Value, leaves
from validation.blocks import flat_steps
from validation.types.rule import output_schema
from validation.types.scope import TypeScope, inputs_of, value_schema


class Intent(NamedTuple):
    """What propagation asks of a step."""

    spec: ToolSpec | None
    """Its operation; None where the catalogue has no such one."""
    given: Mapping[str, Value]
    """Its arguments."""
    literals: Mapping[str, JsonValue]
    """The constants among them."""
    sources: Iterable[str]
    """The steps that they refer to, there or not."""


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
    """Steps of which no more is known than declared: their operation is unknown, or they are on a cycle."""

    @property
    def outputs(self) -> Mapping[str, JsonSchema]:
        """Output schemas by step id; of steps on a cycle as declared, `{}` where the operation is unknown."""
        return self.scope.steps


def propagate(proposal: Proposal, catalogue: Catalogue) -> Propagation:
    """Gives the schemas of all arguments and outputs of a proposal, in time linear in its size.

    Of steps with the same id the first counts.
    """
    intents: dict[str, Intent] = {}
    for flat in flat_steps(proposal):
        step = flat.step
        given = step.tool_intent.required_inputs
        if step.step_id not in intents:
            spec = flat.spec or catalogue.get(step.tool_intent.operation_name)
            intents[step.step_id] = Intent(spec, given, literals_of(given), _sources(given))
    return propagated(intents, inputs_of(proposal.goal))


def propagated(intents: Mapping[str, Intent], inputs: Mapping[str, JsonSchema]) -> Propagation:
    """Gives the schemas of all arguments and outputs of steps, by id, over goal inputs of these schemas.

    The order is that of the references alone, so that types are known even where a dependency is
    missing or the plan has a cycle.
    """
    order, cyclic = _ordered(intents)
    outputs = {step_id: _declared(intents[step_id].spec) for step_id in cyclic}
    scope = TypeScope(inputs=inputs, steps=outputs)
    arguments: dict[str, Mapping[str, JsonSchema]] = {}
    undecided = set(cyclic)
    shared: dict[tuple[int | str, ...], JsonSchema] = {}
    for step_id in order:
        spec, given, literals, _ = intents[step_id]
        found = arguments[step_id] = {name: value_schema(value, scope) for name, value in given.items()}
        if spec is None:
            undecided.add(step_id)
        if step_id not in cyclic:
            schema = {} if spec is None else output_schema(spec, found, literals)
            outputs[step_id] = shared.setdefault(_parts(spec, schema), schema)
    constants = {step_id: intents[step_id].literals for step_id in order}
    return Propagation(
        scope=scope, order=order, arguments=arguments, literals=constants, undecided=frozenset(undecided)
    )


def _declared(spec: ToolSpec | None) -> JsonSchema:
    return spec.output_schema if spec else {}


def _parts(spec: ToolSpec | None, outputs: JsonSchema) -> tuple[int | str, ...]:
    """Gives what outputs are made of: those of the same parts share one schema, which is then looked into once."""
    properties = outputs.get("properties")
    return (id(spec), *properties, *map(id, properties.values())) if isinstance(properties, dict) else (id(spec),)


def literals_of(given: Mapping[str, Value]) -> dict[str, JsonValue]:
    """Gives the constants among arguments by name."""
    return {name: value.literal for name, value in given.items() if isinstance(value, LiteralValue)}


def _ordered(intents: Mapping[str, Intent]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Gives the order, and the steps on a cycle or behind one; as written, where that is an order already."""
    seen: set[str] = set()
    for step_id, intent in intents.items():
        if not seen.issuperset(intent.sources) and not seen.issuperset(intents.keys() & set(intent.sources)):
            return _sorted(intents)
        seen.add(step_id)
    return tuple(intents), frozenset()


def _sorted(intents: Mapping[str, Intent]) -> tuple[tuple[str, ...], frozenset[str]]:
    waiting: dict[str, int] = {}
    users: dict[str, list[str]] = {}
    for step_id, intent in intents.items():
        sources = intents.keys() & set(intent.sources)
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


def _sources(given: Mapping[str, Value]) -> tuple[str, ...]:
    return tuple(leaf.from_ for value in given.values() for _, leaf in leaves(value) if isinstance(leaf, StepReference))
