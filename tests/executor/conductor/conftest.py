"""What outages are made with: a network that can be cut, servers that can be killed, a throw-away PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from executor.archive.archive import Archive
from executor.conductor.engine import ConductorEngine
from executor.engine.engine import EngineResult

Network = Literal["whole", "cut", "stalled", "deaf"]


class Proxy:
    """A TCP connection that can be disturbed.

    `cut`: connections break, new ones are refused; `stalled`: nothing passes, nothing breaks; `deaf`:
    requests arrive, answers are lost and their connections break.
    """

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self.state: Network = "whole"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The address of the API behind it."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/api"

    def disturb(self, state: Network, seconds: float) -> None:
        """Disturbs the network for some seconds."""
        self.state = state
        if state == "cut":
            self._break()
        time.sleep(seconds)
        self.state = "whole"

    def close(self) -> None:
        """Ends it."""
        self.state = "cut"
        self._listener.close()
        self._break()

    def _break(self) -> None:
        for pair in list(self._pairs):
            self._end(pair)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.state == "cut":
                near.close()
                continue
            try:
                far = socket.create_connection(self._to, timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            pair = (near, far)
            self._pairs.add(pair)
            threading.Thread(target=self._pump, args=(near, far, pair, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, pair, True), daemon=True).start()

    def _pump(
        self, source: socket.socket, target: socket.socket, pair: tuple[socket.socket, socket.socket], answers: bool
    ) -> None:
        try:
            while data := source.recv(1 << 16):
                while self.state == "stalled":
                    time.sleep(0.01)
                if self.state == "cut" or (self.state == "deaf" and answers):
                    break
                target.sendall(data)
        except OSError:
            pass
        self._end(pair)

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        self._pairs.discard(pair)
        for one in pair:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@dataclass
class Journey:
    """A run that something happens to: three chains of steps that take a while, and a last one."""

    archive: Archive
    build: Any
    length: int = 5
    seconds: float = 0.4
    """What a step takes."""
    began: list[str] = field(default_factory=list[str])
    """Steps as they began, over all attempts."""

    def order(self) -> dict[str, list[str]]:
        after: dict[str, list[str]] = {}
        for chain in "abc":
            for number in range(self.length):
                after[f"{chain}{number}"] = [f"{chain}{number - 1}"] if number else []
        return {**after, "last": [f"{chain}{self.length - 1}" for chain in "abc"]}

    def run(self, url: str, happenings: dict[int, Callable[[], object]]) -> EngineResult:
        """Runs it to its end; each happening comes when so many steps have begun."""
        from executor.workflow.compile import compile_workflow

        results: list[EngineResult | BaseException] = []
        workflow = compile_workflow(self.build.program(self.order()))

        def worker(activation: Any) -> Any:
            self.began.append(activation.step)
            time.sleep(self.seconds)
            return self.build.completed(activation.step)

        def go() -> None:
            try:
                results.append(
                    ConductorEngine(url).run(
                        workflow,
                        run=self.archive.run,
                        program="p" * 64,
                        worker=worker,
                        archive=self.archive,
                        cancelled=threading.Event(),
                        on_progress=lambda progress: None,
                    )
                )
            except BaseException as error:  # noqa: BLE001 - raised again below
                results.append(error)

        thread = threading.Thread(target=go)
        thread.start()
        for begun, happen in happenings.items():
            while len(self.began) < begun and thread.is_alive():
                time.sleep(0.01)
            assert thread.is_alive(), f"the run ended before {begun} steps had begun: {results}"
            happen()
        thread.join(180)
        assert not thread.is_alive(), f"the run hangs; begun: {self.began}"
        [result] = results
        if isinstance(result, BaseException):
            raise result
        return result

    def assert_whole(self, result: EngineResult) -> None:
        """Asserts that the run completed, and that each step was done, and done once."""
        assert result.status == "completed"
        assert Counter(self.began) == Counter(list(self.order()))
        assert result.outputs.keys() == self.order().keys()


@pytest.fixture
def journey(archive: Archive, build: Any) -> Journey:
    return Journey(archive, build)


@pytest.fixture
def proxy(conductor_url: str) -> Iterator[Proxy]:
    """The shared server behind a network that can be disturbed."""
    from urllib.parse import urlsplit

    opened = Proxy(urlsplit(conductor_url).port or 0)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A throw-away PostgreSQL with an empty database; as root it runs as another user."""
    if not all(map(shutil.which, ("initdb", "pg_ctl"))):
        pytest.skip("initdb and pg_ctl are not installed")
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        known = root and subprocess.run(["id", "postgres"], capture_output=True).returncode == 0
        user = "postgres" if known else "nobody"
        as_user = ["setpriv", f"--reuid={user}", "--clear-groups"] if root else []
        if root:
            shutil.chown(folder, user)

        def command(*arguments: str) -> None:
            subprocess.run([*as_user, *arguments], check=True, capture_output=True, timeout=60, cwd=folder)

        data = str(Path(folder) / "data")
        (Path(folder) / "word").write_text("quiet word")
        os.chmod(Path(folder) / "word", 0o644)
        command("initdb", "-D", data, "-U", "conductor", "-A", "scram-sha-256", f"--pwfile={folder}/word", "-N")
        options = f"-k {folder} -h 127.0.0.1 -p {port} -c fsync=off"
        command("pg_ctl", "-D", data, "-o", options, "-l", f"{folder}/log", "-w", "start")
        try:
            yield f"postgresql://conductor:quiet%20word@127.0.0.1:{port}/postgres"
        finally:
            command("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
