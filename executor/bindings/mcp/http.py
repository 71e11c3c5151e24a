"""An MCP server behind a URL: every request goes to a host that policy allows, and answers are bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from dagwright.exceptions import ToolRejected, ToolUnavailable
from executor.bindings.hosts import target_of

if TYPE_CHECKING:
    import httpx2
    from mcp.client._transport import TransportStreams

CONNECT_SECONDS = 30.0
"""How long connecting and sending may take."""
READ_SECONDS = 300.0
"""How long a stream of events may be silent; calls have their own deadlines."""


@asynccontextmanager
async def http_streams(
    url: str, secret: str | None, allowed: Iterable[str], *, most_bytes: int
) -> AsyncGenerator[TransportStreams]:
    """Gives the streams of messages from and to an endpoint.

    Args:
        url: the endpoint; redirects are followed within its origin only.
        secret: a bearer token, sent with every request.
        allowed: entries of a policy's `allowed_hosts`.
        most_bytes: of one answer, and of one event of a stream.
    """
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    headers = {"Authorization": f"Bearer {secret}"} if secret is not None else {}
    transport = guarded(tuple(allowed), most_bytes)
    timeout = httpx2.Timeout(CONNECT_SECONDS, read=READ_SECONDS)
    async with (
        httpx2.AsyncClient(transport=transport, headers=headers, timeout=timeout, trust_env=False) as client,
        streamable_http_client(url, http_client=client, max_sse_event_size=most_bytes) as streams,
    ):
        yield streams


def guarded(allowed: tuple[str, ...], most_bytes: int) -> httpx2.AsyncBaseTransport:
    """Gives a transport that looks names up, checks them, and connects to the address that was checked."""
    import httpx2

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, stream: Any, most: int | None) -> None:
            self._stream, self._most = stream, most

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in self._stream:
                size += len(chunk)
                if self._most is not None and size > self._most:
                    raise httpx2.ReadError(f"more than {self._most} bytes")
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    class Guarded(httpx2.AsyncBaseTransport):
        def __init__(self) -> None:
            self._inner = httpx2.AsyncHTTPTransport()

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            try:
                target = await asyncio.to_thread(target_of, str(request.url), allowed)
            except (ToolRejected, ToolUnavailable) as error:
                raise httpx2.ConnectError(str(error)) from error
            headers = request.headers.copy()
            headers["Accept-Encoding"] = "identity"  # so that bytes on the way are bytes in memory
            response = await self._inner.handle_async_request(
                httpx2.Request(
                    request.method,
                    request.url.copy_with(host=target.address),
                    headers=headers,
                    stream=request.stream,
                    extensions={**request.extensions, "sni_hostname": target.host},
                )
            )
            events = response.headers.get("content-type", "").startswith("text/event-stream")
            return httpx2.Response(
                response.status_code,
                headers=response.headers,
                stream=Bounded(response.stream, None if events else most_bytes),
                extensions=response.extensions,
            )

        async def aclose(self) -> None:
            await self._inner.aclose()

    return Guarded()
