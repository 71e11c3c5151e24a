"""The pictures of a run, drawn from its archive: the plan as SVG and as Mermaid."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from dagwright.proposal import Proposal
from executor.archive import Archive
from orchestrator.view.picture import mermaid, svg

STATES = {
    "task.started": "running",
    "task.completed": "completed",
    "task.failed": "failed",
    "task.timed_out": "failed",
    "task.cancelled": "cancelled",
}
"""State of a step after an event."""


def draw_run(folder: Path) -> tuple[Path, ...]:
    """Writes `plan.svg` and `plan.mmd` into a run's folder, as far as it takes them; nothing without a plan."""
    with Archive.at(folder, read_only=True) as archive:
        proposal = latest_proposal(archive)
        if proposal is None:
            return ()
        states = task_states(proposal, archive)
    drawn = {"plan.svg": svg(proposal.plan, states), "plan.mmd": mermaid(proposal.plan)}
    written: list[Path] = []
    for name, content in drawn.items():
        with suppress(OSError):  # a full disk costs a picture, never the run
            (folder / name).write_text(content, encoding="utf-8")
            written.append(folder / name)
    return tuple(written)


def latest_proposal(archive: Archive) -> Proposal | None:
    """Gives the proposal that was archived last."""
    found = [event.body for event in archive.events("proposal") if isinstance(event.body, dict)]
    return Proposal.model_validate(archive.get(str(found[-1]["proposal"]))) if found else None


def task_states(proposal: Proposal, archive: Archive) -> dict[str, str]:
    """Gives the state of each task: that of the last of its steps that something happened to."""
    steps: dict[str, str] = {}
    for event in archive.events():
        if event.kind in STATES and isinstance(event.body, dict):
            steps[str(event.body.get("step"))] = STATES[event.kind]
    return {task: steps[step.step_id] for task, step in proposal.steps() if step.step_id in steps}
