"""Whose rights code has. Where this process is root's, code gets a user of its own that owns nothing.

The kernel limits the number of processes per user, but not for root; and root may write everywhere.
"""

from __future__ import annotations

import ctypes
import itertools
import os
from pathlib import Path
from typing import Final

_FIRST, _COUNT = 2_000_000_000, 100_000_000
"""User ids that no system hands out."""
_EVERYBODY = 4_294_967_295
_KEEP_CAPABILITIES, _CAPABILITY_DROP, _AMBIENT, _AMBIENT_RAISE = 8, 24, 47, 2
_VERSION: Final = 0x20080522
_READ_AND_SEARCH: Final = 2
"""CAP_DAC_READ_SEARCH: files and folders may be read whatever their mode says."""

_counter = itertools.count()


def own_user() -> int | None:
    """Gives a user id for one run of code; None where this process is not root, or root in a user namespace only."""
    if os.geteuid() != 0 or not _is_real_root():
        return None
    return _FIRST + (os.getpid() * 1_000 + next(_counter) % 1_000) % _COUNT


def _is_real_root() -> bool:
    try:
        return Path("/proc/self/uid_map").read_text(encoding="ascii").split() == ["0", "0", str(_EVERYBODY)]
    except OSError:
        return False


def give(folder: Path, user: int) -> None:
    """Makes a folder and all in it a user's."""
    for where, _, files in os.walk(folder):
        for path in (where, *(f"{where}/{name}" for name in files)):
            os.chown(path, user, user, follow_symlinks=False)


def become(user: int | None) -> None:
    """Becomes a user, and gives up root's privileges for good, programs that are run later included.

    What is kept, where it was there, is that files may be read whatever their mode says: the interpreter may lie
    where only root looks, and which files code may read is not for modes to say but for the sandbox.

    Raises:
        OSError: the privileges are not to be given up.
    """
    if os.geteuid():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    kept = 1 << _READ_AND_SEARCH if _permitted(libc) & 1 << _READ_AND_SEARCH and user is not None else 0
    for capability in range(64):
        if not kept >> capability & 1 and libc.prctl(_CAPABILITY_DROP, capability, 0, 0, 0):
            break
    if user is not None:
        libc.prctl(_KEEP_CAPABILITIES, 1, 0, 0, 0)
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    _keep(libc, kept)
    if kept and libc.prctl(_AMBIENT, _AMBIENT_RAISE, _READ_AND_SEARCH, 0, 0):
        raise OSError(ctypes.get_errno(), "a privilege cannot be kept")


def _header() -> ctypes.Array[ctypes.c_uint32]:
    return (ctypes.c_uint32 * 2)(_VERSION, 0)


def _permitted(libc: ctypes.CDLL) -> int:
    data = (ctypes.c_uint32 * 6)()
    if libc.capget(_header(), data):
        raise OSError(ctypes.get_errno(), "root's privileges cannot be read")
    return int(data[1])


def _keep(libc: ctypes.CDLL, kept: int) -> None:
    if libc.capset(_header(), (ctypes.c_uint32 * 6)(kept, kept, kept, 0, 0, 0)):
        raise OSError(ctypes.get_errno(), "root's privileges cannot be given up")
