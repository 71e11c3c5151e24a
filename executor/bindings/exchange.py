"""One exchange over HTTP: to allowed hosts only, at the address that was checked, bounded in size and time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from dagwright.exceptions import Cancelled, ToolRejected, ToolUnavailable
from executor.bindings.hosts import Target, target_of
from executor.bindings.runner import ToolContext

if TYPE_CHECKING:
    import ssl

    import httpx

MOST_BYTES = 10 * 1024 * 1024
"""Of an answer, decoded, whatever it comes over; over HTTP of what is sent, too."""
MOST_REDIRECTS = 5

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAFE = frozenset({"GET", "HEAD"})
_CODINGS = "gzip, deflate"
"""What an answer may be compressed with: both grow about a thousandfold at most."""
_HIDDEN = "[credential]"
_TRY_AGAIN = frozenset({408, 425, 429})


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is sent, and where."""

    method: str
    url: str
    query: tuple[tuple[str, str], ...] = ()
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    credential: tuple[str, str] | None = field(default=None, repr=False)
    """Header and value; sent only to the origin that it was meant for."""
    secret: str | None = field(default=None, repr=False)
    """What of the credential must not be shown where an answer repeats it."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, the credential hidden."""

    status: int
    text: str
    media: str
    """Content type, or empty."""
    redirected: bool = False
    """Whether it answers a later request than one that changes something and was taken before."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How large and long an exchange may be."""

    seconds: float
    """Longest silence; the whole is bounded by the context's deadline."""
    most_bytes: int = MOST_BYTES
    redirects: int = MOST_REDIRECTS


def exchange(request: Request, context: ToolContext, limits: Limits) -> Answer:
    """Sends a request and follows its redirects; each one's host is checked anew, after its name was looked up.

    Raises:
        ToolUnavailable: `host_unknown`, `http_unreachable` (nothing was sent), `http_timeout`, `http_broken`.
        ToolRejected: `argument_too_large`, `host_not_allowed`, `address_not_allowed`, `bad_url`,
            `bad_argument`, `bad_answer`, `too_large`, `too_many_redirects`; `redirect_failed` where a request
            that changes something had been taken before, or what it is redirected to is no URL.
        Cancelled: the attempt was stopped.
    """
    import httpx

    if request.body is not None and len(request.body) > limits.most_bytes:
        raise ToolRejected(f"the request has more than {limits.most_bytes} bytes", code="argument_too_large")
    taken = False
    with httpx.Client(verify=_tls(), trust_env=False, follow_redirects=False) as client:
        for _ in range(limits.redirects + 1):
            try:
                response, content = _sent(client, request, context, limits)
            except (ToolRejected, ToolUnavailable) as error:
                if taken:
                    raise ToolRejected(f"after a redirect: {error}", code="redirect_failed") from None
                raise
            location = response.headers.get("location")
            if response.status_code not in _REDIRECTS or location is None or not limits.redirects:
                return replace(_answer(request, response, content), redirected=taken)
            taken = taken or (request.method not in _SAFE and response.status_code not in (307, 308))
            request = _redirected(request, response.status_code, location)
    raise ToolRejected(f"more than {limits.redirects} redirects", code="too_many_redirects")


def refusal(answer: Answer, whose: str) -> ToolRejected | ToolUnavailable:
    """Gives what is raised for an answer that is a refusal: `http_404` and its like, `redirect_failed`.

    Args:
        answer: what came back.
        whose: who gave it, as it is told to people.
    """
    message = f"{whose} answered {answer.status}: {' '.join(answer.text.split())[:200]}"
    if answer.redirected:
        return ToolRejected(message, code="redirect_failed")
    if answer.status >= 500 or answer.status in _TRY_AGAIN:
        return ToolUnavailable(message, code=f"http_{answer.status}")
    return ToolRejected(message, code=f"http_{answer.status}")


def credential_of(name: str, context: ToolContext) -> str:
    """Gives a credential's value.

    Raises:
        ToolRejected: `missing_credential`.
    """
    value = context.secrets(name)
    if value is None:
        raise ToolRejected(f"there is no credential named {name!r}", code="missing_credential")
    return value


