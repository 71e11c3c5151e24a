"""HTTP tools against a real server: refusals, retries, redirects, sizes, credentials."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dagwright.exceptions import ToolRejected, ToolUnavailable
from dagwright.policy import Policy, Rule
from dagwright.tool import HttpBinding, ToolSpec
from executor.bindings.hosts import target_of
from executor.bindings.http import HttpRunner
from executor.bindings.runner import ToolContext, may_have_acted

SECRET = "s3cret-token"

ANSWERS: dict[str, tuple[int, bytes, dict[str, str]]] = {
    "/loop": (302, b"", {"Location": "/loop"}),
    "/big": (200, b"x" * 200_000, {}),
    "/broken": (200, b"{oops", {"Content_Type": "application/json"}),
    "/nothing": (204, b"", {}),
    "/gone": (404, b"gone", {}),
    "/bomb": (200, gzip.compress(b"x" * 50_000_000), {"Content_Encoding": "gzip"}),
    "/zstd": (200, b"(\xb5/\xfd", {"Content_Encoding": "zstd"}),
}


class Server(ThreadingHTTPServer):
    seen: list[dict[str, Any]]
    flaky: int

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        return None

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        self.server.seen.append(
            {"path": self.path, "method": self.command, "headers": dict(self.headers), "body": body}
        )
        path = self.path.split("?")[0]
        if path in ANSWERS:
            status, content, headers = ANSWERS[path]
            self.answer(status, content, **headers)
        elif path == "/flaky":
            self.server.flaky += 1
            self.answer(503 if self.server.flaky <= 2 else 404, b"gone")
        elif path == "/echo":
            self.answer(200, json.dumps(dict(self.headers)).encode(), Content_Type="application/json")
        elif path.startswith("/to/"):
            self.answer(307, Location=self.path.removeprefix("/to/"))
        elif path.startswith("/moved/"):
            _, _, moved, location = self.path.split("/", 3)
            self.answer(int(moved), Location=location)
        elif path == "/cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
            self.close_connection = True
        else:
            self.answer(200, json.dumps({"path": self.path}).encode(), Content_Type="application/json")

    do_GET = do_POST = do_PUT = do_DELETE = handle_any


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, Server]]:
    pair = (Server(("127.0.0.1", 0), Handler), Server(("127.0.0.1", 0), Handler))
    for server in pair:
        server.seen, server.flaky = [], 0
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield pair
    for server in pair:
        server.shutdown()
        server.server_close()


@pytest.fixture
def server(servers: tuple[Server, Server]) -> Server:
    for one in servers:
        one.seen.clear()
        one.flaky = 0
    return servers[0]


def operation(url: str, method: Any = "GET", **binding: Any) -> ToolSpec:
    return ToolSpec(
        tool_name="api",
        operation="call",
        description="Calls.",
        input_schema={"type": "object"},
        output_schema={"type": "object"},
        effect="external",
        timeout=5,
        binding=HttpBinding(method=method, url=url, **binding),
    )


def context(tmp_path: Path, *hosts: str, seconds: float = 10) -> ToolContext:
    import time

    return ToolContext(
        run="r",
        step="s",
        attempt=1,
        idempotency_key="k" * 64,
        files=tmp_path,
        inputs=tmp_path,
        policy=Policy(name="p", allowed_hosts=hosts),
        secrets={"token": SECRET}.get,
        deadline=time.monotonic() + seconds,
    )


def test_arguments_go_where_they_belong(server: Server, tmp_path: Path) -> None:
    spec = operation(
        f"http://{server.host}/a/{{id}}/b",
        "POST",
        locations={"id": "path", "q": "query", "X-Mode": "header", "data": "body"},
    )
    arguments: dict[str, Any] = {"id": "x/y ?#ü", "q": ["1", 2, True], "X-Mode": "m", "data": {"n": [1]}}
    outputs = HttpRunner()(spec, arguments, context(tmp_path, "127.0.0.1"))
    assert outputs == {"status": 200, "body": {"path": "/a/x%2Fy%20%3F%23%C3%BC/b?q=1&q=2&q=true"}}
    (seen,) = server.seen
    assert seen["headers"]["X-Mode"] == "m"
    assert seen["headers"]["Idempotency-Key"] == "k" * 64
    assert seen["headers"]["Host"] == server.host
    assert json.loads(seen["body"]) == {"n": [1]}


def test_503_twice_then_404(server: Server, tmp_path: Path) -> None:
    spec, runner = operation(f"http://{server.host}/flaky"), HttpRunner()
    for _ in range(2):
        with pytest.raises(ToolUnavailable) as unavailable:
            runner(spec, {}, context(tmp_path, "127.0.0.1"))
        assert unavailable.value.code == "http_503"
    with pytest.raises(ToolRejected) as rejected:
        runner(spec, {}, context(tmp_path, "127.0.0.1"))
    assert rejected.value.code == "http_404"


REFUSED = [
    ("/x", (), "host_not_allowed"),
    ("/x", ("example.org",), "host_not_allowed"),
    ("/x", ("127.0.0.1:1",), "host_not_allowed"),
    ("/x", ("127.*",), "address_not_allowed"),
    ("/x", ("*",), "address_not_allowed"),
    ("/loop", ("127.0.0.1",), "too_many_redirects"),
    ("/big", ("127.0.0.1",), "too_large"),
    ("/broken", ("127.0.0.1",), "bad_answer"),
    ("/bomb", ("127.0.0.1",), "too_large"),
    ("/zstd", ("127.0.0.1",), "bad_answer"),
    ("/to/http://169.254.169.254/latest", ("127.0.0.1", "*"), "address_not_allowed"),
    ("/to/http://169.254.169.254/latest", ("127.0.0.1",), "host_not_allowed"),
    ("/to/file:///etc/passwd", ("127.0.0.1",), "bad_url"),
]


@pytest.mark.parametrize(("path", "hosts", "code"), REFUSED, ids=lambda value: str(value))
def test_refusals(server: Server, tmp_path: Path, path: str, hosts: tuple[str, ...], code: str) -> None:
    with pytest.raises(ToolRejected) as refused:
        HttpRunner(most_bytes=100_000)(operation(f"http://{server.host}{path}"), {}, context(tmp_path, *hosts))
    assert refused.value.code == code
    if code in {"host_not_allowed", "address_not_allowed"} and path == "/x":
        assert not server.seen


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_path_parameter_does_not_climb(server: Server, tmp_path: Path, value: str) -> None:
    with pytest.raises(ToolRejected) as refused:
        HttpRunner()(operation(f"http://{server.host}/a/{{id}}"), {"id": value}, context(tmp_path, "127.0.0.1"))
    assert refused.value.code == "bad_argument"


def test_an_empty_answer_is_null(server: Server, tmp_path: Path) -> None:
    outputs = HttpRunner()(operation(f"http://{server.host}/nothing"), {}, context(tmp_path, "127.0.0.1"))
    assert outputs == {"status": 204, "body": None}


def test_a_credential_reaches_the_server_and_nothing_else(server: Server, tmp_path: Path) -> None:
    spec = operation(f"http://{server.host}/echo", credential="token")
    outputs = HttpRunner()(spec, {}, context(tmp_path, "127.0.0.1"))
    assert server.seen[0]["headers"]["Authorization"] == f"Bearer {SECRET}"
    assert SECRET not in json.dumps(outputs)
    assert "[credential]" in json.dumps(outputs)


def test_a_credential_does_not_follow_to_another_origin(
    servers: tuple[Server, Server], server: Server, tmp_path: Path
) -> None:
    other = servers[1]
    spec = operation(f"http://{server.host}/to/http://{other.host}/echo", credential="token")
    HttpRunner()(spec, {}, context(tmp_path, "127.0.0.1"))
    assert "Authorization" in server.seen[0]["headers"]
    assert "Authorization" not in other.seen[0]["headers"]


def test_a_credential_that_is_not_there_is_named(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ToolRejected, match="'other'") as refused:
        HttpRunner()(operation(f"http://{server.host}/x", credential="other"), {}, context(tmp_path, "127.0.0.1"))
    assert refused.value.code == "missing_credential"


def test_a_credential_that_is_no_header_is_not_shown(server: Server, tmp_path: Path) -> None:
    spec = operation(f"http://{server.host}/x", credential="token", credential_prefix="bad\nprefix ")
    with pytest.raises((ToolRejected, ToolUnavailable)) as refused:
        HttpRunner()(spec, {}, context(tmp_path, "127.0.0.1"))
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None


def test_nobody_listens(tmp_path: Path) -> None:
    closed = Server(("127.0.0.1", 0), Handler)
    closed.server_close()
    with pytest.raises(ToolUnavailable) as unavailable:
        HttpRunner()(operation(f"http://{closed.host}/x"), {}, context(tmp_path, "127.0.0.1"))
    assert unavailable.value.code == "http_unreachable"
    assert not may_have_acted(unavailable.value)


def test_an_answer_that_breaks_off_may_have_acted(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ToolUnavailable) as unavailable:
        HttpRunner()(operation(f"http://{server.host}/cut", "POST"), {}, context(tmp_path, "127.0.0.1"))
    assert unavailable.value.code == "http_broken"
    assert may_have_acted(unavailable.value)


LED = [
    # what was taken before a redirect has been done, whatever comes of the redirect
    ("POST", "303/http://169.254.169.254/x", "redirect_failed", True),
    ("POST", "303//gone", "redirect_failed", True),
    ("POST", "302//big", "redirect_failed", True),
    # 307 and 308 say that nothing was done yet
    ("POST", "307/http://169.254.169.254/x", "host_not_allowed", False),
    ("POST", "308//gone", "http_404", False),
    ("GET", "302//gone", "http_404", False),
    ("POST", "303/http://[", "redirect_failed", True),
]


@pytest.mark.parametrize(("method", "to", "code", "acted"), LED, ids=[f"{case[0]} {case[1]}" for case in LED])
def test_what_a_redirect_leads_to(server: Server, tmp_path: Path, method: str, to: str, code: str, acted: bool) -> None:
    spec = operation(f"http://{server.host}/moved/{to}", method)
    with pytest.raises(ToolRejected) as refused:
        HttpRunner(most_bytes=100_000)(spec, {}, context(tmp_path, "127.0.0.1"))
    assert refused.value.code == code
    assert may_have_acted(refused.value) == acted


def test_the_idempotency_key_has_the_name_that_the_api_gives_it(server: Server, tmp_path: Path) -> None:
    spec = operation(f"http://{server.host}/x", "POST", idempotency_header="X-Request-Id")
    HttpRunner()(spec, {}, context(tmp_path, "127.0.0.1"))
    assert server.seen[0]["headers"]["X-Request-Id"] == "k" * 64
    assert "Idempotency-Key" not in server.seen[0]["headers"]


def test_what_is_sent_has_a_largest_size(server: Server, tmp_path: Path) -> None:
    spec = operation(f"http://{server.host}/x", "POST", locations={"data": "body"})
    with pytest.raises(ToolRejected) as refused:
        HttpRunner(most_bytes=100)(spec, {"data": "x" * 200}, context(tmp_path, "127.0.0.1"))
    assert refused.value.code == "argument_too_large"
    assert not server.seen


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "\x00"], ids=["another header", "line feed", "null"])
def test_an_argument_does_not_become_another_header(server: Server, tmp_path: Path, value: str) -> None:
    spec = operation(f"http://{server.host}/x", locations={"X-Mode": "header"})
    with pytest.raises(ToolRejected) as refused:
        HttpRunner()(spec, {"X-Mode": value}, context(tmp_path, "127.0.0.1"))
    assert refused.value.code == "bad_argument"
    assert not server.seen


NAMES = [
    # what a name is found to be, the policy's entry, and what comes of it
    (("169.254.169.254",), "meta.example", "address_not_allowed"),
    (("93.184.216.34", "169.254.169.254"), "meta.example", "address_not_allowed"),
    (("10.0.0.7",), "meta.*", "address_not_allowed"),
    (("fd00::1",), "*.example", "address_not_allowed"),
    (("64:ff9b::a9fe:a9fe",), "meta.example", "address_not_allowed"),
    (("2002:a9fe:a9fe::1",), "meta.example", "address_not_allowed"),
    (("::ffff:169.254.169.254",), "meta.example", "address_not_allowed"),
    (("100.64.0.1",), "*", "address_not_allowed"),
    (("10.0.0.7",), "meta.example", "10.0.0.7"),
    (("127.0.1.1",), "meta.example", "127.0.1.1"),
    (("93.184.216.34",), "*.example", "93.184.216.34"),
]


@pytest.mark.parametrize(("addresses", "entry", "found"), NAMES)
def test_names_are_judged_by_what_they_are_found_to_be(
    monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...], entry: str, found: str
) -> None:
    def looked_up(host: str, port: int, **more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    if "_" in found:
        with pytest.raises(ToolRejected) as refused:
            target_of("http://meta.example/", (entry,))
        assert refused.value.code == found
    else:
        assert target_of("http://meta.example/", (entry,)).address == found


def test_a_certified_proposal_calls_an_api(server: Server, end_to_end: Any) -> None:
    outputs = {"status": {"type": "integer"}, "body": {"type": "object"}}
    spec = operation(f"http://{server.host}/echo", "POST", locations={"data": "body"}, credential="token").model_copy(
        update={"output_schema": {"type": "object", "properties": outputs, "required": list(outputs)}}
    )
    policy = Policy(name="p", allowed_hosts=(server.host,), rules=(Rule(tools="api.*", action="allow"),))
    trial = end_to_end(spec, {"data": {"n": 1}}, policy)
    assert trial.result.status == "completed"
    assert trial.outputs["body"]["Authorization"] == "Bearer [credential]"
    assert json.loads(server.seen[0]["body"]) == {"n": 1}
    assert SECRET not in trial.events


@pytest.mark.parametrize(
    ("url", "allowed", "answer"),
    [
        ("http://[::1]:8000/", ("::1",), ("::1", 8000)),
        ("http://LOCALHOST/", ("localhost:80",), ("localhost", 80)),
        ("http://[::ffff:127.0.0.1]/", ("*",), "address_not_allowed"),
        ("http://user@127.0.0.1/", ("127.0.0.1",), "bad_url"),
        ("ftp://127.0.0.1/", ("127.0.0.1",), "bad_url"),
        ("http://10.0.0.1/", ("10.*",), "address_not_allowed"),
        ("http://10.0.0.1/", ("10.0.0.1",), ("10.0.0.1", 80)),
        ("https://8.8.8.8/", ("8.8.*",), ("8.8.8.8", 443)),
    ],
)
def test_hosts(url: str, allowed: tuple[str, ...], answer: Any) -> None:
    if isinstance(answer, str):
        with pytest.raises(ToolRejected) as refused:
            target_of(url, allowed)
        assert refused.value.code == answer
    else:
        target = target_of(url, allowed)
        assert (target.host, target.port) == answer
