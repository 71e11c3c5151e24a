"""How far what is fetched or started has come: a bar on a terminal, else a line now and then."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager


@contextmanager
def shown(title: str, *, quiet: bool) -> Generator[Callable[[int, int, str], None]]:
    """Gives a function that is told of units done, units in all, and what is going on; bytes where there are many."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from orchestrator.view.terminal import console

    out = console(quiet=quiet)
    if not out.is_terminal:
        yield tenths(lambda line: out.print(line, markup=False))
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[amount]}"), TimeElapsedColumn())
    with Progress(*columns, console=out) as bar:
        task = bar.add_task(title, total=None, amount="")

        def told(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total or None, description=what, amount=amount(done, total))

        yield told


def tenths(put: Callable[[str], None]) -> Callable[[int, int, str], None]:
    """Gives such a function for a log: it puts a line at every tenth of many bytes, else for all that is new."""
    told: set[str | int] = set()

    def tell(done: int, total: int, what: str) -> None:
        stages = range(10 * done // total + 1) if is_bytes(total) else (what,)
        if not told.issuperset(stages):
            told.update(stages)
            put(f"{what} {amount(done, total)}".rstrip())

    return tell


def is_bytes(total: int) -> bool:
    """Whether so many units are bytes."""
    return total >= 1_000_000


def amount(done: int, total: int) -> str:
    """Gives how much is done: megabytes for what is measured in bytes, else plain numbers."""
    if is_bytes(total):
        return f"{done / 1_000_000:,.0f} of {total / 1_000_000:,.0f} MB"
    return f"{done:,} of {total:,}" if total else ""
