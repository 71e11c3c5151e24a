"""Hosted models that hang, each in its own way, are given up within the time that was said."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from dagwright.exceptions import InputError, TimedOut
from dagwright.llm.anthropic import AnthropicModel
from dagwright.llm.hosted import SECONDS
from dagwright.llm.model import Message, Model, ModelRequest
from dagwright.llm.openai import OpenAIModel
from dagwright.llm.spec import hosted_seconds, open_model

CITY: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
Behaviour = Callable[[socket.socket, threading.Event], None]


def silent(connection: socket.socket, over: threading.Event) -> None:
    over.wait()


def head_alone(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(HEAD)
    over.wait()


def byte_by_byte(data: bytes) -> Behaviour:
    def trickle(connection: socket.socket, over: threading.Event) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            if over.wait(0.02):
                return

    return trickle


WAYS: dict[str, Behaviour | None] = {
    "takes no connection": None,
    "says nothing": silent,
    "headers and nothing else": head_alone,
    "white space for ever": byte_by_byte(HEAD + b" " * 100_000),
    "headers for ever": byte_by_byte(b"HTTP/1.1 200 OK\r\n" + b"X-Wait: yes\r\n" * 10_000),
}


@contextmanager
def hanging(behaviour: Behaviour | None) -> Iterator[tuple[str, list[float]]]:
    """A server on a real socket; gives its address and when it was connected to."""
    over, connected = threading.Event(), list[float]()
    server = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65_536)
            assert behaviour is not None
            behaviour(connection, over)

    def accept() -> None:
        with suppress(OSError):
            while not over.is_set():
                connection, _ = server.accept()
                connected.append(time.monotonic())
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    acceptor = threading.Thread(target=accept, daemon=True)
    if behaviour is not None:
        acceptor.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}", connected
    finally:
        over.set()
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()


@pytest.fixture(params=["openai", "anthropic"])
def model_at(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Model]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
    if request.param == "openai":
        return lambda url, **options: OpenAIModel("m", base_url=f"{url}/v1", **options)
    return lambda url, **options: AnthropicModel("m", base_url=url, **options)


def asked(schema: Any = None, **other: Any) -> ModelRequest:
    return ModelRequest(messages=(Message(role="user", content="Where?"),), json_schema=schema, **other)


@pytest.mark.parametrize("schema", [None, CITY], ids=["text", "json"])
@pytest.mark.parametrize("way", WAYS)
def test_a_model_that_hangs_is_given_up_in_time(model_at: Callable[..., Model], way: str, schema: Any) -> None:
    with hanging(WAYS[way]) as (url, _):
        model, begun = model_at(url), time.monotonic()
        with pytest.raises(TimedOut, match=r"did not answer in time \(0.6 s.*DAGWRIGHT_MODEL_TIMEOUT"):
            model.complete(asked(schema, timeout=0.6))
    assert time.monotonic() - begun < 0.6 + 2 * 0.5 + 1.5  # two attempts, the grace of each, a busy machine


def test_what_hangs_once_is_asked_again(model_at: Callable[..., Model]) -> None:
    with hanging(silent) as (url, connected):
        with pytest.raises(TimedOut):
            model_at(url).complete(asked(timeout=1.0))
        assert len(connected) == 2
        assert connected[1] - connected[0] == pytest.approx(0.5, abs=0.4)


def test_the_limit_is_the_models_where_the_request_has_none(model_at: Callable[..., Model]) -> None:
    with hanging(silent) as (url, _), pytest.raises(TimedOut, match=r"\(0.4 s"):
        model_at(url, timeout=0.4).complete(asked())


@pytest.mark.parametrize(("said", "seconds"), [("", SECONDS), ("300", 300.0), ("0.5", 0.5)])
def test_the_environment_says_how_patient_to_be(said: str, seconds: float) -> None:
    assert hosted_seconds({"DAGWRIGHT_MODEL_TIMEOUT": said}) == seconds


@pytest.mark.parametrize("said", ["soon", "0", "-1", "nan", "inf"])
def test_a_patience_that_is_no_number_is_refused(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGWRIGHT_MODEL_TIMEOUT", said)
    with pytest.raises(InputError, match=f"DAGWRIGHT_MODEL_TIMEOUT is '{said}'; it must be a number of seconds"):
        open_model("http://127.0.0.1:9/v1#m")
