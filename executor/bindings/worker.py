"""The uniform worker contract: `POST /execute` with the ids of run, step and tenant; structured outputs come back.

```
request   {run, step, tenant, attempt, idempotency_key, operation, arguments, deadline_seconds}
answer    {status: "completed", outputs: {…}}
          {status: "failed", error: {kind: "rejected" | "unavailable" | "unknown", code, message}}
```

`rejected` and `unavailable` promise that nothing was done; `unknown` says that something may have been.
A worker does the same key at most once, and answers it the second time as it did the first.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, JsonValue, ValidationError, model_validator

from dagwright.canonical import ordered_json
from dagwright.exceptions import ToolRejected, ToolUnavailable
from dagwright.model import Frozen
from dagwright.tool import ToolSpec, WorkerBinding
from executor.bindings.exchange import MOST_BYTES, Answer, Limits, Request, credential_of, exchange, refusal
from executor.bindings.runner import ToolContext


class ExecuteRequest(Frozen):
    """What a worker is asked to do."""

    run: str
    """The run."""
    step: str
    """The step."""
    tenant: str
    """For whom."""
    attempt: int = Field(ge=1)
    """1 for the first."""
    idempotency_key: str
    """The same for all attempts at this step with these arguments."""
    operation: str
    """What is to be done."""
    arguments: dict[str, JsonValue]
    """With what."""
    deadline_seconds: float = Field(ge=0)
    """Seconds until nobody waits for the answer any more."""


class ExecuteError(Frozen):
    """Why a worker gives no outputs."""

    kind: Literal["rejected", "unavailable", "unknown"]
    """`rejected`: never with these arguments; `unavailable`: not now; `unknown`: it may have been done."""
    code: str = Field(max_length=200)
    """A stable word."""
    message: str = ""
    """For people."""


class ExecuteAnswer(Frozen):
    """What a worker answers."""

    status: Literal["completed", "failed"]
    """Whether there are outputs."""
    outputs: dict[str, JsonValue] | None = None
    """By name; only of what was completed."""
    error: ExecuteError | None = None
    """Only of what failed."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        completed = self.status == "completed"
        if (self.outputs is not None) != completed or (self.error is not None) == completed:
            raise ValueError("completed comes with outputs, failed with an error, and neither with both")
        return self


class WorkerRunner:
    """Runs operations with a `WorkerBinding`."""

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes

    def __call__(self, spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> dict[str, JsonValue]:
        """Gives the worker's outputs.

        Raises:
            ToolUnavailable: `worker_unavailable`, `unknown_outcome`, `http_503` and its like, and what `exchange` says.
            ToolRejected: `worker_rejected`, `bad_answer`, `http_404` and its like, and what `exchange` says.
                Instead of `worker_…` a code that the binding names.
            Cancelled: the attempt was stopped.
        """
        binding = spec.binding
        if not isinstance(binding, WorkerBinding):
            raise TypeError(f"{spec.name!r} is not bound to a worker")
        request = _request(binding, spec, arguments, context)
        answer = exchange(request, context, Limits(seconds=spec.timeout, most_bytes=self.most_bytes, redirects=0))
        if answer.status != 200:
            raise refusal(answer, f"the worker of {spec.name}")
        found = _parsed(spec, answer)
        if found.error is not None:
            raise _error(spec, binding, found.error)
        return found.outputs or {}


def _request(binding: WorkerBinding, spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> Request:
    asked = ExecuteRequest(
        run=context.run,
        step=context.step,
        tenant=context.tenant,
        attempt=context.attempt,
        idempotency_key=context.idempotency_key,
        operation=binding.operation or spec.name,
        arguments=arguments,
        deadline_seconds=round(context.remaining, 3),
    )
    secret = credential_of(binding.credential, context) if binding.credential else None
    return Request(
        method="POST",
        url=f"{binding.url.rstrip('/')}/execute",
        headers={
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Idempotency-Key": context.idempotency_key,
            "User-Agent": "dagwright",
        },
        body=ordered_json(asked.model_dump(mode="json")),
        credential=("Authorization", f"Bearer {secret}") if secret is not None else None,
        secret=secret,
    )


def _parsed(spec: ToolSpec, answer: Answer) -> ExecuteAnswer:
    try:
        return ExecuteAnswer.model_validate_json(answer.text)
    except ValidationError as error:
        first = error.errors()[0]
        where = "/".join(map(str, first["loc"]))
        raise ToolRejected(
            f"{spec.name}: the worker's answer is none at /{where}: {first['msg']}", code="bad_answer"
        ) from None


def _error(spec: ToolSpec, binding: WorkerBinding, error: ExecuteError) -> ToolRejected | ToolUnavailable:
    message = f"{spec.name}: {error.message[:500] or error.code}"
    if error.kind == "unknown":
        return ToolUnavailable(message, code="unknown_outcome")
    # A code is shown to planners: only words that the catalogue knows, never the worker's own.
    code = error.code if error.code in binding.error_codes else f"worker_{error.kind}"
    return (ToolRejected if error.kind == "rejected" else ToolUnavailable)(message, code=code)
