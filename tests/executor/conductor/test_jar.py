"""Fetching the server: resumed transfers, refused ones, and a Java that is new enough."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dagwright.exceptions import InputError, TransportError
from executor.conductor import java
from executor.conductor.jar import download

CONTENT = bytes(range(256)) * 4096


class Repository(BaseHTTPRequestHandler):
    asked: list[str | None]

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        if self.path != "/file":
            self.send_error(404)
            return
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(CONTENT) - first))
        self.end_headers()
        self.wfile.write(CONTENT[first:])

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def repository() -> Iterator[str]:
    Repository.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Repository)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("kept", [0, 1, 1000, len(CONTENT) - 1], ids=lambda kept: f"{kept} bytes kept")
def test_a_download_goes_on_where_it_stopped(repository: str, tmp_path: Path, kept: int) -> None:
    part = tmp_path / "part"
    part.write_bytes(CONTENT[:kept])
    seen: list[int] = []
    download(f"{repository}/file", part, len(CONTENT), lambda done, total, what: seen.append(done))
    assert part.read_bytes() == CONTENT
    assert seen[-1] == len(CONTENT)
    assert Repository.asked == [f"bytes={kept}-" if kept else None]


def test_what_has_arrived_is_not_asked_for_again(repository: str, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(CONTENT)
    download(f"{repository}/file", part, len(CONTENT), lambda done, total, what: None)
    assert Repository.asked == []


@pytest.mark.parametrize(("path", "size"), [("missing", len(CONTENT)), ("file", len(CONTENT) + 1)])
def test_a_download_that_fails_is_an_error_of_transport(repository: str, tmp_path: Path, path: str, size: int) -> None:
    with pytest.raises(TransportError, match=r"downloaded|broke off"):
        download(f"{repository}/{path}", tmp_path / "part", size, lambda done, total, what: None)


def test_no_repository_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="DAGWRIGHT_MAVEN_REPOSITORY"):
        download("http://127.0.0.1:1/file", tmp_path / "part", 10, lambda done, total, what: None)


def test_finds_a_java_that_is_new_enough() -> None:
    version = java.java_version(java.find_java())
    assert version is not None
    assert version >= java.OLDEST


def test_says_which_javas_are_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "OLDEST", 10_000)
    with pytest.raises(InputError, match=r"needs Java 10000 or newer \(.* is version \d+"):
        java.find_java()
