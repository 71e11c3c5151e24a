"""`dagwright conductor up | down | status`: a Conductor server on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli.output import Json, put, put_json

app = typer.Typer(no_args_is_help=True, help="A local Conductor server: fetch, start, stop.")


@app.command()
def up(
    port: Annotated[int, typer.Option("--port", help="Port on the loopback address; 0 picks one.")] = 18080,
    json: Json = False,
) -> None:
    """Starts the server; the first time it is fetched (458 MB, checksum verified)."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from executor.conductor import server
    from orchestrator.view.terminal import console

    with Progress(TextColumn("{task.description}"), BarColumn(), DownloadColumn(), console=console(quiet=json)) as bar:
        task = bar.add_task("Conductor", total=None)
        status = server.up(
            lambda done, total, what: bar.update(task, completed=done, total=total, description=what), port=port
        )
    put_json(status.as_json()) if json else put(f"Conductor {status.version} runs at {status.url} (pid {status.pid})")


@app.command()
def down(json: Json = False) -> None:
    """Stops the server that `up` started."""
    from executor.conductor import server

    stopped = server.down()
    put_json({"stopped": stopped}) if json else put("stopped" if stopped else "no server was running")


@app.command()
def status(json: Json = False) -> None:
    """Says whether the server runs, where, and with which log; exit 5 if it does not."""
    from executor.conductor import server

    found = server.status()
    put_json(found.as_json()) if json else put(str(found))
    raise typer.Exit(0 if found.healthy else 5)
