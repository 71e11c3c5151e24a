"""Operations of HTTP APIs as tools: allowed hosts only, bounded in size and time, credentials by name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urljoin, urlsplit

from pydantic import JsonValue

from dagwright.exceptions import Cancelled, ToolRejected, ToolUnavailable
from dagwright.tool import HttpBinding, ToolSpec
from executor.bindings.hosts import Target, target_of
from executor.bindings.runner import ToolContext

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 10 * 1024 * 1024
MOST_REDIRECTS = 5

_TRY_AGAIN = frozenset({408, 425, 429})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HIDDEN = "[credential]"


@dataclass(frozen=True, kw_only=True)
class _Request:
    method: str
    url: str
    query: tuple[tuple[str, str], ...] = ()
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    credential: tuple[str, str] | None = field(default=None, repr=False)
    """Header and value; sent only to the origin that it was meant for."""


class HttpRunner:
    """Runs operations with an `HttpBinding`; gives `{status, body}`."""

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes

    def __call__(self, spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> dict[str, JsonValue]:
        """Sends the request and follows its redirects.

        Raises:
            ToolUnavailable: `http_503` and its like, `http_429`, `http_timeout`, `http_unreachable`.
            ToolRejected: `http_404` and its like, `host_not_allowed`, `address_not_allowed`,
                `too_large`, `too_many_redirects`, `missing_credential`, `bad_argument`.
            Cancelled: the attempt was stopped.
        """
        if not isinstance(spec.binding, HttpBinding):
            raise TypeError(f"{spec.name!r} is not bound to HTTP")
        request = _request(spec.binding, arguments, context)
        secret = request.credential[1].removeprefix(spec.binding.credential_prefix) if request.credential else None
        status, content, media = self._follow(request, spec, context)
        text = _hidden(content, secret)
        if status >= 400:
            raise _refusal(spec, status, text)
        return {"status": status, "body": _decoded(text, media)}

    def _follow(self, request: _Request, spec: ToolSpec, context: ToolContext) -> tuple[int, bytes, str]:
        import httpx

        limits = httpx.Timeout(max(0.05, min(spec.timeout, context.remaining)))
        with httpx.Client(timeout=limits, trust_env=False, follow_redirects=False) as client:
            for _ in range(MOST_REDIRECTS + 1):
                target = target_of(request.url, context.policy.allowed_hosts)
                response, content = self._send(client, request, target, context)
                location = response.headers.get("location")
                if response.status_code not in _REDIRECTS or location is None:
                    return response.status_code, content, response.headers.get("content-type", "")
                request = _redirected(request, response.status_code, location)
        raise ToolRejected(f"more than {MOST_REDIRECTS} redirects", code="too_many_redirects")

    def _send(
        self, client: httpx.Client, request: _Request, target: Target, context: ToolContext
    ) -> tuple[httpx.Response, bytes]:
        import httpx

        # Nothing of httpx's own messages goes on: some quote header values.
        try:
            sent = _prepared(client, request, target)
            response = client.send(sent, stream=True)
            try:
                return response, self._read(response, context)
            finally:
                response.close()
        except httpx.TimeoutException:
            raise ToolUnavailable(f"{target.host} did not answer in time", code="http_timeout") from None
        except httpx.DecodingError:
            raise ToolRejected(f"the answer of {target.host} cannot be decoded", code="bad_answer") from None
        except httpx.TransportError as error:
            what = type(error).__name__
            raise ToolUnavailable(f"{target.host}:{target.port}: {what}", code="http_unreachable") from None
        except (httpx.InvalidURL, ValueError, UnicodeError):
            raise ToolRejected("the arguments do not make a valid request", code="bad_argument") from None

    def _read(self, response: httpx.Response, context: ToolContext) -> bytes:
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > self.most_bytes:
                raise ToolRejected(f"the answer has more than {self.most_bytes} bytes", code="too_large")
            if context.cancelled.is_set():
                raise Cancelled("the request was stopped")
            if context.remaining <= 0:
                raise ToolUnavailable("the answer took too long", code="http_timeout")
            chunks.append(chunk)
        return b"".join(chunks)


def _prepared(client: httpx.Client, request: _Request, target: Target) -> httpx.Request:
    """Builds the request so that it goes to the very address that was checked."""
    import httpx

    url = httpx.URL(request.url)
    if request.query:
        url = url.copy_merge_params(list(request.query))
    headers = {**request.headers, "Host": url.netloc.decode("ascii")}
    if request.credential:
        headers[request.credential[0]] = request.credential[1]
    return client.build_request(
        request.method,
        url.copy_with(host=target.address),
        headers=headers,
        content=request.body,
        extensions={"sni_hostname": target.host},
    )


def _request(binding: HttpBinding, arguments: dict[str, JsonValue], context: ToolContext) -> _Request:
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
        headers["Idempotency-Key"] = context.idempotency_key
    return _Request(
        method=binding.method,
        url=url,
        query=tuple(query),
        headers=headers,
        body=body,
        credential=_credential(binding, context),
    )


def _segment(name: str, value: JsonValue) -> str:
    text = _plain(value)
    if text in {"", ".", ".."}:
        raise ToolRejected(f"{text!r} cannot stand in a path as {name!r}", code="bad_argument")
    return quote(text, safe="")


def _plain(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _credential(binding: HttpBinding, context: ToolContext) -> tuple[str, str] | None:
    if binding.credential is None:
        return None
    value = context.secrets(binding.credential)
    if value is None:
        raise ToolRejected(f"there is no credential named {binding.credential!r}", code="missing_credential")
    return (binding.credential_header, f"{binding.credential_prefix}{value}")


def _redirected(request: _Request, status: int, location: str) -> _Request:
    url = urljoin(request.url, location)
    moved = replace(request, url=url, query=())
    if _origin(url) != _origin(request.url):
        moved = replace(moved, credential=None)
    if status == 303 or (status in {301, 302} and request.method == "POST"):
        headers = {name: value for name, value in request.headers.items() if name != "Content-Type"}
        return replace(moved, method="GET", body=None, headers=headers)
    return moved


def _origin(url: str) -> tuple[str, str]:
    split = urlsplit(url)
    return (split.scheme, split.netloc.lower())


def _hidden(content: bytes, secret: str | None) -> str:
    text = content.decode("utf-8", errors="replace")
    return text.replace(secret, _HIDDEN) if secret else text


def _decoded(text: str, media: str) -> JsonValue:
    if not text.strip():
        return None
    try:
        return cast("JsonValue", json.loads(text, parse_constant=_no_number))
    except ValueError as error:
        if "json" in media:
            raise ToolRejected(f"the answer says it is JSON but is not: {error}", code="bad_answer") from error
        return text


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _refusal(spec: ToolSpec, status: int, text: str) -> ToolRejected | ToolUnavailable:
    message = f"{spec.name} answered {status}: {' '.join(text.split())[:200]}"
    if status >= 500 or status in _TRY_AGAIN:
        return ToolUnavailable(message, code=f"http_{status}")
    return ToolRejected(message, code=f"http_{status}")
