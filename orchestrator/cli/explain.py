"""`dagwright explain [CODE]`: what a finding's code means, why it is looked for, examples and what settles it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.output import Json, put_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from dagwright.finding import Finding
    from validation.codes import Code
    from validation.guide import Example

_HELP = """Say what a finding's code means, with examples; without a code, list all of them.

    \b
    Examples:
      dagwright explain                         all codes, level by level
      dagwright explain D305
      dagwright explain D305 --json
"""

CodeName = Annotated[str, typer.Argument(metavar="[CODE]", help="A code, e.g. D305.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Adds the verb."""
    app.command("explain", help=_HELP)(explain)


def explain(code: CodeName = "", json: Json = False) -> None:
    """Prints one code's guide, or the table of all codes."""
    from orchestrator.view.terminal import console
    from validation import CODES

    if not code:
        if json:
            put_json({"codes": [_fields(row) for row in CODES.values()]})
        else:
            console().print(_table())
        return
    row = CODES.get(code.upper())
    if row is None:
        raise _unknown(code)
    if json:
        put_json(_explained(row))
    else:
        console().print(_drawn(row))


def _unknown(code: str) -> Exception:
    from dagwright.exceptions import InputError
    from validation import CODES
    from validation.naming import Names

    near = [name for _, name in Names(CODES).ranked(code.upper())][:3]
    titles = {row.title: row.code for row in CODES.values()}
    near += [titles[title] for _, title in Names(titles).ranked(code)][:3]
    shown = ", ".join(f"{name} ({CODES[name].title})" for name in dict.fromkeys(near))
    hint = f"nearest: {shown}" if near else "`dagwright explain` lists them all"
    return InputError(f"there is no code {code!r}; {hint}")


# ------------------------------------------------------------------------------------- as JSON


def _fields(row: Code) -> dict[str, Any]:
    return {
        "code": row.code,
        "level": row.level,
        "severity": row.severity,
        "softer": row.softer,
        "title": row.title,
        "description": row.description,
        "remedy": row.remedy,
    }


def _explained(row: Code) -> dict[str, Any]:
    from validation.guide import findings_of, guide_of

    guide = guide_of(row.code)
    return {
        **_fields(row),
        "why": guide.why,
        "failing": {**_example(guide.failing), "at": guide.failing.at},
        "finding": findings_of(row.code, guide.failing)[0],
        "passing": _example(guide.passing),
    }


def _example(example: Example) -> dict[str, Any]:
    return {
        "says": example.says,
        "patch": [change.model_dump(mode="json", exclude_unset=True) for change in example.patch],
    }


# --------------------------------------------------------------------------------- for a person


def _table() -> RenderableType:
    from rich.table import Table

    from dagwright.finding import LEVELS
    from validation import CODES

    table = Table(title="codes of findings; `dagwright explain CODE` says more", title_justify="left")
    for heading in ("code", "severity", "title", "what it says"):
        table.add_column(heading)
    for level in LEVELS:
        table.add_section()
        table.add_row(f"[bold]{level}[/]")
        for row in CODES.values():
            if row.level == level:
                severity = f"{row.severity} or {row.softer}" if row.softer else row.severity
                table.add_row(row.code, severity, row.title, row.description)
    return table


def _drawn(row: Code) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from validation.guide import findings_of, guide_of

    guide = guide_of(row.code)
    severity = f"{row.severity} or {row.softer}" if row.softer else row.severity
    found = findings_of(row.code, guide.failing)[0]
    return Group(
        Text.assemble((f"{row.code} {row.title}", "bold"), f"  ({row.level}, {severity})"),
        _line("what", row.description),
        _line("why", guide.why),
        _line("fix", row.remedy),
        Text(),
        _line("wrong", guide.failing.says),
        *_changes(guide.failing),
        *_said(found),
        Text(),
        _line("right", guide.passing.says),
        *_changes(guide.passing),
    )


def _line(name: str, text: str) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    line = Table.grid(padding=(0, 1))
    line.add_column(width=6, style="dim")
    line.add_column()
    line.add_row(name, Text(text))
    return line


def _changes(example: Example) -> list[RenderableType]:
    """Gives what an example changes in a proposal in which nothing is wrong, an operation a line."""
    import json as jsonlib

    lines: list[RenderableType] = []
    for change in example.patch:
        written = change.number or jsonlib.dumps(change.value, ensure_ascii=False)
        if change.repeat:
            written = f"{jsonlib.dumps(change.repeat.text, ensure_ascii=False)}, {change.repeat.times} times"
        place = change.path.removeprefix("/proposal")
        lines.append(_line("", f"without {place}" if change.op == "remove" else f"{place}: {written}"))
    return lines


def _said(found: Finding) -> list[RenderableType]:
    import json as jsonlib

    from dagwright.canonical import to_json

    lines = [_line("says", f"{found.path or 'the proposal'}: {found.message}")]
    if found.fix:
        lines.append(_line("patch", jsonlib.dumps(to_json(found.fix), ensure_ascii=False)))
    return lines
