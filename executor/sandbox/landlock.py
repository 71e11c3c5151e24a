"""Landlock by system calls: which files this process, and all that it starts, may still reach.

(Linux: `Documentation/userspace-api/landlock.rst`.) Version 6 is demanded, Linux 6.12: earlier ones leave open
cutting files short (before 3), TCP (before 4), and signals and abstract sockets to other processes (before 6).
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Sequence
from typing import Final

LEAST_VERSION: Final = 6

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_ALL_FILES = (1 << 16) - 1
_MAKE_NODES = (1 << 6) | (1 << 9) | (1 << 11)
"""Character devices, sockets, block devices."""
_OF_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_ALL_NETWORK = 3
_ALL_SCOPES = 3

READ: Final = _EXECUTE | _READ_FILE | _READ_DIR
"""Reading, listing, running."""
WRITE: Final = _ALL_FILES & ~_MAKE_NODES & ~_IOCTL_DEV
"""Everything but devices and sockets."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """Gives the version of Landlock that the kernel offers; 0 where there is none."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))))


def confine(readable: Sequence[str], writable: Sequence[str]) -> None:
    """Leaves this process only these paths and what lies below them; no TCP, and no signal to others.

    It must have no new privileges. A path that is not there is passed over.

    Raises:
        OSError: the kernel refuses.
    """
    rules = _Ruleset(_ALL_FILES, _ALL_NETWORK, _ALL_SCOPES)
    ruleset = _call(_CREATE, ctypes.byref(rules), ctypes.c_size_t(ctypes.sizeof(rules)), ctypes.c_uint32(0))
    for paths, rights in ((readable, READ), (writable, WRITE)):
        for path in paths:
            _allow(ruleset, path, rights)
    _call(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    folder = stat.S_ISDIR(os.fstat(parent).st_mode)
    rule = _Beneath(rights if folder else rights & _OF_A_FILE, parent)
    _call(_ADD, ctypes.c_int(ruleset), ctypes.c_int(1), ctypes.byref(rule), ctypes.c_uint32(0))
    os.close(parent)


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    found = int(libc.syscall(ctypes.c_long(number), *arguments))
    if found < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock is not to be had: {os.strerror(code)}")
    return found
