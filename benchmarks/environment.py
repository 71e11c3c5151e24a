"""The machine that figures were measured on: what matters for them, and nothing that names it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dagwright.model import Frozen

PACKAGES = ("dagwright", "xllamacpp", "pandas", "pydantic", "onnxruntime", "qdrant-edge-py", "conductor-python")
"""Packages whose versions figures depend on."""


class Environment(Frozen):
    """Where figures come from."""

    cores: int
    """CPU cores that this process may use."""
    cpu: str
    """Model of the CPU."""
    memory_gib: float | None
    """Main memory in GiB; None where the system does not say."""
    system: str
    """Operating system and architecture."""
    python: str
    """Version of Python."""
    packages: dict[str, str]
    """Versions of the packages that matter."""


def measured_here() -> Environment:
    """Gives the environment of this process."""
    return Environment(
        cores=_cores(),
        cpu=_cpu(),
        memory_gib=_memory(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        packages={name: found for name in PACKAGES if (found := _version(name))},
    )


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _memory() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, OSError, ValueError):
        return None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
