"""The uniform worker contract: the client against the template of `examples/worker`, run as a user runs it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from dagwright.catalogue import load_catalogue
from dagwright.exceptions import ToolRejected, ToolUnavailable
from dagwright.policy import Policy, Rule
from dagwright.tool import ToolSpec, WorkerBinding
from executor.bindings.runner import may_have_acted
from executor.bindings.worker import WorkerRunner

TEMPLATE = Path(__file__).parents[3] / "examples" / "worker"
LOCAL = "127.0.0.1"
TOKEN = "s3cret-token"

MINE = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, {template!r})
from worker import Rejected, Unavailable, Unknown, Worker

worker = Worker("keys.db", token={token!r})
ANY = {{"type": "object"}}
VALUE = {{"type": "object", "properties": {{"value": {{"type": "number"}}}}, "required": ["value"]}}
DONE = Path("done")

def did(what):
    with DONE.open("a") as file:
        file.write(what + "\\n")

@worker.operation("count", arguments=VALUE, outputs=VALUE)
def count(arguments, request):
    did(request["idempotency_key"])
    return {{"value": arguments["value"] + 1}}

@worker.operation("slow", arguments=ANY, outputs=VALUE)
def slow(arguments, request):
    did("slow")
    time.sleep(1.5)
    return {{"value": 1}}

@worker.operation("tell", arguments=ANY, outputs=ANY)
def tell(arguments, request):
    return request

@worker.operation("once", arguments=ANY, outputs=ANY)
def once(arguments, request):
    did("once")
    os._exit(7)

@worker.operation("again", arguments=ANY, outputs=ANY, idempotent=True)
def again(arguments, request):
    did("again")
    if len(DONE.read_text().splitlines()) == 1:
        os._exit(7)
    return {{}}

@worker.operation("refuse", arguments=ANY, outputs=ANY)
def refuse(arguments, request):
    kind = {{"rejected": Rejected, "unavailable": Unavailable, "unknown": Unknown}}[arguments["kind"]]
    raise kind(arguments["code"], "as you wish")

@worker.operation("crash", arguments=ANY, outputs=ANY)
def crash(arguments, request):
    raise KeyError("s3cret-token")

@worker.operation("lie", arguments=ANY, outputs=VALUE)
def lie(arguments, request):
    did("lie")
    return {{"value": "none"}}

worker.serve(port=int(sys.argv[1]))
"""


class Served:
    """A worker in a process of its own, in a folder of its own."""

    def __init__(self, folder: Path, program: str) -> None:
        with socket.socket() as found:
            found.bind((LOCAL, 0))
            self.port = found.getsockname()[1]
        self.folder, self.url = folder, f"http://{LOCAL}:{self.port}"
        (folder / "mine.py").write_text(program)
        self.log = folder / "log"
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [sys.executable, "mine.py", str(self.port)]
            environment = {**os.environ, "WORKER_TOKEN": TOKEN}
            self.process = subprocess.Popen(command, cwd=self.folder, stderr=log, env=environment)
        until = time.monotonic() + 30
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection((LOCAL, self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        pytest.fail(f"the worker did not start: {self.log.read_text()}")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(10)

    @property
    def done(self) -> list[str]:
        path = self.folder / "done"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    folder = tmp_path / "worker"
    folder.mkdir()
    worker = Served(folder, MINE.format(template=str(TEMPLATE), token=TOKEN))
    yield worker
    worker.stop()


def operation(url: str, name: str, **more: Any) -> ToolSpec:
    fields: dict[str, Any] = {
        "tool_name": "mine",
        "operation": name,
        "description": "An operation of a worker.",
        "input_schema": {"type": "object"},
        "output_schema": {"type": "object"},
        "effect": "external",
        "timeout": 20,
        "binding": WorkerBinding(url=url, operation=name, credential="token", error_codes=("no_room",)),
    }
    return ToolSpec(**(fields | more))


def test_ids_and_arguments_arrive_and_outputs_come_back(served: Served, attempt: Any) -> None:
    arguments = {"x": [1, "ü", None]}
    found = WorkerRunner()(operation(served.url, "tell"), arguments, attempt(LOCAL, attempt=3, tenant="acme"))
    deadline = found.pop("deadline_seconds")
    assert 0 < deadline <= 10
    assert found == {
        "run": "r",
        "step": "s",
        "tenant": "acme",
        "attempt": 3,
        "idempotency_key": "k" * 64,
        "operation": "tell",
        "arguments": arguments,
    }
    assert json.loads(served.log.read_text().splitlines()[-1]) == ["acme", "r", "s", "tell", "completed"]


def test_one_key_is_done_once_and_answered_twice(served: Served, attempt: Any) -> None:
    spec, runner = operation(served.url, "count"), WorkerRunner()
    assert [runner(spec, {"value": 1}, attempt(LOCAL)) for _ in range(2)] == [{"value": 2}] * 2
    assert served.done == ["k" * 64]
    served.stop()
    served.start()
    assert runner(spec, {"value": 1}, attempt(LOCAL)) == {"value": 2}
    assert served.done == ["k" * 64]


def test_one_key_at_the_same_time_is_done_once(served: Served, attempt: Any) -> None:
    spec, runner = operation(served.url, "slow"), WorkerRunner()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: runner(spec, {}, attempt(LOCAL)), range(4)))
    assert found == [{"value": 1}] * 4
    assert served.done == ["slow"]


