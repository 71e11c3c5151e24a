"""Calls to hosted models: retries of transport alone, and their errors as ours, without any key."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from dagwright.exceptions import (
    ContentError,
    DagwrightError,
    InputError,
    ModelAnswerError,
    TimedOut,
    TransportError,
    Unreachable,
)
from dagwright.llm.model import Usage
from dagwright.llm.response import Answered

T = TypeVar("T")

ATTEMPTS = 4
"""All attempts together, the first included."""
FIRST_DELAY = 0.5
"""Seconds before the second attempt; doubled for each further one, with jitter."""
LONGEST_DELAY = 20.0
"""Seconds before any attempt, at most."""
GRACE = 0.5
"""Seconds beyond an attempt's limit in which the SDK may say itself that it was too slow."""
TIMEOUT_VARIABLE = "DAGWRIGHT_MODEL_TIMEOUT"
"""Environment variable: seconds that a hosted model has for an answer."""

_TRANSIENT = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Whom errors are about."""

    who: str
    """Name of the model, for messages."""
    address: str
    """Where it is."""
    advice: str
    """What to do where it is not reachable."""
    key_variable: str
    """Environment variable of the key."""
    secret: str
    """The key; it is cut out of every message."""

    def __repr__(self) -> str:
        return f"Endpoint({self.who!r}, {self.address!r})"

    def clean(self, text: str) -> str:
        """Gives the text without the key, shortened."""
        cleaned = text.replace(self.secret, "***") if self.secret else text
        return cleaned if len(cleaned) <= 500 else cleaned[:500] + " …"


def call(
    once: Callable[[float], T], endpoint: Endpoint, *, timeout: float, answered_of: Callable[[Any], Answered]
) -> T:
    """Gives what `once` gives, after as many attempts as it takes and `timeout` allows.

    Silence, broken connections, 408, 409, 425, 429 and 5xx are tried again with back-off.

    Args:
        once: one attempt; gets the seconds that it may take: half of `timeout` at most, so that
            what hangs once is asked again.
        endpoint: whom errors are about.
        timeout: seconds, all attempts and pauses together.
        answered_of: gives a provider's answer in common terms, for answers that turn out to be of no use.

    Raises:
        ModelAnswerError: a refusal, garbage, or cut off by the token limit.
        InputError: the key or the model's name was refused.
        ContentError: the request was refused.
        Unreachable, TimedOut, TransportError: as the last attempt had it.
    """
    import tenacity

    deadline = time.monotonic() + timeout

    def attempt() -> T:
        seconds = max(min(timeout / 2, deadline - time.monotonic()), 0.05)
        try:
            return _within(once, seconds)
        except Exception as error:  # noqa: BLE001 - two SDKs and instructor have classes of their own
            raise _ours(error, endpoint, answered_of) from None  # the cause holds the request with its key

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, TransportError)),
        stop=tenacity.stop_after_attempt(ATTEMPTS) | tenacity.stop_before_delay(timeout),
        wait=tenacity.wait_random_exponential(multiplier=FIRST_DELAY, max=LONGEST_DELAY, min=FIRST_DELAY / 2),
        reraise=True,
    )
    try:
        return retrying(attempt)
    except TimedOut:
        raise TimedOut(
            f"{endpoint.who} at {endpoint.address} did not answer in time ({timeout:g} s, all attempts together); "
            f"{TIMEOUT_VARIABLE} allows a slower one more seconds"
        ) from None


def _within(once: Callable[[float], T], seconds: float) -> T:
    """Gives what `once` gives, or leaves it behind on its thread.

    An SDK's own timeout is per read: a server that sends a byte now and then never reaches it.
    """
    result = Future[T]()

    def work() -> None:
        try:
            result.set_result(once(seconds))
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
            result.set_exception(error)

    threading.Thread(target=work, name="dagwright-hosted", daemon=True).start()
    try:
        return result.result(seconds + GRACE)
    except TimeoutError:
        raise TimedOut("no complete answer") from None


def _ours(error: Exception, endpoint: Endpoint, answered_of: Callable[[Any], Answered]) -> DagwrightError:
    kind, cause = type(error).__name__, error.__cause__
    if isinstance(error, DagwrightError):
        return error
    completion = getattr(error, "last_completion", None)
    answered = answered_of(completion) if completion is not None else None
    usage = answered.usage if answered else None
    if answered and answered.refusal:
        return ModelAnswerError(f"{endpoint.who} refused: {answered.refusal}", usage=usage)
    if kind == "IncompleteOutputException":
        return ModelAnswerError(f"{endpoint.who}: cut off by the token limit before the JSON was complete", usage=usage)
    if kind == "InstructorRetryException" and isinstance(cause, Exception):
        return _of_sdk(cause, endpoint, usage)
    return _of_sdk(error, endpoint, usage)


def _of_sdk(error: Exception, endpoint: Endpoint, usage: Usage | None) -> DagwrightError:
    kind = type(error).__name__
    if kind == "APITimeoutError":
        return TimedOut("no answer")
    if kind == "APIConnectionError":
        detail = endpoint.clean(str(error.__cause__ or error))
        return Unreachable(f"{endpoint.who} at {endpoint.address}", detail, advice=endpoint.advice)
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return _of_status(status, error, endpoint)
    reason = f"{endpoint.who}: the answer is not what was asked for: {endpoint.clean(str(error))}"
    return ModelAnswerError(reason, usage=usage)


def _of_status(status: int, error: Any, endpoint: Endpoint) -> DagwrightError:
    said = endpoint.clean(str(error))
    if status in (401, 403):
        return InputError(f"{endpoint.who} refused the key in {endpoint.key_variable} ({status}): {said}")
    if status == 404:
        return InputError(f"{endpoint.address} knows no model or path for {endpoint.who!r}: {said}")
    if getattr(error, "code", None) == "insufficient_quota" or status == 402:
        return InputError(f"the account behind {endpoint.key_variable} has no credit left: {said}")
    if status in _TRANSIENT or status >= 500:
        return TransportError(f"{endpoint.who} could not answer this time ({status}): {said}")
    return ContentError(f"{endpoint.who} refused the request ({status}): {said}")
