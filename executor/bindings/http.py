"""Operations of HTTP APIs as tools: allowed hosts only, bounded in size and time, credentials by name."""

from __future__ import annotations

import json
from typing import Any, cast
from urllib.parse import quote

from pydantic import JsonValue

from dagwright.exceptions import ToolRejected
from dagwright.tool import HttpBinding, ToolSpec
from executor.bindings.exchange import MOST_BYTES, Answer, Limits, Request, credential_of, exchange, refusal
from executor.bindings.runner import ToolContext


class HttpRunner:
    """Runs operations with an `HttpBinding`; gives `{status, body}`."""

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes

    def __call__(self, spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> dict[str, JsonValue]:
        """Sends the request and follows its redirects.

        Raises:
            ToolUnavailable: `http_503` and its like, `http_429`, and what `exchange` says.
            ToolRejected: `http_404` and its like, `missing_credential`, `bad_argument`, and what `exchange` says.
            Cancelled: the attempt was stopped.
        """
        if not isinstance(spec.binding, HttpBinding):
            raise TypeError(f"{spec.name!r} is not bound to HTTP")
        request = _request(spec.binding, arguments, context)
        answer = exchange(request, context, Limits(seconds=spec.timeout, most_bytes=self.most_bytes))
        if answer.status >= 400:
            raise refusal(answer, spec.name)
        return {"status": answer.status, "body": _decoded(answer)}


def _request(binding: HttpBinding, arguments: dict[str, JsonValue], context: ToolContext) -> Request:
    url = binding.url
    query: list[tuple[str, str]] = []
    headers = {"Accept": "application/json, */*;q=0.5", "User-Agent": "dagwright"}
    body: bytes | None = None
    for name, value in arguments.items():
        place = binding.locations.get(name, "path" if f"{{{name}}}" in binding.url else "query")
        if value is None and place != "body":
            continue
        if place == "path":
            url = url.replace(f"{{{name}}}", _segment(name, value))
        elif place == "query":
            query.extend((name, _plain(item)) for item in (value if isinstance(value, list) else [value]))
        elif place == "header":
            headers[name] = _plain(value)
        else:
            body = json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
            headers["Content-Type"] = "application/json"
    if binding.method not in {"GET", "HEAD"}:
        headers[binding.idempotency_header or "Idempotency-Key"] = context.idempotency_key
    secret = credential_of(binding.credential, context) if binding.credential else None
    return Request(
        method=binding.method,
        url=url,
        query=tuple(query),
        headers=headers,
        body=body,
        credential=(binding.credential_header, f"{binding.credential_prefix}{secret}") if secret is not None else None,
        secret=secret,
    )


def _segment(name: str, value: JsonValue) -> str:
    text = _plain(value)
    if text in {"", ".", ".."}:
        raise ToolRejected(f"{text!r} cannot stand in a path as {name!r}", code="bad_argument")
    return quote(text, safe="")


def _plain(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _decoded(answer: Answer) -> JsonValue:
    if not answer.text.strip():
        return None
    try:
        return cast("JsonValue", json.loads(answer.text, parse_constant=_no_number))
    except (ValueError, RecursionError) as error:
        if "json" in answer.media:
            raise ToolRejected(f"the answer says it is JSON but is not: {error}", code="bad_answer") from error
        return answer.text


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
