"""`trace_of`: the way that data took from its source to an argument, for people who must judge it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from dagwright.label import Label
from dagwright.value import InputReference, tokens_of
from validation.context import Context, PlacedStep, Reference
from validation.labels import counted
from validation.passage import Passage
from validation.types.schema import pointer_of

HOPS = 32
"""Steps that a way names at most; what lies further back is left out."""

Carries = Callable[[Label], bool]
"""Whether a label has what is being explained."""


class Hop(NamedTuple):
    """One station of data: a place in a step's outputs, a goal input or a constant."""

    step: str
    """The step; empty for an input or a constant of the plan."""
    operation: str
    """Its operation; `input` or `constant` where there is no step."""
    path: str
    """JSON Pointer into its outputs or the input; of a constant, the argument that it stands in."""
    title: str = ""
    """What a step of a block is called that the proposal doesn't list."""

    def __str__(self) -> str:
        if self.title:
            return f"{self.title}{self.path}"
        if self.operation == "input":
            return f"input {self.step!r}{self.path}"
        if self.operation == "constant":
            return f"a constant in {self.path!r} of step {self.step!r}"
        return f"step {self.step!r} ({self.operation}){self.path}"


def trace_of(context: Context, step: PlacedStep, argument: str, carries: Carries) -> tuple[Hop, ...]:
    """Gives the stations of the data that makes an argument's label what it is, the source first.

    Takes time in proportion to at most `HOPS` steps.
    """
    way: list[Hop] = []
    onward = _into(context, step, (argument,), carries)
    while onward is not None and len(way) < HOPS:
        if isinstance(onward, Hop):
            way.append(onward)
            break
        if isinstance(onward, InputReference):
            way.append(Hop(onward.input, "input", onward.path))
            break
        maker = context.by_id.get(onward.from_)
        if maker is None or any(hop[:3] == (maker.step_id, maker.operation, onward.path) for hop in way):
            break
        title = maker.title if maker.controls is not None else ""
        way.append(Hop(maker.step_id, maker.operation, onward.path, title))
        onward = _behind(context, maker, tokens_of(onward.path), carries)
    return tuple(reversed(way))


def _behind(context: Context, step: PlacedStep, tokens: tuple[str, ...], carries: Carries) -> Reference | Hop | None:
    """Gives where the label of a place in a step's outputs comes from; None where the step itself is the source."""
    labels, contract = context.labels, step.contract
    if contract is None:
        return None
    passage = labels.passage((step.step_id, tokens))
    if passage is not None:
        return _passed(context, step, passage, carries) or _decided(context, step, carries)
    if carries(labels.declared(contract, tokens)):
        return None
    return _into(context, step, counted(step, labels.arguments(step)), carries) or _decided(context, step, carries)


def _decided(context: Context, step: PlacedStep, carries: Carries) -> Reference | Hop | None:
    """Gives where that comes from which decides about the block of a step."""
    for control in context.control_steps.get(step.task_id, ()) if step.controls is None else ():
        found = _into(context, control, list(control.step.tool_intent.required_inputs), carries)
        if found is not None:
            return found
    return None


def _passed(context: Context, step: PlacedStep, passage: Passage, carries: Carries) -> Reference | Hop | None:
    for inside in (passage.inside, *passage.looked_at):
        if carries(context.labels.reference(passage.source, inside)):
            if isinstance(passage.source, InputReference):
                return passage.source
            path = pointer_of(*tokens_of(passage.source.path), *inside)
            return passage.source.model_copy(update={"path": path})
    others = [name for name in context.labels.arguments(step) if name != passage.of]
    return _into(context, step, others, carries)


def _into(
    context: Context, step: PlacedStep, arguments: tuple[str, ...] | list[str], carries: Carries
) -> Reference | Hop | None:
    """Gives the first thing in some arguments whose label is to be explained."""
    for name, _, reference in step.references:
        if name in arguments and carries(context.labels.reference(reference)):
            return reference
    constant = next((name for name in context.labels.unstated(step) if name in arguments), None)
    return Hop(step.step_id, "constant", constant) if constant else None
