"""`operation_of`: a proposal as an operation that other proposals can call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from pydantic import JsonValue

from dagwright.catalogue import Catalogue
from dagwright.exceptions import ProposalRejected
from dagwright.finding import Report
from dagwright.goal import Goal
from dagwright.label import TRUSTED, FieldLabel, Label
from dagwright.model import JsonSchema
from dagwright.policy import Policy
from dagwright.proposal import Proposal
from dagwright.tool import Effect, ProgramBinding, Role, ToolSpec
from dagwright.value import InputReference
from validation.context import Context
from validation.examination import as_written, examine
from validation.resource import bounds_of
from validation.types.schema import pointer_of
from validation.types.scope import value_schema

_EFFECTS: Final[tuple[Effect, ...]] = ("read", "write", "external", "irreversible")
_ROLES: Final[tuple[Role, ...]] = ("data", "control", "sink")
_PROVEN_AT_CALLS: Final = ("policy", "resource")


def operation_of(
    proposal: Proposal, *, name: str, catalogue: Catalogue, policy: Policy, workers: frozenset[str]
) -> ToolSpec:
    """Gives the operation that calls a proposal: inputs of its goal in, its answer out.

    The proposal is written out first, so that it calls no other. Values of its goal's inputs, and the texts that
    ingest found in their columns, are left out: a call has its own. What policy says of its steps is asked where
    they are called.

    Args:
        proposal: What a call stands for.
        name: Of the operation, `tool.operation`.
        catalogue: The operations that it uses.
        policy: What it is judged by beside the levels that no policy has a say in.
        workers: Kinds of binding that there are workers for.

    Raises:
        ProposalRejected: its form, its operations or its data flow have errors.
        ValueError: the name is none, or nothing can be called so.
    """
    taking = proposal.model_copy(update={"goal": _general(proposal.goal)})
    context, report = examine(taking, catalogue=catalogue, policy=policy, workers=workers)
    wrong = tuple(item for item in report.errors if item.level not in _PROVEN_AT_CALLS)
    if context is None or context.parsed.proposal is None or wrong:
        raise ProposalRejected(as_written(context, Report(findings=wrong)))
    tool, _, operation = name.partition(".")
    specs = [step.contract.spec for step in context.sequence if step.contract is not None]
    bounds = bounds_of(context)
    return ToolSpec(
        tool_name=tool,
        operation=operation,
        description=proposal.goal.text[:4_000],
        input_schema=_object({key: given.schema_ for key, given in taking.goal.inputs.items()}),
        output_schema=_object(
            {key: value_schema(part.value, context.types.scope) for key, part in context.outside_answer.items()}
        ),
        roles=_roles(context),
        effect=_EFFECTS[max(_EFFECTS.index(spec.effect) for spec in specs)],
        idempotent=all(spec.idempotent for spec in specs),
        output_labels=tuple(_labels(context)),
        cost=bounds.cost,
        latency=bounds.makespan,
        capabilities=tuple(sorted({tag for spec in specs for tag in spec.capabilities})),
        binding=ProgramBinding(proposal=context.parsed.proposal),
    )


def _general(goal: Goal) -> Goal:
    """Gives a goal whose inputs stand for any of their kind."""
    inputs = {
        name: given.model_copy(update={"value": None, "label": TRUSTED, "schema_": _any_content(given.schema_)})
        for name, given in goal.inputs.items()
    }
    return goal.model_copy(update={"inputs": inputs})


def _any_content(schema: JsonSchema) -> JsonSchema:
    """Gives the schema of a file without the texts that were found in its columns."""
    return {key: _without_texts(part) if key in ("x-content", "x-contents") else part for key, part in schema.items()}


def _without_texts(schema: JsonValue) -> JsonValue:
    if isinstance(schema, list):
        return [_without_texts(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: part for key, part in schema.items() if key != "enum" or not isinstance(part, list)}
    return {key: _without_texts(part) for key, part in kept.items()}


def _object(properties: Mapping[str, JsonSchema]) -> JsonSchema:
    schema: dict[str, Any] = {"type": "object", "properties": {**properties}, "required": list(properties)}
    return cast("JsonSchema", {**schema, "additionalProperties": False})


def _roles(context: Context) -> dict[str, Role]:
    """Gives the strictest role that any step has for a goal input; `data` is left out."""
    found: dict[str, Role] = {}
    for step in context.steps:
        for argument, _, reference in step.references:
            role = step.contract.role(argument) if step.contract else "data"
            if isinstance(reference, InputReference) and role != "data":
                known = found.get(reference.input, "data")
                found[reference.input] = _ROLES[max(_ROLES.index(role), _ROLES.index(known))]
    return found


def _labels(context: Context) -> Iterator[FieldLabel]:
    """Gives the labels of the parts of the answer that are anything but trusted."""
    labels: dict[str, Label] = {}
    for name, _, reference in context.answer_references:
        labels[name] = labels.get(name, TRUSTED).join(context.labels.reference(reference))
    yield from (FieldLabel(path=pointer_of(name), label=label) for name, label in labels.items() if label != TRUSTED)
