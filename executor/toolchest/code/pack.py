"""The catalogue of pack `code`."""

from __future__ import annotations

from typing import get_args

from dagwright.binding import CodeBinding, CodeLanguage
from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.model import Interval, JsonSchema
from dagwright.policy import Isolation
from dagwright.tool import ToolSpec
from executor.toolchest.contract import FREE, READ_FROM_OUTSIDE, choice, described, file, record, run_path, text

_ISOLATED = (
    "It runs in a sandbox: no network and no files but its own, unless policy accepts the sandbox `limits`, which "
    "bounds time, memory, processes and files only and does not protect against hostile code. "
)
_GIVEN = (
    "Argument `data` is its standard input, as JSON; `files` lie below `inputs/`; what it writes to the folder "
    "that it begins in is kept in `folder` of this run."
)


def catalogue() -> Catalogue:
    """Gives the operations that run code given as an argument."""
    return catalogue_of(
        "code",
        (
            _operation("run_python", "python", "Run a Python 3 program in a sandbox.", ("python", "code", "script")),
            _operation("run_shell", "shell", "Run a POSIX shell script in a sandbox.", ("shell", "command", "script")),
        ),
    )


def _operation(name: str, language: CodeLanguage, description: str, cues: tuple[str, ...]) -> ToolSpec:
    arguments: dict[str, JsonSchema] = {
        "code": text("The program.", minLength=1, maxLength=100_000),
        "data": described({}, "What the program reads from its standard input, as JSON."),
        "files": described({"type": "array", "items": file(), "maxItems": 100, "default": []}, "Files that it reads."),
        "folder": run_path("Folder that keeps the files it writes, e.g. `charts`; without one none is kept."),
        "exit_codes": described(
            {
                "type": "array",
                "items": {"type": "integer", "minimum": 0, "maximum": 255},
                "minItems": 1,
                "default": [0],
            },
            "Exit codes that count as success.",
        ),
    }
    return ToolSpec(
        tool_name="code",
        operation=name,
        description=f"{description} {_ISOLATED}{_GIVEN}",
        input_schema=record(arguments, optional=("data", "files", "folder", "exit_codes")),
        output_schema=record(
            {
                "stdout": {"type": "string"},
                "stderr": {"type": "string"},
                "exit_code": {"type": "integer", "minimum": 0, "maximum": 255},
                "files": {"type": "array", "items": file()},
                "sandbox": choice("The sandbox that it ran in.", *get_args(Isolation)),
            }
        ),
        roles={"code": "control", "folder": "control"},
        effect="write",
        writes=("file:{folder}",),
        output_labels=READ_FROM_OUTSIDE,
        cost=FREE,
        latency=Interval(low=0.05, high=60),
        timeout=60,
        capabilities=("code",),
        cues=cues,
        binding=CodeBinding(language=language),
    )
