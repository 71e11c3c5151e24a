"""What an interpreter needs of this machine: programs, libraries, nothing that anybody wrote down."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dagwright.binding import CodeLanguage

_SYSTEM = (
    *("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64"),
    *("/usr/libexec", "/usr/share", "/usr/local/bin", "/usr/local/lib", "/usr/local/lib64"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime"),
)
_OF_A_PREFIX = ("bin", "lib", "lib64", "pyvenv.cfg")

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
"""Devices that code may use."""

SHELL = "/bin/sh"


def command(language: CodeLanguage, program: str) -> list[str]:
    """Gives the command that runs a program: Python alone, with the packages beside it, or a POSIX shell."""
    return [sys.executable, "-I", "-B", program] if language == "python" else [SHELL, program]


def needed() -> tuple[str, ...]:
    """Gives the paths, files and folders, that Python and a shell need and that are there."""
    prefixes = dict.fromkeys((sys.base_prefix, sys.base_exec_prefix, sys.prefix, sys.exec_prefix))
    own = (f"{prefix.rstrip('/')}/{part}" for prefix in prefixes for part in _OF_A_PREFIX)
    known = (*_SYSTEM, *own, str(Path(os.path.realpath(sys.executable)).parent))
    return tuple(path for path in dict.fromkeys(known) if os.path.lexists(path))


def environment(home: str, scratch: str) -> dict[str, str]:
    """Gives the whole environment of code: nothing of this process's own."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": scratch,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MPLBACKEND": "Agg",
    }
