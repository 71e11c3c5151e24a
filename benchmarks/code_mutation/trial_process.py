"""Runs tests again and again, each time in a fork of a process that has loaded all but the validator.

Reads a JSON line `{"tests": […], "seconds": limit}`, answers with one: `{"status": …, "seconds": …}`, where
`status` is pytest's exit code, or null where the limit ran out.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path

LOADED = ("pytest", "jsonschema_rs", "networkx")
"""Without the plugins of pytest, which must not be loaded before it."""
QUIET = ("-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--no-header")


def load() -> None:
    """Loads what no fault is put into."""
    for name in LOADED:
        importlib.import_module(name)
    for path in sorted(Path("dagwright").glob("*.py")):
        importlib.import_module(f"dagwright.{path.stem}")
    early = [name for name in sys.modules if name.partition(".")[0] == "validation"]
    if early:
        raise SystemExit(f"{early[0]} was loaded before any fault could be put into it")


def run(tests: list[str]) -> int:
    """Runs tests in this process, silently."""
    import pytest

    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    return int(pytest.main([*QUIET, *tests]))


def ended(child: int, seconds: float) -> int | None:
    """Waits for a process; gives its exit code, None where it had to be killed."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def main() -> None:
    """Answers until its input ends."""
    load()
    for line in sys.stdin:
        asked = json.loads(line)
        begun = time.monotonic()
        child = os.fork()
        if child == 0:
            code = 3
            try:
                code = run(asked["tests"])
            finally:
                os._exit(code)
        status = ended(child, asked["seconds"])
        print(json.dumps({"status": status, "seconds": round(time.monotonic() - begun, 2)}), flush=True)


if __name__ == "__main__":
    main()
