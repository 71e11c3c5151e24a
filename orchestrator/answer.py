"""Phase 6: the named answers of a finished program, and the files that it left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from dagwright.program import Program
from dagwright.value import InputReference, ListValue, LiteralValue, StepReference, Value
from executor.archive import Archive


def answer_of(program: Program, outputs: Mapping[str, str], archive: Archive) -> dict[str, JsonValue]:
    """Gives the values that the proposal's answer names, from the artefacts of its steps."""
    return {name: resolved(value, program, outputs, archive) for name, value in program.proposal.answer.items()}


def resolved(value: Value, program: Program, outputs: Mapping[str, str], archive: Archive) -> JsonValue:
    """Gives a value with its references looked up; null where an optional step gave nothing."""
    import jsonpointer

    match value:
        case LiteralValue():
            return value.literal
        case StepReference():
            found = archive.get(outputs[value.from_]) if value.from_ in outputs else None
            return jsonpointer.resolve_pointer(found, value.path, None)
        case InputReference():
            return jsonpointer.resolve_pointer(program.proposal.goal.inputs[value.input].value, value.path, None)
        case ListValue():
            return [resolved(item, program, outputs, archive) for item in value.list]
        case _:
            return {name: resolved(item, program, outputs, archive) for name, item in value.object.items()}


def files_of(folder: Path) -> tuple[str, ...]:
    """Gives the files below a run's `files/`, as paths relative to it, in order."""
    return tuple(sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()))
