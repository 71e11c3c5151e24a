"""`dagwright model list | pull`: language models."""

from __future__ import annotations

import typer

from orchestrator.cli.output import Json, put, put_json

app = typer.Typer(no_args_is_help=True, help="Language models: what can be named, and fetching the local one.")


@app.command("list")
def list_(json: Json = False) -> None:
    """Lists the kinds of model that `--model` takes, and whether the local one is here."""
    from dagwright.llm import default_spec, weights
    from dagwright.llm.spec import ALLOWED

    path = weights.folder() / weights.FILE
    if json:
        return put_json({"default": default_spec(), "local": {"path": str(path), "present": path.is_file()}})
    put(f"--model takes:{ALLOWED}")
    put(f"\nused if none is named: {default_spec()}")
    put(f"local weights: {path} ({'present' if path.is_file() else 'absent; dagwright model pull'})")
    return None


@app.command()
def pull(json: Json = False) -> None:
    """Fetches the local model (1.1 GB), checks its SHA-256; an interrupted fetch goes on where it stopped."""
    path = fetch(quiet=json)
    put_json({"path": path}) if json else put(path)


def fetch(*, quiet: bool) -> str:
    """Fetches the local weights unless they are here, with a progress bar, and gives their path."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from dagwright.llm import weights
    from orchestrator.view.terminal import console

    path = weights.folder() / weights.FILE
    if path.is_file():
        return str(path)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console(quiet=quiet)) as progress:
        task = progress.add_task("local model", total=None)
        found = weights.pull(
            lambda done, total, what: progress.update(task, completed=done, total=total, description=what)
        )
    return str(found)
