"""`OpenAIModel`: OpenAI, and every endpoint that speaks its chat completions."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from dagwright.exceptions import InputError, ModelAnswerError
from dagwright.llm.hosted import SECONDS, HostedModel
from dagwright.llm.model import ModelRequest, Usage
from dagwright.llm.price import priced
from dagwright.llm.response import Answer, Answered, is_strict
from dagwright.llm.transport import Endpoint

KEY = "OPENAI_API_KEY"
"""Environment variable of the key."""


class OpenAIModel(HostedModel):
    """A model behind an OpenAI-compatible endpoint.

    A schema is enforced through instructor's JSON_SCHEMA mode, strictly where the schema allows it.
    """

    OPTIONAL = frozenset(("temperature", "seed", "stop"))

    def __init__(self, name: str, *, base_url: str | None = None, timeout: float = SECONDS) -> None:
        """Remembers what to reach; nothing is reached yet.

        Args:
            name: The model's name at its provider.
            base_url: The endpoint with its path, e.g. `http://localhost:11434/v1`; None is OpenAI.
            timeout: Seconds for an answer, retries included, where a request names none.

        Raises:
            InputError: OpenAI without a key, or an endpoint that is no HTTP address.
        """
        key = os.environ.get(KEY, "")
        if base_url is None and not key:
            raise InputError(f"model 'openai:{name}' needs a key: set {KEY}")
        if base_url is not None and not urlsplit(base_url).hostname:
            raise InputError(f"{base_url!r} is not an address like http://localhost:8080/v1")
        endpoint = Endpoint(
            who=f"openai:{name}" if base_url is None else f"{base_url}#{name}",
            address=base_url or "api.openai.com",
            advice="Check the address and whether the server runs, or use --model local, which needs no network",
            key_variable=KEY,
            secret=key,
        )
        super().__init__(name, endpoint, base_url=base_url, timeout=timeout)

    @cached_property
    def _client(self) -> Any:
        import openai

        return openai.OpenAI(api_key=self._endpoint.secret or "none", base_url=self._base_url, max_retries=0)

    def _asked_for_text(self, request: ModelRequest, seconds: float) -> Any:
        return self._client.chat.completions.create(**self._arguments(request, seconds))

    def _asked_for_json(self, request: ModelRequest, wanted: type[Answer], seconds: float) -> tuple[Answer, Any]:
        import instructor

        client: Any = instructor.from_openai(self._client, mode=instructor.Mode.JSON_SCHEMA)
        if self._base_url is None and is_strict(wanted.wanted):
            client.on("completion:kwargs", _make_strict)
        arguments = self._arguments(request, seconds)
        return client.create_with_completion(response_model=wanted, max_retries=0, **arguments)

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

    def _refused_parameter(self, error: BaseException) -> str | None:
        import openai

        return error.param if isinstance(error, openai.BadRequestError) else None

    def _answered(self, completion: Any, seconds: float) -> Answered:
        if not getattr(completion, "choices", None):
            raise ModelAnswerError(f"{self.name}: the answer holds no choice")
        choice = completion.choices[0]
        refusal = getattr(choice.message, "refusal", None) or ""
        if choice.finish_reason == "content_filter":
            refusal = refusal or "stopped by its content filter"
        finish = "length" if choice.finish_reason == "length" else "stop"
        provider = "openai" if self._base_url is None else None
        tokens = _tokens(completion.usage, seconds)
        usage = priced(tokens, self._model, provider=provider, address=self._base_url)
        return Answered(text=choice.message.content or "", finish=finish, usage=usage, refusal=refusal)


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
