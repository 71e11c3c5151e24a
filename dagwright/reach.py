"""Where operations lead, and whether a policy allows it: one rule for validator, guard and importers."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from dagwright.binding import KafkaBinding, McpBinding, McpCommand, WorkerBinding
from dagwright.hosts import admitting, host_of
from dagwright.policy import Policy
from dagwright.tool import Binding, BindingKind, HttpBinding

OUTSIDE: frozenset[BindingKind] = frozenset({"http", "worker", "kafka", "mcp", "code"})
"""Kinds of binding whose outputs come from outside, or from code that a plan may hold: untrusted where the contract
does not say otherwise."""


@dataclass(frozen=True)
class Destination:
    """A host that is reached or a command that is run."""

    kind: Literal["host", "command"]
    """What it is."""
    name: str
    """Host (lower case, no port), or the command as a shell would take it."""
    port: int = 0
    """The host's port."""

    def __str__(self) -> str:
        """Gives `host:port`, or the command."""
        return f"{self.name}:{self.port}" if self.kind == "host" else self.name

    def is_allowed(self, policy: Policy) -> bool:
        """Whether a policy names it: hosts in `allowed_hosts`, commands in `allowed_commands`."""
        if self.kind == "host":
            return bool(admitting(policy.allowed_hosts, self.name, self.port))
        return any(fnmatchcase(self.name, glob) for glob in policy.allowed_commands or ())


def destinations(binding: Binding) -> tuple[Destination, ...]:
    """Gives every host and command that an operation with this binding leads to; what is no URL is host `""`."""
    if isinstance(binding, HttpBinding | WorkerBinding):
        return (_host(binding.url),)
    if isinstance(binding, KafkaBinding):
        return tuple(_host(f"http://{server}") for server in binding.servers)
    if isinstance(binding, McpBinding):
        server = binding.server
        return (Destination("command", server.line) if isinstance(server, McpCommand) else _host(server.url),)
    return ()


def _host(url: str) -> Destination:
    return Destination("host", *(host_of(url) or ("", 0)))
