"""Phase 6: the named answers of a finished program, and the files that it left."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import JsonValue

from dagwright.canonical import Sha256
from dagwright.program import Program
from executor.archive.archive import Archive
from executor.worker.absence import Absent
from executor.worker.resolve import resolve
from validation.blocks import answer_outside


def answer_of(program: Program, outputs: Mapping[str, str], archive: Archive) -> dict[str, JsonValue]:
    """Gives the values that the proposal's answer names, from the artefacts of its steps."""
    proposal = program.proposal

    def given(step: str) -> JsonValue:
        if step not in outputs:
            raise Absent(step)
        return archive.get(outputs[step])

    answer = answer_outside(proposal)
    return {name: resolve(value, given, proposal.goal.inputs) for name, value in answer.items()}


def files_of(folder: Path) -> tuple[str, ...]:
    """Gives the files below a run's `files/`, as paths relative to it, in order."""
    return tuple(sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()))


def digests_of(folder: Path, files: Iterable[str]) -> dict[str, Sha256]:
    """Gives the SHA-256 of each of the files below a folder."""
    return {name: _digest(folder / name) for name in files}


def _digest(path: Path) -> Sha256:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
