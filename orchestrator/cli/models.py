"""`dagwright model list | pull`: language models."""

from __future__ import annotations

from pathlib import Path

import typer

from orchestrator.cli.output import Json, put, put_json

app = typer.Typer(
    no_args_is_help=True,
    help="""Language models: what can be named, and fetching the local one.

    \b
    Examples:
      dagwright model pull
      dagwright run "…" --model openai:gpt-4o-mini
      dagwright run "…" --model http://localhost:11434/v1#qwen2.5
    """,
)


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
    path = str(_pulled(quiet=json))
    put_json({"path": path}) if json else put(path)


def fetch(*, quiet: bool) -> str:
    """Fetches the local weights unless they are here, with a progress bar, and gives their path."""
    from dagwright.llm import weights

    path = weights.folder() / weights.FILE
    return str(path if path.is_file() else _pulled(quiet=quiet))


def _pulled(*, quiet: bool) -> Path:
    from dagwright.llm.transfer import pull
    from orchestrator.cli.progress import shown

    with shown("local model", quiet=quiet) as on_progress:
        return pull(on_progress)
