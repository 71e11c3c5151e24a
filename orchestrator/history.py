"""What the archives of past runs say: summaries, and one run in full."""

from __future__ import annotations

from pathlib import Path

from pydantic import JsonValue

from dagwright.canonical import to_json
from dagwright.exceptions import ArchiveError
from dagwright.goal import Goal
from dagwright.proposal import Proposal
from executor.archive.archive import Archive
from executor.archive.export import opened
from executor.archive.folder import runs
from orchestrator.rollback import shown_effects
from orchestrator.view.pictures import latest_proposal, task_states

_TELLING: dict[str, str] = {
    "run.started": "open",
    "run.resumed": "open",
    "program": "planned",
    "workflow": "open",
    "approval.requested": "waiting",
    "approval.given": "approved",
    "approval.refused": "refused",
    "effect.settled": "settled",
    "outcome": "",
}
"""What a run's last event of one of these kinds says about where it stands."""


def summaries(home: Path) -> list[dict[str, str]]:
    """Gives run, status and goal of every run in a home folder, the oldest first."""
    found: list[dict[str, str]] = []
    for run in runs(home):
        try:
            with Archive.open(home, run, read_only=True) as archive:
                found.append({"run": run, "status": status_of(archive), "goal": _goal_text(archive)})
        except ArchiveError as error:
            found.append({"run": run, "status": "damaged", "goal": str(error)})
    return found


def status_of(archive: Archive) -> str:
    """Gives how a run ended; else `open` (interrupted), `planned` (proven, not executed), or what it waits for."""
    last = None
    for event in archive.events():
        if event.kind in _TELLING:
            last = event
    if last is None or not isinstance(last.body, dict):
        return "open"
    return str(last.body["status"]) if last.kind == "outcome" else _TELLING[last.kind]


def full(home: Path, run: str) -> dict[str, JsonValue]:
    """Gives one run as JSON: goal, versions, plan with states, findings, steps, outcome, files.

    Args:
        home: folder of all runs.
        run: a run's id, or the path of an exported one.

    Raises:
        ArchiveError: there is no such run.
    """
    with opened(home, run) as archive:
        proposal = latest_proposal(archive)
        bodies = {kind: [event.body for event in archive.events(kind)] for kind in ("report", "outcome", "replan")}
        tasks = [event for event in archive.events() if event.kind.startswith("task.")]
        began = tasks[0].time if tasks else None
        return {
            "run": archive.run,
            "folder": str(archive.folder),
            "status": status_of(archive),
            "goal": _goal_text(archive),
            "plan": proposal.plan.model_dump(mode="json") if proposal else None,
            "controls": _controls(proposal) if proposal else {},
            "states": dict(task_states(proposal, archive)) if proposal else {},
            "report": bodies["report"][-1] if bodies["report"] else None,
            "replans": bodies["replan"],
            "steps": [
                {
                    "kind": event.kind,
                    "seconds": round((event.time - began).total_seconds(), 4) if began else 0.0,
                    **(event.body if isinstance(event.body, dict) else {}),
                }
                for event in tasks
            ],
            "effects": shown_effects(archive),
            "outcome": bodies["outcome"][-1] if bodies["outcome"] else None,
            "head": archive.head,
        }


def _controls(proposal: Proposal) -> dict[str, JsonValue]:
    """Gives what surrounds the steps of each task that has a block, in the wire format, by task id."""
    found = {item.task_id: item.control for item in proposal.decompositions if item.control is not None}
    return {task: to_json(control) for task, control in found.items()}


def _goal_text(archive: Archive) -> str:
    body = next((event.body for event in archive.events("goal")), None)
    return Goal.model_validate(archive.get(str(body["goal"]))).text if isinstance(body, dict) else ""
