"""Phase 6: the named answers of a finished program, and the files that it left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from dagwright.program import Program
from executor.archive import Archive
from executor.resolve import resolve


def answer_of(program: Program, outputs: Mapping[str, str], archive: Archive) -> dict[str, JsonValue]:
    """Gives the values that the proposal's answer names, from the artefacts of its steps."""
    inputs = program.proposal.goal.inputs
    return {
        name: resolve(value, lambda step: archive.get(outputs[step]), inputs)
        for name, value in program.proposal.answer.items()
    }


def files_of(folder: Path) -> tuple[str, ...]:
    """Gives the files below a run's `files/`, as paths relative to it, in order."""
    return tuple(sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()))
