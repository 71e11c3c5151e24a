"""Asking an MCP server that a person names what tools it has."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from pydantic import ValidationError

from dagwright.binding import McpCommand, McpEndpoint
from dagwright.exceptions import InputError, Unreachable

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

SCHEME = "mcp:"
"""What a source that is an MCP server begins with."""
PATIENCE = 60.0
"""Seconds until a server that does not answer is given up."""
MOST_BYTES = 64 * 1024 * 1024
"""Of one message."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What a server offers."""

    server: McpCommand | McpEndpoint
    """Where it is."""
    version: str | None
    """Its own version, if it says one."""
    tools: tuple[Mapping[str, Any], ...]
    """Its tools as it describes them."""


def server_of(source: str, credentials: Sequence[str]) -> McpCommand | McpEndpoint:
    """Gives the server that `mcp:https://HOST/PATH` or `mcp:COMMAND ARGUMENT…` names.

    Args:
        source: what the person typed.
        credentials: names of credentials: of a URL one, its bearer token; of a command `VARIABLE=NAME` each.

    Raises:
        InputError: it names none.
    """
    told = source.removeprefix(SCHEME).strip()
    try:
        if told.startswith(("http://", "https://")):
            if len(credentials) > 1:
                raise InputError("an MCP server behind a URL takes one credential, its bearer token")
            return McpEndpoint(url=told, credential=credentials[0] if credentials else None)
        environment = dict(item.split("=", 1) for item in credentials)
        return McpCommand(command=tuple(shlex.split(told)), environment=environment)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{source!r} names no MCP server: {first['msg']}") from error
    except ValueError as error:
        raise InputError(
            f"{source!r} with credentials {list(credentials)} names no MCP server ({error}); right would be "
            "mcp:https://HOST/mcp, or 'mcp:COMMAND ARGUMENT' with --credential VARIABLE=NAME"
        ) from error


def ask(server: McpCommand | McpEndpoint) -> Offer:
    """Starts or reaches a server, asks for its tools, and ends it.

    Raises:
        InputError: a credential is missing, or the extra `mcp` is not installed.
        Unreachable: it does not start or answer.
    """
    from importlib.util import find_spec

    if find_spec("mcp") is None:
        raise InputError("MCP servers need an extra: pip install 'dagwright[mcp]'")
    from executor.bindings.mcp.stdio import Complaint
    from executor.bindings.mcp.streams import secrets_of, streams_of

    complaint = Complaint()
    host = urlsplit(server.url).hostname if isinstance(server, McpEndpoint) else None
    secrets = secrets_of(server, _credential)
    transport = streams_of(server, secrets, [host] if host else [], complaint, most_bytes=MOST_BYTES)
    try:
        version, tools = asyncio.run(asyncio.wait_for(_asked(transport), PATIENCE))
    except Exception as error:
        why = "; ".join(part for part in (_reason(error), str(complaint)) if part)
        name = server.line if isinstance(server, McpCommand) else server.url
        raise Unreachable("the MCP server", f"{name!r}: {why[:500]}", advice="Check the command or the URL") from error
    return Offer(server=server, version=version, tools=tools)


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return f"{type(error).__name__} {error}".strip()


async def _asked(
    transport: AbstractAsyncContextManager[TransportStreams],
) -> tuple[str | None, tuple[Mapping[str, Any], ...]]:
    from mcp import Client

    from executor.bindings.mcp.session import described, offered

    async with Client(transport) as client:
        tools = await offered(client)
        info = client.server_info
        return (info.version if info else None), tuple(described(tool) for tool in tools.values())


def _credential(name: str) -> str:
    from orchestrator.assembly import secret

    value = secret(name)
    if value is None:
        raise InputError(f"there is no credential {name!r}: set DAGWRIGHT_SECRET_{name.upper().replace('-', '_')}")
    return value
