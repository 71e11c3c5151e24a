"""The data flow of a proposal as SVG: inputs, steps, answer from left to right, an arrow for all that is passed on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dagwright.label import TRUSTED, Label
from dagwright.plan import Plan
from dagwright.plan import Task as Node
from orchestrator.view.markup import text
from orchestrator.view.picture import ranked
from orchestrator.view.review import Argument, Review, ReviewStep

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 196, 62, 72, 18, 12
LETTERS = 28
"""Letters of a line in a box."""
MOST = 150
"""Boxes that are drawn at most; a larger plan is only listed."""
ANSWER = "answer:"


@dataclass(frozen=True, kw_only=True)
class _Box:
    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class _Edge:
    start: str
    end: str
    label: Label | None
    """Of the data; None where one only waits for the other."""
    says: str


def graph(review: Review) -> str:
    """Gives the picture; empty where there is nothing to draw, or too much."""
    names = [f"input:{name}" for name, _, _ in review.inputs] + [f"step:{step.step_id}" for step in review.steps]
    names += [ANSWER] if review.answer else []
    if not review.steps or len(names) > MOST or len(set(names)) < len(names):
        return ""
    edges = list(_edges(review, set(names)))
    boxes = _boxes(names, edges)
    width = max(box.x for box in boxes.values()) + WIDTH + MARGIN
    height = max(box.y for box in boxes.values()) + HEIGHT + MARGIN
    arrows = "".join(_arrow(edge, boxes[edge.start], boxes[edge.end]) for edge in edges)
    steps = {step.step_id: (index, step) for index, step in enumerate(review.steps)}
    drawn = "".join(_drawn(review, steps, name, box) for name, box in boxes.items())
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        'aria-label="Data flow; the list of steps below says the same in words.">'
        '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 8 4 0 8z" class="head"/></marker></defs>{arrows}{drawn}</svg>'
    )


def _edges(review: Review, names: set[str]) -> Iterator[_Edge]:
    seen: set[tuple[str, str]] = set()
    deciding = {block.first: block.arguments for block in review.blocks}
    for step in review.steps:
        end = f"step:{step.step_id}"
        for edge in _into(
            end, (*step.arguments, *_outside(deciding.get(step.step_id, ()), step.task_id, review)), names
        ):
            seen.add((edge.start, edge.end))
            yield edge
    if review.answer:
        yield from _into(ANSWER, review.answer, names)
    for step, earlier in review.after.items():
        for other in earlier:
            pair = (f"step:{other}", f"step:{step}")
            if pair not in seen and pair[0] in names:
                yield _Edge(start=pair[0], end=pair[1], label=None, says=f"{step} waits for {other}")


def _outside(arguments: tuple[Argument, ...], task: str, review: Review) -> Iterator[Argument]:
    """Gives what decides about a block, but for what its own steps gave."""
    own = {f"step:{step.step_id}" for step in review.steps if step.task_id == task}
    for argument in arguments:
        yield replace(argument, sources=tuple(source for source in argument.sources if source not in own))


def _into(end: str, arguments: tuple[Argument, ...], names: set[str]) -> Iterator[_Edge]:
    passed: dict[str, tuple[Label, list[str]]] = {}
    for argument in arguments:
        for source in argument.sources:
            if source in names and source != end:
                label, used = passed.get(source, (TRUSTED, []))
                passed[source] = (label.join(argument.label), [*used, argument.name])
    for source, (label, used) in passed.items():
        says = f"{source} to {end} ({', '.join(used)}): {label.integrity}, {label.confidentiality}"
        yield _Edge(start=source, end=end, label=label, says=says)


def _boxes(names: list[str], edges: list[_Edge]) -> dict[str, _Box]:
    before: dict[str, list[str]] = {name: [] for name in names}
    for edge in edges:
        before[edge.end].append(edge.start)
    # Only the graph's shape counts here; names that are no identifiers are numbers.
    number = {name: f"n{index}" for index, name in enumerate(names)}
    nodes = tuple(
        Node(task_id=number[name], description="", dependencies=tuple(number[other] for other in before[name]))
        for name in names
    )
    back = {value: name for name, value in number.items()}
    ranks = ranked(Plan(dag_id="shape", nodes=nodes))
    tallest = max(len(rank) for rank in ranks)
    return {
        back[node]: _Box(
            x=MARGIN + column * (WIDTH + GAP_X),
            y=MARGIN + ((tallest - len(rank)) / 2 + row) * (HEIGHT + GAP_Y),
        )
        for column, rank in enumerate(ranks)
        for row, node in enumerate(rank)
    }


def _drawn(review: Review, steps: dict[str, tuple[int, ReviewStep]], name: str, box: _Box) -> str:
    kind, _, short = name.partition(":")
    if kind == "step":
        index, step = steps[short]
        wrong = any(finding.severity == "error" for finding in step.findings)
        asked = any(finding.needs_approval for finding in step.findings)
        state = "wrong" if wrong else "asked" if asked else "plain"
        mark = {"wrong": " ✗", "asked": " ?", "plain": ""}[state]
        often = f", {step.often}" if step.runs_again else ", perhaps" if step.often else ""
        lines = [f"{short}{mark}", step.operation, f"{step.effect or 'unknown operation'}{often}"]
        behind = _behind(box, f"box behind {step.effect or 'unknown'}") if step.runs_again else ""
        perhaps = " perhaps" if step.often and not step.runs_again else ""
        drawn = behind + _rectangle(box, lines, f"box {state} {step.effect or 'unknown'}{perhaps}")
        return f'<a href="#step-{index}">{drawn}</a>'
    lines = ["answer", *[argument.name for argument in review.answer][:2]] if kind == "answer" else [short, "input"]
    return f"<g>{_rectangle(box, lines, 'box end')}</g>"


def _behind(box: _Box, kind: str) -> str:
    """Gives the edge of a box behind another: a step that may run several times."""
    return f'<rect x="{box.x + 5:g}" y="{box.y + 5:g}" width="{WIDTH}" height="{HEIGHT}" rx="7" class="{kind}"/>'


def _rectangle(box: _Box, lines: list[str], kind: str) -> str:
    shown = "".join(
        f'<text x="{box.x + 10:g}" y="{box.y + 19 + 17 * index:g}" class="line{index}">{text(_short(line))}</text>'
        for index, line in enumerate(lines)
    )
    whole = text(", ".join(lines))
    place = f'x="{box.x:g}" y="{box.y:g}" width="{WIDTH}" height="{HEIGHT}" rx="7"'
    return f'<title>{whole}</title><rect {place} class="{kind}"/>{shown}'


def _short(line: str) -> str:
    return textwrap.shorten(line, LETTERS, placeholder="…") if " " in line else _cut(line)


def _cut(line: str) -> str:
    return line if len(line) <= LETTERS else f"{line[: LETTERS - 1]}…"


def _arrow(edge: _Edge, start: _Box, end: _Box) -> str:
    x1, y1, x2, y2 = start.x + WIDTH, start.y + HEIGHT / 2, end.x - 2, end.y + HEIGHT / 2
    middle = (x1 + x2) / 2
    kind = "order" if edge.label is None else f"data {edge.label.integrity} {edge.label.confidentiality}"
    curve = f"M{x1:g} {y1:g} C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"
    return f'<path d="{curve}" class="{kind}" marker-end="url(#head)"><title>{text(edge.says)}</title></path>'
