"""Which sandboxes work on this machine, found out by running something in each, and which one policy lets code have."""

from __future__ import annotations

import logging
import sys
from functools import cache
from typing import Final, get_args

from dagwright.exceptions import DagwrightError, GuardViolation
from dagwright.policy import Isolation, Policy
from executor.sandbox import bubblewrap, landlock
from executor.sandbox.job import Job, folder_of

STRENGTHS: Final[tuple[Isolation, ...]] = get_args(Isolation)
"""Weakest first."""

LEAST: Final[Isolation] = "landlock"
"""What code must have where policy says nothing."""

_WORDS = "in a sandbox"
_SECONDS = 20.0
_WARNING = (
    "code runs in the sandbox 'limits', which bounds time, memory, processes and files, but does not protect "
    "against hostile code: it reads and writes what you may, and reaches the network"
)
_REMEDY: dict[Isolation, str] = {
    "bubblewrap": "install bubblewrap 0.7 or later (`apt-get install bubblewrap`, `dnf install bubblewrap`) and "
    "allow user namespaces",
    "landlock": "use Linux 6.12 or later with Landlock, or install bubblewrap (`apt-get install bubblewrap`, "
    "`dnf install bubblewrap`), or let the policy say `sandbox: limits` for code that you trust",
    "limits": "use Linux or macOS",
}


@cache
def problem(isolation: Isolation) -> str | None:
    """Gives why a sandbox does not work here; None where it does. It is tried once per process."""
    if sys.platform not in ("linux", "darwin"):
        return f"there is none for {sys.platform}"
    if isolation == "bubblewrap" and bubblewrap.found() is None:
        return "bubblewrap (`bwrap`) is not installed"
    if isolation == "landlock" and (sys.platform != "linux" or landlock.version() < landlock.LEAST_VERSION):
        return f"this kernel has Landlock version {landlock.version() if sys.platform == 'linux' else 0}, not 6"
    return _tried(isolation)


def _tried(isolation: Isolation) -> str | None:
    from executor.sandbox.supervise import run_code

    job = Job(language="shell", code=f"printf '{_WORDS}'", seconds=_SECONDS)
    try:
        with folder_of(job) as folder:
            outcome = run_code(job, folder, isolation)
    except (DagwrightError, OSError) as error:
        return str(error)
    if outcome.stdout.decode(errors="replace") == _WORDS:
        return None
    said = outcome.stderr.decode(errors="replace").strip() or outcome.detail
    return f"a trial ended with exit code {outcome.exit_code}: {said[:300]}"


def admitted(policy: Policy) -> Isolation:
    """Gives the strongest sandbox that works here.

    Raises:
        GuardViolation: `sandbox_too_weak`: it is weaker than policy demands; says what to install.
    """
    least: Isolation = policy.sandbox or LEAST
    enough: tuple[Isolation, ...] = STRENGTHS[STRENGTHS.index(least) :]
    strongest: Isolation | None = next((one for one in reversed(enough) if problem(one) is None), None)
    if strongest is None:
        reasons = "; ".join(f"{isolation!r}: {problem(isolation)}" for isolation in enough)
        raise GuardViolation(
            f"policy {policy.name!r} demands at least the sandbox {least!r} for code, and none works here "
            f"({reasons}); to go on, {_REMEDY[least]}",
            code="sandbox_too_weak",
        )
    if strongest == "limits":
        _warn()
    return strongest


@cache
def _warn() -> None:
    """Says once per process what `limits` does not protect against."""
    logging.getLogger("dagwright.sandbox").warning(_WARNING)
