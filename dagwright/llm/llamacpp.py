"""llama.cpp in this process: loads weights silently, opens no port, streams one completion at a time."""

from __future__ import annotations

import contextlib
import ctypes
import json
import secrets
import shutil
import signal
import socket
import tempfile
import threading
import time
import weakref
from collections.abc import Generator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from dagwright.exceptions import Cancelled, ContentError, InputError, TimedOut, TransportError
from dagwright.model import JsonSchema

GRACE = 30.0
"""Seconds that a stopped completion may take to end its current batch, and a state to be written or read."""


@dataclass(kw_only=True)
class Completion:
    """What llama.cpp streamed."""

    text: str = ""
    logprobs: list[float] = field(default_factory=list[float])
    finish: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    error: JsonSchema | None = None

    def add(self, chunk: JsonSchema) -> None:
        """Takes one chunk of the stream."""
        if isinstance(chunk.get("error"), dict):
            self.error = chunk["error"]  # pyright: ignore[reportAttributeAccessIssue]
            return
        for choice in _objects(chunk.get("choices")):
            self._add_choice(choice)
        usage = chunk.get("usage")
        if isinstance(usage, dict):
            details = usage.get("prompt_tokens_details")
            self.prompt_tokens = _integer(usage, "prompt_tokens")
            self.completion_tokens = _integer(usage, "completion_tokens")
            self.cached_tokens = _integer(details, "cached_tokens") if isinstance(details, dict) else 0

    def _add_choice(self, choice: JsonSchema) -> None:
        delta = choice.get("delta")
        text = delta.get("content") if isinstance(delta, dict) else choice.get("text")
        self.text += text if isinstance(text, str) else ""
        logprobs = choice.get("logprobs")
        for token in _objects(logprobs.get("content")) if isinstance(logprobs, dict) else ():
            value = token.get("logprob")
            if isinstance(value, int | float):
                self.logprobs.append(float(value))
        finish = choice.get("finish_reason")
        self.finish = finish if isinstance(finish, str) else self.finish


class Engine:
    """Weights in memory. Not thread-safe: its user holds a lock around `stream`."""

    def __init__(self, path: Path, *, threads: int, context: int, states: Path) -> None:
        """Loads the weights; prints nothing and leaves signal handlers as they were.

        Args:
            path: A GGUF file.
            threads: How many threads decode.
            context: Tokens of prompt and answer together.
            states: Folder in which `save` and `restore` find their files.

        Raises:
            InputError: the file is no GGUF that llama.cpp can load.
        """
        # llama.cpp insists on a server: it gets a socket in a private folder and a random key
        folder = tempfile.mkdtemp(prefix="dagwright-llm-")
        self._remove_folder = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._socket, self._key = f"{folder}/s.sock", secrets.token_hex(32)
        parameters = _parameters(path, threads=threads, context=context)
        parameters.hostnames = [self._socket]
        parameters.api_keys = [self._key]
        self._states = states
        if states.is_dir():
            parameters.slot_save_path = f"{states}/"
        with _signals_kept():
            try:
                self._server = _xllamacpp().Server(parameters)
            except RuntimeError as error:
                self._remove_folder()
                raise InputError(f"{str(path)!r} cannot be loaded: it is no GGUF model that llama.cpp knows") from error

        self.identity = _identity(path, context=context)

    def stream(self, body: JsonSchema, *, chat: bool, timeout: float, cancelled: threading.Event) -> Completion:
        """Runs one completion to its end, its time limit or its cancellation.

        Raises:
            ContentError: llama.cpp refused the request (malformed grammar, prompt too long).
            TimedOut: it took longer than `timeout` seconds.
            Cancelled: `cancelled` was set.
        """
        result, stop, failure = Completion(), threading.Event(), list[Exception]()

        def take(chunk: Any) -> bool:
            result.add(chunk)
            return stop.is_set()

        def work() -> None:
            handle = self._server.handle_chat_completions if chat else self._server.handle_completions
            try:
                handle({**body, "stream": True, "return_progress": True}, take)
            except Exception as error:  # noqa: BLE001 - carried over to the caller's thread
                failure.append(error)

        worker = threading.Thread(target=work, name="dagwright-llm", daemon=True)
        worker.start()
        try:
            _wait(worker, timeout=timeout, cancelled=cancelled)
        finally:
            stop.set()
            worker.join(GRACE)
        if failure:
            raise TransportError(f"llama.cpp failed: {failure[0]}") from failure[0]
        if result.error is not None:
            raise ContentError(f"llama.cpp refused the request: {result.error.get('message')}")
        return result

    def read(self, prompt: str, *, timeout: float, cancelled: threading.Event) -> int:
        """Reads a prompt without answering it and gives its number of tokens; raises as `stream`."""
        body: JsonSchema = {"prompt": prompt, "max_tokens": 0, "temperature": 0.0, "cache_prompt": True}
        return self.stream(body, chat=False, timeout=timeout, cancelled=cancelled).prompt_tokens

    def save(self, name: str) -> int | None:
        """Writes the state to a file of the folder `states`; gives the tokens in it, None if it could not."""
        answer = self._slot("save", name)
        count, written = answer.get("n_saved"), answer.get("n_written")
        with contextlib.suppress(OSError):
            # on a full disk llama.cpp reports success, and would end this process when it reads such a file
            if isinstance(count, int) and (self._states / name).stat().st_size == written:
                return count
        return None

    def restore(self, name: str) -> bool:
        """Takes up a state from a file of the folder `states`; says whether it could."""
        return isinstance(self._slot("restore", name).get("n_restored"), int)

    def _slot(self, action: str, name: str) -> JsonSchema:
        """Asks the one slot to do something that only llama.cpp's own server offers; empty where it would not."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        connection = _SocketConnection(self._socket)
        try:
            connection.request("POST", f"/slots/0?action={action}", json.dumps({"filename": name}), headers)
            response = connection.getresponse()
            found: JsonValue = json.loads(response.read()) if response.status == HTTPStatus.OK else None
        except (OSError, HTTPException, ValueError):
            return {}
        finally:
            connection.close()
        return found if isinstance(found, dict) else {}

    def close(self) -> None:
        """Frees the weights."""
        del self._server
        self._remove_folder()


class _SocketConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=GRACE)
        self._path = path

    def connect(self) -> None:
        """Opens the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(GRACE)
        self.sock.connect(self._path)


