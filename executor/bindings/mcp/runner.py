"""Calls of tools of MCP servers. A server is started once per run, used by all of its steps and ended with it."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from dagwright.binding import McpEndpoint
from dagwright.canonical import sha256
from dagwright.exceptions import DagwrightError, TimedOut, ToolRejected, ToolUnavailable
from dagwright.reach import destinations
from dagwright.tool import McpBinding, ToolSpec
from executor.bindings.exchange import MOST_BYTES, credential_of, hidden
from executor.bindings.hosts import target_of
from executor.bindings.loop import within
from executor.bindings.mcp.outputs import outputs_of
from executor.bindings.mcp.session import Session
from executor.bindings.mcp.stdio import Complaint
from executor.bindings.mcp.streams import secrets_of, streams_of
from executor.bindings.mcp.thread import LoopThread
from executor.bindings.runner import ToolContext

if TYPE_CHECKING:
    from mcp_types import CallToolResult, RequestParamsMeta

_META = "dagwright/"
"""Before the names under which a call's ids are sent along (`_meta`)."""


class McpRunner:
    """Runs operations with an `McpBinding`. Thread-safe; `close` ends the servers."""

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self._guard = threading.Lock()
        self._thread: LoopThread | None = None
        self._sessions: dict[str, Session] = {}
        logging.getLogger("mcp").addHandler(logging.NullHandler())  # what goes wrong is raised, not printed

    def __call__(self, spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> dict[str, JsonValue]:
        """Gives the tool's structured content, else `{text}`.

        Raises:
            ToolUnavailable: `mcp_unavailable` (the server does not start or answer; nothing was done),
                `mcp_broken` (it ended during the call).
            ToolRejected: `unknown_tool`, `tool_changed`, `mcp_rejected` (it refuses the call), `tool_failed` (its
                result says it is an error), `bad_answer`, `too_large`, `missing_credential`, `command_denied`,
                `host_not_allowed` and its like.
            TimedOut: the call took too long.
            Cancelled: the attempt was stopped.
        """
        binding = spec.binding
        if not isinstance(binding, McpBinding):
            raise TypeError(f"{spec.name!r} is not bound to an MCP server")
        secrets = secrets_of(binding.server, partial(credential_of, context=context))
        _check_place(binding, context)
        given = {**arguments, **({binding.key_argument: context.idempotency_key} if binding.key_argument else {})}
        result = self._loop().result(self._called(spec, binding, given, context, secrets))
        return outputs_of(result, spec, secrets.values())

    def close(self) -> None:
        """Ends every server and connection; waits for them in bounded time."""
        with self._guard:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.result(self._end_all())
            thread.stop()
            atexit.unregister(self.close)

    def _loop(self) -> LoopThread:
        with self._guard:
            if self._thread is None:
                self._thread = LoopThread("mcp")
                atexit.register(self.close)
            return self._thread

    async def _end_all(self) -> None:
        found, self._sessions = list(self._sessions.values()), {}
        for session in found:
            await session.end()

    async def _called(
        self,
        spec: ToolSpec,
        binding: McpBinding,
        arguments: Mapping[str, JsonValue],
        context: ToolContext,
        secrets: Mapping[str, str],
    ) -> CallToolResult:
        from mcp import MCPError
        from pydantic import ValidationError

        session = self._session(binding, context, secrets)
        try:
            client = await within(session.client(), context)
        except TimedOut:
            raise ToolUnavailable(f"the server of {spec.name} was not ready in time", code="mcp_unavailable") from None
        except DagwrightError:
            raise
        except Exception as error:  # noqa: BLE001 - raised again, typed
            await self._forget(session)
            why = hidden(f"{type(error).__name__}: {session.complaint}", secrets.values())
            raise ToolUnavailable(
                f"the server of {spec.name} does not start: {why[:500]}", code="mcp_unavailable"
            ) from None
        _check_tool(spec, binding, session)
        try:
            return await within(client.call_tool(binding.tool, dict(arguments), meta=_ids(context)), context)
        except MCPError as error:
            raise await self._told(error, spec, session, secrets) from None
        except (ValidationError, RuntimeError):
            raise ToolRejected(
                f"what {spec.name} answered is not what its server describes", code="bad_answer"
            ) from None
        except (OSError, EOFError, ExceptionGroup) as error:
            await self._forget(session)
            raise ToolUnavailable(
                f"the server of {spec.name} broke off: {type(error).__name__}", code="mcp_broken"
            ) from None

    def _session(self, binding: McpBinding, context: ToolContext, secrets: Mapping[str, str]) -> Session:
        key = sha256([binding.server, context.run, context.policy.hash])
        found = self._sessions.get(key)
        if found is None or found.is_over:
            allowed, complaint = context.policy.allowed_hosts, Complaint()
            streams = streams_of(binding.server, secrets, allowed, complaint, most_bytes=self.most_bytes)
            found = self._sessions[key] = Session(streams, complaint)
        return found

    async def _forget(self, session: Session) -> None:
        self._sessions = {key: found for key, found in self._sessions.items() if found is not session}
        await session.end()

    async def _told(self, error: Exception, spec: ToolSpec, session: Session, secrets: Mapping[str, str]) -> Exception:
        """Gives what is raised for an error that the protocol reports."""
        from mcp_types import CONNECTION_CLOSED, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, REQUEST_TIMEOUT

        code = getattr(error, "code", 0)
        said = hidden(" ".join(str(error).split()), secrets.values())[:300]
        if code == REQUEST_TIMEOUT:
            return TimedOut(f"{spec.name} had no answer within its time")
        if code == CONNECTION_CLOSED:
            await self._forget(session)
            if session.complaint.reason:
                return ToolRejected(f"the server of {spec.name}: {session.complaint.reason}", code="too_large")
            why = hidden(str(session.complaint), secrets.values())[:300]
            return ToolUnavailable(f"the server of {spec.name} broke off: {why or said}", code="mcp_broken")
        if code in (INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND):
            return ToolRejected(f"the server refuses {spec.name}: {said}", code="mcp_rejected")
        return ToolRejected(f"{spec.name} failed: {said}", code="tool_failed")


def _check_place(binding: McpBinding, context: ToolContext) -> None:
    """Looks once more, where it is used, at what the guard has looked at; an endpoint's address, too."""
    if isinstance(binding.server, McpEndpoint):
        target_of(binding.server.url, context.policy.allowed_hosts)
        return
    for destination in destinations(binding):
        if not destination.is_allowed(context.policy):
            raise ToolRejected(f"policy does not allow {destination.kind} {destination}", code="command_denied")


def _check_tool(spec: ToolSpec, binding: McpBinding, session: Session) -> None:
    if binding.tool not in session.tools:
        raise ToolRejected(f"the server of {spec.name} has no tool {binding.tool!r}", code="unknown_tool")
    if binding.definition is not None and session.definition(binding.tool) != binding.definition:
        raise ToolRejected(
            f"the server describes {spec.name} otherwise than when it was imported; import it again and look at it",
            code="tool_changed",
        )


def _ids(context: ToolContext) -> RequestParamsMeta:
    ids = {
        f"{_META}idempotency-key": context.idempotency_key,
        f"{_META}run": context.run,
        f"{_META}step": context.step,
        f"{_META}tenant": context.tenant,
    }
    return cast("RequestParamsMeta", ids)  # what is not the protocol's own is open
