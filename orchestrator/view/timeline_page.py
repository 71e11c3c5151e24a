"""A run's timeline as one HTML page: no script, no network, light and dark."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from importlib.resources import files
from typing import cast

from pydantic import JsonValue

from executor.replay.timeline import Row, Timeline
from orchestrator.view.gantt import SIGNS, drawn, duration
from orchestrator.view.markup import text
from orchestrator.view.passes import Line, folded, listed

VERDICTS = {"done": "fine", "open": "asked", "waiting": "asked", "planned": "asked"}
"""How a run's status is coloured; `wrong` for all others."""


def page(run: Mapping[str, JsonValue], line: Timeline) -> str:
    """Gives the page; the same for the same archive, byte for byte.

    Args:
        run: as `orchestrator.history.full` gives it.
        line: its timeline.
    """
    style = "".join(
        files("orchestrator.view").joinpath(name).read_text(encoding="utf-8") for name in ("review.css", "timeline.css")
    )
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f"<title>Run {text(line.run)}</title><style>{style}</style></head>\n"
        '<body><a class="skip" href="#steps">Skip to the steps</a><main class="wide">\n'
        f"{_head(run, line)}\n"
        f'<section><h2>Timeline</h2><div class="scroll">{drawn(line)}</div></section>\n'
        f"{_steps(line)}\n{_foot(run)}</main></body></html>\n"
    )


def _head(run: Mapping[str, JsonValue], line: Timeline) -> str:
    status, outcome = str(run["status"]), run.get("outcome")
    reason = str(outcome.get("reason") or "") if isinstance(outcome, dict) else ""
    facts = "".join(f"<div><dt>{text(word)}</dt><dd>{text(value)}</dd></div>" for word, value in figures(line))
    return (
        f"<header><h1>{text(run['goal'])}</h1>"
        f'<p class="verdict {VERDICTS.get(status, "wrong")}">{text(status)}{text(f": {reason}" if reason else "")}</p>'
        f'<dl class="bounds">{facts}</dl></header>'
    )


def figures(line: Timeline) -> list[tuple[str, str]]:
    """Gives a run's figures, named, for people."""
    lines = listed(folded(line.rows))
    critical = [row for found in lines for row in found.rows if row.is_critical]
    retries = sum(len(row.attempts) - 1 for row in line.rows)
    failed = sum(row.state in ("failed", "timed_out") for row in line.rows)
    runs = sum(len(found.rows) for found in lines)
    passes = f" in {runs} passes" if runs > len(lines) else ""
    costs = [call.cost for call in line.calls]
    cost = "unknown" if None in costs else f"${sum(cast('list[float]', costs)):.4f}"
    return [
        ("Whole run", duration(line.seconds)),
        ("Steps, first to last", duration(line.ended - line.begun)),
        ("Work of all steps", duration(sum(row.ran for row in line.rows))),
        ("Critical path", _chain(critical)),
        ("Steps", f"{len(lines)}{passes}, {failed} failed, {retries} retries"),
        ("Model", f"{len(line.calls)} calls, {sum(call.tokens for call in line.calls):,} tokens, {cost}"),
    ]


def _chain(rows: list[Row]) -> str:
    ran, waited = (duration(sum(values)) for values in ((row.ran for row in rows), (row.waited for row in rows)))
    return f"{len(rows)} steps: {ran} running, {waited} waiting"


def _steps(line: Timeline) -> str:
    head = "".join(
        f'<th scope="col">{word}</th>'
        for word in ("Step", "Operation", "State", "Attempts", "Began", "Waited", "Ran", "Critical")
    )
    rows = "".join(_row(row, line) for row in folded(line.rows))
    return (
        f'<section id="steps" tabindex="-1"><h2>Steps</h2><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></section>"
    )


def _row(row: Line, line: Timeline) -> str:
    errors = ", ".join(row.errors)
    cells = (
        f"<code>{text(row.rows[0].operation)}</code>" if not row.decides else text(row.rows[0].action),
        f"{SIGNS[row.state]} {text(row.tally or row.state)}" + (f" <small>{text(errors)}</small>" if errors else ""),
        str(len(row.attempts)),
        duration(row.begun - line.begun),
        duration(row.waited),
        duration(row.ran),
        "●" if row.is_critical else "",
    )
    kind = {"failed": ' class="error"', "timed_out": ' class="error"', "partly": ' class="warning"'}.get(row.state, "")
    return f'<tr{kind}><th scope="row">{text(row.step)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _foot(run: Mapping[str, JsonValue]) -> str:
    named = (("Run", run["run"]), ("Head of its history", run["head"]))
    identity = "".join(f"<div><dt>{word}</dt><dd><code>{text(value)}</code></dd></div>" for word, value in named)
    return f'<footer><h2>What was archived</h2><dl class="identity">{identity}</dl></footer>'
