"""What the sandbox's tests run with: each strength, skipped with a reason where it does not work here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dagwright.binding import CodeLanguage, CodeLimits
from dagwright.policy import Isolation
from executor.sandbox.job import Job, Outcome, folder_of
from executor.sandbox.strength import STRENGTHS, problem
from executor.sandbox.supervise import run_code

SECRET = "planted-secret-4711"

Run = Callable[..., Outcome]


@pytest.fixture(params=STRENGTHS)
def isolation(request: pytest.FixtureRequest) -> Isolation:
    reason = problem(request.param)
    if reason is not None:
        pytest.skip(f"the sandbox {request.param!r} does not work here: {reason}")
    return request.param


@pytest.fixture
def run(isolation: Isolation) -> Run:
    def run_it(
        code: str, *, language: CodeLanguage = "python", limits: CodeLimits | None = None, **more: Any
    ) -> Outcome:
        given = {"seconds": 60.0, "limits": limits or CodeLimits()} | more
        job = Job(language=language, code=code, **given)
        with folder_of(job) as folder:
            return run_code(job, folder, isolation)

    return run_it


@dataclass
class Outside:
    """What lies outside a sandbox and must not be reached: files, sockets, a process."""

    folder: Path
    tcp: socket.socket
    udp: socket.socket
    path: socket.socket
    abstract: socket.socket
    victim: subprocess.Popen[bytes]
    names: dict[str, object] = field(default_factory=dict[str, object])

    @property
    def secret(self) -> Path:
        return self.folder / "secret.txt"

    def state(self) -> dict[str, tuple[int, int, bytes]]:
        """Gives mode, links and content of all files outside."""
        return {
            path.name: (path.stat().st_mode, path.stat().st_nlink, path.read_bytes())
            for path in sorted(self.folder.iterdir())
            if path.is_file()
        }

    def heard(self) -> bool:
        """Whether anybody has spoken to one of the sockets."""
        return any(_heard(one) for one in (self.tcp, self.udp, self.path, self.abstract))


def _heard(listener: socket.socket) -> bool:
    try:
        if listener.type == socket.SOCK_DGRAM:
            listener.recv(100)
        else:
            listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    """Gives an outside in which file modes and ownership forbid nothing: only the sandbox is in the way."""
    folder = tmp_path / "outside"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "secret.txt").write_text(SECRET)
    (folder / "secret.txt").chmod(0o666)
    monkeypatch.setenv("PLANTED_SECRET", SECRET)
    sockets = [
        _listening(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        _listening(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        _listening(socket.AF_UNIX, socket.SOCK_DGRAM, str(folder / "socket")),
        _listening(socket.AF_UNIX, socket.SOCK_DGRAM, f"\0dagwright-test-{os.getpid()}"),
    ]
    (folder / "socket").chmod(0o777)
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", "victim-of-the-test"])
    found = Outside(folder, *sockets, victim)
    found.names = {
        "folder": str(folder),
        "tcp": sockets[0].getsockname()[1],
        "udp": sockets[1].getsockname()[1],
        "path": str(folder / "socket"),
        "abstract": f"\0dagwright-test-{os.getpid()}",
        "victim": victim.pid,
        "parent": os.getpid(),
    }
    yield found
    victim.kill()
    victim.wait()
    for one in sockets:
        one.close()


def _listening(family: int, kind: int, address: Any) -> socket.socket:
    found = socket.socket(family, kind)
    found.setblocking(False)
    found.bind(address)
    if kind == socket.SOCK_STREAM:
        found.listen()
    return found


def processes(mark: str) -> list[int]:
    """Gives the processes with a mark in their command line."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.fixture
def gone() -> Callable[..., bool]:
    """Whether all processes with a mark end within some seconds."""

    def wait(mark: str, *, seconds: float = 10.0) -> bool:
        until = time.monotonic() + seconds
        while processes(mark):
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    return wait