def _wait(worker: threading.Thread, *, timeout: float, cancelled: threading.Event) -> None:
    deadline = time.monotonic() + timeout
    while worker.is_alive():
        if cancelled.is_set():
            raise Cancelled("the model was stopped")
        if time.monotonic() > deadline:
            raise TimedOut(f"the local model gave no complete answer within {timeout:g} s")
        worker.join(0.05)


def _parameters(path: Path, *, threads: int, context: int) -> Any:
    parameters = _xllamacpp().CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx = context
    parameters.n_batch = 256  # cancellation is looked at between batches
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.cache_prompt = True
    parameters.cache_ram_mib = 256
    parameters.warmup = False
    parameters.verbosity = -1
    parameters.ui = False
    parameters.endpoint_slots = False
    return parameters


def _identity(path: Path, *, context: int) -> str:
    """Gives what distinguishes models whose states do not fit each other: weights, context, build, processor."""
    status, library = path.stat(), _xllamacpp()
    build = f"{library.__version__} {library.BUILD_INFO} {library.get_system_info()}"
    return f"{path.resolve()} {status.st_size} {status.st_mtime_ns} {context} {build}"


def _xllamacpp() -> Any:
    try:
        import xllamacpp  # pyright: ignore[reportMissingTypeStubs]
    except ImportError as error:
        raise InputError(
            f"the local model needs the package xllamacpp, which cannot be imported here ({error}); "
            "use a hosted one, e.g. --model openai:gpt-4o-mini"
        ) from error
    return xllamacpp


@contextlib.contextmanager
def _signals_kept() -> Generator[None]:
    """llama.cpp installs handlers of its own for SIGINT and SIGTERM; this puts ours back."""
    library = ctypes.CDLL(None, use_errno=True)
    saved = {number: ctypes.create_string_buffer(512) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, action in saved.items():
        library.sigaction(int(number), None, action)
    try:
        yield
    finally:
        for number, action in saved.items():
            library.sigaction(int(number), action, None)


def _objects(value: JsonValue) -> list[JsonSchema]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _integer(mapping: JsonSchema, key: str) -> int:
    value = mapping.get(key)
    return int(value) if isinstance(value, int | float) else 0
