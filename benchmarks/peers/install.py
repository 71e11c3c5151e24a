"""`python -m benchmarks.peers.install [NAME …]`: other schedulers, each in an environment of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.peers.peer import PEERS
from dagwright.exceptions import DagwrightError, InputError


def main(names: Sequence[str]) -> int:
    """Installs those named, or all; gives the exit code."""
    try:
        unknown = [name for name in names if name not in PEERS]
        if unknown:
            raise InputError(f"there is no peer {unknown[0]!r}; there are: {', '.join(PEERS)}")
        for name in names or PEERS:
            PEERS[name].environment.install()
            print(f"{PEERS[name].environment.name} is installed")
    except DagwrightError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
