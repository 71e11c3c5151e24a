"""`Outbox`: under which correlation id a run's workflows were started on Conductor.

Conductor starts a second execution under the same correlation id as readily as the first, so what
is to be started is written down before, and looked up on the server before it is started again.
"""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

from dagwright.exceptions import ArchiveError, DiskError

FILE = "conductor.json"


class Outbox:
    """The correlation id by program, in a file in the run's folder. The archive's lock guards it."""

    def __init__(self, folder: Path, run: str) -> None:
        self._path = folder / FILE
        self._run = run

    def correlation(self, program: str, *, renew: bool = False) -> str:
        """Gives the correlation id for a program: the one written down, or a new one.

        Raises:
            DiskError: it cannot be written.
            ArchiveError: the file is damaged.
        """
        known = self._read()
        if renew or program not in known:
            known[program] = f"{self._run}.{uuid.uuid4().hex[:12]}"
            self._write(known)
        return known[program]

    def _read(self) -> dict[str, str]:
        try:
            return dict(json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError) as error:
            raise ArchiveError(f"the outbox {str(self._path)!r} is damaged: {error}") from error

    def _write(self, known: dict[str, str]) -> None:
        part = self._path.with_suffix(".part")
        try:
            with part.open("w", encoding="utf-8") as file:
                json.dump(known, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError as error:
            raise DiskError("the outbox of the run", self._path, error) from error