def hidden(text: str, secrets: Iterable[str | None]) -> str:
    """Gives a text without the secrets that it repeats."""
    for secret in secrets:
        text = text.replace(secret, _HIDDEN) if secret else text
    return text


@cache
def _tls() -> ssl.SSLContext:
    """Gives what certificates are checked against; made once, because reading all authorities takes a tenth second."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


def _sent(client: httpx.Client, request: Request, context: ToolContext, limits: Limits) -> tuple[httpx.Response, bytes]:
    import httpx

    target = target_of(request.url, context.policy.allowed_hosts)
    where = f"{target.host}:{target.port}"
    # Nothing of httpx's own messages goes on: some quote header values.
    try:
        response = client.send(_prepared(client, request, target, context, limits), stream=True)
        try:
            return response, _read(response, context, limits.most_bytes)
        finally:
            response.close()
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise ToolUnavailable(f"{where}: {type(error).__name__}", code="http_unreachable") from None
    except httpx.TimeoutException:
        raise ToolUnavailable(f"{target.host} did not answer in time", code="http_timeout") from None
    except httpx.DecodingError:
        raise ToolRejected(f"the answer of {target.host} cannot be decoded", code="bad_answer") from None
    except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL, ValueError):
        raise ToolRejected("the arguments do not make a valid request", code="bad_argument") from None
    except httpx.TransportError as error:
        raise ToolUnavailable(f"{where}: {type(error).__name__}", code="http_broken") from None


def _prepared(
    client: httpx.Client, request: Request, target: Target, context: ToolContext, limits: Limits
) -> httpx.Request:
    """Builds the request so that it goes to the very address that was checked."""
    import httpx

    url = httpx.URL(request.url)
    if request.query:
        url = url.copy_merge_params(list(request.query))
    headers = {**request.headers, "Host": url.netloc.decode("ascii"), "Accept-Encoding": _CODINGS}
    if request.credential:
        headers[request.credential[0]] = request.credential[1]
    return client.build_request(
        request.method,
        url.copy_with(host=target.address),
        headers=headers,
        content=request.body,
        timeout=max(0.05, min(limits.seconds, context.remaining)),
        extensions={"sni_hostname": target.host},
    )


def _read(response: httpx.Response, context: ToolContext, most_bytes: int) -> bytes:
    codings = {coding.strip().lower() for coding in response.headers.get("content-encoding", "").split(",")}
    if not codings <= {"", "identity", *_CODINGS.split(", ")}:
        raise ToolRejected(f"the answer is compressed with {', '.join(sorted(codings))}", code="bad_answer")
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > most_bytes:
            raise ToolRejected(f"the answer has more than {most_bytes} bytes", code="too_large")
        if context.cancelled.is_set():
            raise Cancelled("the request was stopped")
        if context.remaining <= 0:
            raise ToolUnavailable("the answer took too long", code="http_timeout")
        chunks.append(chunk)
    return b"".join(chunks)


def _answer(request: Request, response: httpx.Response, content: bytes) -> Answer:
    text = hidden(content.decode("utf-8", "replace"), [request.secret])
    return Answer(status=response.status_code, text=text, media=response.headers.get("content-type", ""))


def _redirected(request: Request, status: int, location: str) -> Request:
    try:
        url = urljoin(request.url, location)
        moved = replace(request, url=url, query=())
        if _origin(url) != _origin(request.url):
            moved = replace(moved, credential=None)
    except ValueError as error:
        raise ToolRejected(f"redirected to what is no URL: {error}", code="redirect_failed") from None
    if status == 303 or (status in {301, 302} and request.method == "POST"):
        headers = {name: value for name, value in request.headers.items() if name != "Content-Type"}
        return replace(moved, method="GET", body=None, headers=headers)
    return moved


def _origin(url: str) -> tuple[str, str]:
    split = urlsplit(url)
    return split.scheme, split.netloc.lower()
