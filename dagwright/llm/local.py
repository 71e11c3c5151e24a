"""`LocalModel`: a GGUF model on this machine, with grammars, JSON Schema and a prefix cache."""

from __future__ import annotations

import mmap
import threading
import time
from pathlib import Path

from pydantic import JsonValue

from dagwright.exceptions import Cancelled, ContentError, InputError, TimedOut
from dagwright.llm.answer import checked_value
from dagwright.llm.constraint import json_grammar
from dagwright.llm.llamacpp import Completion, Engine
from dagwright.llm.model import ModelReply, ModelRequest, Usage
from dagwright.llm.prefix import PrefixCache, PrefixStore
from dagwright.llm.prompt import chatml, chatml_opening, check_continues
from dagwright.model import JsonSchema

THREADS = 2
"""Default number of threads; more of them than cores makes it slower."""
CONTEXT = 8192
"""Default context in tokens."""
SECONDS = 600.0
"""How long an answer may take where a request does not say."""


class LocalModel:
    """llama.cpp in this process. Loads at the first request; one request runs at a time.

    Consecutive requests that begin alike share the prefix cache: keep what is stable in front. What
    a request declares `stable` is read once on a machine: the next process takes it up from disk.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        threads: int = THREADS,
        context: int = CONTEXT,
        states: Path | None = None,
    ) -> None:
        """Remembers where the weights are.

        Args:
            path: A GGUF file; None means the default weights, looked for when first needed.
            threads: How many threads decode.
            context: Tokens of prompt and answer together.
            states: Folder of what was read of stable openings; None is `prefix` in the cache.
        """
        self._path = path
        self._states = states
        self._threads = threads
        self._context = context
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._engine: Engine | None = None
        self._prefixes: PrefixCache | None = None
        self._chatml = True

    @property
    def name(self) -> str:
        """`local:` and the file's name without its ending."""
        from dagwright.llm.weights import FILE

        return f"local:{(self._path or Path(FILE)).stem}"

    @property
    def accepts_grammar(self) -> bool:
        """True: GBNF is enforced token by token."""
        return True

    def complete(self, request: ModelRequest) -> ModelReply:
        """Gives the answer.

        Raises:
            ModelAnswerError: the JSON answer was cut off, or does not fit its schema.
            ContentError: a malformed grammar, a schema that cannot be enforced, a prompt too long.
            InputError: the weights cannot be loaded.
            Unreachable: the default weights have not been fetched.
            TimedOut: no answer within the request's time, waiting for other requests included.
            Cancelled: `cancel` was called.
        """
        check_continues(request.messages, continues=request.continues)
        grammar = _grammar(request)
        started = time.monotonic()
        limit = _limit(request)
        if not self._lock.acquire(timeout=limit):
            raise TimedOut(f"the local model was busy for {limit:g} s")
        try:
            self._cancelled.clear()
            engine = self._loaded()
            body = self._body(request, grammar)
            read = self._prepare(request, started)
            left = _left(request, started)
            completion = engine.stream(body, chat=not self._chatml, timeout=left, cancelled=self._cancelled)
            completion.cached_tokens = max(completion.cached_tokens - read, 0)
        finally:
            self._lock.release()
        return self._reply(request, completion, time.monotonic() - started)

    def cancel(self) -> None:
        """Stops the request that runs now: its `complete` raises `Cancelled`. Callable from any thread."""
        self._cancelled.set()

    def close(self) -> None:
        """Frees the weights; the next request loads them again."""
        with self._lock:
            if self._engine is not None:
                self._engine.close()
                self._engine = self._prefixes = None

    def _loaded(self) -> Engine:
        if self._engine is None:
            from dagwright.llm.weights import folder, require

            path = require(self._path)
            self._chatml = _speaks_chatml(path)
            store = PrefixStore(self._states or folder().parent / "prefix")
            self._engine = Engine(path, threads=self._threads, context=self._context, states=store.folder)
            self._prefixes = PrefixCache(self._engine, store)
            if self._cancelled.is_set():
                raise Cancelled("the model was stopped while it was loading")
        return self._engine

    def _prepare(self, request: ModelRequest, started: float) -> int:
        """Puts the stable opening in front and gives the tokens of it that had to be read."""
        if self._prefixes is None or not self._chatml:
            return 0
        last = len(request.messages) - 1 if request.continues else len(request.messages)
        opening = chatml_opening(request.messages[: min(request.stable, last)])
        return self._prefixes.prepare(opening, timeout=_left(request, started), cancelled=self._cancelled)

    def _body(self, request: ModelRequest, grammar: str | None) -> JsonSchema:
        body: JsonSchema = {
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "stop": list(request.stop),
            "cache_prompt": True,
        }
        if grammar is not None:
            body["grammar"] = grammar
        if self._chatml:
            prompt = chatml(request.messages, continues=request.continues)
            return {**body, "prompt": prompt, "n_probs": 1}
        messages: list[JsonValue] = [message.model_dump(mode="json") for message in request.messages]
        return {**body, "messages": messages, "logprobs": True, "stream_options": {"include_usage": True}}

    def _reply(self, request: ModelRequest, completion: Completion, seconds: float) -> ModelReply:
        finish = "length" if completion.finish == "length" else "stop"
        usage = Usage(
            prompt_tokens=completion.prompt_tokens,
            cached_tokens=completion.cached_tokens,
            completion_tokens=completion.completion_tokens,
            cost=0.0,
            seconds=seconds,
        )
        return ModelReply(
            text=completion.text,
            value=checked_value(request, completion.text, finish=finish, model=self.name, usage=usage),
            logprobs=tuple(completion.logprobs) or None,
            finish=finish,
            usage=usage,
            model=self.name,
        )


def _limit(request: ModelRequest) -> float:
    return SECONDS if request.timeout is None else request.timeout


def _left(request: ModelRequest, started: float) -> float:
    return max(_limit(request) - (time.monotonic() - started), 0.1)


def _grammar(request: ModelRequest) -> str | None:
    if request.json_schema is None:
        return request.grammar
    if request.grammar is not None:
        raise ContentError("a request has either a JSON Schema or a grammar, not both")
    if request.continues:
        raise ContentError("a JSON Schema cannot be enforced on a continued answer; give a grammar for the rest of it")
    return json_grammar(request.json_schema)


def _speaks_chatml(path: Path) -> bool:
    """Whether the model's own chat template is ChatML, or it has none (ChatML is then the custom)."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            at = data.find(b"tokenizer.chat_template", 0, 64 << 20)
            return at < 0 or data.find(b"<|im_start|>", at, at + (64 << 10)) >= 0
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)!r} cannot be read: {error}") from error
