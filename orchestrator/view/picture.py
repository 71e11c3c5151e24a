"""The plan as a picture: Mermaid text and a self-contained SVG."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dagwright.plan import Plan

BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 270, 76, 64, 24, 24
LINE, LINES, BLOCK_LINES = 38, 3, 4
"""Characters of a line in a box, lines of a description, and of what surrounds a task's steps."""
COLOURS = {
    "planned": ("#f6f8fa", "#57606a"),
    "completed": ("#dafbe1", "#1a7f37"),
    "failed": ("#ffebe9", "#cf222e"),
    "running": ("#ddf4ff", "#0969da"),
    "cancelled": ("#fff8c5", "#9a6700"),
    "partly": ("#fff8c5", "#9a6700"),
    "skipped": ("#ffffff", "#8c959f"),
}
"""Fill and line per state."""
SIGNS = {"completed": "✓", "failed": "✗", "running": "▸", "cancelled": "⊘", "partly": "✓ ✗", "skipped": "skipped"}
"""What a state is called in a corner of the box."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """A task's place in the picture, in pixels."""

    task_id: str
    description: str
    lines: tuple[str, ...]
    block: str
    """What surrounds its steps, in words."""
    x: float
    y: float
    height: float
    state: str


def mermaid(plan: Plan, blocks: Mapping[str, str] | None = None) -> str:
    """Gives the plan as a Mermaid flow chart; arguments as for `svg`."""
    lines = ["flowchart LR"]
    for task in plan.nodes:
        text = html.escape(textwrap.shorten(task.description, 120, placeholder=" …"), quote=True)
        said = html.escape((blocks or {}).get(task.task_id, ""), quote=True)
        left, right = ("[[", "]]") if said else ("[", "]")
        more = f"<br/><i>{said}</i>" if said else ""
        lines.append(f'    {task.task_id}{left}"{task.task_id}<br/>{text}{more}"{right}')
    for task in plan.nodes:
        lines.extend(f"    {needed} --> {task.task_id}" for needed in task.dependencies)
    return "\n".join(lines) + "\n"


def svg(plan: Plan, states: Mapping[str, str] | None = None, blocks: Mapping[str, str] | None = None) -> str:
    """Gives the plan as SVG: ranks from left to right, an arrow per dependency.

    Args:
        plan: an acyclic plan whose dependencies all exist.
        states: state by task, a key of `COLOURS`; `planned` where nothing is said.
        blocks: what surrounds the steps of a task, in words, by task id.
    """
    ranks = ranked(plan)
    boxes = _boxes(plan, ranks, states or {}, blocks or {})
    width = 2 * MARGIN + len(ranks) * (BOX_WIDTH + GAP_X) - GAP_X
    height = 2 * MARGIN + max((_tall(rank, blocks or {}) for rank in ranks), default=BOX_HEIGHT)
    arrows = [_arrow(boxes[needed], boxes[task.task_id]) for task in plan.nodes for needed in task.dependencies]
    drawn = [_drawn(box) for box in boxes.values()]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="system-ui, sans-serif" font-size="12">\n'
        '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#8c959f"/></marker></defs>\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n' + "\n".join([*arrows, *drawn]) + "\n</svg>\n"
    )


def ranked(plan: Plan) -> list[list[str]]:
    """Gives the tasks by rank: a task's rank is the longest path that leads to it."""
    needed = {task.task_id: set(task.dependencies) for task in plan.nodes}
    ranks: list[list[str]] = []
    placed: set[str] = set()
    while len(placed) < len(needed):
        rank = [task for task, before in needed.items() if task not in placed and before <= placed]
        if not rank:
            rank = [task for task in needed if task not in placed]
        ranks.append(rank)
        placed.update(rank)
    return ranks


def _boxes(
    plan: Plan, ranks: Sequence[Sequence[str]], states: Mapping[str, str], blocks: Mapping[str, str]
) -> dict[str, Box]:
    described = {task.task_id: task.description for task in plan.nodes}
    tallest = max((_tall(rank, blocks) for rank in ranks), default=0)
    boxes: dict[str, Box] = {}
    for column, rank in enumerate(ranks):
        top = MARGIN + (tallest - _tall(rank, blocks)) / 2
        for task in rank:
            boxes[task] = Box(
                task_id=task,
                description=described[task],
                lines=tuple(_wrapped(described[task], LINES)),
                block=blocks.get(task, ""),
                x=MARGIN + column * (BOX_WIDTH + GAP_X),
                y=top,
                height=_height(task, blocks),
                state=states.get(task, "planned"),
            )
            top += boxes[task].height + GAP_Y
    return boxes


def _tall(rank: Sequence[str], blocks: Mapping[str, str]) -> float:
    """Gives the pixels that the boxes of a rank take, one below the other."""
    return sum(_height(task, blocks) + GAP_Y for task in rank) - GAP_Y


def _height(task: str, blocks: Mapping[str, str]) -> float:
    said = blocks.get(task)
    return BOX_HEIGHT + (8 + 15 * len(_wrapped(said, BLOCK_LINES)) if said else 0)


def _wrapped(text: str, most: int) -> list[str]:
    """Gives a text in at most so many lines that fit a box; what does not fit is cut, with an ellipsis."""
    lines = textwrap.wrap(text, LINE, break_long_words=True) or [""]
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1][: LINE - 1].rstrip()}…"]


def _drawn(box: Box) -> str:
    fill, line = COLOURS.get(box.state, COLOURS["planned"])
    left = f'x="{box.x + 12:g}"'
    texts = "".join(
        f'<text {left} y="{box.y + 37 + 15 * index:g}" fill="#24292f">{html.escape(text)}</text>'
        for index, text in enumerate(box.lines)
    )
    name = html.escape(box.task_id)
    sign = SIGNS.get(box.state, "")
    mark = (
        sign
        and f'<text x="{box.x + BOX_WIDTH - 12:g}" y="{box.y + 20:g}" text-anchor="end" fill="{line}">{sign}</text>'
    )
    return (
        f"<g><title>{name}: {html.escape(box.description)}{html.escape(box.block and f', {box.block}')}</title>"
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{BOX_WIDTH}" height="{box.height:g}" rx="8" '
        f'fill="{fill}" stroke="{line}" stroke-width="1.3"/>'
        f'<text {left} y="{box.y + 20:g}" font-weight="bold" fill="{line}">{name}</text>{mark}{texts}{_block(box)}</g>'
    )


def _block(box: Box) -> str:
    """Gives the foot of a box: what surrounds the task's steps."""
    if not box.block:
        return ""
    top = box.y + BOX_HEIGHT - 4
    rule = f'<path d="M{box.x + 12:g} {top:g}h{BOX_WIDTH - 24}" stroke="#d0d7de"/>'
    return rule + "".join(
        f'<text x="{box.x + 12:g}" y="{top + 18 + 15 * index:g}" font-style="italic" fill="#8250df">'
        f"{html.escape(text)}</text>"
        for index, text in enumerate(_wrapped(box.block, BLOCK_LINES))
    )


def _arrow(start: Box, end: Box) -> str:
    x1, y1 = start.x + BOX_WIDTH, start.y + start.height / 2
    x2, y2 = end.x - 1, end.y + end.height / 2
    middle = (x1 + x2) / 2
    curve = f"M{x1:g} {y1:g} C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"
    return f'<path d="{curve}" fill="none" stroke="#8c959f" stroke-width="1.3" marker-end="url(#a)"/>'
