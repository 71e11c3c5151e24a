"""Runs without a model: lines of a plan that somebody else wrote, and models that misbehave."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dagwright.catalogue import Catalogue
from dagwright.exceptions import ModelAnswerError
from dagwright.llm.model import ModelReply, ModelRequest, Usage
from dagwright.policy import Policy
from executor.archive.archive import Archive
from executor.bindings import runners
from executor.engine.embedded import EmbeddedEngine
from executor.toolchest import default_catalogue
from knowledge import import_openapi
from orchestrator.approval import Approver, approve_later
from orchestrator.setup import Setup
from orchestrator.strategy.interleaved import Interleaved


@dataclass
class Scripted:
    """A model that gives lines written beforehand, one a request; exceptions are raised."""

    lines: Iterable[str | BaseException]
    accepts_grammar: bool = False
    name: str = "scripted"
    requests: list[ModelRequest] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self._rest = iter(self.lines)

    def complete(self, request: ModelRequest) -> ModelReply:
        self.before()
        self.requests.append(request)
        line = next(self._rest, None)
        if line is None:
            raise ModelAnswerError("the script is over")
        if isinstance(line, BaseException):
            raise line
        usage = Usage(prompt_tokens=10, completion_tokens=5, cost=0.001)
        return ModelReply(text=line, usage=usage, model=self.name)


@dataclass
class Bench:
    """Puts setups together in one home folder."""

    home: Path

    def setup(
        self,
        *lines: str | BaseException,
        model: Any = None,
        catalogue: Catalogue | None = None,
        policy: Policy | None = None,
        approver: Approver = approve_later,
    ) -> Setup:
        chosen = Scripted(lines) if model is None else model
        return Setup(
            home=self.home,
            model=chosen,
            strategy=Interleaved(),
            catalogue=catalogue or default_catalogue(),
            engine=EmbeddedEngine(),
            runners=lambda served: runners(model=served),
            policy=policy or Policy(name="test"),
            approver=approver,
            approver_name="tester",
        )

    def runs(self) -> list[str]:
        return sorted(path.name for path in (self.home / "runs").glob("*"))

    def events(self, run: str, *kinds: str) -> list[Any]:
        with Archive.open(self.home, run, read_only=True) as archive:
            return [event for event in archive.events() if event.kind in kinds]

    def attempts(self, run: str, step: str) -> list[str]:
        return [e.kind for e in self.events(run, "task.completed", "task.failed") if e.body["step"] == step]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "home")


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    path = tmp_path / "sales.csv"
    path.write_text("city,price\nRome,3\nOslo,5\nRome,4\n", encoding="utf-8")
    return path


Answer = tuple[int, str]


@contextmanager
def serving(answer: Callable[[str, str], Answer]) -> Iterator[str]:
    """Serves what `answer(method, path)` gives, on the loopback interface; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            status, body = answer(self.command, self.path)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = _handle

        def log_message(self, format: str, *args: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError, BrokenPipeError):
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def served() -> Callable[[Callable[[str, str], Answer]], Any]:
    return serving


def shop(url: str) -> tuple[Catalogue, Policy]:
    stock = {"type": "object", "properties": {"stock": {"type": "integer"}}, "required": ["stock"]}
    item = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    get = {
        "operationId": "getStock",
        "summary": "How many of an item are in stock",
        "parameters": [item],
        "responses": {"200": {"description": "stock", "content": {"application/json": {"schema": stock}}}},
    }
    document = {
        "openapi": "3.0.3",
        "info": {"title": "Shop", "version": "1"},
        "servers": [{"url": url}],
        "paths": {"/items/{id}": {"get": get}},
    }
    imported = import_openapi(document, name="shop")
    host = url.removeprefix("http://")
    return imported.catalogue, Policy(name="shop", allowed_hosts=(host,))


@pytest.fixture
def shop_of() -> Callable[[str], tuple[Catalogue, Policy]]:
    return shop
