"""An environment of its own for a package that ours must not depend on: pinned by a lock file with checksums."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.packages import folder
from dagwright.exceptions import TransportError

SECONDS = 1_200
"""Seconds that each command of an installation may take."""


@dataclass(frozen=True, kw_only=True)
class OwnEnvironment:
    """A virtual environment in the folder of fetched suites."""

    name: str
    """Package and version; the environment's folder is called so."""
    lock: Path
    """Its requirements, all pinned by version and checksum."""

    @property
    def interpreter(self) -> Path:
        """Its interpreter, there or not."""
        inside = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
        return folder() / self.name / Path(*inside)

    def install(self) -> Path:
        """Makes it anew; gives its interpreter.

        Raises:
            TransportError: the package index did not give what the lock file names.
        """
        target = folder() / self.name
        target.parent.mkdir(parents=True, exist_ok=True)
        pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        self._do(sys.executable, "-m", "venv", "--clear", str(target))
        self._do(str(self.interpreter), *pip, "-r", str(self.lock))
        return self.interpreter

    def _do(self, *command: str) -> None:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603 - fixed words
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TransportError(f"{self.name} could not be installed: {error}") from error
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["pip gave no reason"]
            raise TransportError(f"{self.name} could not be installed: {last[0]}")
