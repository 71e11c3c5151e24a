"""`Watch`: what code uses in all its processes together. The kernel limits each process, this limits their sum.

It looks every `LOOK_SECONDS`; what happens between two looks is bounded by the limits of each process only.
"""

from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from dagwright.binding import CodeLimits
from executor.sandbox.job import Bound
from executor.sandbox.launch import descendants

LOOK_SECONDS = 0.02
DISK_SECONDS = 0.2
"""How often files are added up: it takes longer."""

_USED = re.compile(rb"^(Threads|RssAnon|RssShmem):\s*(\d+)", re.MULTILINE)
"""The fields of a process's status that are added up."""

Reached = tuple[Bound, str]
"""The limit, and what was measured."""


@dataclass
class Usage:
    """What was found at one look."""

    tasks: int = 0
    """Processes and threads."""
    memory: int = 0
    """Bytes of private and shared memory that are resident; what forks share is counted for each."""


class Watch:
    """Watches the processes below one, and the files in a folder."""

    def __init__(self, limits: CodeLimits, root: int, folder: Path, *, own: int) -> None:
        """Takes the process whose descendants are watched, of which `own` are the sandbox's own."""
        self._limits, self._root, self._folder, self._own = limits, root, folder, own
        self._given = _disk(folder)
        self._disk_at = time.monotonic() + DISK_SECONDS

    def look(self) -> Reached | None:
        """Gives the limit that is reached now."""
        usage, limits = _usage(self._root), self._limits
        tasks = usage.tasks - self._own
        if tasks > limits.processes:
            return "process_limit", f"{tasks} processes and threads, at most {limits.processes}"
        if usage.memory > limits.memory:
            return "memory_limit", f"{_mib(usage.memory)} of memory, at most {_mib(limits.memory)}"
        return self._look_at_disk() if time.monotonic() >= self._disk_at else None

    def disk(self) -> Reached | None:
        """Gives the limit on files that is reached now."""
        size, count = (now - given for now, given in zip(_disk(self._folder), self._given, strict=True))
        if size > self._limits.disk:
            return "disk_limit", f"{_mib(size)} in files, at most {_mib(self._limits.disk)}"
        if count > self._limits.files:
            return "disk_limit", f"{count} files and folders, at most {self._limits.files}"
        return None

    def _look_at_disk(self) -> Reached | None:
        begun = time.monotonic()
        found = self.disk()
        now = time.monotonic()
        self._disk_at = now + max(DISK_SECONDS, 10 * (now - begun))
        return found


def _usage(root: int) -> Usage:
    found = Usage()
    if sys.platform != "linux":  # only the limits of each process hold there
        return found
    for process in descendants(root):
        fields = _status(process)
        found.tasks += fields.get(b"Threads", 0)
        found.memory += 1024 * (fields.get(b"RssAnon", 0) + fields.get(b"RssShmem", 0))
    return found


def _status(process: int) -> dict[bytes, int]:
    """Gives the fields of a process that are added up; none where it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_bytes()
    except OSError:
        return {}
    return {name: int(value) for name, value in _USED.findall(status)}


def _disk(folder: Path) -> tuple[int, int]:
    """Gives the bytes that files in a folder take, and the number of entries."""
    size = count = 0
    for where, folders, files in os.walk(folder):
        count += len(folders) + len(files)
        for name in files:
            try:
                found = os.lstat(f"{where}/{name}")
            except OSError:
                continue
            size += max(found.st_blocks * 512, 0)
    return size, count


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