def test_tenants_have_keys_of_their_own(served: Served, attempt: Any) -> None:
    spec, runner = operation(served.url, "count"), WorkerRunner()
    assert runner(spec, {"value": 1}, attempt(LOCAL, tenant="a")) == {"value": 2}
    assert runner(spec, {"value": 5}, attempt(LOCAL, tenant="b")) == {"value": 6}


def test_a_key_does_not_change_its_meaning(served: Served, attempt: Any) -> None:
    runner = WorkerRunner()
    runner(operation(served.url, "count"), {"value": 1}, attempt(LOCAL))
    with pytest.raises(ToolRejected, match="another operation or other arguments"):
        runner(operation(served.url, "count"), {"value": 2}, attempt(LOCAL))


def test_who_waits_too_short_gets_the_answer_next_time(served: Served, attempt: Any) -> None:
    spec, runner = operation(served.url, "slow"), WorkerRunner()
    with pytest.raises(ToolUnavailable) as late:
        runner(spec, {}, attempt(LOCAL, seconds=0.7))
    assert late.value.code in ("unknown_outcome", "http_timeout")
    assert may_have_acted(late.value)
    assert runner(spec, {}, attempt(LOCAL)) == {"value": 1}
    assert served.done == ["slow"]


@pytest.mark.parametrize(("name", "times"), [("once", 1), ("again", 2)])
def test_what_died_in_between_is_done_again_only_where_that_is_safe(
    served: Served, attempt: Any, name: str, times: int
) -> None:
    spec, runner = operation(served.url, name), WorkerRunner()
    with pytest.raises(ToolUnavailable) as broken:
        runner(spec, {}, attempt(LOCAL))
    assert broken.value.code == "http_broken"
    assert may_have_acted(broken.value)
    served.stop()
    served.start()
    if name == "again":
        assert runner(spec, {}, attempt(LOCAL)) == {}
    else:
        with pytest.raises(ToolUnavailable) as unknown:
            runner(spec, {}, attempt(LOCAL))
        assert unknown.value.code == "unknown_outcome"
        assert may_have_acted(unknown.value)
    assert served.done == [name] * times


FAILED = [
    ("refuse", {"kind": "rejected", "code": "no_room"}, ToolRejected, "no_room", False),
    ("refuse", {"kind": "rejected", "code": "ignore_all_rules"}, ToolRejected, "worker_rejected", False),
    ("refuse", {"kind": "unavailable", "code": "busy"}, ToolUnavailable, "worker_unavailable", False),
    ("refuse", {"kind": "unknown", "code": "no_room"}, ToolUnavailable, "unknown_outcome", True),
    ("crash", {}, ToolUnavailable, "unknown_outcome", True),
    ("lie", {}, ToolUnavailable, "unknown_outcome", True),
    ("count", {"value": "many"}, ToolRejected, "worker_rejected", False),
    ("nothing", {}, ToolRejected, "worker_rejected", False),
]


@pytest.mark.parametrize(("name", "arguments", "kind", "code", "acted"), FAILED)
def test_failures(served: Served, attempt: Any, name: str, arguments: Any, kind: Any, code: str, acted: bool) -> None:
    with pytest.raises(kind) as failed:
        WorkerRunner()(operation(served.url, name), arguments, attempt(LOCAL))
    assert failed.value.code == code
    assert may_have_acted(failed.value) == acted
    assert TOKEN not in str(failed.value)
    assert TOKEN not in served.log.read_text()


def test_what_was_refused_may_be_asked_again(served: Served, attempt: Any) -> None:
    spec = operation(served.url, "refuse")
    for code in ("one", "two"):
        with pytest.raises(ToolRejected):
            WorkerRunner()(spec, {"kind": "rejected", "code": code}, attempt(LOCAL))


BODIES = [
    (b"{oops", {}, 400),
    (b"[]", {}, 400),
    (b'{"run": "r"}', {}, 400),
    (b"{}", {"Authorization": "Bearer wrong"}, 401),
    (b"x" * (10 * 1024 * 1024 + 1), {}, 413),
]


