"""A run as one file: written here, verified and replayed elsewhere."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath

from dagwright.exceptions import ArchiveError
from executor.archive.archive import Archive
from executor.archive.folder import DATABASE, folder_of

_MAX_MEMBERS = 100_000
_UNREADABLE = (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError)
"""What reading a damaged bundle raises; RuntimeError for what seems encrypted, or packed in an unknown way."""


def export(home: Path, run: str, target: Path) -> None:
    """Writes a run, its archive and all of its files, into a zip file; also while it runs.

    Raises:
        ArchiveError: there is no such run, or the file cannot be written; nothing half-written is left.
    """
    with Archive.open(home, run, read_only=True) as archive:
        folder = archive.folder
    part = target.with_name(f".{target.name}.part")
    try:
        with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as bundle:
            database = Path(scratch) / DATABASE
            _copy(folder / DATABASE, database)
            bundle.write(database, f"{run}/{DATABASE}")
            for name in ("inputs", "files"):
                for path in sorted((folder / name).rglob("*")):
                    if path.is_file() and not path.is_symlink():
                        bundle.write(path, f"{run}/{path.relative_to(folder).as_posix()}")
        part.replace(target)
    except (OSError, sqlite3.Error, ValueError) as error:
        part.unlink(missing_ok=True)
        raise ArchiveError(f"run {run!r} cannot be exported to {str(target)!r}: {error}") from error


def import_run(source: Path, home: Path) -> str:
    """Unpacks an exported run into a home folder and gives its id; verify it before you believe it.

    Raises:
        ArchiveError: the file is not an exported run, or the run exists there already.
    """
    try:
        with zipfile.ZipFile(source) as bundle:
            run = _checked(bundle, source)
            folder = folder_of(home, run)
            if folder.exists():
                raise ArchiveError(f"run {run!r} exists already in {str(home)!r}")
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".import-") as scratch:
                bundle.extractall(scratch)
                for name in ("inputs", "files"):
                    (Path(scratch) / run / name).mkdir(exist_ok=True)
                shutil.move(Path(scratch) / run, folder)
    except _UNREADABLE as error:
        raise ArchiveError(f"{str(source)!r} cannot be imported: {error}") from error
    return run


@contextmanager
def opened(home: Path, named: str) -> Generator[Archive]:
    """Gives the archive of a run for reading: one of a home by its id, or one in an exported file by its path.

    Raises:
        ArchiveError: there is neither, or the file is not an exported run.
    """
    source = Path(named)
    if not source.is_file() or (home / "runs" / source.name / DATABASE).is_file():
        with Archive.open(home, named, read_only=True) as archive:
            yield archive
        return
    with tempfile.TemporaryDirectory(prefix="dagwright-run-") as scratch:
        run = import_run(source, Path(scratch))
        with Archive.open(Path(scratch), run, read_only=True) as archive:
            yield archive


def _copy(source: Path, target: Path) -> None:
    """Copies a database that may be in use, as one consistent state in one file."""
    address = f"{source.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")


def _checked(bundle: zipfile.ZipFile, source: Path) -> str:
    names = [PurePosixPath(name) for name in bundle.namelist()]
    roots = {name.parts[0] for name in names if name.parts}
    safe = all(
        not name.is_absolute() and ".." not in name.parts and len(name.parts) > 1 and "\\" not in str(name)
        for name in names
    )
    if len(roots) != 1 or not safe or len(names) > _MAX_MEMBERS:
        raise ArchiveError(f"{str(source)!r} is not an exported run: one folder with {DATABASE}, inputs and files")
    run = roots.pop()
    if PurePosixPath(run, DATABASE) not in names:
        raise ArchiveError(f"{str(source)!r} is not an exported run: it has no {DATABASE}")
    return run
