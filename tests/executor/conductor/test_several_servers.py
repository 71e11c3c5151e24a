"""Several servers on one PostgreSQL database: its address, and who is asked when one does not answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dagwright.exceptions import InputError, Unreachable
from executor.conductor import process, server
from executor.conductor.client import ConductorClient
from executor.conductor.postgres import Postgres

ADDRESSES = [
    ("postgresql://me:p%40ss@db:5433/work", "postgresql://me@db:5433/work", "jdbc:postgresql://db:5433/work", "p@ss"),
    ("postgres://db/work", "postgresql://postgres@db:5432/work", "jdbc:postgresql://db:5432/work", ""),
    ("postgresql://me@[::1]/w%20x", "postgresql://me@[::1]:5432/w%20x", "jdbc:postgresql://[::1]:5432/w%20x", ""),
]


@pytest.mark.parametrize(("url", "address", "jdbc", "password"), ADDRESSES)
def test_an_address_is_read_and_the_password_kept_off_the_command_line(
    url: str, address: str, jdbc: str, password: str
) -> None:
    found = Postgres.at(url)
    assert found.address == address
    assert f"--spring.datasource.url={jdbc}" in found.options
    assert found.environment["SPRING_DATASOURCE_PASSWORD"] == password
    assert not password or not any(password in option for option in (*found.options, repr(found)))


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("mysql://db/work", "begins with 'mysql'"),
        ("db", "begins with ''"),
        ("postgresql://db", "names no database"),
        ("postgresql:///work", "names no host"),
        ("postgresql://db:many/work", "is no URL"),
        ("postgresql://db/work?sslmode=off", "says more than"),
        ("postgresql://db/a/b", "says more than"),
    ],
)
def test_what_is_no_address_is_named(url: str, what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        Postgres.at(url)
    assert "postgresql://USER:PASSWORD@HOST:PORT/DATABASE" in str(caught.value)


def test_a_server_with_another_database_is_not_taken_for_the_one_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = process.ServerProcess(pid=1, created=0.0, port=1)
    monkeypatch.setattr(process, "found", lambda folder: here)
    with pytest.raises(InputError, match="keeps workflows in sqlite, not in postgresql://me@db:5432/w; stop it first"):
        server.up(lambda done, total, what: None, home=tmp_path, postgres="postgresql://me:word@db/w")


Serve = Callable[[int], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Gives a function that begins an HTTP server which answers all requests with a status, and its address."""
    opened: list[ThreadingHTTPServer] = []

    def begin(status: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"[]")

            def log_message(self, *_: object) -> None:
                return

        opened.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=opened[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{opened[-1].server_port}/api"

    yield begin
    for one in opened:
        one.shutdown()
        one.server_close()


def nobody() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}/api"


@pytest.mark.parametrize("first", ["gone", "failing"])
def test_where_one_server_does_not_answer_the_next_is_asked_and_kept(serve: Serve, first: str) -> None:
    away, there = serve(503) if first == "failing" else nobody(), serve(200)
    client = ConductorClient(f"{away}, {there}/")
    assert client.url == away
    client.check()
    assert client.url == there
    assert client.correlated("name", "id") == []
    assert client.url == there
    client.close()


def test_where_no_server_answers_the_last_one_is_named() -> None:
    first, last = nobody(), nobody()
    client = ConductorClient(f"{first},{last}")
    with pytest.raises(Unreachable, match="dagwright conductor up") as caught:
        client.check()
    assert last in str(caught.value)
    client.close()


def test_a_client_needs_an_address() -> None:
    with pytest.raises(ValueError, match="needs the address of a server"):
        ConductorClient(" , ")
