"""Starting, finding and stopping a server."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest

from dagwright.exceptions import InputError, Unreachable
from executor.conductor import server


def ignore(done: int, total: int, what: str) -> None:
    return


def test_a_server_that_was_never_started_is_down(tmp_path: Path) -> None:
    assert server.status(tmp_path).state == "down"
    assert server.down(tmp_path).state == "down"
    with pytest.raises(Unreachable, match="dagwright conductor up"):
        server.require(tmp_path)


@pytest.mark.parametrize(
    "state", ['{"pid": 1, "created": 1.0, "port": 18199}', '{"pid": 999999999, "created": 1.0, "port": 1}', "garbage"]
)
def test_another_process_with_the_old_id_is_not_the_server(tmp_path: Path, state: str) -> None:
    (tmp_path / "state.json").write_text(state)
    assert server.status(tmp_path).state == "down"
    assert server.down(tmp_path).state == "down"
    assert not (tmp_path / "state.json").exists()


@pytest.mark.conductor
def test_a_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(InputError, match="cannot be used"):
            server.up(ignore, port=other.getsockname()[1], home=tmp_path)


@pytest.mark.conductor
@pytest.mark.timeout(400)
def test_up_twice_is_one_server_and_down_ends_it(tmp_path: Path) -> None:
    try:
        first = server.up(ignore, port=18120, home=tmp_path)
        assert (first.state, first.port) == ("up", 18120)
        assert server.up(ignore, home=tmp_path).pid == first.pid
        assert server.require(tmp_path) == first.url == "http://127.0.0.1:18120/api"
    finally:
        stopped = server.down(tmp_path)
    assert stopped.state == "down"
    with pytest.raises(httpx.ConnectError):
        httpx.get("http://127.0.0.1:18120/actuator/health", trust_env=False)
