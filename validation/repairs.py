"""`repair`: deterministic fixes, applied until none is left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from pydantic import JsonValue

from dagwright.catalogue import Catalogue
from dagwright.finding import Finding, Report
from dagwright.policy import Policy
from validation.examination import validate
from validation.patch import patched

_ROUNDS = 24
"""Rounds of fixing at most; each is one validation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A proposal after its fixes."""

    proposal: JsonValue
    """The proposal as JSON data; the one that was given where nothing could be fixed."""
    applied: tuple[tuple[str, str], ...]
    """Code and message of each finding whose fix was applied, in order."""
    report: Report
    """What is left."""


def repair(
    proposal_json: JsonValue, *, catalogue: Catalogue, policy: Policy, workers: frozenset[str], at: date | None = None
) -> Repair:
    """Gives a proposal with the fixes of its findings applied, as often as that leaves fewer errors.

    A round whose fixes leave more errors than there were is taken back, and repairing ends.
    """

    def judged(document: JsonValue) -> Report:
        return validate(document, catalogue=catalogue, policy=policy, workers=workers, at=at)

    current = Repair(proposal=proposal_json, applied=(), report=judged(proposal_json))
    for _ in range(_ROUNDS):
        chosen = list(_compatible(current.report))
        if not chosen:
            return current
        following = _fixed(current.proposal, chosen)
        if following is None:
            return current
        report = judged(following)
        if len(report.errors) > len(current.report.errors):
            return current
        applied = (*current.applied, *((finding.code, finding.message) for finding in chosen))
        current = Repair(proposal=following, applied=applied, report=report)
    return current


def _fixed(document: JsonValue, findings: list[Finding]) -> JsonValue | None:
    operations = [operation for finding in findings for operation in finding.fix or ()]
    try:
        return patched(document, operations)
    except (LookupError, ValueError, TypeError):
        return None


def _compatible(report: Report) -> Iterator[Finding]:
    """Gives the findings whose fixes don't touch each other's places, the first of two that do."""
    # What is unused, or seems so, may only be out of use because of an error.
    listed = report.errors or report.findings
    taken: set[str] = set()
    within: set[str] = set()
    for finding in listed:
        touched = {_touched(operation.op, operation.path) for operation in finding.fix or ()}
        clash = any(place in within or any(prefix in taken for prefix in _prefixes(place)) for place in touched)
        if touched and not clash:
            taken |= touched
            within.update(prefix for place in touched for prefix in _prefixes(place))
            yield finding


def _touched(op: str, path: str) -> str:
    """Gives the place that an operation changes: adding or removing moves its neighbours."""
    return path if op == "replace" else path.rpartition("/")[0]


def _prefixes(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""
