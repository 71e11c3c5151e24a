"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dagwright.exceptions import InputError

if TYPE_CHECKING:
    from pydantic import JsonValue

Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", "-i", metavar="NAME=VALUE|@FILE", help="An input of the goal; may be repeated."),
]
Catalogues = Annotated[
    list[str] | None,
    typer.Option("--catalogue", "-c", metavar="FILE|PACK", help="Operations that plans may use; may be repeated."),
]
PolicyFile = Annotated[str, typer.Option("--policy", metavar="FILE", help="Policy in YAML; without it the default.")]
EngineName = Annotated[str, typer.Option("--engine", metavar="NAME", help="embedded, conductor, or a server's URL.")]
ModelSpec = Annotated[
    str,
    typer.Option("--model", metavar="SPEC", help="local, local:FILE.gguf, openai:NAME, anthropic:NAME, URL#NAME."),
]
RuleFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--rules", metavar="FILE|NAME", help="Rules of your own (a .py file, an entry point); may be repeated."
    ),
]
StrategyName = Annotated[str, typer.Option("--strategy", metavar="NAME", help="interleaved, cited or plan_first.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id; `dagwright runs list` shows them.")]
Recorded = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id (`dagwright runs list` shows them), or an exported file.")
]


def parsed_inputs(given: list[str] | None) -> dict[str, str | Path | JsonValue]:
    """Gives inputs by name: `NAME=@FILE` as a path, `NAME=VALUE` as it stands.

    Raises:
        InputError: one has no `=`, no usable name, or a name that was there before.
    """
    found: dict[str, str | Path | JsonValue] = {}
    for item in given or []:
        name, equals, value = item.partition("=")
        if not equals or not name.isidentifier():
            raise InputError(f"input {item!r} is not NAME=VALUE or NAME=@FILE (a name is letters, digits and _)")
        if name in found:
            raise InputError(f"input {name!r} is given twice")
        found[name] = Path(value[1:]) if value.startswith("@") else value
    return found
