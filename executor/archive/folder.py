"""Where runs lie: `HOME/runs/RUN/`, one folder a run."""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from dagwright.exceptions import ArchiveError, DiskError

DATABASE = "archive.db"
"""Name of the database in a run's folder."""

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,99}")


def folder_of(home: Path, run: str) -> Path:
    """Gives the folder of a run, whether it is there or not.

    Raises:
        ArchiveError: the name is none of a run.
    """
    if not _RUN.fullmatch(run):
        raise ArchiveError(f"{run!r} is no name of a run: letters, digits, '_', '-' and '.', at most 100")
    return home / "runs" / run


@contextmanager
def new_folder(home: Path, run: str) -> Generator[Path]:
    """Gives the folder of a new run with those for its inputs and files; gone again if what is done in it fails.

    Raises:
        DiskError: the disk is full or broken.
        ArchiveError: the name is not usable, the run exists, or its folder may not be made.
    """
    folder = folder_of(home, run)
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise ArchiveError(f"run {run!r} exists already in {str(home)!r}; choose another name") from None
    except OSError as error:
        raise _not_made(run, folder, error) from error
    try:
        (folder / "inputs").mkdir()
        (folder / "files").mkdir()
        yield folder
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _not_made(run, folder, error) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def runs(home: Path) -> tuple[str, ...]:
    """Gives the ids of all runs below a home folder, the oldest first."""
    found = [path.parent for path in (home / "runs").glob(f"*/{DATABASE}")]
    return tuple(folder.name for folder in sorted(found, key=lambda folder: (folder.stat().st_ctime, folder.name)))


def _not_made(run: str, folder: Path, error: OSError) -> ArchiveError:
    if DiskError.is_why(error):
        return DiskError(f"the folder of run {run!r}", folder, error)
    return ArchiveError(f"the folder of run {run!r} cannot be made: {error}")
