"""Orders to the launcher: what is run in a sandbox of each strength, with which limits and what it is left."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dagwright.policy import Isolation
from executor.sandbox import bubblewrap
from executor.sandbox.account import give, own_user
from executor.sandbox.interpreter import DEVICES, command, environment, needed
from executor.sandbox.job import Folder, Job
from executor.sandbox.launch import Order
from executor.sandbox.seccomp import program
from executor.sandbox.syscalls import machine

SLACK = 16
"""Processes that the kernel lets be beyond the limit, so that it is `Watch` who finds it reached, and says so."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An order, and what goes with it."""

    order: Order
    """What the launcher is told."""
    environment: dict[str, str]
    """The code's environment."""
    descriptors: tuple[int, ...]
    """Descriptors that the launcher gets."""


def order_for(job: Job, folder: Folder, isolation: Isolation, *, status: int, filter_: IO[bytes]) -> Prepared:
    """Prepares a job for a sandbox.

    Args:
        job: What is run.
        folder: Its folder.
        isolation: The strength.
        status: Descriptor on which the sandbox tells how it went.
        filter_: An empty file; the filter for bubblewrap is written to it.
    """
    if isolation == "bubblewrap":
        return _bubblewrap(job, folder, status, filter_)
    confined, user = isolation == "landlock", own_user()
    if user is not None:
        give(folder.root, user)
    order = Order(
        argv=command(job.language, str(folder.program)),
        limits=kernel_limits(job, user),
        status=status,
        told=False,
        parent=os.getpid(),
        warden=sys.platform == "linux",
        user=user,
        readable=[*needed(), str(folder.program.parent)] if confined else None,
        writable=[str(folder.work), str(folder.scratch), *DEVICES] if confined else [],
    )
    told = environment(str(folder.work), str(folder.scratch))
    return Prepared(order=order, environment=told, descriptors=(status,))


def _bubblewrap(job: Job, folder: Folder, status: int, filter_: IO[bytes]) -> Prepared:
    inside, user = command(job.language, bubblewrap.PROGRAM), own_user()
    if user is not None:
        give(folder.root, user)
    here, seccomp = machine(), None
    if here is not None:
        filter_.write(program(here, metadata=True))
        filter_.seek(0)
        seccomp = filter_.fileno()
    order = Order(
        argv=bubblewrap.wrapped(inside, folder, user=user, status=status, seccomp=seccomp),
        limits=kernel_limits(job, user),
        status=status,
        told=True,
        parent=os.getpid(),
        warden=False,
        user=None,
        readable=None,
        writable=[],
    )
    told = environment(bubblewrap.HOME, bubblewrap.SCRATCH)
    return Prepared(order=order, environment=told, descriptors=(status,) if seccomp is None else (status, seccomp))


def used_here() -> int:
    """Gives the processes and threads of this user, which the kernel's limit counts, too."""
    count, user = 0, os.getuid()
    with os.scandir("/proc") as entries:
        for entry in entries:
            with contextlib.suppress(OSError, ValueError, IndexError):
                if entry.name.isdigit() and entry.stat().st_uid == user:
                    count += int(Path(entry.path, "stat").read_bytes().rpartition(b")")[2].split()[17])
    return count


def kernel_limits(job: Job, user: int | None) -> list[tuple[int, int, int]]:
    """Gives the limits of each process, `RLIMIT_*`, soft, hard; that on processes is for all of `user`'s."""
    limits, memory = job.limits, 2 * job.limits.memory
    found = [
        (resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1),
        (resource.RLIMIT_AS, memory + 2**30, memory + 2**30),
        (resource.RLIMIT_DATA, memory, memory),
        (resource.RLIMIT_FSIZE, limits.file, limits.file),
        (resource.RLIMIT_NOFILE, 256, 256),
        (resource.RLIMIT_CORE, 0, 0),
    ]
    if sys.platform == "linux":
        most = limits.processes + SLACK + (used_here() if user is None else 0)
        found.append((resource.RLIMIT_NPROC, most, most))
    return found
