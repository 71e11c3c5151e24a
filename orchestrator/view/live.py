"""`LiveView`: what a person sees while a run goes on: lines of the plan, findings, the running DAG."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from dagwright.feedback import Feedback, Outcome
from dagwright.finding import Report
from dagwright.goal import Goal
from dagwright.program import Program
from dagwright.proposal import Proposal
from dagwright.tool import ControlBinding
from executor.engine.engine import Progress, ProgressState
from executor.workflow.block import controls_of
from executor.workflow.instance import parts_of
from orchestrator.listener import Listener
from orchestrator.view import text
from orchestrator.view.blocks import words_by_task
from orchestrator.view.live_loops import LiveLoops
from validation.blocks import titled

if TYPE_CHECKING:
    from rich.console import Console

SIGNS = {
    "scheduled": "[dim]·[/]",
    "running": "[blue]▸[/]",
    "completed": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "retrying": "[yellow]↻[/]",
    "skipped": "[dim]–[/]",
    "cancelled": "[yellow]⊘[/]",
}


FAILURES = 5
"""Failed passes of a step that are told."""


class LiveView(Listener):
    """Prints to a console as things happen; in a terminal and in a log alike."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.program: Program | None = None
        self.begun: dict[str, float] = {}
        self.loops: LiveLoops | None = None
        self.told: Counter[str] = Counter()

    def started(self, run: str, folder: str) -> None:
        """Names the run."""
        self.console.print(f"[bold]run[/] {run}  [dim]{folder}[/]")

    def ingested(self, goal: Goal) -> None:
        """Shows the goal."""
        from rich.markup import escape

        self.console.print(f"[bold]goal[/] {escape(goal.text)}")
        for name, given in goal.inputs.items():
            self.console.print(f"  [cyan]{escape(name)}[/] {escape(given.description or text.scalar(given.value))}")

    def reading(self, done: int, total: int) -> None:
        """Says how far the reading of a catalogue is."""
        if done == 0:
            self.console.print(f"\n[bold]reading {total} operations[/] [dim](once for this catalogue)[/]")
        elif done == total or done % 1_000 == 0:
            self.console.print(f"  [dim]{done} of {total}[/]")

    def planning(self, version: int, attempt: int) -> None:
        """Says that the model is at work."""
        again = f", version {version}" if version > 1 else ""
        more = f", attempt {attempt}" if attempt > 1 else ""
        self.console.print(f"\n[bold]planning{again}{more}[/] [dim](the model reads the operations first)[/]")

    def line(self, text: str) -> None:
        """Shows a line of the plan."""
        from rich.text import Text

        self.console.print(Text(f"  {text}", style="dim"))

    def proposed(self, proposal: Proposal) -> None:
        """Draws the plan."""
        self.console.print()
        self.console.print(text.tree(proposal.plan, words_by_task(proposal)))

    def reported(self, report: Report) -> None:
        """Shows the findings."""
        self.console.print("\n[bold]findings[/]")
        self.console.print(text.findings(report))

    def executing(self, program: Program) -> None:
        """Says what is about to run, and what it can take."""
        self.program, self.loops = program, LiveLoops(program)
        bounds = program.bounds
        cost = f"${bounds.cost.low:.4f} to ${bounds.cost.high:.4f}" if bounds.cost else "unknown cost"
        span = f"{bounds.makespan.low:.2f} to {bounds.makespan.high:.0f} s" if bounds.makespan else "unknown time"
        self.console.print(
            f"\n[bold]running[/] {sum(1 for _ in program.proposal.steps())} steps [dim](bounds: {cost}, {span})[/]"
        )

    def progress(self, progress: Progress) -> None:
        """Shows a step's change of state; scheduling alone is not shown, passes of a loop are counted."""
        item = self.program.by_id.get(parts_of(progress.step)[0]) if self.program else None
        if item is not None and isinstance(item.spec.binding, ControlBinding):
            if progress.state == "failed":
                self._show("failed", titled(item.step.step_id, item.task_id, item.spec.binding))
        elif parts_of(progress.step)[1] is not None and self.loops is not None:
            self._loop(self.loops.line(progress))
        elif progress.state != "scheduled":
            self._step(progress, item.step.action if item else "")

    def _step(self, progress: Progress, action: str) -> None:
        from rich.markup import escape

        if progress.state == "running":
            self.begun[progress.step] = time.monotonic()
        took = f" {time.monotonic() - self.begun[progress.step]:.2f} s" if progress.step in self.begun else ""
        took = "" if progress.state == "running" else f"[dim]{took}[/]"
        detail = f" [dim]{escape(progress.detail)}[/]" if progress.detail else ""
        attempt = f" [yellow]attempt {progress.attempt}[/]" if progress.attempt > 1 else ""
        self._show(progress.state, progress.step, f"{escape(action)}{took}{attempt}{detail}")

    def _loop(self, told: tuple[ProgressState, str, str, float] | None) -> None:
        from rich.markup import escape

        if told is not None:
            state, task, said, seconds = told
            self._show(state, task, escape(said) + (f"[dim] {seconds:.2f} s[/]" if seconds else ""))

    def _show(self, state: ProgressState, name: str, said: str = "") -> None:
        self.console.print(f"  {SIGNS[state]} [cyan]{name}[/] {said}".rstrip())

    def failed(self, feedback: Feedback) -> None:
        """Shows why a step failed; of the passes of a step the first few."""
        from rich.markup import escape

        step, number = parts_of(feedback.step_id)
        self.told[step] += 1
        if number is not None and self.told[step] > FAILURES:
            return
        name = step if number is None else f"{step} (pass {number + 1 if self._is_per_item(step) else number})"
        for error in feedback.errors:
            self.console.print(f"    [red]{name}[/] {error.kind} {error.code}: {escape(error.message)}")

    def _is_per_item(self, step: str) -> bool:
        item = self.program.by_id.get(step) if self.program else None
        control = controls_of(self.program.proposal).get(item.task_id) if self.program and item else None
        return control is not None and control.each is not None

    def falling_back(self, step: str, given: str, instead: str, why: str) -> None:
        """Says that another operation takes the place of one that is down."""
        self.console.print(f"\n[bold yellow]fallback[/] {step}: {instead} instead of {given} ({why})")

    def replanning(self, version: int, reasons: tuple[str, ...]) -> None:
        """Says that another plan is tried."""
        self.console.print(f"\n[bold yellow]replanning[/] as version {version}")

    def ended(self, outcome: Outcome) -> None:
        """Shows the answer, or why there is none."""
        from rich.markup import escape

        for told in self.loops.rest() if self.loops else ():
            self._loop(told)
        colour = {"done": "green", "waiting": "yellow", "cancelled": "yellow"}.get(outcome.status, "red")
        self.console.print(f"\n[bold {colour}]{outcome.status}[/] {escape(outcome.reason)}")
        if outcome.answer:
            self.console.print(text.answer(outcome.answer))
