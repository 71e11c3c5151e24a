"""Bindings to workers, Kafka, MCP servers, expressions and code in a sandbox; `dagwright.tool` has the others."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from dagwright.canonical import Sha256, sha256
from dagwright.model import Frozen

MOST_EXPRESSION = 4_000
"""Characters of one JMESPath expression."""

CredentialName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_\-]{0,63}$")]
"""Name under which a worker finds a credential; never its value."""

WebAddress = Annotated[str, Field(pattern=r"^https?://[^\s/{}@?#]+(/[^\s{}?#]*)?$")]
"""An http or https URL without user, query and fragment."""

ServerAddress = Annotated[str, Field(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.\-]+):[0-9]{1,5}$")]
"""`host:port`."""

ErrorCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A stable word for an error."""


class TransformBinding(Frozen):
    """A pure computation: JMESPath over the arguments. The expressions are the catalogue's, never a plan's."""

    kind: Literal["transform"] = "transform"
    expressions: dict[str, str] = Field(min_length=1)
    """JMESPath expression per named output; `@` is the object of all arguments."""

    @field_validator("expressions")
    @classmethod
    def _compiled(cls, expressions: dict[str, str]) -> dict[str, str]:
        from jmespath import compile as compiled
        from jmespath.exceptions import JMESPathError

        for output, expression in expressions.items():
            if len(expression) > MOST_EXPRESSION:
                raise ValueError(f"the expression of {output!r} has more than {MOST_EXPRESSION} characters")
            try:
                tree = compiled(expression).parsed
            except (JMESPathError, RecursionError, ValueError) as error:
                reason = " ".join(str(error).split()) or type(error).__name__
                raise ValueError(f"the expression of {output!r} is not JMESPath: {reason}") from error
            unknown = sorted(set(_functions(tree)) - set(_known_functions()))
            if unknown:
                known = ", ".join(sorted(_known_functions()))
                raise ValueError(f"the expression of {output!r} calls {unknown[0]!r}; JMESPath has {known}")
        return expressions


class WorkerBinding(Frozen):
    """An operation of a worker that speaks the uniform contract: `POST {url}/execute`."""

    kind: Literal["worker"] = "worker"
    url: WebAddress
    """Where the worker is; `/execute` is appended."""
    operation: str = Field(default="", max_length=200)
    """What the worker calls it; empty: `tool.operation`."""
    credential: CredentialName | None = None
    """Name of the credential that is sent as a bearer token."""
    error_codes: tuple[ErrorCode, ...] = ()
    """Codes of errors that a planner may see; every other one is told as `worker_rejected` or the like."""


class KafkaBinding(Frozen):
    """A message to a topic: published, or a request whose reply comes on another topic."""

    kind: Literal["kafka"] = "kafka"
    servers: tuple[ServerAddress, ...] = Field(min_length=1)
    """Brokers to begin with; those that they name must be allowed hosts, too."""
    topic: str = Field(pattern=r"^[A-Za-z0-9._\-]{1,249}$")
    """Where the arguments go, as one JSON object."""
    reply_topic: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._\-]{1,249}$")
    """Where the reply comes; None: nothing is waited for."""
    tls: bool = True
    """Whether connections are encrypted."""
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    """How the worker says who it is (SASL); None: not at all."""
    username: CredentialName | None = None
    """Name of the credential that is the user."""
    password: CredentialName | None = None
    """Name of the credential that is the password."""
    error_codes: tuple[ErrorCode, ...] = ()
    """Codes of errors in replies that a planner may see; every other one is told as `reply_rejected`."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.mechanism and not (self.username and self.password):
            raise ValueError(f"mechanism {self.mechanism} needs the names of two credentials: username and password")
        return self


class McpCommand(Frozen):
    """An MCP server that is a program: started once per run, spoken to over its standard input and output."""

    transport: Literal["stdio"] = "stdio"
    command: tuple[str, ...] = Field(min_length=1)
    """Program and arguments; policy must name it in `allowed_commands`."""
    environment: dict[str, CredentialName] = Field(default_factory=dict)
    """Environment variables that hold credentials, by the credentials' names."""

    @property
    def line(self) -> str:
        """The command as a shell would take it; what policy is asked about."""
        return shlex.join(self.command)


class McpEndpoint(Frozen):
    """An MCP server behind a URL (streamable HTTP)."""

    transport: Literal["http"] = "http"
    url: WebAddress
    """Its endpoint."""
    credential: CredentialName | None = None
    """Name of the credential that is sent as a bearer token."""


McpServer = Annotated[McpCommand | McpEndpoint, Field(discriminator="transport")]
"""Where an MCP server is."""


class McpBinding(Frozen):
    """A tool of an MCP server."""

    kind: Literal["mcp"] = "mcp"
    server: McpServer
    """Where the tool is."""
    tool: str = Field(min_length=1, max_length=256)
    """What the server calls it."""
    definition: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the tool as the server described it when it was imported; a tool that has changed is refused."""
    key_argument: str | None = None
    """Argument of the tool that takes an idempotency key; the worker fills it in."""


CodeLanguage = Literal["python", "shell"]
"""What code in a sandbox is written in: Python 3, or the language of a POSIX shell."""


class CodeLimits(Frozen):
    """What code in a sandbox may use; reaching any of them is an error of its own."""

    cpu_seconds: int = Field(default=30, ge=1, le=86_400)
    """Processor time of each process, seconds."""
    memory: int = Field(default=2**30, ge=2**26)
    """Bytes of memory of all processes together."""
    processes: int = Field(default=32, ge=1, le=4_096)
    """Processes and threads at a time."""
    file: int = Field(default=2**26, ge=2**12)
    """Bytes of the largest file."""
    disk: int = Field(default=2**28, ge=2**12)
    """Bytes of all files together."""
    files: int = Field(default=1_000, ge=1)
    """Files and folders."""
    output: int = Field(default=2**20, ge=1)
    """Bytes written to standard output and standard error together."""


class CodeBinding(Frozen):
    """Code that runs in a sandbox: the catalogue's own, or what the argument `code` says.

    Code of the catalogue gets the arguments as one JSON object on standard input and writes the outputs as one to
    standard output. Code that is an argument gets argument `data` there, as JSON, and its outputs are `stdout`,
    `stderr`, `exit_code`, `files` and `sandbox`. Either finds the files of argument `files` below `inputs/`,
    and what it writes is kept in the folder of the run that argument `folder` names; without one, it is not kept.
    """

    kind: Literal["code"] = "code"
    language: CodeLanguage
    """What it is written in."""
    source: str | None = Field(default=None, min_length=1, max_length=200_000)
    """The code; None: argument `code`, which must have the role `control`."""
    limits: CodeLimits = CodeLimits()
    """What it may use; its wall time is the operation's `timeout`."""


def mcp_definition(tool: Mapping[str, object]) -> Sha256:
    """Gives the hash of a tool as an MCP server describes it: of all that says what it does and takes.

    Args:
        tool: the tool as it stands in the answer to `tools/list`.
    """
    told = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
    return sha256({name: tool[name] for name in told if tool.get(name) is not None})


def _functions(tree: object) -> list[str]:
    """Gives the names of the functions that a parsed expression calls."""
    found: list[str] = []
    waiting: list[object] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(node, dict) and "type" in node:
            if node["type"] == "function_expression":
                found.append(str(node["value"]))  # pyright: ignore[reportUnknownArgumentType]
            waiting.append(node.get("children"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return found


def _known_functions() -> list[str]:
    from jmespath.functions import Functions

    return list(Functions.FUNCTION_TABLE)
