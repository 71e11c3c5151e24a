"""An MCP server as a program: lines of JSON over its standard streams, bounded; it and its children end with us."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.client._transport import TransportStreams
    from mcp.shared.message import SessionMessage

END_SECONDS = 2.0
"""What a server gets to end by itself after its input has closed, and again after it was told to."""
MOST_COMPLAINT = 2_000
"""Bytes of the end of what it writes to standard error that are kept."""


class Complaint:
    """The end of what a server has written to standard error, and what ended the conversation."""

    def __init__(self) -> None:
        self.tail = b""
        self.reason = ""

    def __str__(self) -> str:
        """Gives both as one line."""
        said = " ".join(self.tail.decode("utf-8", "replace").split())
        return "; ".join(part for part in (self.reason, said) if part)


@asynccontextmanager
async def stdio_streams(
    command: Sequence[str], environment: Mapping[str, str], *, most_bytes: int, complaint: Complaint
) -> AsyncGenerator[TransportStreams]:
    """Starts a server and gives the streams of messages from and to it; ends it and all of its process group.

    Args:
        command: program and arguments.
        environment: all of its environment variables.
        most_bytes: of one message; a longer one ends the conversation.
        complaint: is told what the server writes to standard error.

    Raises:
        OSError: the program cannot be started.
    """
    import anyio

    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
        limit=most_bytes,
        start_new_session=True,
    )
    sender, received = anyio.create_memory_object_stream["SessionMessage | Exception"](0)
    to_send, receiver = anyio.create_memory_object_stream["SessionMessage"](0)
    tasks = [
        asyncio.ensure_future(_read(process, sender, complaint)),
        asyncio.ensure_future(_write(process, receiver)),
        asyncio.ensure_future(_listen(process, complaint)),
    ]
    try:
        yield received, to_send
    finally:
        await asyncio.shield(asyncio.ensure_future(_end(process, tasks)))
        for stream in (sender, received, to_send, receiver):
            stream.close()


async def _read(
    process: asyncio.subprocess.Process,
    sender: MemoryObjectSendStream[SessionMessage | Exception],
    complaint: Complaint,
) -> None:
    import anyio
    from mcp.shared.message import SessionMessage
    from mcp_types import jsonrpc_message_adapter

    assert process.stdout is not None
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        async with sender:
            while True:
                try:
                    line = await process.stdout.readline()
                except ValueError:
                    complaint.reason = "it sent a message that is too large"
                    return
                if not line:
                    return
                try:
                    message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                except ValueError:
                    continue  # no message: some servers print what they do
                await sender.send(SessionMessage(message))


async def _write(process: asyncio.subprocess.Process, receiver: MemoryObjectReceiveStream[SessionMessage]) -> None:
    assert process.stdin is not None
    with suppress(OSError):
        async with receiver:
            async for item in receiver:
                process.stdin.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                await process.stdin.drain()


async def _listen(process: asyncio.subprocess.Process, complaint: Complaint) -> None:
    assert process.stderr is not None
    while chunk := await process.stderr.read(4_096):
        complaint.tail = (complaint.tail + chunk)[-MOST_COMPLAINT:]


async def _end(process: asyncio.subprocess.Process, tasks: Sequence[asyncio.Future[None]]) -> None:
    """Closes the server's input, then asks it to end, then kills it and whatever is left of its group."""
    assert process.stdin is not None
    process.stdin.close()
    if not await _has_ended(process):
        _signal(process, signal.SIGTERM)
        await _has_ended(process)
    _signal(process, signal.SIGKILL)
    await _has_ended(process)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=END_SECONDS)
    transport = getattr(process, "_transport", None)  # nothing public closes pipes that a child of it holds open
    if transport is not None:
        transport.close()


async def _has_ended(process: asyncio.subprocess.Process) -> bool:
    """Whether it ends soon. Its pipes may stay open, so that `wait` alone might not come back."""
    until = asyncio.get_running_loop().time() + END_SECONDS
    while process.returncode is None:
        if asyncio.get_running_loop().time() > until:
            return False
        await asyncio.sleep(0.01)
    return True


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
