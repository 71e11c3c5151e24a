"""`dagwright conductor up | down | status`: a Conductor server on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli.output import Json, put, put_json

app = typer.Typer(
    no_args_is_help=True,
    help="""A local Conductor server: fetch, start, stop.

    \b
    Examples:
      dagwright conductor up                          the first time fetches it
      dagwright run "…" --engine conductor            executes on it
      dagwright conductor up --postgres postgresql://conductor@db.example.org/conductor
      dagwright conductor down
    """,
)


@app.command()
def up(
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="Port on the loopback address; 18080 if it is free.")
    ] = None,
    postgres: Annotated[
        str | None,
        typer.Option(
            "--postgres",
            metavar="URL",
            envvar="DAGWRIGHT_CONDUCTOR_POSTGRES",
            help="Keep workflows in this database, postgresql://USER:PASSWORD@HOST:PORT/DATABASE, which several "
            "servers may share; SQLite without it.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Starts the server; the first time it is fetched (458 MB, checksum verified)."""
    from executor.conductor import server
    from orchestrator.cli.progress import shown

    with shown("Conductor", quiet=json) as on_progress:
        status = server.up(on_progress, port=port, postgres=postgres)
    put_json(status) if json else put(f"Conductor is {status.state} at {status.url} (process {status.pid})")


@app.command()
def down(json: Json = False) -> None:
    """Stops the server that `up` started."""
    from executor.conductor import server

    before = server.status()
    status = server.down()
    stopped = before.state != "down"
    put_json({**status.model_dump(mode="json", exclude_none=True), "stopped": stopped}) if json else put(
        "stopped" if stopped else "no server was running"
    )


@app.command()
def status(json: Json = False) -> None:
    """Says whether the server runs, where, and with which log; exit 5 if it does not."""
    from executor.conductor import server

    found = server.status()
    if json:
        put_json(found)
    elif found.state == "down":
        put("down; start it with: dagwright conductor up")
    else:
        put(f"{found.state} at {found.url} (process {found.pid}, log {found.log})")
    raise typer.Exit(0 if found.state == "up" else 5)
