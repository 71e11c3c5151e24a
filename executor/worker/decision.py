"""What a control step decides about its block: the guarded worker's own work, with no tool and no effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from pydantic import JsonValue

from dagwright.control import Control
from dagwright.exceptions import GuardViolation
from dagwright.goal import GoalInput
from dagwright.model import JsonSchema
from dagwright.predicate import OutputPredicate
from dagwright.program import ProgramStep
from dagwright.tool import ControlBinding
from executor.worker.resolve import Outputs, resolve
from executor.workflow.block import role_of
from executor.workflow.instance import Choice

DECIDED: Final[JsonSchema] = {"properties": {"holds": {"type": "boolean"}, "count": {"type": "integer"}, "items": {}}}
"""Schema of what any control step gives, for its summary."""


class Decision(NamedTuple):
    """What was decided, and what steps see of it."""

    outputs: dict[str, JsonValue]
    choice: Choice


def decision(item: ProgramStep, control: Control, arguments: Mapping[str, JsonValue], number: int | None) -> Decision:
    """Gives what a control step decides in pass `number`; arguments that are nowhere are left out.

    Raises:
        GuardViolation: there are too many items, no list of them, or no pass is left.
    """
    binding = item.spec.binding
    assert isinstance(binding, ControlBinding)
    if binding.decides == "each":
        return _passes(arguments.get("items"), control)
    if binding.decides == "collect":
        return Decision({"items": arguments.get("outputs")}, None)
    holds = _holds(binding, item, arguments)
    if binding.decides == "when":
        return Decision({"holds": holds}, "yes" if holds else "no")
    most = control.repeat.at_most if control.repeat is not None else None
    if not holds and most is not None and (number or 0) >= most:
        raise GuardViolation(f"the conditions do not hold after the last of {most} passes", code="until_unmet")
    return Decision({"holds": holds}, "done" if holds else "again")


def arguments_of(item: ProgramStep, outputs: Outputs, inputs: Mapping[str, GoalInput]) -> dict[str, JsonValue]:
    """Gives the arguments of a control step; of one that tests conditions without those that are nowhere.

    Raises:
        GuardViolation: any other's argument is nowhere.
    """
    found: dict[str, JsonValue] = {}
    for name, value in item.step.tool_intent.required_inputs.items():
        try:
            found[name] = resolve(value, outputs, inputs)
        except GuardViolation:
            if role_of(item) not in ("when", "until"):
                raise
    return found


def _passes(items: JsonValue, control: Control) -> Decision:
    if not isinstance(items, list):
        raise GuardViolation(f"what the block is to be run for is {type(items).__name__}, not a list", code="no_list")
    most = control.each.at_most if control.each is not None else None
    if most is not None and len(items) > most:
        raise GuardViolation(f"the list has {len(items)} items; the block takes at most {most}", code="too_many_items")
    return Decision({"items": items, "count": len(items)}, len(items))


def _holds(binding: ControlBinding, item: ProgramStep, arguments: Mapping[str, JsonValue]) -> bool:
    """Whether all comparisons hold; as with all predicates, none does of a value that is not there."""
    from validation.predicates import evaluate

    names = item.step.tool_intent.required_inputs
    return all(
        evaluate(OutputPredicate(path=f"/{name}", op=compared.op, value=compared.to), dict(arguments))
        for name, compared in zip(names, binding.comparisons, strict=True)
    )
