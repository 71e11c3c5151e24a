"""One goal carried out by the whole pipeline, and what there is to record of it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from benchmarks.suite import Record
from dagwright.exceptions import Cancelled, ContentError
from dagwright.feedback import Outcome
from dagwright.finding import Report
from orchestrator.listener import Listener

if TYPE_CHECKING:
    from orchestrator.setup import Setup

MOST_ANSWER = 20_000
"""Characters of the longest answer that is recorded whole."""


@dataclass
class Notes(Listener):
    """What happened on the way: the lines of the plan, and the codes of what the validator found."""

    lines: list[str] = field(default_factory=list[str])
    codes: list[str] = field(default_factory=list[str])

    def line(self, text: str) -> None:
        """Keeps a line of the plan."""
        self.lines.append(text)

    def reported(self, report: Report) -> None:
        """Keeps the codes of a report's errors."""
        self.codes.extend(finding.code for finding in report.errors)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How one goal went."""

    outcome: Outcome
    notes: Notes
    files: Path
    """Folder of the files that the run wrote."""

    def record(self) -> Record:
        """Gives what every suite records of it."""
        outcome = self.outcome
        return {
            "run": outcome.run,
            "status": outcome.status,
            "executed": outcome.status == "done",
            "reason": outcome.reason,
            "answer": _recorded(outcome.answer),
            "tokens": outcome.tokens,
            "cost": outcome.cost,
            "seconds": outcome.seconds,
            "replans": outcome.replans,
            "lines": list(self.notes.lines),
            "codes": list(self.notes.codes),
        }


class Laboratory(AbstractContextManager["Laboratory"]):
    """Carries goals out one after the other, with one model and one engine for all of them.

    Runs lie in a folder of their own that is gone afterwards, unless `home` names one.
    """

    def __init__(self, model: str, *, home: Path | None = None) -> None:
        self._temporary = None if home else tempfile.TemporaryDirectory(prefix="dagwright-bench-")
        self.home = home or Path(self._temporary.name if self._temporary else ".")
        self.setup = setup_of(model, self.home)

    def __exit__(self, *_: object) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()

    def carry_out(self, text: str, inputs: Mapping[str, Path]) -> Trial:
        """Runs a goal to its end, good or bad.

        Raises:
            Cancelled: the person stopped it.
            TransportError: model or engine cannot be reached; the goal has then not been measured.
        """
        from orchestrator.pipeline import run_goal

        notes = Notes()
        given: dict[str, str | Path | JsonValue] = dict(inputs)
        try:
            outcome = run_goal(text, given, replace(self.setup, listener=notes))
        except ContentError as error:
            outcome = Outcome(run="", status="rejected", reason=str(error))
        if outcome.status == "cancelled":
            raise Cancelled(outcome.reason)
        return Trial(outcome=outcome, notes=notes, files=self.home / "runs" / outcome.run / "files")


def setup_of(model: str, home: Path) -> Setup:
    """Gives the setup that `dagwright run --yes` would have: default toolchest, policy and engine."""
    from orchestrator.approval import approve_all
    from orchestrator.assembly import Names, People, assemble

    people = People(approver=approve_all, approver_name="benchmark", ask=None)
    return assemble(Names(model=model), people, at=home)


def _recorded(answer: Mapping[str, JsonValue]) -> JsonValue:
    text = json.dumps(answer, ensure_ascii=False)
    return json.loads(text) if len(text) <= MOST_ANSWER else {"cut": text[:MOST_ANSWER]}
