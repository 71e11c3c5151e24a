"""A progress bar for what is fetched or started."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager


@contextmanager
def shown(title: str, *, quiet: bool) -> Generator[Callable[[int, int, str], None]]:
    """Gives a function that is told of units done, units in all, and what is going on; bytes where there are many."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from orchestrator.view.terminal import console

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[amount]}"), TimeElapsedColumn())
    with Progress(*columns, console=console(quiet=quiet)) as bar:
        task = bar.add_task(title, total=None, amount="")

        def told(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total or None, description=what, amount=amount(done, total))

        yield told


def amount(done: int, total: int) -> str:
    """Gives how much is done: megabytes for what is measured in bytes, else plain numbers."""
    if total >= 1_000_000:
        return f"{done / 1_000_000:,.0f} of {total / 1_000_000:,.0f} MB"
    return f"{done:,} of {total:,}" if total else ""
