"""One conversation with an MCP server: begun once, used by all steps of a run, ended in bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from dagwright.binding import mcp_definition
from dagwright.canonical import Sha256

if TYPE_CHECKING:
    from mcp import Client
    from mcp.client._transport import TransportStreams
    from mcp_types import Tool

    from executor.bindings.mcp.stdio import Complaint

START_SECONDS = 60.0
"""How long a server may take until it has said what it can do."""
END_SECONDS = 10.0
"""How long its end may take."""
MOST_PAGES = 100
"""Pages of a server's list of tools."""


class Session:
    """A server that is being spoken to. Lives in one event loop; its task holds the connection."""

    def __init__(self, transport: AbstractAsyncContextManager[TransportStreams], complaint: Complaint) -> None:
        self._transport = transport
        self.complaint = complaint
        """What the server has complained of."""
        self._stop = asyncio.Event()
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._task = asyncio.ensure_future(self._hold())
        self.tools: dict[str, Tool] = {}
        """What the server offers, by name."""

    @property
    def is_over(self) -> bool:
        """Whether it cannot be used any more."""
        return self._task.done()

    async def client(self) -> Client:
        """Gives the client, once the server has said what it offers; raises what came instead."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._ready), START_SECONDS)
        except TimeoutError:
            await self.end()
            raise

    async def end(self) -> None:
        """Ends the conversation and, if it is a program, the server."""
        self._stop.set()
        if not self._ready.done():
            self._task.cancel()
        await asyncio.wait({self._task}, timeout=END_SECONDS)
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=END_SECONDS)

    async def _hold(self) -> None:
        from mcp import Client

        try:
            async with Client(self._transport) as client:
                self.tools = await offered(client)
                if not self._ready.done():
                    self._ready.set_result(client)
                await self._stop.wait()
        except asyncio.CancelledError:
            self._ready.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whoever waits for the client gets it
            if not self._ready.done():
                self._ready.set_exception(error)
        finally:
            if self._ready.done() and not self._ready.cancelled():
                self._ready.exception()  # looked at, so that nobody complains

    def definition(self, tool: str) -> Sha256:
        """Gives the hash of a tool as the server describes it now."""
        return mcp_definition(described(self.tools[tool]))


async def offered(client: Client) -> dict[str, Tool]:
    """Gives a server's tools by name."""
    found: dict[str, Tool] = {}
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        found.update((tool.name, tool) for tool in page.tools)
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


def described(tool: Tool) -> Mapping[str, object]:
    """Gives a tool as the server describes it, as JSON."""
    return tool.model_dump(mode="json", by_alias=True, exclude_none=True)
