"""What `bench crash` kills with -9 and starts again: the driver, the Conductor server, the worker of a tool."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import IO, TYPE_CHECKING, Any, Protocol

from dagwright.exceptions import TimedOut

if TYPE_CHECKING:
    from executor.conductor.server import ServerStatus

ROOT = Path(__file__).parents[1]

SECONDS = 1_800.0
"""The longest that a driver's life may take, on a machine that is shared with many; one that takes longer hangs."""


STARTS = 3
"""How often a Conductor server is waited for, each time as long as one may take: a busy machine loses no run."""


class Server(Protocol):
    """What is killed beside a driver that lives."""

    def kill(self) -> None:
        """Kills it with -9 and starts it again; gives back once it is there."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


class Driver:
    """One life of the process that runs a plan; a fresh one starts an interpreter, others are forked from one."""

    def __init__(self, arguments: Sequence[str], errors: Path, *, fresh: bool) -> None:
        self._until = time.monotonic() + SECONDS
        self.is_fresh = fresh
        self.said: list[dict[str, Any]] = []
        """What it has said so far."""
        self._process = (_started if fresh else _forked)(arguments, errors)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, what: str, count: int = 1) -> bool:
        """Waits until it has said something so often; False where it ended before.

        Raises:
            TimedOut: it hangs; it is killed.
        """
        while sum(what in line for line in self.said) < count:
            if not self.is_alive():
                return False
            if time.monotonic() > self._until:
                self.kill()
                raise TimedOut(f"a driver said nothing of {what!r} within {SECONDS:.0f} s")
            time.sleep(0.002)
        return True

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.code() is None

    def kill(self) -> bool:
        """Kills it with -9; False where it had ended by itself."""
        self._process.kill()
        self._reader.join(SECONDS)
        return self._process.wait(SECONDS) == -signal.SIGKILL

    def outcome(self) -> dict[str, Any] | None:
        """Waits for its end; gives the outcome, or None where an error ended it.

        Raises:
            TimedOut: it hangs; it is killed.
        """
        if self._process.wait(max(0.0, self._until - time.monotonic())) is None:
            self.kill()
            raise TimedOut(f"a driver did not end within {SECONDS:.0f} s")
        self._reader.join(SECONDS)
        return next((line["outcome"] for line in self.said if "outcome" in line), None)

    def begins_after(self, moment: float) -> float | None:
        """Gives when the first step began after a moment."""
        return next((line["running"] for line in self.said if line.get("running", 0.0) > moment), None)

    def _read(self) -> None:
        with self._process.output as output:
            for line in output:
                if line.endswith("\n"):  # what was cut off was not said
                    self.said.append(json.loads(line))


@dataclass(frozen=True)
class _Process:
    output: IO[str]
    code: Callable[[], int | None]
    kill: Callable[[], None]
    wait: Callable[[float], int | None]


def _started(arguments: Sequence[str], errors: Path) -> _Process:
    command = [sys.executable, "-m", "benchmarks.crash_driver", *arguments]
    with errors.open("ab") as file:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True, cwd=ROOT)  # noqa: S603 - ours

    def wait(seconds: float) -> int | None:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    assert process.stdout is not None
    return _Process(process.stdout, process.poll, process.kill, wait)


def _forked(arguments: Sequence[str], errors: Path) -> _Process:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "benchmarks.crash_driver"])
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=_live, args=(list(arguments), writer, str(errors)), daemon=True)
    process.start()
    writer.close()

    def wait(seconds: float) -> int | None:
        process.join(seconds)
        return process.exitcode

    output = os.fdopen(os.dup(reader.fileno()), encoding="utf-8")
    reader.close()
    return _Process(output, lambda: process.exitcode, process.kill, wait)


def _live(arguments: list[str], writer: Connection, errors: str) -> None:
    from benchmarks.crash_driver import main

    file = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 2)
    os.dup2(writer.fileno(), 1)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    main(arguments)


class Conductor:
    """A Conductor server of its own, for as long as it is open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        found = _up(free_port(), folder)
        assert found.url is not None
        assert found.port is not None
        self.url, self._port = found.url, found.port

    def kill(self) -> None:
        """Kills it with -9 and starts it again on the same port and database."""
        from executor.conductor import server

        pid = server.status(self._folder).pid
        if pid is not None:
            _kill(pid, self._port)
        _up(self._port, self._folder)

    def close(self) -> None:
        """Ends it."""
        from executor.conductor import server

        server.down(self._folder)


class Worker:
    """The worker of a tool, in a process of its own."""

    def __init__(self, observer: int, trial: str, folder: Path, pause: float) -> None:
        self.port = free_port()
        self._command = [sys.executable, "-m", "benchmarks.crash_worker", str(self.port), str(observer), trial]
        self._command += [str(folder / "keys.db"), str(pause)]
        self._process = self._begin()

    def kill(self) -> None:
        """Kills it with -9 and starts it again on the same port, with the keys that it remembers."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(SECONDS)
        self._process = self._begin()

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait(SECONDS)

    def _begin(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL, cwd=ROOT)  # noqa: S603 - ours
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and process.poll() is None:
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", self.port)):
                    return process
            time.sleep(0.01)
        process.kill()
        raise TimedOut("the worker did not begin to listen")


def _up(port: int, folder: Path) -> ServerStatus:
    """Starts a Conductor server, or goes on waiting for one that is slow to start."""
    from executor.conductor import server

    for _ in range(STARTS - 1):
        with suppress(TimedOut):
            return server.up(_unseen, port=port, home=folder)
    return server.up(_unseen, port=port, home=folder)


def free_port() -> int:
    """Gives a port of the loopback interface that is free now and that no outgoing connection is given."""
    found = (port for port in Random().sample(range(20_000, 32_000), 1_000) if _is_free(port))
    return next(found)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _kill(pid: int, port: int) -> None:
    """Kills a server and waits until its last thread has let go of its port."""
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + SECONDS
    while not _is_free(port):
        if time.monotonic() > until:
            raise TimedOut(f"port {port} was not free {SECONDS:.0f} s after its server was killed")
        time.sleep(0.01)


def _unseen(_done: int, _total: int, _what: str) -> None:
    return
