"""A run's `Timeline` as SVG: a bar for its phases, below it a row per step with its attempts."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

from executor.replay.timeline import Attempt, Row, Timeline
from orchestrator.view.markup import text
from orchestrator.view.passes import Line, folded

WIDTH, LEFT, RIGHT, ROW, BAR = 1160, 290, 150, 26, 14
"""Pixels: the picture, names to the left, room for durations to the right, a row, a bar."""
FOOT = 5
"""Pixels of the bar of a failed pass, at the foot of the others."""
FAILED = ("failed", "timed_out")
HEAD = 104
"""Pixels above the first row: phases and axis."""
MOST = 400
"""Rows drawn at most; of a longer run those on the critical path and those that took longest."""
ERRORS = 3
"""Different errors of a step's passes that are told."""
TICKS = 8
SIGNS = {
    "completed": "✓",
    "failed": "✗",
    "timed_out": "✗",
    "cancelled": "⊘",
    "running": "▸",
    "scheduled": "·",
    "partly": "◐",
}


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """From seconds to pixels."""

    begun: float
    ended: float

    def __call__(self, at: float) -> float:
        span = (self.ended - self.begun) or 1e-9
        return LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, max(0.0, (at - self.begun) / span))


def gantt(line: Timeline) -> str:
    """Gives the picture; it stands by itself, light and dark."""
    style = files("orchestrator.view").joinpath("timeline.css").read_text(encoding="utf-8")
    return drawn(line).replace(">", f"><style>{style}</style>", 1)


