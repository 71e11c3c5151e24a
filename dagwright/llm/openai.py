"""`OpenAIModel`: OpenAI, and every endpoint that speaks its chat completions."""

from __future__ import annotations

import json
import os
import time
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from pydantic import JsonValue

from dagwright.exceptions import ContentError, InputError, ModelAnswerError
from dagwright.llm.answer import checked_value
from dagwright.llm.model import ModelReply, ModelRequest, Usage
from dagwright.llm.price import priced
from dagwright.llm.response import answer_type, is_strict, unwrapped
from dagwright.llm.transport import Endpoint, call

KEY = "OPENAI_API_KEY"
"""Environment variable of the key."""

OPTIONAL = ("temperature", "seed", "stop")
"""Parameters that some models refuse; they are then left out."""


class OpenAIModel:
    """A model behind an OpenAI-compatible endpoint.

    A schema is enforced through instructor's JSON_SCHEMA mode, strictly where the schema allows it.
    """

    def __init__(self, name: str, *, base_url: str | None = None) -> None:
        """Remembers what to reach; nothing is reached yet.

        Args:
            name: The model's name at its provider.
            base_url: The endpoint with its path, e.g. `http://localhost:11434/v1`; None is OpenAI.

        Raises:
            InputError: OpenAI without a key, or an endpoint that is no HTTP address.
        """
        key = os.environ.get(KEY, "")
        if base_url is None and not key:
            raise InputError(f"model 'openai:{name}' needs a key: set {KEY}")
        if base_url is not None and not urlsplit(base_url).hostname:
            raise InputError(f"{base_url!r} is not an address like http://localhost:8080/v1")
        self._model = name
        self._base_url = base_url
        self._refused: set[str] = set()
        self._endpoint = Endpoint(
            who=self.name,
            address=base_url or "api.openai.com",
            remedy="the server at that address (or use --model local, which needs no network)",
            key_variable=KEY,
            secret=key,
        )

    @property
    def name(self) -> str:
        """`openai:NAME`, or `URL#NAME`."""
        return f"openai:{self._model}" if self._base_url is None else f"{self._base_url}#{self._model}"

    @property
    def accepts_grammar(self) -> bool:
        """False."""
        return False

    def __repr__(self) -> str:
        return f"OpenAIModel({self.name!r})"

    def complete(self, request: ModelRequest) -> ModelReply:
        """Gives the answer.

        Raises:
            ModelAnswerError: garbage, a refusal, or cut off where JSON was wanted.
            ContentError: a request that this model cannot take (a grammar, `continues`).
            InputError: the key or the model's name was refused.
            TransportError: not reachable, or no answer in time, after bounded retries.
        """
        check_hosted(request, self.name)
        started = time.monotonic()
        answer, completion = call(
            lambda seconds: self._ask(request, seconds), self._endpoint, timeout=request.timeout, usage_of=self._usage
        )
        return self._reply(request, answer, completion, time.monotonic() - started)

    def _usage(self, completion: Any, seconds: float = 0.0) -> Usage:
        provider = "openai" if self._base_url is None else None
        return priced(
            _tokens(getattr(completion, "usage", None), seconds), self._model, provider=provider, address=self._base_url
        )

    @cached_property
    def _client(self) -> Any:
        import openai

        return openai.OpenAI(api_key=self._endpoint.secret or "none", base_url=self._base_url, max_retries=0)

    def _ask(self, request: ModelRequest, seconds: float) -> tuple[dict[str, JsonValue] | None, Any]:
        """Asks once; parameters that the model refuses are left out and it is asked again."""
        import openai

        for _ in range(len(OPTIONAL) + 1):
            try:
                return self._asked(request, self._arguments(request, seconds))
            except Exception as error:
                cause = error.__cause__ if error.__cause__ is not None else error
                refused = cause.param if isinstance(cause, openai.BadRequestError) else None
                if refused not in OPTIONAL or refused in self._refused:
                    raise
                self._refused.add(refused)
        raise ContentError(f"{self.name} refuses every combination of parameters")

    def _asked(self, request: ModelRequest, arguments: dict[str, Any]) -> tuple[dict[str, JsonValue] | None, Any]:
        if request.json_schema is None:
            return None, self._client.chat.completions.create(**arguments)
        import instructor

        client: Any = instructor.from_openai(self._client, mode=instructor.Mode.JSON_SCHEMA)
        wanted = answer_type(request.json_schema)
        if self._base_url is None and is_strict(wanted.wanted):
            client.on("completion:kwargs", _make_strict)
        parsed, completion = client.create_with_completion(response_model=wanted, max_retries=0, **arguments)
        return parsed.root, completion

    def _arguments(self, request: ModelRequest, seconds: float) -> dict[str, Any]:
        limit = "max_completion_tokens" if self._base_url is None else "max_tokens"
        optional: dict[str, Any] = {"temperature": request.temperature, "seed": request.seed}
        if request.stop:
            optional["stop"] = list(request.stop)
        return {
            "model": self._model,
            "messages": [message.model_dump(mode="json") for message in request.messages],
            "timeout": seconds,
            limit: request.max_tokens,
            **{name: value for name, value in optional.items() if name not in self._refused},
        }

    def _reply(
        self, request: ModelRequest, answer: dict[str, JsonValue] | None, completion: Any, seconds: float
    ) -> ModelReply:
        if not getattr(completion, "choices", None):
            raise ModelAnswerError(f"{self.name}: the answer holds no choice")
        choice, usage = completion.choices[0], self._usage(completion, seconds)
        if getattr(choice.message, "refusal", None) or choice.finish_reason == "content_filter":
            why = choice.message.refusal or "stopped by its content filter"
            raise ModelAnswerError(f"{self.name} refused: {why}", usage=usage)
        finish = "length" if choice.finish_reason == "length" else "stop"
        text, value = choice.message.content or "", None
        if request.json_schema is not None and answer is not None:
            text = json.dumps(unwrapped(request.json_schema, answer), ensure_ascii=False)
            value = checked_value(request, text, finish=finish, model=self.name, usage=usage)
        return ModelReply(text=text, value=value, finish=finish, usage=usage, model=self.name)


def check_hosted(request: ModelRequest, name: str) -> None:
    """Refuses what hosted models do not offer.

    Raises:
        ContentError: a grammar, or an answer to be continued.
    """
    if request.grammar is not None:
        raise ContentError(f"{name} takes no grammar; give a JSON Schema, or use a local model")
    if request.continues:
        raise ContentError(f"{name} does not continue an answer that was begun; use a local model for that")
    if not request.messages:
        raise ContentError("a request needs at least one message")


def _make_strict(**arguments: Any) -> None:
    arguments["response_format"]["json_schema"]["strict"] = True


def _tokens(usage: Any, seconds: float) -> Usage:
    details = getattr(usage, "prompt_tokens_details", None)
    return Usage(
        prompt_tokens=getattr(usage, "prompt_tokens", 0) or 0,
        cached_tokens=getattr(details, "cached_tokens", 0) or 0,
        completion_tokens=getattr(usage, "completion_tokens", 0) or 0,
        seconds=seconds,
    )
