"""The observer of `bench crash`: a process of its own that writes down what was done, and is never killed.

One line of JSON in, the same line in its file and synced to the disk, `ok` back. What is in the file was done,
whoever died before the answer arrived.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from types import TracebackType

LINE = 65_536
"""Bytes of the longest line."""

SECONDS = 10.0
"""How long anybody waits for anybody here."""


def serve(path: Path) -> None:
    """Serves on a free port of the loopback interface, which it prints, until its standard input ends."""
    guard, file = threading.Lock(), os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    class Handler(StreamRequestHandler):
        timeout = SECONDS

        def handle(self) -> None:
            line = self.rfile.readline(LINE)
            if not line.endswith(b"\n"):
                return  # whoever wrote it died before the end of it
            with guard:
                os.write(file, line)
                os.fsync(file)
            self.wfile.write(b"ok\n")

    class Server(ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 64

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        sys.stdin.read()
        server.shutdown()


def do(port: int, trial: str, operation: str, step: str) -> None:
    """Does something outside: it is done when the observer has it, though this may never come to know.

    Raises:
        OSError: the observer is not there.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        connection.sendall(json.dumps([trial, operation, step]).encode() + b"\n")
        if connection.recv(3) != b"ok\n":
            raise ConnectionError("the observer gave no answer")


class Observer:
    """The observer's process, for as long as the context lasts."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "observed"
        self._process = subprocess.Popen(  # noqa: S603 - ours
            [sys.executable, "-m", "benchmarks.crash_observer", str(self._path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        """Where it listens."""

    def counts(self, trial: str) -> Counter[tuple[str, str]]:
        """Gives how often each operation of a trial was done for each instance of a step."""
        lines = [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]
        return Counter((str(operation), str(step)) for found, operation, step in lines if found == trial)

    def __enter__(self) -> Observer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=SECONDS)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
