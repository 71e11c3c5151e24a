"""Findings as SARIF 2.1.0 (OASIS), the form that code scanning and editors read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import quote

from dagwright.canonical import sha256
from dagwright.finding import Finding, Level, Severity
from validation.codes import VALIDATOR_VERSION
from validation.reports.positions import Positions, Region

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: Final[dict[Severity, str]] = {"error": "error", "warning": "warning", "info": "note"}
"""SARIF's word for a severity."""


class Row(Protocol):
    """What a table of codes says of one code."""

    @property
    def code(self) -> str:
        """The code."""
        ...

    @property
    def severity(self) -> Severity:
        """Its severity as a rule."""
        ...

    @property
    def title(self) -> str:
        """A few words."""
        ...

    @property
    def description(self) -> str:
        """What it says."""
        ...

    @property
    def remedy(self) -> str:
        """What settles it."""
        ...

    @property
    def level(self) -> Level:
        """The level that finds it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Examined:
    """One file with what was found in it."""

    name: str
    """Path of the file, relative to where code scanning looks, with `/`."""
    text: str
    """Its content."""
    findings: tuple[Finding, ...]
    """What was found; paths point into the content."""


def sarif(files: Sequence[Examined], codes: Mapping[str, Row]) -> dict[str, Any]:
    """Gives one SARIF log with one run.

    Args:
        files: what was looked at.
        codes: the table that says what each code means; every finding's code must be in it.
    """
    rules = {code: index for index, code in enumerate(codes)}
    results = [result for file in files for result in _results(file, rules)]
    driver = {
        "name": "dagwright",
        "semanticVersion": VALIDATOR_VERSION,
        "rules": [_rule(row) for row in codes.values()],
    }
    artifacts = [{"location": _location(file), "mimeType": "application/json"} for file in files]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "artifacts": artifacts,
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(row: Row) -> dict[str, Any]:
    return {
        "id": row.code,
        "name": "".join(word.capitalize() for word in re.findall("[A-Za-z0-9]+", row.title.replace("'", ""))),
        "shortDescription": {"text": row.title},
        "fullDescription": {"text": row.description},
        "help": {"text": f"{row.description} {row.remedy}"},
        "defaultConfiguration": {"level": LEVELS[row.severity]},
        "properties": {"tags": [row.level]},
    }


def _results(file: Examined, rules: Mapping[str, int]) -> Iterable[dict[str, Any]]:
    positions = Positions(file.text, (finding.path for finding in file.findings))
    for finding in file.findings:
        properties: dict[str, Any] = {"level": finding.level, "needsApproval": finding.needs_approval}
        if finding.suggested_fix:
            properties["suggestedFix"] = finding.suggested_fix
        if finding.fix is not None:
            properties["fix"] = [operation.model_dump(mode="json") for operation in finding.fix]
        yield {
            "ruleId": finding.code,
            "ruleIndex": rules[finding.code],
            "level": LEVELS[finding.severity],
            "message": {"text": _message(finding)},
            "locations": [_place(file, finding, positions.region(finding.path))],
            "partialFingerprints": {"dagwright/v1": _fingerprint(file, finding)},
            "properties": properties,
        }


def _message(finding: Finding) -> str:
    return f"{finding.message}. {finding.suggested_fix}" if finding.suggested_fix else finding.message


def _place(file: Examined, finding: Finding, region: Region) -> dict[str, Any]:
    physical = {
        "artifactLocation": _location(file),
        "region": {
            "startLine": region.line,
            "startColumn": region.column,
            "endLine": region.end_line,
            "endColumn": region.end_column,
        },
    }
    if not finding.path:
        return {"physicalLocation": physical}
    name = finding.step_id or finding.task_id
    logical = {"fullyQualifiedName": finding.path, **({"name": name} if name else {})}
    return {"physicalLocation": physical, "logicalLocations": [logical]}


def _location(file: Examined) -> dict[str, str]:
    return {"uri": quote(file.name)}


def _fingerprint(file: Examined, finding: Finding) -> str:
    """Gives what names a finding across changes that only move lines or reorder tasks."""
    name = finding.step_id or finding.task_id or ""
    place = finding.path.rpartition("/")[2] if name else finding.path
    return sha256([file.name, finding.code, name, place, finding.message])
