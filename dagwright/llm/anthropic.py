"""`AnthropicModel`: Claude through Anthropic's messages."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

from dagwright.exceptions import InputError, ModelAnswerError
from dagwright.llm.hosted import SECONDS, HostedModel
from dagwright.llm.model import ModelRequest, Usage
from dagwright.llm.price import priced
from dagwright.llm.response import Answer, Answered
from dagwright.llm.transport import Endpoint

KEY = "ANTHROPIC_API_KEY"
"""Environment variable of the key."""
CUT_OFF = frozenset(("max_tokens", "model_context_window_exceeded"))
"""Reasons to stop that leave an answer incomplete."""


class AnthropicModel(HostedModel):
    """A model of Anthropic. A schema is enforced through instructor's TOOLS mode: one forced tool.

    A request's seed has no effect: this provider takes none.
    """

    OPTIONAL = frozenset(("temperature",))  # newer models refuse it

    def __init__(self, name: str, *, base_url: str | None = None, timeout: float = SECONDS) -> None:
        """Remembers what to reach; nothing is reached yet.

        Args:
            name: The model's name.
            base_url: Another address that speaks the same protocol; None is Anthropic.
            timeout: Seconds for an answer, retries included, where a request names none.

        Raises:
            InputError: no key is set.
        """
        key = os.environ.get(KEY, "")
        if not key:
            raise InputError(f"model 'anthropic:{name}' needs a key: set {KEY}")
        endpoint = Endpoint(
            who=f"anthropic:{name}",
            address=base_url or "api.anthropic.com",
            advice="Check the network, or use --model local, which needs none",
            key_variable=KEY,
            secret=key,
        )
        super().__init__(name, endpoint, base_url=base_url, timeout=timeout)

    @cached_property
    def _client(self) -> Any:
        import anthropic

        return anthropic.Anthropic(api_key=self._endpoint.secret, base_url=self._base_url, max_retries=0)

    def _asked_for_text(self, request: ModelRequest, seconds: float) -> Any:
        system = "\n\n".join(message.content for message in request.messages if message.role == "system")
        others = [message.model_dump(mode="json") for message in request.messages if message.role != "system"]
        spoken = {"system": system} if system else {}
        return self._client.messages.create(messages=others, **spoken, **self._arguments(request, seconds))

    def _asked_for_json(self, request: ModelRequest, wanted: type[Answer], seconds: float) -> tuple[Answer, Any]:
        import instructor

        client: Any = instructor.from_anthropic(self._client, mode=instructor.Mode.TOOLS)
        turns = [message.model_dump(mode="json") for message in request.messages]
        arguments = self._arguments(request, seconds)
        return client.create_with_completion(messages=turns, response_model=wanted, max_retries=0, **arguments)

    def _arguments(self, request: ModelRequest, seconds: float) -> dict[str, Any]:
        arguments: dict[str, Any] = {"model": self._model, "max_tokens": request.max_tokens, "timeout": seconds}
        if request.stop:
            arguments["stop_sequences"] = list(request.stop)
        if "temperature" not in self._refused:
            arguments["extra_body"] = {"temperature": min(request.temperature, 1.0)}
        return arguments

    def _refused_parameter(self, error: BaseException) -> str | None:
        import anthropic

        refused = isinstance(error, anthropic.BadRequestError) and "temperature" in str(error)
        return "temperature" if refused else None

    def _answered(self, completion: Any, seconds: float) -> Answered:
        if getattr(completion, "content", None) is None or completion.usage is None:
            raise ModelAnswerError(f"{self.name}: the answer holds no content")
        usage = priced(_tokens(completion.usage, seconds), self._model, provider="anthropic")
        text = "".join(block.text for block in completion.content if block.type == "text")
        refusal = "it gives no reason" if completion.stop_reason == "refusal" else ""
        finish = "length" if completion.stop_reason in CUT_OFF else "stop"
        return Answered(text=text, finish=finish, usage=usage, refusal=refusal)


def _tokens(usage: Any, seconds: float) -> Usage:
    cached = getattr(usage, "cache_read_input_tokens", 0) or 0
    written = getattr(usage, "cache_creation_input_tokens", 0) or 0
    return Usage(
        prompt_tokens=usage.input_tokens + cached + written,
        cached_tokens=cached,
        completion_tokens=usage.output_tokens,
        seconds=seconds,
    )
