"""A person, a terminal and one run: who is asked, how it is stopped, what is said at its end."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from orchestrator.cli.output import put_json

if TYPE_CHECKING:
    from dagwright.feedback import Outcome
    from orchestrator.assembly import People
    from orchestrator.setup import Setup

EXIT = {"done": 0, "rejected": 1, "failed": 3, "waiting": 4, "cancelled": 130}
"""What the command line exits with, by how a run ended."""


def people_of(*, yes: bool, quiet: bool) -> People:
    """Gives who is asked and who watches: the terminal, or nobody; logs and telemetry where variables ask for them."""
    import getpass

    from executor.bindings.human import ask_at_terminal
    from orchestrator.approval import approve_later, steps_approved
    from orchestrator.assembly import People
    from orchestrator.observation.configuration import configure
    from orchestrator.view.live import LiveView
    from orchestrator.view.terminal import ask_approval, console, interactive

    configure()
    asked = interactive() and not quiet
    person = ask_approval if asked else approve_later
    approver = steps_approved(person) if yes else person
    listener = LiveView(console(quiet=quiet))
    return People(
        approver=approver, approver_name=getpass.getuser(), ask=ask_at_terminal if asked else None, listener=listener
    )


def stoppable(setup: Setup, work: Callable[[], Outcome]) -> Outcome:
    """Runs `work`; the first Ctrl-C stops it in order, the second at once."""
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        return work()

    def stop(_signal: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        setup.cancelled.set()
        os.write(2, b"stopping, once what runs now lets go; Ctrl-C again: at once\n")
        if not setup.executing.is_set():
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        return work()
    finally:
        signal.signal(signal.SIGINT, before)


def finish(outcome: Outcome, setup: Setup, *, json: bool) -> None:
    """Draws the pictures of a run, says where things lie, and exits with the outcome's code."""
    from orchestrator.view.pictures import draw_run
    from orchestrator.view.terminal import console

    folder = setup.home / "runs" / outcome.run
    pictures = draw_run(folder)
    if json:
        body = outcome.model_dump(mode="json")
        put_json({**body, "folder": str(folder), "pictures": [str(picture) for picture in pictures]})
    else:
        from orchestrator.view.text import whereabouts

        console().print(whereabouts(outcome, folder, pictures))
    raise typer.Exit(EXIT[outcome.status])