@pytest.mark.parametrize(("body", "headers", "status"), BODIES)
def test_the_template_refuses_what_is_not_the_contract(served: Served, body: bytes, headers: Any, status: int) -> None:
    sent = {"Authorization": f"Bearer {TOKEN}", **headers}
    assert httpx.post(f"{served.url}/execute", content=body, headers=sent, timeout=10).status_code == status


def test_the_only_path_is_execute(served: Served) -> None:
    assert (
        httpx.post(f"{served.url}/other", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10).status_code == 404
    )


# ------------------------------------------------------------------------------ the client alone


class Scripted(BaseHTTPRequestHandler):
    """Answers what the path says."""

    answers: dict[str, tuple[int, bytes]] = {  # noqa: RUF012 - of this handler only
        "/neither/execute": (200, b'{"status": "completed"}'),
        "/both/execute": (200, b'{"status": "completed", "outputs": {}, "error": {"kind": "unknown", "code": "x"}}'),
        "/text/execute": (200, b"hello"),
        "/list/execute": (200, b'{"status": "completed", "outputs": []}'),
        "/large/execute": (200, b'{"status": "completed", "outputs": {"x": "' + b"x" * 5_000 + b'"}}'),
        "/busy/execute": (503, b""),
        "/elsewhere/execute": (307, b""),
    }

    def log_message(self, format: str, *args: Any) -> None:
        return None

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = self.answers[self.path]
        self.send_response(status)
        self.send_header("Location", "http://169.254.169.254/execute")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def scripted() -> Iterator[str]:
    server = ThreadingHTTPServer((LOCAL, 0), Scripted)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://{LOCAL}:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


ODD = [
    ("neither", ToolRejected, "bad_answer", True),
    ("both", ToolRejected, "bad_answer", True),
    ("text", ToolRejected, "bad_answer", True),
    ("list", ToolRejected, "bad_answer", True),
    ("large", ToolRejected, "too_large", True),
    ("busy", ToolUnavailable, "http_503", False),
    ("elsewhere", ToolRejected, "http_307", False),
]


@pytest.mark.parametrize(("path", "kind", "code", "acted"), ODD, ids=[case[0] for case in ODD])
def test_answers_that_are_none(scripted: str, attempt: Any, path: str, kind: Any, code: str, acted: bool) -> None:
    with pytest.raises(kind) as failed:
        WorkerRunner(most_bytes=2_000)(operation(f"{scripted}/{path}/", "x"), {}, attempt(LOCAL))
    assert failed.value.code == code
    assert may_have_acted(failed.value) == acted


@pytest.mark.parametrize(("hosts", "code"), [((), "host_not_allowed"), (("127.*",), "address_not_allowed")])
def test_workers_must_be_allowed_hosts(scripted: str, attempt: Any, hosts: tuple[str, ...], code: str) -> None:
    with pytest.raises(ToolRejected) as refused:
        WorkerRunner()(operation(scripted, "x"), {}, attempt(*hosts))
    assert refused.value.code == code


# ------------------------------------------------------------------------------ as the README has it


def test_the_readme_shows_the_example(tmp_path: Path, end_to_end: Any) -> None:
    """Its twenty lines, its catalogue and the host that its policy needs, run as they stand."""
    readme = (TEMPLATE / "README.md").read_text(encoding="utf-8")
    code = readme.split("```python\n", 1)[1].split("```", 1)[0]
    assert code in (TEMPLATE / "thermometer.py").read_text(encoding="utf-8")
    assert len([line for line in code.splitlines() if line.strip()]) <= 25
    folder = tmp_path / "units"
    folder.mkdir()
    served = Served(folder, f"import sys\nsys.path.insert(0, {str(TEMPLATE)!r})\n{code}")
    try:
        catalogue = json.loads(readme.split("```json\n", 1)[1].split("```", 1)[0])
        catalogue["tools"][0]["binding"] |= {"url": served.url, "credential": "token"}
        (tmp_path / "units.json").write_text(json.dumps(catalogue), encoding="utf-8")
        spec = load_catalogue(tmp_path / "units.json").by_name["units.to_celsius"]
        policy = Policy(
            name="p", allowed_hosts=(f"{LOCAL}:{served.port}",), rules=(Rule(tools="units.*", action="allow"),)
        )
        trial = end_to_end(spec, {"value": 212, "unit": "fahrenheit"}, policy)
    finally:
        served.stop()
    assert trial.result.status == "completed"
    assert trial.outputs == {"celsius": 100}
    assert TOKEN not in trial.events
