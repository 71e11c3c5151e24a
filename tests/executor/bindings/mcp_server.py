"""A small MCP server, written with the official package: `python mcp_server.py [PORT]` (a port: HTTP)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, ImageContent, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

server = MCPServer("small")


class Sum(BaseModel):
    total: float
    count: int


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(numbers: Annotated[list[float], Field(max_length=100)]) -> Sum:
    """Adds numbers. Any numbers will do."""
    return Sum(total=sum(numbers), count=len(numbers))


@server.tool(structured_output=False)
def greet(name: str) -> str:
    """Greets somebody."""
    return f"Hello {name}"


@server.tool(annotations=ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True))
def fail(reason: str) -> str:
    """Fails, whatever it is given."""
    raise ValueError(reason)


@server.tool(annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False), structured_output=False)
def environment() -> str:
    """Tells its environment and its process."""
    return json.dumps({**os.environ, "PID": str(os.getpid())})


@server.tool(structured_output=False)
async def sleep(seconds: float, mark: str = "") -> str:
    """Sleeps, and writes down whether it was woken."""
    try:
        await anyio.sleep(seconds)
    finally:
        if mark:
            Path(mark).write_text("woken")
    return "slept"


@server.tool(structured_output=False)
def big(size: int) -> str:
    """Answers at length."""
    return "x" * size


@server.tool(structured_output=False)
def die() -> str:
    """Ends the server."""
    os._exit(3)


@server.tool(structured_output=False)
def child() -> str:
    """Starts a child that would outlive the server."""
    return str(subprocess.Popen(["sleep", "600"]).pid)


@server.tool()
def picture() -> Any:
    """Answers with a picture only."""
    return CallToolResult(content=[ImageContent(data="AAAA", mime_type="image/png")])


@server.tool(structured_output=False)
async def ids(context: Context, key: str = "") -> Any:
    """Tells the ids that were sent along."""
    meta = context.request_context.meta or {}
    found = {name: value for name, value in dict(meta).items() if name.startswith("dagwright/")}
    return CallToolResult(content=[TextContent(text=json.dumps({"key": key, **found}, sort_keys=True))])


def main() -> None:
    if len(sys.argv) > 1:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        print("not a message", flush=True)
        server.run("stdio")


if __name__ == "__main__":
    main()
