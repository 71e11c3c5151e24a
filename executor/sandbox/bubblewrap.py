"""The command line of bubblewrap: an empty root into which only what is needed is bound, read-only."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from executor.sandbox.interpreter import needed
from executor.sandbox.job import INPUTS, Folder

HOME, SCRATCH = "/sandbox/work", "/tmp"  # noqa: S108 - inside the sandbox
PROGRAM = "/sandbox/program/main"
SCRATCH_BYTES = 2**26
"""Size of `/tmp` and of `/dev/shm`, each."""
_CHANGING = ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
_CHANGE = (
    "import os, sys; user = int(sys.argv[1]); os.setgroups([]); os.setresgid(user, user, user); "
    "os.setresuid(user, user, user); os.execv(sys.argv[2], sys.argv[2:])"
)
"""Becomes an ordinary user, which takes all capabilities away."""


def found() -> str | None:
    """Gives where bubblewrap is installed; None: nowhere. Whether it works is another question."""
    return shutil.which("bwrap") if sys.platform == "linux" else None


def wrapped(command: list[str], folder: Folder, *, user: int | None, status: int, seccomp: int | None) -> list[str]:
    """Gives the command that runs another one inside.

    Args:
        command: What is run; paths as they are inside.
        folder: The job's; its parts are bound.
        user: Whom root lets run it, without a user namespace; None: whoever this is, in one.
        status: Descriptor to which bubblewrap writes how the command ended, as lines of JSON.
        seccomp: Descriptor from which it reads the filter; None: no filter.
    """
    bwrap = found()
    if bwrap is None:
        raise FileNotFoundError("bwrap")
    return [
        bwrap,
        *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
        *("--hostname", "sandbox", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *(("--unshare-user", "--uid", "1000", "--gid", "1000") if user is None else _CHANGING),
        *("--json-status-fd", str(status)),
        *(() if seccomp is None else ("--seccomp", str(seccomp))),
        *("--perms", "1777", "--size", str(SCRATCH_BYTES), "--tmpfs", SCRATCH),
        *_system(),  # an interpreter may lie below /tmp
        *("--proc", "/proc", "--dev", "/dev"),
        *("--perms", "1777", "--size", str(SCRATCH_BYTES), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"),  # noqa: S108 - inside
        *("--ro-bind", str(folder.program), PROGRAM),
        *("--bind", str(folder.work), HOME),
        *("--ro-bind", str(folder.work / INPUTS), f"{HOME}/{INPUTS}"),
        *("--remount-ro", "/", "--chdir", HOME),
        "--",
        *(() if user is None else (sys.executable, "-I", "-S", "-c", _CHANGE, str(user))),
        *command,
    ]


def _system() -> Iterator[str]:
    """Binds what interpreters need where it is outside; links stay links."""
    paths = needed()
    above = {str(folder) for path in (*paths, HOME, PROGRAM) for folder in Path(path).parents}
    for folder in sorted(above - {"/", SCRATCH, *paths}):
        yield from ("--perms", "0755", "--dir", folder)
    for path in paths:
        if os.path.islink(path):
            yield from ("--symlink", str(Path(path).readlink()), path)
        else:
            yield from ("--ro-bind", path, path)
