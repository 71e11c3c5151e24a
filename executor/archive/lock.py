"""`FileLock`: one process at a time, freed by the operating system when its holder dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dagwright.exceptions import ArchiveError, DiskError


class FileLock:
    """An exclusive lock on a file that holds its owner's process id."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, path: Path, *, what: str) -> FileLock:
        """Takes the lock at once or not at all.

        Raises:
            DiskError: the disk is full or broken.
            ArchiveError: another process holds it (says which), or the file may not be made.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise _unlocked(what, path, error) from error
        try:
            _lock(descriptor)
        except OSError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise ArchiveError(f"{what} is held by process {holder}; wait until it ends, or stop it") from None
        try:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        except OSError as error:
            os.close(descriptor)
            raise _unlocked(what, path, error) from error
        return cls(descriptor)

    def release(self) -> None:
        """Lets go of the lock; doing so twice is harmless."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _unlocked(what: str, path: Path, error: OSError) -> ArchiveError:
    if DiskError.is_why(error):
        return DiskError(what, path, error)
    return ArchiveError(f"{what} cannot be locked: {error}")


if sys.platform == "win32":

    def _lock(descriptor: int) -> None:
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:

    def _lock(descriptor: int) -> None:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
