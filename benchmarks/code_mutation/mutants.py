"""Mutants of source files, and a sample of them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from benchmarks.packages import wheels_of
from dagwright.exceptions import TransportError

SECONDS = 300
"""Seconds that listing all mutants may take."""

LOADING = ""
"""What coverage calls the time before any test."""

_PROGRAM = Path(__file__).with_name("operators_process.py")

Position = tuple[int, int]
"""Line (from 1) and column (from 0)."""


@dataclass(frozen=True)
class Mutant:
    """One small fault."""

    file: str
    """The file, from the root of the checkout."""
    operator: str
    """What Cosmic Ray calls the change."""
    number: int
    """Which of the operator's mutants in this file."""
    start: Position
    end: Position

    @property
    def item(self) -> str:
        """Its id."""
        return f"{self.file}:{self.start[0]}:{self.start[1]}:{self.operator}:{self.number}"


@contextmanager
def cosmic_ray() -> Generator[Path]:
    """Unpacks Cosmic Ray's operators into a folder that is gone afterwards.

    Raises:
        InputError: the packages have not been fetched; says which command does.
    """
    with TemporaryDirectory(prefix="dagwright-operators-") as folder:
        for wheel in wheels_of("mutation"):
            with ZipFile(wheel) as archive:
                archive.extractall(folder)
        yield Path(folder)


def mutants(packages: Path, root: Path, files: Sequence[str]) -> list[Mutant]:
    """Gives all mutants of files but for those in annotations, which nothing evaluates."""
    listed = [json.loads(line) for line in _asked(packages, root, ["list", *files]).splitlines()]
    spans = {file: list(_annotations((root / file).read_text(encoding="utf-8"))) for file in files}
    found = [Mutant(x["file"], x["operator"], x["number"], tuple(x["start"]), tuple(x["end"])) for x in listed]
    return [item for item in found if not any(start <= item.start < end for start, end in spans[item.file])]


def mutated(packages: Path, root: Path, mutant: Mutant) -> str:
    """Gives the mutant's file with the fault in it."""
    return _asked(packages, root, ["make", mutant.file, mutant.operator, str(mutant.number)])


def sampled(found: Iterable[Mutant], size: int, seed: int) -> list[Mutant]:
    """Gives a sample of sites, from each file as many as its share of all (but one), and one mutant of each site."""
    random = Random(seed)
    files: dict[str, dict[tuple[Position, Position], list[Mutant]]] = {}
    for item in found:
        files.setdefault(item.file, {}).setdefault((item.start, item.end), []).append(item)
    total = sum(map(len, files.values()))
    chosen: list[Mutant] = []
    for _, sites in sorted(files.items()):
        count = min(len(sites), max(1, round(size * len(sites) / total)))
        chosen.extend(random.choice(sites[site]) for site in random.sample(sorted(sites), count))
    return chosen


def reaching(mutant: Mutant, contexts: Mapping[int, Sequence[str]]) -> list[str]:
    """Gives the tests that reach a mutant's lines; of lines that are run when the file is loaded, all that reach it."""
    met = {test for line in range(mutant.start[0], mutant.end[0] + 1) for test in contexts.get(line, ())}
    if met == {LOADING}:
        met = {test for tests in contexts.values() for test in tests}
    return sorted(met - {LOADING})


def _asked(packages: Path, root: Path, words: Sequence[str]) -> str:
    command = [sys.executable, "-I", "-S", str(_PROGRAM), str(packages), *words]
    done = subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8", timeout=SECONDS, check=False)  # noqa: S603 - our own program
    if done.returncode:
        raise TransportError(
            f"Cosmic Ray's operators failed: {(done.stderr.strip().splitlines() or ['no reason'])[-1]}"
        )
    return done.stdout


def _annotations(source: str) -> Iterator[tuple[Position, Position]]:
    for node in ast.walk(ast.parse(source)):
        parts = (getattr(node, "annotation", None), getattr(node, "returns", None))
        for part in parts:
            if isinstance(part, ast.expr) and part.end_lineno is not None and part.end_col_offset is not None:
                yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)
