"""What would now be decided otherwise about a past run, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue

from executor.replay.rejudgement import Rejudgement

if TYPE_CHECKING:
    from rich.console import RenderableType

SIGNS = {"allowed": "[green]✓[/]", "asked": "[yellow]?[/]", "denied": "[red]✗[/]"}


def drawn(found: Sequence[Rejudgement]) -> RenderableType:
    """Gives a block per version of the plan."""
    from rich.console import Group
    from rich.text import Text

    return Group(*(Text.from_markup(line) for judged in found for line in _lines(judged)))


def _lines(found: Rejudgement) -> Iterator[str]:
    from rich.markup import escape

    words = {True: "valid", False: "rejected"}
    then, now = words[found.was_valid], words[found.is_valid]
    verdict = f"{then} → {now}" if then != now else f"still {now}"
    yield f"[bold]version {found.version}[/] {verdict}{'' if found.differs else ': nothing is decided otherwise'}"
    for change in found.steps:
        told = f"{change.step} {change.operation}: {change.then} → {change.now}"
        yield f"  {SIGNS[change.now]} {escape(told)}  [dim]{escape(change.reason)}[/]"
    for sign, findings in (("+", found.added), ("-", found.removed)):
        for finding in findings:
            place = finding.step_id or finding.task_id or finding.path or "proposal"
            yield f"  {sign} [bold]{finding.code}[/] {escape(place)}: {escape(finding.message)}"
    for name, (before, after) in found.certificate.items():
        yield f"  [dim]certificate, {name}: {escape(_short(before))} → {escape(_short(after))}[/]"


def _short(value: JsonValue) -> str:
    text = "none" if value is None else str(value)
    return text[:16] if len(text) == 64 else text
