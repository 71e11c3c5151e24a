"""Where the public suites' original files are: never in this repository, always below one data root."""

from __future__ import annotations

import os
from pathlib import Path

from dagwright.exceptions import InputError

SOURCES = {
    "asynchow": "github.com/fangru-lin/graph-llm-asynchow-plan at commit 66f9bcff, its plans as JSON: "
    "`async_benchmark.json`, a list of objects with title, steps, edges, durations_s and optimal_s",
    "gnn4taskplan": "github.com/WxxShirley/GNN4TaskPlan at commit f1486690: "
    "`predictions_huggingface/MODEL/direct.json`, the plans that models wrote for TaskBench's Hugging Face requests",
    "nestful": "github.com/IBM/NESTFUL at commit 053cbde0: `non-executable-glaive-data.json` and `…-spec.json`",
    "plancompiler": "github.com/prnvh/plancompiler at commit 002b9d3: `tasks/tasks_set_*.json` and `fixtures/`",
    "taskbench": "github.com/microsoft/JARVIS at commit c62e0faa, folder `taskbench/`: tools, graphs and requests of "
    "the three domains, and `gold_sample.json`, the samples with gold plans as one list",
}
"""What each folder below the data root holds, and where it comes from."""


def folder_of(suite: str, root: Path | None) -> Path:
    """Gives the folder of a suite's files.

    Args:
        suite: name of the folder below the data root.
        root: the data root; None takes `DAGWRIGHT_DATA`, else `../shared/data` beside the checkout.

    Raises:
        InputError: the folder is not there; says what belongs into it and where it comes from.
    """
    folder = (root or _default_root()) / suite
    if not folder.is_dir():
        raise InputError(
            f"the files of suite {suite!r} are missing: there is no folder {str(folder)!r}. It holds "
            f"{SOURCES[suite]}. Get them from there and name the folder above with --data or DAGWRIGHT_DATA."
        )
    return folder


def read_source(path: Path) -> str:
    """Gives the text of one of a suite's files.

    Raises:
        InputError: it is not there or not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the suite's file {str(path)!r} cannot be read: {error}") from error


def _default_root() -> Path:
    named = os.environ.get("DAGWRIGHT_DATA")
    return Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
