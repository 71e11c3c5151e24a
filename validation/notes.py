"""`finding`: how every level writes what it found."""

from __future__ import annotations

from typing import Final

from pydantic import JsonValue

from dagwright.finding import LEVELS, Finding, PatchOperation
from validation.codes import CODES

LONGEST_MESSAGE: Final = 4_000
"""Characters of a finding's message: names in a proposal may be of any length."""

Fix = tuple[PatchOperation, ...]


def finding(
    code: str,
    path: str,
    message: str,
    *,
    task: str | None = None,
    step: str | None = None,
    remedy: str | None = None,
    fix: Fix | None = None,
    softer: bool = False,
    needs_approval: bool = False,
    **evidence: JsonValue,
) -> Finding:
    """Gives a finding with what the table of codes says of it.

    `softer` takes the table's lower severity; `remedy` replaces the table's words.
    """
    row = CODES[code]
    return Finding(
        code=code,
        level=row.level,
        severity=(row.softer or row.severity) if softer else row.severity,
        task_id=task,
        step_id=step,
        path=path,
        message=message if len(message) <= LONGEST_MESSAGE else f"{message[: LONGEST_MESSAGE - 1]}…",
        suggested_fix=remedy or row.remedy,
        fix=fix,
        evidence=evidence,
        needs_approval=needs_approval,
    )


def remove(path: str) -> Fix:
    """Gives the fix that removes what lies at `path`."""
    return (PatchOperation(op="remove", path=path),)


def replace(path: str, value: JsonValue) -> Fix:
    """Gives the fix that puts `value` in the place of what lies at `path`."""
    return (PatchOperation(op="replace", path=path, value=value),)


def add(path: str, value: JsonValue) -> Fix:
    """Gives the fix that adds `value` at `path`."""
    return (PatchOperation(op="add", path=path, value=value),)


def sorted_findings(found: list[Finding]) -> tuple[Finding, ...]:
    """Gives findings without repetitions, in order of level, place and code."""
    unique = {(item.level, item.path, item.code, item.message): item for item in found}
    return tuple(sorted(unique.values(), key=lambda f: (LEVELS.index(f.level), f.path, f.code, f.message)))
