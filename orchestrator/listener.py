"""`Listener`: told what happens while it happens; for live views. Silent unless overridden."""

from __future__ import annotations

from dagwright.feedback import Feedback, Outcome
from dagwright.finding import Report
from dagwright.goal import Goal
from dagwright.program import Program
from dagwright.proposal import Proposal
from executor.engine.engine import Progress


class Listener:
    """Every method may be overridden; none may change the run."""

    def started(self, run: str, folder: str) -> None:
        """A run has its folder."""

    def ingested(self, goal: Goal) -> None:
        """Inputs are read."""

    def reading(self, done: int, total: int) -> None:
        """Operations of a large catalogue are being read, once."""

    def planning(self, version: int, attempt: int) -> None:
        """The model is about to write a proposal."""

    def line(self, text: str) -> None:
        """The model wrote a line of the plan."""

    def proposed(self, proposal: Proposal) -> None:
        """A proposal is complete."""

    def reported(self, report: Report) -> None:
        """The validator has spoken."""

    def certified(self, program: Program) -> None:
        """A program is proven."""

    def executing(self, program: Program) -> None:
        """Steps are about to run."""

    def progress(self, progress: Progress) -> None:
        """A step changed its state."""

    def failed(self, feedback: Feedback) -> None:
        """A step failed for good."""

    def falling_back(self, step: str, given: str, instead: str, why: str) -> None:
        """An operation takes the place of a step's own, which is down for the reason whose code is given."""

    def replanning(self, version: int, reasons: tuple[str, ...]) -> None:
        """A new plan version is about to be made."""

    def ended(self, outcome: Outcome) -> None:
        """The run has ended."""
