"""Columns of tables that hold no rows: values can't tell them, the certified plan can."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from dagwright.model import JsonSchema
from dagwright.program import Program, ProgramStep
from dagwright.value import InputReference, StepReference, Value


def known_columns(
    program: Program, item: ProgramStep, arguments: Mapping[str, JsonValue]
) -> dict[str, tuple[str, ...]]:
    """Gives the columns, in order, of each argument that is an empty array and refers to a table of known columns.

    Args:
        program: what was certified; its steps' output schemas say which columns there are.
        item: the step that is called.
        arguments: its arguments, complete.
    """
    empty = [name for name, given in arguments.items() if given == []]
    values = item.step.tool_intent.required_inputs
    found = {name: _columns(_schema(values[name], program)) for name in empty if name in values}
    return {name: listed for name, listed in found.items() if listed}


def _schema(value: Value, program: Program) -> JsonSchema | None:
    from validation.types import resolve

    if isinstance(value, StepReference):
        return resolve(program.by_id[value.from_].output_schema, value.path).schema
    if isinstance(value, InputReference):
        return resolve(program.proposal.goal.inputs[value.input].schema_, value.path).schema
    return None


def _columns(schema: JsonSchema | None) -> tuple[str, ...]:
    from validation.types import columns

    return tuple(column.name for column in columns(schema) or ()) if schema is not None else ()
