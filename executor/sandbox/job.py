"""`Job`: code that is to be run, its `Folder`, and the `Outcome` of the run."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dagwright.binding import CodeLanguage, CodeLimits

INPUTS = "inputs"
"""Folder, within the one that code begins in, where its files are."""

Bound = Literal[
    "time_limit", "cpu_limit", "memory_limit", "process_limit", "file_limit", "disk_limit", "output_limit", "cancelled"
]
"""What ended code before its own end."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """Code, and all that it is given."""

    language: CodeLanguage
    """What it is written in."""
    code: str
    """The program."""
    data: bytes = b""
    """Its standard input."""
    files: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Files that it is given, by their paths below `inputs/`; it gets copies."""
    limits: CodeLimits = field(default_factory=CodeLimits)
    """What it may use."""
    seconds: float = 60.0
    """Wall time."""


@dataclass(frozen=True)
class Folder:
    """The private folder of one run of code: `program/` is read, `work/` and `tmp/` are written."""

    root: Path

    @property
    def program(self) -> Path:
        """The code."""
        return self.root / "program" / "main"

    @property
    def work(self) -> Path:
        """Where code begins and leaves its files."""
        return self.root / "work"

    @property
    def scratch(self) -> Path:
        """Its temporary files, where it has no `/tmp` of its own."""
        return self.root / "tmp"

    def written(self) -> Iterator[Path]:
        """Gives what lies in `work` and was not given: files, and whatever else is no folder."""
        for path in sorted(self.work.rglob("*")):
            given = path.relative_to(self.work).parts[0] == INPUTS
            if not given and (path.is_symlink() or not path.is_dir()):
                yield path


@contextmanager
def folder_of(job: Job) -> Generator[Folder]:
    """Gives the folder of a job with its program and files in it; gone afterwards with all that was written."""
    root = Path(tempfile.mkdtemp(prefix="dagwright-code-"))
    try:
        folder = Folder(root)
        for path in (folder.program.parent, folder.work / INPUTS, folder.scratch):
            path.mkdir(parents=True)
        folder.program.write_text(job.code, encoding="utf-8")
        for name, source in job.files.items():
            target = folder.work / INPUTS / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        yield folder
    finally:
        shutil.rmtree(root, ignore_errors=True)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How code ended."""

    exit_code: int
    """Its own, or 128 and the number of the signal that ended it."""
    stdout: bytes
    """What it wrote, up to the limit."""
    stderr: bytes
    """Likewise."""
    bound: Bound | None
    """The limit that was reached."""
    detail: str = ""
    """What was measured when it was reached."""
