"""A worker that speaks dagwright's uniform contract, `POST /execute`: copy this file and register operations.

It needs Python's standard library and `jsonschema-rs`. It refuses what does not fit an operation's schema, does
one idempotency key at most once (SQLite remembers), bounds bodies and waiting, and logs ids, never arguments.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema_rs

MOST_BYTES = 10 * 1024 * 1024
"""Of a request and of an answer."""
SILENCE_SECONDS = 30.0
"""How long a client may take to send its request."""

Object = dict[str, Any]
TEXT: Object = {"type": "string", "minLength": 1, "maxLength": 200}
REQUEST: Object = {
    "type": "object",
    "properties": {
        "run": TEXT,
        "step": TEXT,
        "tenant": TEXT,
        "attempt": {"type": "integer", "minimum": 1},
        "idempotency_key": TEXT,
        "operation": TEXT,
        "arguments": {"type": "object"},
        "deadline_seconds": {"type": "number", "minimum": 0, "maximum": 86400},
    },
    "required": [
        "run",
        "step",
        "tenant",
        "attempt",
        "idempotency_key",
        "operation",
        "arguments",
        "deadline_seconds",
    ],
    "additionalProperties": False,
}


class Rejected(Exception):
    """Raise it in an operation that refuses its arguments and has done nothing."""

    kind = "rejected"

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


class Unavailable(Rejected):
    """Raise it in an operation that cannot be done now and has done nothing."""

    kind = "unavailable"


class Unknown(Rejected):
    """Raise it where something may have been done."""

    kind = "unknown"


@dataclass(frozen=True)
class Operation:
    """One thing that the worker does."""

    do: Callable[[Object, Object], Object]
    """Gets the arguments and the whole request; gives the outputs."""
    arguments: jsonschema_rs.Draft202012Validator
    outputs: jsonschema_rs.Draft202012Validator
    idempotent: bool
    """Whether it may be done again where nobody knows whether it was."""


class Keys:
    """What was answered to which idempotency key, in a SQLite file; keys of tenants are apart."""

    def __init__(self, path: str | Path) -> None:
        self._guard = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS keys (tenant TEXT, key TEXT, asked TEXT, begun REAL, answer TEXT,"
            " PRIMARY KEY (tenant, key)) WITHOUT ROWID"
        )

    def begin(self, tenant: str, key: str, asked: str) -> tuple[str, str | None] | None:
        """Enters a key before anything is done; gives what is known where it was entered before."""
        with self._guard:
            row = self._database.execute(
                "SELECT asked, answer FROM keys WHERE tenant = ? AND key = ?", (tenant, key)
            ).fetchone()
            if row is None:
                self._database.execute("INSERT INTO keys VALUES (?, ?, ?, ?, NULL)", (tenant, key, asked, time.time()))
            return row

    def end(self, tenant: str, key: str, answer: str) -> None:
        """Remembers the answer."""
        with self._guard:
            self._database.execute("UPDATE keys SET answer = ? WHERE tenant = ? AND key = ?", (answer, tenant, key))

    def forget(self, tenant: str, key: str) -> None:
        """Forgets a key under which nothing was done."""
        with self._guard:
            self._database.execute("DELETE FROM keys WHERE tenant = ? AND key = ?", (tenant, key))

    def close(self) -> None:
        """Closes the file."""
        with self._guard:
            self._database.close()


class Worker:
    """Operations by name, and the server in front of them."""

    def __init__(self, keys: str | Path, *, token: str | None = None, threads: int = 8) -> None:
        """Remembers keys in a SQLite file; with a token, only requests that bear it are taken."""
        self._operations: dict[str, Operation] = {}
        self._keys, self._token = Keys(keys), token
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="operation")
        self._running: dict[tuple[str, str], Future[Object]] = {}
        self._guard = threading.Lock()

    def operation(
        self, name: str, *, arguments: Object, outputs: Object, idempotent: bool = False
    ) -> Callable[[Callable[[Object, Object], Object]], Callable[[Object, Object], Object]]:
        """Registers the function below it; both schemas are JSON Schema (2020-12)."""

        def register(do: Callable[[Object, Object], Object]) -> Callable[[Object, Object], Object]:
            schemas = [jsonschema_rs.Draft202012Validator(schema) for schema in (arguments, outputs)]
            self._operations[name] = Operation(do, schemas[0], schemas[1], idempotent)
            return do

        return register

    def execute(self, request: Object) -> Object:
        """Gives the answer to a request that fits the contract; waits no longer than its deadline."""
        operation = self._operations.get(request["operation"])
        if operation is None:
            return _failed(Rejected("unknown_operation", f"operations are: {', '.join(sorted(self._operations))}"))
        problem = next(operation.arguments.iter_errors(request["arguments"]), None)
        if problem is not None:
            return _failed(Rejected("bad_arguments", _where(problem)))
        key = (request["tenant"], request["idempotency_key"])
        with self._guard:
            known = self._keys.begin(*key, _digest(request))
            running = self._running.get(key)
            if known is not None:
                answer = _known(known, _digest(request), repeatable=running is not None or operation.idempotent)
                if answer is not None:
                    return answer
            if running is None:
                running = self._running[key] = self._pool.submit(self._do, operation, request, key)
        try:
            return running.result(request["deadline_seconds"])
        except Late:
            return _failed(Unknown("late", "it is still being done; ask again with the same key"))

    def _do(self, operation: Operation, request: Object, key: tuple[str, str]) -> Object:
        try:
            outputs = operation.do(request["arguments"], request)
            problem = next(operation.outputs.iter_errors(outputs), None)
            answer = (
                {"status": "completed", "outputs": outputs}
                if problem is None
                else _failed(Unknown("bad_outputs", _where(problem)))
            )
            self._keys.end(*key, json.dumps(answer, allow_nan=False))
        except Rejected as error:
            if not isinstance(error, Unknown):
                self._keys.forget(*key)
            answer = _failed(error)
        except Exception as error:  # noqa: BLE001 - whatever an operation raises is an answer
            answer = _failed(Unknown("crashed", type(error).__name__))
        finally:
            with self._guard:
                self._running.pop(key, None)
        return answer

    def server(self, host: str = "127.0.0.1", port: int = 8090) -> ThreadingHTTPServer:
        """Gives the server, bound and not yet serving."""
        worker, token = self, self._token

        class Handler(_Handler):
            answer_to = staticmethod(worker.execute)
            expected = f"Bearer {token}" if token else None

        return ThreadingHTTPServer((host, port), Handler)

    def serve(self, host: str = "127.0.0.1", port: int = 8090) -> None:
        """Serves until it is interrupted; writes its address to standard error."""
        with self.server(host, port) as server:
            sys.stderr.write(f"worker at http://{host}:{server.server_address[1]}/execute\n")
            sys.stderr.flush()
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                pass
            finally:
                self.close()

    def close(self) -> None:
        """Waits for what is being done, then closes the file of keys."""
        self._pool.shutdown()
        self._keys.close()


class _Handler(BaseHTTPRequestHandler):
    """Reads one request, within bounds, and writes its answer."""

    protocol_version = "HTTP/1.1"
    timeout = SILENCE_SECONDS
    answer_to: Callable[[Object], Object]
    expected: str | None = None
    _validator = jsonschema_rs.Draft202012Validator(REQUEST)

    def do_POST(self) -> None:
        given = self.headers.get("Authorization", "")
        if self.path != "/execute":
            return self._put(404, {"error": "the only path is /execute"})
        if self.expected is not None and not hmac.compare_digest(given.encode(), self.expected.encode()):
            return self._put(401, {"error": "a bearer token is needed"})
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            return self._put(411, {"error": "Content-Length is needed"})
        if int(length) > MOST_BYTES:
            return self._put(413, {"error": f"at most {MOST_BYTES} bytes are taken"})
        try:
            request = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            return self._put(400, {"error": "the body is not JSON"})
        problem = next(self._validator.iter_errors(request), None)
        if problem is not None:
            return self._put(400, {"error": f"the request does not fit the contract {_where(problem)}"})
        answer = self.answer_to(request)
        ids = (request["tenant"], request["run"], request["step"], request["operation"], answer["status"])
        sys.stderr.write(f"{json.dumps(ids)}\n")
        return self._put(200, answer)

    def _put(self, status: int, answer: Object) -> None:
        body = json.dumps(answer).encode()
        if len(body) > MOST_BYTES:
            body = json.dumps(_failed(Unknown("too_large", "the answer is too large"))).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status != 200:  # its body may not have been read
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: one line of ids per request is written where it is answered."""


def _failed(error: Rejected) -> Object:
    return {"status": "failed", "error": {"kind": error.kind, "code": error.code, "message": str(error)}}


def _digest(request: Object) -> str:
    """Gives what a key stands for: the hash of operation and arguments."""
    return hashlib.sha256(json.dumps([request["operation"], request["arguments"]], sort_keys=True).encode()).hexdigest()


def _known(known: tuple[str, str | None], asked: str, *, repeatable: bool) -> Object | None:
    """Gives the answer that a key has already; None where it is being done, or may be done again."""
    if known[0] != asked:
        return _failed(Rejected("key_reused", "this key belongs to another operation or other arguments"))
    if known[1] is not None:
        return json.loads(known[1])
    return None if repeatable else _failed(Unknown("unknown_outcome", "it was begun before; its end was not seen"))


def _where(problem: jsonschema_rs.ValidationError) -> str:
    """Says where a value breaks its schema and which rule, without quoting the value."""
    place = "/".join(map(str, problem.instance_path))
    rule = "/".join(map(str, problem.schema_path))
    return f"at /{place} (rule /{rule})"
