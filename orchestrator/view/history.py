"""One past run as text: goal, plan, findings, what each step did and when, answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from dagwright.control import Control
from dagwright.finding import Report
from dagwright.plan import Plan
from orchestrator.view import text
from orchestrator.view.blocks import words

if TYPE_CHECKING:
    from rich.console import RenderableType

BAR = 40
"""Characters of the longest bar of the timeline."""


def drawn(run: dict[str, JsonValue]) -> RenderableType:
    """Gives a run as `orchestrator.history.full` describes it."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [
        Text.assemble(("run ", "bold"), str(run["run"]), f"  {run['status']}"),
        Text.assemble(("goal ", "bold"), str(run["goal"])),
    ]
    if run["plan"]:
        controls = cast("dict[str, JsonValue]", run["controls"])
        blocks = {task: words(Control.model_validate(control)) for task, control in controls.items()}
        parts.append(text.tree(Plan.model_validate(run["plan"]), blocks))
    if run["report"]:
        parts.append(text.findings(Report.model_validate(run["report"])))
    parts += timeline(cast("list[dict[str, JsonValue]]", run["steps"]))
    parts += effects(cast("list[dict[str, str]]", run["effects"]))
    outcome = run["outcome"]
    if isinstance(outcome, dict):
        parts.append(Text.assemble(("outcome ", "bold"), f"{outcome['status']} {outcome['reason']}"))
        parts.append(text.answer(cast("dict[str, JsonValue]", outcome["answer"])))
        parts.extend(Text(f"file {run['folder']}/files/{file}") for file in cast("list[str]", outcome["files"]))
    return Group(*parts)


def effects(found: list[dict[str, str]]) -> list[RenderableType]:
    """Gives a line per effect that was undone, stands although it should not, or is in doubt."""
    from rich.text import Text

    words = {"done": ("stands", "red"), "undone": ("undone", "green"), "not_done": ("never happened", "dim")}
    lines: list[RenderableType] = []
    for item in found:
        word, colour = words.get(item["state"], ("in doubt", "red"))
        why = f": {item['why']}" if item["why"] else ""
        lines.append(Text.assemble((f"  {word} ", colour), f"{item['step']} ({item['operation']}){why}"))
    return lines


def timeline(steps: list[dict[str, JsonValue]]) -> list[RenderableType]:
    """Gives a bar per attempt at a step, from its start to its end, in seconds."""
    from rich.text import Text

    begun: dict[tuple[str, int], float] = {}
    bars: list[tuple[str, float, float, str]] = []
    for item in steps:
        key = (str(item.get("step")), int(cast("int", item.get("attempt", 1))))
        at = float(cast("float", item["seconds"]))
        kind = str(item["kind"]).removeprefix("task.")
        if kind == "started":
            begun[key] = at
        elif kind != "scheduled":
            bars.append((key[0], begun.get(key, at), at, kind))
    end = max((bar[2] for bar in bars), default=0.0) or 1.0
    lines: list[RenderableType] = []
    for step, start, stop, kind in bars:
        left = round(BAR * start / end)
        width = max(1, round(BAR * (stop - start) / end))
        colour = "green" if kind == "completed" else "red"
        lines.append(
            Text.assemble(f"  {step:<18} ", " " * left, ("█" * width, colour), f" {stop - start:.3f} s {kind}")
        )
    return lines
