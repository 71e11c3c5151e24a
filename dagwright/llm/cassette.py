"""`Cassette`: recorded exchanges with a model. Replay never reaches one.

A cassette is a JSONL file, one exchange a line: `{"key", "model", "request", "reply"}`. The key is
the SHA-256 of the whole request and the model's name; only the time that an answer may take is left
out, for it is what is left of a step's time. An answer that was of no use is recorded as
`error` instead of `reply`, so that what followed it can be replayed too. Equal requests are answered in the order in
which they were recorded; when all have been given, the last one is given again.
"""

from __future__ import annotations

import difflib
import json
import threading
from collections import defaultdict
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from dagwright.canonical import Sha256, canonical_json, sha256
from dagwright.exceptions import ContentError, InputError, ModelAnswerError
from dagwright.llm.model import Model, ModelReply, ModelRequest
from dagwright.model import Frozen

Mode = Literal["record", "replay", "live"]
"""`record`: ask the model and append; `replay`: only the file; `live`: ask the model, leave the file."""

COMPARED = 200
"""Recordings, the latest ones, that a miss is compared with."""

SHOWN, WIDTH = 40, 200
"""Lines of a difference that a miss shows, and characters of each."""


class Exchange(Frozen):
    """One request and its answer."""

    key: Sha256
    """Hash of model and request."""
    model: str
    """Name of the model."""
    request: ModelRequest
    """What was asked."""
    reply: ModelReply | None = None
    """What it answered."""
    error: str | None = None
    """What was wrong with its answer, where there is no reply."""


class CassetteMiss(ContentError):
    """Raised in replay when a request was never recorded; shows how the nearest recording differs."""


class Cassette:
    """A model that answers from a file, or writes one."""

    def __init__(self, path: Path, *, mode: Mode, model: Model | None = None) -> None:
        """Reads the file, where it is needed.

        Args:
            path: The JSONL file.
            mode: What to do.
            model: The live model; needed for `record` and `live`.

        Raises:
            InputError: replay without a readable cassette, or no model where one is needed.
        """
        if mode != "replay" and model is None:
            raise InputError(f"a cassette in mode {mode!r} needs a live model")
        self._path = path
        self._mode: Mode = mode
        self._model = model
        self._lock = threading.Lock()
        self._exchanges = _read(path) if mode == "replay" else ()
        self._by_key: dict[Sha256, list[Exchange]] = defaultdict(list)
        for exchange in self._exchanges:
            self._by_key[exchange.key].append(exchange)
        self._given: dict[Sha256, int] = defaultdict(int)

    @property
    def name(self) -> str:
        """Name of the model that is asked, or that was recorded."""
        if self._model is not None:
            return self._model.name
        return self._exchanges[-1].model if self._exchanges else f"cassette:{self._path.name}"

    @property
    def accepts_grammar(self) -> bool:
        """What the model accepts; a recorded one accepts what was recorded of it."""
        if self._model is not None:
            return self._model.accepts_grammar
        return any(exchange.request.grammar is not None for exchange in self._exchanges)

    def complete(self, request: ModelRequest) -> ModelReply:
        """Gives the recorded or the live answer.

        Raises:
            CassetteMiss: replay, and this request was never recorded.
            ModelAnswerError: as the live model raises it.
            TransportError: as the live model raises it.
        """
        if self._model is None:
            return self._replayed(request)
        if self._mode == "live":
            return self._model.complete(request)
        key = key_of(self.name, request)
        try:
            reply = self._model.complete(request)
        except ModelAnswerError as error:
            self._append(Exchange(key=key, model=self.name, request=request, error=str(error)))
            raise
        self._append(Exchange(key=key, model=self.name, request=request, reply=reply))
        return reply

    def _append(self, exchange: Exchange) -> None:
        line = canonical_json(exchange) + b"\n"
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(line)

    def _replayed(self, request: ModelRequest) -> ModelReply:
        key = key_of(self.name, request)
        with self._lock:
            recorded = self._by_key.get(key)
            if not recorded:
                raise CassetteMiss(self._difference(request))
            exchange = recorded[min(self._given[key], len(recorded) - 1)]
            self._given[key] += 1
        if exchange.reply is None:
            raise ModelAnswerError(exchange.error or f"{exchange.model}: the recording holds no answer")
        return exchange.reply

    def _difference(self, request: ModelRequest) -> str:
        wanted = _lines(request)
        head = f"cassette {str(self._path)!r} has no answer to this request, and replay asks no live model"
        recorded = [_lines(exchange.request) for exchange in self._exchanges[-COMPARED:]]
        if not recorded:
            return f"{head}; it is empty"
        nearest = max(recorded, key=lambda lines: difflib.SequenceMatcher(None, lines, wanted, autojunk=False).ratio())
        diff = list(difflib.unified_diff(nearest, wanted, "recorded", "asked", lineterm="", n=1))
        shown = [line if len(line) <= WIDTH else f"{line[:WIDTH]}…" for line in diff[:SHOWN]]
        if len(diff) > SHOWN:
            shown.append(f"… and {len(diff) - SHOWN} more lines")
        return f"{head}. Nearest recording:\n" + ("\n".join(shown) or "(it was recorded for another model)")


def key_of(model: str, request: ModelRequest) -> Sha256:
    """Gives what a recording is found by: the hash of the model's name and the whole request but its timeout."""
    return sha256({"model": model, "request": request.model_dump(mode="json", exclude={"timeout"})})


def _read(path: Path) -> tuple[Exchange, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cassette {str(path)!r} cannot be read: {error}") from error
    exchanges: list[Exchange] = []
    for number, line in enumerate(lines, 1):
        try:
            exchanges.append(Exchange.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = "/".join(str(part) for part in first["loc"])
            raise InputError(f"cassette {str(path)!r}, line {number}, at /{where}: {first['msg']}") from error
    return tuple(exchanges)


def _lines(request: ModelRequest) -> list[str]:
    """The request as lines that a person can compare: fields first, then each message's text."""
    fields = request.model_dump(mode="json", exclude={"messages", "grammar", "timeout"})
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False, sort_keys=True)}" for name, value in fields.items()]
    lines += ["--- grammar", *(request.grammar or "none").splitlines()]
    for message in request.messages:
        lines.append(f"--- {message.role}")
        lines.extend(message.content.splitlines())
    return lines
