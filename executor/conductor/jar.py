"""The server's jar: fetched once from a Maven repository, checked, kept in the user's cache.

The jar holds code under the Orkes Community License, so it is downloaded and never passed on.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from dagwright.exceptions import ContentError, InputError, TransportError

VERSION = "3.32.3"
COORDINATES = f"org.conductoross:conductor-server:{VERSION}:jar:boot"
FILE = f"conductor-server-{VERSION}-boot.jar"
PATH = f"org/conductoross/conductor-server/{VERSION}/{FILE}"
SHA256 = "6b1615a5beb82bbbfa05219d0f1b84440aa8c0bef1371662803ef5588d7d507b"
BYTES = 457_760_812

SPARE = 1_000_000_000
"""Bytes of disk that fetching and unpacking need besides the jar itself."""

STALL_SECONDS = 60.0
"""How long a transfer may stand still."""

FETCH_SECONDS = 3_600.0
"""How long Maven may take."""

REPOSITORY = "DAGWRIGHT_MAVEN_REPOSITORY"
"""Environment variable with the base address of the Maven repository to download from."""

OnProgress = Callable[[int, int, str], None]
"""Called with how much is done, how much there is in all (bytes or seconds), and what is going on."""


def cache_folder() -> Path:
    """Gives the folder of the server's files: below DAGWRIGHT_CACHE if set, else the user's cache."""
    override = os.environ.get("DAGWRIGHT_CACHE")
    if override:
        return Path(override).absolute() / "conductor"
    import platformdirs

    return Path(platformdirs.user_cache_dir("dagwright")) / "conductor"


def fetch(on_progress: OnProgress) -> Path:
    """Gives the jar, fetched and checked where it was not there yet.

    It is taken from the local Maven repository, else from the repository that
    DAGWRIGHT_MAVEN_REPOSITORY names, else through `mvn`, else from the public one. A direct
    transfer that was interrupted is taken up where it stopped.

    Raises:
        InputError: the disk has too little room, or the folder cannot be written.
        ContentError: what was fetched has the wrong checksum; it has been removed.
        TransportError: no repository could be reached, or the transfer broke.
    """
    target = cache_folder() / FILE
    if target.is_file() and target.stat().st_size == BYTES:
        return target  # it was checked before it got this name
    part = target.with_suffix(".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _check_room(target.parent, BYTES - (part.stat().st_size if part.exists() else 0))
        _bring(part, on_progress)
        _check(part, on_progress)
        part.replace(target)
    except OSError as error:
        raise InputError(f"the Conductor server cannot be stored in {str(target.parent)!r}: {error}") from error
    return target


def _bring(part: Path, on_progress: OnProgress) -> None:
    local = Path.home() / ".m2" / "repository" / PATH
    if _complete(local):
        _link(local, part)
        return
    repository = os.environ.get(REPOSITORY)
    maven = shutil.which("mvn")
    if repository is None and maven is not None:
        _through_maven(maven, local, on_progress)
        _link(local, part)
        return
    download(f"{(repository or _public_repository()).rstrip('/')}/{PATH}", part, BYTES, on_progress)


def _complete(path: Path) -> bool:
    return path.is_file() and path.stat().st_size == BYTES


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copyfile(source, target)


def _public_repository() -> str:
    from jgo.maven import MavenContext  # pyright: ignore[reportMissingTypeStubs] - it knows the public address

    return next(iter(MavenContext().remote_repos.values()))


def _through_maven(maven: str, local: Path, on_progress: OnProgress) -> None:
    """Lets Maven fetch into its own repository; shows how its unfinished file grows."""
    command = [maven, "-q", "-B", "dependency:get", f"-Dartifact={COORDINATES}", "-Dtransitive=false"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603
    until = time.monotonic() + FETCH_SECONDS
    try:
        while process.poll() is None:
            if time.monotonic() > until:
                raise TransportError(f"mvn did not fetch {COORDINATES} within {FETCH_SECONDS:.0f} s")
            on_progress(_largest(local.parent), BYTES, "fetching the Conductor server with Maven")
            time.sleep(0.5)
    finally:
        process.kill()
        output = process.communicate()[0].decode(errors="replace")
    if process.returncode or not _complete(local):
        raise TransportError(f"mvn could not fetch {COORDINATES}: {output.strip()[-500:] or 'no reason given'}")


def _largest(folder: Path) -> int:
    sizes: list[int] = []
    for path in folder.glob(f"{FILE}*"):
        try:
            sizes.append(path.stat().st_size)
        except OSError:  # renamed meanwhile
            continue
    return max(sizes, default=0)


def download(address: str, part: Path, size: int, on_progress: OnProgress) -> None:
    """Downloads a file of a known size, going on where `part` ends.

    Raises:
        TransportError: the server refuses, stalls, breaks off or sends more than `size` bytes.
    """
    import httpx

    done = part.stat().st_size if part.exists() else 0
    if done == size:
        return
    headers = {"Range": f"bytes={done}-"} if 0 < done < size else {}
    try:
        with httpx.stream("GET", address, headers=headers, timeout=STALL_SECONDS, follow_redirects=True) as response:
            response.raise_for_status()
            done = done if response.status_code == 206 else 0
            with part.open("ab" if done else "wb") as file:
                for chunk in response.iter_bytes(1 << 20):
                    file.write(chunk)
                    done += len(chunk)
                    on_progress(done, size, "downloading the Conductor server")
                    if done > size:
                        break
    except httpx.HTTPError as error:
        raise TransportError(
            f"the Conductor server cannot be downloaded: {error}; what has arrived is kept. Install Maven (mvn), or "
            f"set {REPOSITORY} to the base address of a Maven repository that can be reached"
        ) from error
    if done != size:
        raise TransportError(f"the Conductor server's download broke off at {done:,} of {size:,} bytes; try again")


def _check(part: Path, on_progress: OnProgress) -> None:
    digest, done = hashlib.sha256(), 0
    with part.open("rb") as file:
        while chunk := file.read(8 << 20):
            digest.update(chunk)
            done += len(chunk)
            on_progress(done, BYTES, "checking")
    if digest.hexdigest() != SHA256:
        part.unlink()
        raise ContentError(f"the Conductor server that was fetched does not have the checksum {SHA256}; it was removed")


def _check_room(where: Path, missing: int) -> None:
    free = shutil.disk_usage(where).free
    if free < missing + SPARE:
        raise InputError(
            f"the Conductor server needs {(missing + SPARE) / 1e9:.1f} GB in {str(where)!r}, but only "
            f"{free / 1e9:.1f} GB are free; make room, or set DAGWRIGHT_CACHE to a folder on another disk"
        )
