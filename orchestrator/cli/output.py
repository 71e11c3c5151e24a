"""What every verb prints: one JSON object for machines, or text for people; errors in plain words."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, NoReturn

import typer

from dagwright.exceptions import DagwrightError, ProposalRejected

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")]


def put_json(value: Any) -> None:
    """Prints one JSON object on standard output."""
    from dagwright.canonical import to_json

    sys.stdout.write(json.dumps(to_json(value), ensure_ascii=False, indent=2, default=str) + "\n")


def put(text: str) -> None:
    """Prints a line of text on standard output."""
    sys.stdout.write(text + "\n")


def fail(error: DagwrightError) -> NoReturn:
    """Prints an error (as JSON where `--json` was given) and exits with its code."""
    notes = getattr(error, "__notes__", [])
    if "--json" in sys.argv:
        body: dict[str, Any] = {"error": type(error).__name__, "message": str(error)}
        body |= {"notes": notes} if notes else {}
        if isinstance(error, ProposalRejected):
            body |= error.report.validation_result()
        put_json(body)
    else:
        sys.stderr.write("\n".join([f"dagwright: {error}", *notes]) + "\n")
    sys.exit(error.exit_code)
