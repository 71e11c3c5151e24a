"""`Meter`: a model that counts what it uses, keeps to a budget and reports every exchange."""

from __future__ import annotations

import threading
from collections.abc import Callable

from dagwright.exceptions import ContentError, ModelAnswerError
from dagwright.llm.model import Model, ModelReply, ModelRequest, Usage

OnExchange = Callable[[ModelRequest, ModelReply | Exception], None]
"""Told of every exchange: the request, and the answer or what went wrong."""


class BudgetExceeded(ContentError):
    """Raised before a request once the tokens or dollars of a run are used up."""

    exit_code = 3


class Meter:
    """Wraps a model. Thread-safe."""

    def __init__(
        self,
        model: Model,
        *,
        max_tokens: int | None = None,
        max_cost: float | None = None,
        used: Usage | None = None,
        on_exchange: OnExchange | None = None,
    ) -> None:
        """Starts at nothing used, or where a run that goes on had come to.

        Args:
            model: The model to ask.
            max_tokens: Tokens, prompts and answers together; None is no limit.
            max_cost: US dollars; None is no limit. Answers of unknown cost count as nothing here.
            used: What was used before; counts towards the limits.
            on_exchange: Told of every exchange, in the thread that asked.
        """
        self._model = model
        self._max_tokens = max_tokens
        self._max_cost = max_cost
        self._on_exchange = on_exchange
        self._lock = threading.Lock()
        self._used: Usage | None = used
        self._known_cost = (used.cost or 0.0) if used else 0.0
        self._calls = 0

    @property
    def name(self) -> str:
        """The wrapped model's name."""
        return self._model.name

    @property
    def accepts_grammar(self) -> bool:
        """What the wrapped model accepts."""
        return self._model.accepts_grammar

    @property
    def calls(self) -> int:
        """Requests that were answered."""
        return self._calls

    @property
    def used(self) -> Usage:
        """All usage so far; its cost is None as soon as one answer's cost is unknown."""
        return self._used or Usage(cost=0.0)

    def complete(self, request: ModelRequest) -> ModelReply:
        """Gives the answer, if the budget is not used up.

        Raises:
            BudgetExceeded: it is; the model was not asked.
            ModelAnswerError: as the wrapped model raises it.
            TransportError: as the wrapped model raises it.
        """
        self._check()
        try:
            reply = self._model.complete(request)
        except Exception as error:
            if isinstance(error, ModelAnswerError) and error.usage is not None:
                self._count(error.usage)
            self._report(request, error)
            raise
        self._count(reply.usage)
        self._report(request, reply)
        return reply

    def _count(self, usage: Usage) -> None:
        with self._lock:
            self._calls += 1
            self._known_cost += usage.cost or 0.0
            self._used = usage if self._used is None else added(self._used, usage)

    def _check(self) -> None:
        tokens = self.used.prompt_tokens + self.used.completion_tokens
        if self._max_tokens is not None and tokens >= self._max_tokens:
            raise BudgetExceeded(
                f"the budget of {self._max_tokens} tokens is used up ({tokens} in {self._calls} calls)"
            )
        if self._max_cost is not None and self._known_cost > self._max_cost:
            raise BudgetExceeded(f"the budget of {self._max_cost:g} US dollars is used up ({self._known_cost:.4f})")

    def _report(self, request: ModelRequest, outcome: ModelReply | Exception) -> None:
        if self._on_exchange is not None:
            self._on_exchange(request, outcome)


def added(left: Usage, right: Usage) -> Usage:
    """Gives both usages together; unknown cost plus anything is unknown."""
    known = left.cost is not None and right.cost is not None
    return Usage(
        prompt_tokens=left.prompt_tokens + right.prompt_tokens,
        cached_tokens=left.cached_tokens + right.cached_tokens,
        completion_tokens=left.completion_tokens + right.completion_tokens,
        cost=(left.cost or 0.0) + (right.cost or 0.0) if known else None,
        seconds=left.seconds + right.seconds,
    )
