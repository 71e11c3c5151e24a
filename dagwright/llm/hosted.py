"""`HostedModel`: what models behind a provider's SDK have in common; each adapter adds its provider's terms."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from pydantic import JsonValue

from dagwright.exceptions import ContentError, ModelAnswerError
from dagwright.llm.answer import checked_value
from dagwright.llm.model import ModelReply, ModelRequest
from dagwright.llm.response import Answer, Answered, answer_type, unwrapped
from dagwright.llm.transport import Endpoint, call

SECONDS = 120.0
"""How long an answer may take where neither the request nor the model's maker says otherwise."""


class HostedModel(ABC):
    """A model behind an SDK that instructor knows. It takes no grammar and continues no answer."""

    OPTIONAL: ClassVar[frozenset[str]]
    """Parameters that some models refuse; they are then left out."""

    def __init__(self, model: str, endpoint: Endpoint, *, base_url: str | None, timeout: float) -> None:
        """Remembers what to reach; nothing is reached yet.

        Args:
            model: The model's name at its provider.
            endpoint: Whom errors are about.
            base_url: The address; None is the provider's own.
            timeout: Seconds for an answer, retries included, where a request names none.
        """
        self._model = model
        self._endpoint = endpoint
        self._base_url = base_url
        self._timeout = timeout
        self._refused: set[str] = set()

    @property
    def name(self) -> str:
        """Its name as `open_model` takes it."""
        return self._endpoint.who

    @property
    def accepts_grammar(self) -> bool:
        """False."""
        return False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def complete(self, request: ModelRequest) -> ModelReply:
        """Gives the answer.

        Raises:
            ModelAnswerError: garbage, a refusal, or cut off where JSON was wanted.
            ContentError: a request that this model cannot take (a grammar, `continues`).
            InputError: the key or the model's name was refused.
            TransportError: not reachable, or no answer in time, after bounded retries.
        """
        self._check(request)
        started = time.monotonic()
        value, completion = call(
            lambda seconds: self._ask(request, seconds),
            self._endpoint,
            timeout=request.timeout or self._timeout,
            answered_of=lambda found: self._answered(found, time.monotonic() - started),
        )
        return self._reply(request, value, self._answered(completion, time.monotonic() - started))

    def _check(self, request: ModelRequest) -> None:
        if request.grammar is not None:
            raise ContentError(f"{self.name} takes no grammar; give a JSON Schema, or use a local model")
        if request.continues:
            raise ContentError(f"{self.name} does not continue an answer that was begun; use a local model for that")
        if not request.messages:
            raise ContentError("a request needs at least one message")

    def _ask(self, request: ModelRequest, seconds: float) -> tuple[dict[str, JsonValue] | None, Any]:
        """Asks; what the model refuses to be told is left out from then on, and it is asked again."""
        for _ in range(len(self.OPTIONAL) + 1):
            try:
                if request.json_schema is None:
                    return None, self._asked_for_text(request, seconds)
                parsed, completion = self._asked_for_json(request, answer_type(request.json_schema), seconds)
                return parsed.root, completion
            except Exception as error:
                refused = self._refused_parameter(error.__cause__ or error)
                if refused not in self.OPTIONAL or refused in self._refused:
                    raise
                self._refused.add(refused)
        raise ContentError(f"{self.name} refuses every combination of parameters")

    def _reply(self, request: ModelRequest, value: dict[str, JsonValue] | None, answered: Answered) -> ModelReply:
        if answered.refusal:
            raise ModelAnswerError(f"{self.name} refused: {answered.refusal}", usage=answered.usage)
        text, checked, finish, usage = answered.text, None, answered.finish, answered.usage
        if request.json_schema is not None and value is not None:
            text = json.dumps(unwrapped(request.json_schema, value), ensure_ascii=False)
            checked = checked_value(request, text, finish=finish, model=self.name, usage=usage)
        return ModelReply(text=text, value=checked, finish=finish, usage=usage, model=self.name)

    @abstractmethod
    def _asked_for_text(self, request: ModelRequest, seconds: float) -> Any:
        """Gives the provider's answer to one request, within `seconds`."""

    @abstractmethod
    def _asked_for_json(self, request: ModelRequest, wanted: type[Answer], seconds: float) -> tuple[Answer, Any]:
        """Gives the parsed answer and the provider's own, within `seconds`."""

    @abstractmethod
    def _refused_parameter(self, error: BaseException) -> str | None:
        """Gives the parameter that an error of the SDK is about, where it is about one."""

    @abstractmethod
    def _answered(self, completion: Any, seconds: float) -> Answered:
        """Gives a provider's answer, which took `seconds`, in common terms.

        Raises:
            ModelAnswerError: there is none in it.
        """
