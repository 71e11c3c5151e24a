"""`python -m benchmarks.agentdojo.install`: AgentDojo in an environment of its own, pinned by checksums."""

from __future__ import annotations

import sys

from benchmarks.agentdojo.environment import NAME, install
from dagwright.exceptions import DagwrightError


def main() -> int:
    """Installs it; gives the exit code."""
    try:
        install()
    except DagwrightError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{NAME} is installed; measure with: dagwright bench run agentdojo")
    return 0


if __name__ == "__main__":
    sys.exit(main())
