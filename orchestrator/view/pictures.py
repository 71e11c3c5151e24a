"""The pictures of a run, drawn from its archive: the plan as SVG and as Mermaid."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from dagwright.proposal import Proposal
from executor.archive.archive import Archive
from executor.workflow.instance import parts_of
from orchestrator.view.blocks import words_by_task
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
    blocks = words_by_task(proposal)
    drawn = {"plan.svg": svg(proposal.plan, states, blocks), "plan.mmd": mermaid(proposal.plan, blocks)}
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
    """Gives the state of each task: that of the last of its steps that something happened to, all passes together.

    A task is skipped where its condition was looked at and none of its steps was ever due.
    """
    states: dict[str, dict[str, str]] = {}
    for event in archive.events():
        if event.kind in STATES and isinstance(event.body, dict):
            step, number = parts_of(str(event.body.get("step")))
            states.setdefault(step, {})[str(number)] = STATES[event.kind]
    found = {task: _together(states[step.step_id]) for task, step in proposal.steps() if step.step_id in states}
    ended = any(True for _ in archive.events("outcome"))
    decided = {step.removeprefix("when-") for step in states if step.startswith("when-")}
    return found | {task: "skipped" for task in decided if ended and task not in found}


def _together(passes: Mapping[str, str]) -> str:
    """Gives the state of a step from those of its passes."""
    found = set(passes.values())
    if len(found) == 1:
        return found.pop()
    if "running" in found:
        return "running"
    return "partly" if "completed" in found else "failed"
