"""Tables and values as people read them, in Markdown and in HTML."""

from __future__ import annotations

import html
import json

from pydantic import JsonValue

from executor.toolchest.tables import Table, header

MOST_ROWS = 50
"""Rows of a table that a report shows."""


def written(value: JsonValue) -> str:
    """Gives a value in one line; numbers with at most six significant digits, big ones whole."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else _short(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 10_000 and abs(value) < 1e15 else f"{value:.6g}"


def table_block(table: Table, *, most: int = MOST_ROWS) -> str:
    """Gives a table as a Markdown table, cut after `most` rows with a note."""
    if not table:
        return "(no rows)"
    lines = [_line([_cell(name) for name in header(table)]), _line(["---"] * len(table[0]))]
    lines += [_line([_cell(value) for value in row.values()]) for row in table[:most]]
    return "\n".join(lines) + _rest(table, most)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: JsonValue) -> str:
    return written(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _rest(table: Table, most: int) -> str:
    return f"\n\n… and {len(table) - most} more rows" if len(table) > most else ""


def table_markup(table: Table, *, most: int = MOST_ROWS) -> str:
    """Gives a table as an HTML table, cut after `most` rows with a note."""
    if not table:
        return "<p>(no rows)</p>"
    head = "".join(f"<th>{html.escape(name)}</th>" for name in header(table))
    rows = "".join(
        f"<tr>{''.join(f'<td>{html.escape(written(value))}</td>' for value in row.values())}</tr>\n"
        for row in table[:most]
    )
    rest = _rest(table, most).strip()
    return f"<table>\n<tr>{head}</tr>\n{rows}</table>" + (f"\n<p>{rest}</p>" if rest else "")