def drawn(line: Timeline) -> str:
    """Gives the picture without its style."""
    rows = shown(line)
    height = HEAD + ROW * len(rows) + 56
    scale = _Scale(begun=line.begun, ended=line.ended)
    parts = [*_phases(line), *_axis(scale, len(rows)), *_links(rows, scale)]
    for number, row in enumerate(rows):
        parts += _row(row, HEAD + ROW * number, scale, versions=len({row.rows[0].version for row in rows}) > 1)
    lines = len(folded(line.rows))
    parts += _legend(height - 22, left_out=lines - len(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="gantt" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Timeline of run {text(line.run)}: '
        f'{lines} steps in {duration(line.ended - line.begun)}">'
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>{"".join(parts)}</svg>\n'
    )


def shown(line: Timeline) -> list[Line]:
    """Gives the lines that are drawn, in the order in which they began; the passes of a step are one line."""
    lines = folded(line.rows)
    if len(lines) <= MOST:
        return list(lines)
    telling = sorted(lines, key=lambda row: (row.is_critical, row.ran), reverse=True)[:MOST]
    kept = {id(row) for row in telling}
    return [row for row in lines if id(row) in kept]


def duration(seconds: float) -> str:
    """Gives a duration in the unit that reads best."""
    if seconds < 0.0995:
        return f"{seconds * 1_000:.3g} ms"
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def _phases(line: Timeline) -> Iterator[str]:
    """Gives the bar of the whole run, with the model's answers in its planning."""
    whole, top = _Scale(begun=0.0, ended=line.seconds), 34
    yield f'<text x="16" y="22" class="strong">Run {text(line.run)}</text>'
    yield f'<text x="16" y="{top + 14}" class="dim">Phases</text>'
    yield f'<text x="{WIDTH - RIGHT + 8}" y="{top + 14}" class="num">{duration(line.seconds)}</text>'
    for phase in line.phases:
        x, width = whole(phase.begun), max(1.5, whole(phase.ended) - whole(phase.begun))
        words = f"{phase.name} {duration(phase.ended - phase.begun)}"
        yield (
            f'<rect class="{phase.name}" x="{x:.1f}" y="{top}" width="{width:.1f}" height="18">'
            f"<title>{words}</title></rect>"
        )
        if width > 7.0 * len(words):
            inked = "onlight" if phase.name in ("ingest", "conclusion", "interrupted") else "ondark"
            yield f'<text x="{x + 6:.1f}" y="{top + 13}" class="small {inked}">{words}</text>'
    for call in line.calls:
        x, width = whole(call.begun), max(2.0, whole(call.ended) - whole(call.begun) - 1)
        told = f"{call.model}: {call.tokens} tokens, {duration(call.seconds)}"
        yield (
            f'<rect class="call" x="{x:.1f}" y="{top + 20}" width="{width:.1f}" height="4">'
            f"<title>{text(told)}</title></rect>"
        )


def _axis(scale: _Scale, rows: int) -> Iterator[str]:
    bottom = HEAD + ROW * rows
    for number in range(1, rows, 2):
        yield f'<rect class="stripe" x="0" y="{HEAD + ROW * number}" width="{WIDTH}" height="{ROW}"/>'
    yield f'<text x="16" y="{HEAD - 10}" class="dim">Steps</text>'
    for seconds in ticks(scale.ended - scale.begun):
        x = scale(scale.begun + seconds)
        yield f'<path class="grid" d="M{x:.1f} {HEAD - 4}V{bottom}"/>'
        yield f'<text x="{x:.1f}" y="{HEAD - 10}" class="dim small num" text-anchor="middle">{_tick(seconds)}</text>'
    yield f'<path class="edge" d="M{LEFT} {HEAD}H{WIDTH - RIGHT}"/>'


def ticks(span: float) -> list[float]:
    """Gives places on an axis from 0 to `span` seconds: whole multiples of 1, 2 or 5 times a power of ten."""
    if span <= 0:
        return [0.0]
    rough = span / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [number * step for number in range(int(span / step + 1e-9) + 1)]


def _tick(seconds: float) -> str:
    return "0" if not seconds else f"{seconds * 1_000:g} ms" if seconds < 1 else f"{seconds:g} s"


def _links(rows: list[Line], scale: _Scale) -> Iterator[str]:
    """Gives the lines from each step of the critical path to the next."""
    places = [(row, HEAD + ROW * n + ROW / 2) for n, line in enumerate(rows) for row in line.rows if row.is_critical]
    places.sort(key=lambda place: place[0].attempts[0].scheduled)
    for (one, above), (other, below) in pairwise(places):
        x, until = scale(one.end), scale(other.attempts[0].scheduled)
        if above != below:
            yield f'<path class="link" d="M{x:.1f} {above:g}V{below:g}H{max(until, x):.1f}"/>'


def _row(line: Line, top: float, scale: _Scale, *, versions: bool) -> Iterator[str]:
    middle = top + ROW / 2
    times = f" ×{len(line.rows)}" if line.is_folded else ""
    name = (f"v{line.rows[0].version} " if versions else "") + line.step
    sign = "mark" if SIGNS[line.state] in "✗⊘◐" else "done"
    room = 22 - len(times)
    label = (textwrap.shorten(name, room, placeholder="…") or name[: room - 1]) + times
    yield f"<g><title>{text(_told(line))}</title>"
    yield f'<text x="16" y="{middle + 4:g}" class="{sign}">{SIGNS[line.state]}</text>'
    emphasis = "chain" if line.is_critical else "strong"
    yield f'<text x="34" y="{middle + 4:g}" class="{emphasis}">{text(label)}</text>'
    operation = "" if line.decides else line.rows[0].operation
    operation = operation if len(operation) <= 22 else f"{operation[:21]}…"
    yield (f'<text x="{LEFT - 10}" y="{middle + 4:g}" class="dim small" text-anchor="end">{text(operation)}</text>')
    for row in sorted(line.rows, key=lambda row: row.state in FAILED):  # over those that went well
        for attempt in row.attempts:
            yield from _attempt(attempt, row, middle, scale, folded=line.is_folded)
    x = scale(line.end) + 6
    yield f'<text x="{x:.1f}" y="{middle + 4:g}" class="small num">{_tail(line)}</text></g>'


def _tail(line: Line) -> str:
    """Gives what stands behind a bar: how long, and what did not go well at once."""
    failed = sum(row.state in FAILED for row in line.rows)
    parts = [duration(line.took)]
    parts += [f"{failed} failed"] if line.is_folded and failed else []
    if line.retries:
        parts.append(f"{line.retries} retries" if line.is_folded else f"{len(line.attempts)} attempts")
    return " · ".join(parts)


def _attempt(attempt: Attempt, row: Row, middle: float, scale: _Scale, *, folded: bool) -> Iterator[str]:
    due, begun = scale(attempt.scheduled), attempt.started
    started = scale(begun) if begun is not None else scale(attempt.ended or attempt.scheduled)
    if started - due >= 1 and not folded:
        kind = "backoff" if attempt.number > 1 else "wait"
        yield f'<path class="{kind}" d="M{due:.1f} {middle:g}H{started:.1f}"/>'
    if begun is None:
        return
    width = max(3.0, scale(attempt.ended if attempt.ended is not None else scale.ended) - started)
    critical = " critical" if row.is_critical and attempt.state == "completed" else ""
    critical += " pass" if folded else ""
    top, height = middle - BAR / 2, BAR
    if folded and attempt.state in FAILED:
        top, height = middle + BAR / 2 - FOOT, FOOT
    yield (
        f'<rect class="bar {attempt.state}{critical}" x="{started:.1f}" y="{top:g}" '
        f'width="{width:.1f}" height="{height}" rx="2"/>'
    )


def _told(line: Line) -> str:
    row = line.rows[0]
    lines = [f"{line.step}: {row.operation} ({line.tally or line.state})", row.action]
    if line.is_folded:
        lines.append(f"all passes: ran {duration(line.ran)}, waited {duration(line.waited)}, {line.retries} retries")
        lines += line.errors[:ERRORS]
        return "\n".join(filter(None, lines))
    for attempt in row.attempts:
        begun = attempt.started if attempt.started is not None else attempt.scheduled
        ran = f", ran {duration(attempt.ended - begun)}" if attempt.ended is not None else ""
        error = f", {attempt.error}" if attempt.error else ""
        waited = duration(begun - attempt.scheduled)
        lines.append(f"attempt {attempt.number}: {attempt.state}, waited {waited}{ran}{error}")
    return "\n".join(filter(None, lines))


LEGEND = (
    ("bar critical", "critical path"),
    ("bar", "other steps"),
    ("bar failed", "failed attempt"),
    ("bar cancelled", "cancelled"),
    ("wait", "due, not running yet"),
    ("backoff", "back-off before a retry"),
    ("call", "answer of a model"),
)


def _legend(y: float, *, left_out: int) -> Iterator[str]:
    x = 16.0
    for kind, words in LEGEND:
        if kind in ("wait", "backoff"):
            yield f'<path class="{kind}" d="M{x:g} {y - 4:g}h20"/>'
        else:
            size = 4 if kind == "call" else 10
            yield f'<rect class="{kind}" x="{x:g}" y="{y - 4 - size / 2:g}" width="20" height="{size}" rx="2"/>'
        yield f'<text x="{x + 26:g}" y="{y:g}" class="dim small">{words}</text>'
        x += 44 + 6.4 * len(words)
    if left_out:
        yield f'<text x="{x:g}" y="{y:g}" class="dim small">{left_out} shorter steps are not drawn</text>'
