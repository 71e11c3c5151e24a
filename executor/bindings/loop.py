"""An event loop that connects to allowed hosts only, and waiting in it that keeps to a step's deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from dagwright.exceptions import Cancelled, TimedOut, ToolRejected, ToolUnavailable
from executor.bindings.hosts import target_at
from executor.bindings.runner import ToolContext

TICK = 0.05
"""Seconds within which a stop is noticed."""
MARGIN = 0.1
"""Seconds before the deadline at which waiting ends, so that what is said of it comes from here."""
CLEAR_SECONDS = 2.0
"""What cancelled work gets to come to an end."""

T = TypeVar("T")


class GuardedLoop(asyncio.SelectorEventLoop):
    """Opens connections to hosts that `dagwright.hosts` admits, and to the very address that was checked.

    A client may learn of further hosts from the first one (a broker names the others): they are checked, too.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__()
        self.allowed = tuple(allowed)
        self.refused: ToolRejected | ToolUnavailable | None = None
        """The last host that was not reached because of its name or address."""

    async def create_connection(  # type: ignore[override]
        self, protocol_factory: Callable[[], Any], host: str | None = None, port: int | None = None, **more: Any
    ) -> Any:
        """Connects; a host that is not allowed is an `OSError`, as one that does not answer is."""
        name, number = (host or "").lower().rstrip("."), port or 0
        try:
            target = await self.run_in_executor(None, target_at, name, number, self.allowed)
        except (ToolRejected, ToolUnavailable) as error:
            self.refused = error
            raise PermissionError(str(error)) from error
        if more.get("ssl"):
            more.setdefault("server_hostname", host)
        return await super().create_connection(protocol_factory, target.address, target.port, **more)


async def within(work: Awaitable[T], context: ToolContext) -> T:
    """Gives what work gives, if that comes before the step's deadline.

    Raises:
        TimedOut: it does not.
        Cancelled: the attempt was stopped.
    """
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            if context.cancelled.is_set():
                raise Cancelled(f"step {context.step!r} was stopped")
            if context.remaining <= MARGIN:
                raise TimedOut(f"step {context.step!r} had no answer within its time")
            await asyncio.wait({task}, timeout=min(TICK, context.remaining))
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CLEAR_SECONDS)
