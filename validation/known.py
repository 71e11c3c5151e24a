"""`known_arguments`: what is known of a step's arguments before anything runs."""

from __future__ import annotations

from pydantic import JsonValue

from dagwright.value import InputReference
from validation.context import Context, PlacedStep
from validation.patch import at


def known_arguments(context: Context, step: PlacedStep) -> dict[str, JsonValue]:
    """Gives the arguments that are constants or inputs of the goal, by name."""
    if not step.references:
        return step.literals
    found = dict(step.literals)
    for argument, path, reference in step.references:
        if isinstance(reference, InputReference) and path == step.argument_path(argument):
            value = _given(context, reference)
            if value is not None:
                found[argument] = value
    return found


def _given(context: Context, reference: InputReference) -> JsonValue:
    given = context.parsed.inputs.get(reference.input)
    try:
        return at(given.value, reference.path) if given else None
    except LookupError:
        return None
