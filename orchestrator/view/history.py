"""One past run as text: goal, plan, findings, what each step did and when, answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, cast

from pydantic import JsonValue

from dagwright.control import Control
from dagwright.finding import Report
from dagwright.plan import Plan
from executor.workflow.instance import parts_of
from orchestrator.view import text
from orchestrator.view.blocks import words
from orchestrator.view.fallbacks import happened

if TYPE_CHECKING:
    from rich.console import RenderableType

BAR = 40
"""Characters of the longest bar of the timeline."""


def drawn(run: dict[str, JsonValue]) -> RenderableType:
    """Gives a run as `orchestrator.history.full` describes it."""
    from rich.console import Group
    from rich.text import Text

    given = cast("dict[str, JsonValue]", run["controls"])
    controls = {task: Control.model_validate(control) for task, control in given.items()}
    parts: list[RenderableType] = [
        Text.assemble(("run ", "bold"), str(run["run"]), f"  {run['status']}"),
        Text.assemble(("goal ", "bold"), str(run["goal"])),
    ]
    if run["plan"]:
        blocks = {task: words(control) for task, control in controls.items()}
        parts.append(text.tree(Plan.model_validate(run["plan"]), blocks))
    if run["report"]:
        parts.append(text.findings(Report.model_validate(run["report"])))
    heads = frozenset(control.each.name for control in controls.values() if control.each)
    parts += fallbacks(cast("list[dict[str, JsonValue]]", run["replans"]))
    parts += timeline(cast("list[dict[str, JsonValue]]", run["steps"]), heads)
    parts += effects(cast("list[dict[str, str]]", run["effects"]))
    outcome = run["outcome"]
    if isinstance(outcome, dict):
        parts.append(Text.assemble(("outcome ", "bold"), f"{outcome['status']} {outcome['reason']}"))
        parts.append(text.answer(cast("dict[str, JsonValue]", outcome["answer"])))
        parts.extend(Text(f"file {run['folder']}/files/{file}") for file in cast("list[str]", outcome["files"]))
    return Group(*parts)


def fallbacks(replans: list[dict[str, JsonValue]]) -> list[RenderableType]:
    """Gives a line per operation that took the place of one that was down."""
    from rich.text import Text

    found = [cast("dict[str, str]", replan["fallback"]) for replan in replans if "fallback" in replan]
    return [Text.assemble(("  fallback ", "yellow"), happened(item)) for item in found]


def effects(found: list[dict[str, str]]) -> list[RenderableType]:
    """Gives a line per effect that was undone, stands although it should not, or is in doubt."""
    from rich.text import Text

    never = ("never happened", "dim")
    words = {"done": ("stands", "red"), "undone": ("undone", "green"), "not_done": never, "not_happened": never}
    lines: list[RenderableType] = []
    for item in found:
        word, colour = words.get(item["state"], ("in doubt", "red"))
        why = f": {item['why']}" if item["why"] else ""
        lines.append(Text.assemble((f"  {word} ", colour), f"{item['step']} ({item['operation']}){why}"))
    return lines


class _Bar(NamedTuple):
    """One attempt, or all attempts of a step's passes."""

    step: str
    begun: float
    ended: float
    kind: str


def timeline(steps: list[dict[str, JsonValue]], heads: frozenset[str] = frozenset()) -> list[RenderableType]:
    """Gives a bar per attempt at a step, from its start to its end, in seconds; one bar for all passes of a step.

    Args:
        steps: the events of steps.
        heads: the heads of loops, which are not shown, as little as other steps that only control a block.
    """
    from rich.text import Text

    bars = [bar for bar in _bars(steps) if bar.step not in heads and "-" not in bar.step]
    bars = list(_folded(bars))
    end = max((bar.ended for bar in bars), default=0.0) or 1.0
    lines: list[RenderableType] = []
    for step, start, stop, kind in bars:
        left = round(BAR * start / end)
        width = max(1, round(BAR * (stop - start) / end))
        colour = "green" if kind.endswith("completed") else "yellow" if "completed" in kind else "red"
        lines.append(
            Text.assemble(f"  {step:<18} ", " " * left, ("█" * width, colour), f" {stop - start:.3f} s {kind}")
        )
    return lines


def _bars(steps: list[dict[str, JsonValue]]) -> Iterator[_Bar]:
    begun: dict[tuple[str, int], float] = {}
    for item in steps:
        key = (str(item.get("step")), int(cast("int", item.get("attempt", 1))))
        at = float(cast("float", item["seconds"]))
        kind = str(item["kind"]).removeprefix("task.")
        if kind == "started":
            begun[key] = at
        elif kind != "scheduled":
            yield _Bar(key[0], begun.get(key, at), at, kind)


def _folded(bars: list[_Bar]) -> Iterator[_Bar]:
    """Gives the bars, those of a step's passes as one that stands where the first of them stood."""
    passes: dict[str, list[_Bar]] = {}
    for bar in bars:
        step, number = parts_of(bar.step)
        if number is not None:
            passes.setdefault(step, []).append(bar)
    for bar in bars:
        step, number = parts_of(bar.step)
        if number is None:
            yield bar
        elif found := passes.pop(step, None):
            counts = Counter(item.kind for item in found)
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items(), reverse=True))
            yield _Bar(step, min(item.begun for item in found), max(item.ended for item in found), kinds)
