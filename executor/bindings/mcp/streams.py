"""How an MCP server is reached, and the credentials that it gets: one way for calls and for imports."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from dagwright.binding import McpCommand, McpEndpoint

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

    from executor.bindings.mcp.stdio import Complaint

INHERITED = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER", "SYSTEMROOT", "TEMP")
"""Environment variables that a server gets besides those that hold its credentials."""


def secrets_of(server: McpCommand | McpEndpoint, credential: Callable[[str], str]) -> dict[str, str]:
    """Gives the values of a server's credentials by environment variable; of an endpoint under the empty name.

    Args:
        server: where the tools are.
        credential: gives a credential's value by its name, or raises.
    """
    if isinstance(server, McpEndpoint):
        return {"": credential(server.credential)} if server.credential else {}
    return {variable: credential(name) for variable, name in server.environment.items()}


def streams_of(
    server: McpCommand | McpEndpoint,
    secrets: Mapping[str, str],
    allowed: Iterable[str],
    complaint: Complaint,
    *,
    most_bytes: int,
) -> AbstractAsyncContextManager[TransportStreams]:
    """Gives the streams of messages from and to a server; entering them starts or reaches it.

    Args:
        server: where the tools are.
        secrets: as `secrets_of` gives them.
        allowed: entries of a policy's `allowed_hosts`, for an endpoint.
        complaint: is told what a program writes to standard error.
        most_bytes: of one message.
    """
    if isinstance(server, McpEndpoint):
        from executor.bindings.mcp.http import http_streams

        return http_streams(server.url, secrets.get(""), allowed, most_bytes=most_bytes)
    from executor.bindings.mcp.stdio import stdio_streams

    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return stdio_streams(server.command, {**inherited, **secrets}, most_bytes=most_bytes, complaint=complaint)
