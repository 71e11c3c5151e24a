"""Findings as rows of comma-separated values (RFC 4180), for `pandas.read_csv` and spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

from dagwright.finding import Finding

COLUMNS: Final = (
    "file",
    "code",
    "level",
    "severity",
    "task_id",
    "step_id",
    "path",
    "message",
    "suggested_fix",
    "needs_approval",
)
"""The columns, in their order. What is absent is empty; `needs_approval` is `true` or `false`."""


def comma_separated(files: Sequence[tuple[str, Sequence[Finding]]]) -> str:
    """Gives a header and one row per finding of each named file."""
    target = io.StringIO()
    writer = csv.DictWriter(target, COLUMNS, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    for name, findings in files:
        for finding in findings:
            row: dict[Any, Any] = finding.model_dump(mode="json", exclude={"fix", "evidence"})
            writer.writerow({**row, "file": name, "needs_approval": str(finding.needs_approval).lower()})
    return target.getvalue()
