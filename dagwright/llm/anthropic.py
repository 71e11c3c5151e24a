"""`AnthropicModel`: Claude through Anthropic's messages."""

from __future__ import annotations

import json
import os
import time
from functools import cached_property
from typing import Any

from pydantic import JsonValue

from dagwright.exceptions import InputError, ModelAnswerError
from dagwright.llm.answer import checked_value
from dagwright.llm.model import ModelReply, ModelRequest, Usage
from dagwright.llm.openai import check_hosted
from dagwright.llm.price import priced
from dagwright.llm.response import answer_type, unwrapped
from dagwright.llm.transport import Endpoint, call

KEY = "ANTHROPIC_API_KEY"
"""Environment variable of the key."""


class AnthropicModel:
    """A model of Anthropic. A schema is enforced through instructor's TOOLS mode: one forced tool."""

    def __init__(self, name: str, *, base_url: str | None = None) -> None:
        """Remembers what to reach; nothing is reached yet.

        Args:
            name: The model's name.
            base_url: Another address that speaks the same protocol; None is Anthropic.

        Raises:
            InputError: no key is set.
        """
        key = os.environ.get(KEY, "")
        if not key:
            raise InputError(f"model 'anthropic:{name}' needs a key: set {KEY}")
        self._model = name
        self._base_url = base_url
        self._takes_temperature = True
        self._endpoint = Endpoint(
            who=self.name,
            address=base_url or "api.anthropic.com",
            remedy="the network (or use --model local, which needs none)",
            key_variable=KEY,
            secret=key,
        )

    @property
    def name(self) -> str:
        """`anthropic:NAME`."""
        return f"anthropic:{self._model}"

    @property
    def accepts_grammar(self) -> bool:
        """False."""
        return False

    def __repr__(self) -> str:
        return f"AnthropicModel({self.name!r})"

    def complete(self, request: ModelRequest) -> ModelReply:
        """Gives the answer. The seed has no effect: this provider takes none.

        Raises:
            ModelAnswerError: garbage, a refusal, or cut off where JSON was wanted.
            ContentError: a request that this model cannot take (a grammar, `continues`).
            InputError: the key or the model's name was refused.
            TransportError: not reachable, or no answer in time, after bounded retries.
        """
        check_hosted(request, self.name)
        started = time.monotonic()
        answer, message = call(
            lambda seconds: self._ask(request, seconds), self._endpoint, timeout=request.timeout, usage_of=self._usage
        )
        return self._reply(request, answer, message, time.monotonic() - started)

    def _usage(self, message: Any, seconds: float = 0.0) -> Usage:
        return priced(_tokens(message.usage, seconds), self._model, provider="anthropic")

    @cached_property
    def _client(self) -> Any:
        import anthropic

        return anthropic.Anthropic(api_key=self._endpoint.secret, base_url=self._base_url, max_retries=0)

    def _ask(self, request: ModelRequest, seconds: float) -> tuple[dict[str, JsonValue] | None, Any]:
        import anthropic

        try:
            return self._asked(request, self._arguments(request, seconds))
        except Exception as error:
            cause = error.__cause__ if error.__cause__ is not None else error
            if not (isinstance(cause, anthropic.BadRequestError) and "temperature" in str(cause)):
                raise
        self._takes_temperature = False  # newer models refuse it
        return self._asked(request, self._arguments(request, seconds))

    def _asked(self, request: ModelRequest, arguments: dict[str, Any]) -> tuple[dict[str, JsonValue] | None, Any]:
        turns = [message.model_dump(mode="json") for message in request.messages]
        if request.json_schema is None:
            system = "\n\n".join(turn["content"] for turn in turns if turn["role"] == "system")
            others = [turn for turn in turns if turn["role"] != "system"]
            spoken = {"system": system} if system else {}
            return None, self._client.messages.create(messages=others, **spoken, **arguments)
        import instructor

        client: Any = instructor.from_anthropic(self._client, mode=instructor.Mode.TOOLS)
        wanted = answer_type(request.json_schema)
        parsed, message = client.create_with_completion(
            messages=turns, response_model=wanted, max_retries=0, **arguments
        )
        return parsed.root, message

    def _arguments(self, request: ModelRequest, seconds: float) -> dict[str, Any]:
        arguments: dict[str, Any] = {"model": self._model, "max_tokens": request.max_tokens, "timeout": seconds}
        if request.stop:
            arguments["stop_sequences"] = list(request.stop)
        if self._takes_temperature:
            arguments["extra_body"] = {"temperature": min(request.temperature, 1.0)}
        return arguments

    def _reply(
        self, request: ModelRequest, answer: dict[str, JsonValue] | None, message: Any, seconds: float
    ) -> ModelReply:
        usage = self._usage(message, seconds)
        if message.stop_reason == "refusal":
            raise ModelAnswerError(f"{self.name} refused", usage=usage)
        finish = "length" if message.stop_reason == "max_tokens" else "stop"
        text, value = "".join(block.text for block in message.content if block.type == "text"), None
        if request.json_schema is not None and answer is not None:
            text = json.dumps(unwrapped(request.json_schema, answer), ensure_ascii=False)
            value = checked_value(request, text, finish=finish, model=self.name, usage=usage)
        return ModelReply(text=text, value=value, finish=finish, usage=usage, model=self.name)


def _tokens(usage: Any, seconds: float) -> Usage:
    cached = getattr(usage, "cache_read_input_tokens", 0) or 0
    written = getattr(usage, "cache_creation_input_tokens", 0) or 0
    return Usage(
        prompt_tokens=usage.input_tokens + cached + written,
        cached_tokens=cached,
        completion_tokens=usage.output_tokens,
        seconds=seconds,
    )
