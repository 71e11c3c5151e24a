"""`Policy`: what a plan may do, as data. What no rule allows falls back to the effect's default."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from dagwright.canonical import Sha256, sha256
from dagwright.decomposition import RollbackStrategy
from dagwright.exceptions import PolicyError
from dagwright.label import Confidentiality, Integrity
from dagwright.model import Frozen, JsonSchema, faults
from dagwright.tool import Effect, Role

Action = Literal["allow", "ask", "deny"]
"""`ask`: a person must approve before the plan runs."""


Width = Literal["narrow", "free"]
"""`narrow`: numbers, booleans, null and closed sets, which hold no message; `free`: everything else."""

Isolation = Literal["limits", "landlock", "bubblewrap"]
"""How code is kept from the machine, weakest first; `executor.sandbox` says what each protects against."""


class Rule(Frozen):
    """One rule over calls. The first rule that matches decides."""

    tools: str
    """Glob over `tool.operation`."""
    when: JsonSchema | None = None
    """JSON Schema that the arguments must meet for the rule to match; None matches all."""
    action: Action
    """What then happens."""
    reason: str = ""
    """Why, in words; shown in findings."""


class FlowRule(Frozen):
    """One rule over data that reaches an input. The first rule that matches decides."""

    tools: str = "*"
    """Glob over `tool.operation` of the consumer."""
    roles: tuple[Role, ...] = ("control", "sink")
    """Roles of the input."""
    effects: tuple[Effect, ...] = ("read", "write", "external", "irreversible")
    """Effects of the consumer."""
    integrity: tuple[Integrity, ...] = ("trusted", "untrusted")
    """Integrity of the data."""
    confidentiality: tuple[Confidentiality, ...] = ("public", "tenant", "secret")
    """Confidentiality of the data."""
    constants: bool | None = None
    """True: only constants that the goal does not state; False: only what references bring; None: both."""
    types: tuple[Width, ...] | None = None
    """Only data of such a type; None: of any."""
    action: Action
    """What then happens."""
    reason: str = ""
    """Why, in words."""


class ReleaseRule(Frozen):
    """Who may endorse or declassify. The first rule that matches decides; where none does, a person is asked."""

    tools: str
    """Glob over `tool.operation` of the operation that declares the release."""
    action: Action
    """`deny`: its outputs keep the label of what it read."""
    reason: str = ""
    """Why, in words."""


class Budget(Frozen):
    """Limits of a run. None means none."""

    max_cost: float | None = Field(default=None, ge=0)
    """US dollars."""
    max_calls: int | None = Field(default=None, ge=0)
    """Tool calls."""
    max_seconds: float | None = Field(default=None, gt=0)
    """Wall time."""
    max_tokens: int | None = Field(default=None, ge=0)
    """Tokens of language models."""
    max_payload: int | None = Field(default=None, ge=2)
    """Bytes that the arguments of one call may have as canonical JSON."""
    max_passes: int | None = Field(default=None, ge=1)
    """Items of a loop, or passes of a repetition, that a proposal may ask for; None is 1,000."""


class RollbackRule(Frozen):
    """What must be able to undo a step. The first rule that matches decides; without one nothing is demanded."""

    tools: str = "*"
    """Glob over `tool.operation`."""
    effects: tuple[Effect, ...] = ("write", "external", "irreversible")
    """Effects of the operation."""
    strategies: tuple[RollbackStrategy, ...] = Field(min_length=1)
    """Any of these will do. `retry` needs an idempotent operation, `compensate` one with a compensation."""
    reason: str = ""
    """Why, in words; shown in findings."""


RollbackWhen = Literal["automatic", "on_request"]
"""`automatic`: as soon as a run has failed for good; `on_request`: when a person says `runs compensate`."""


class UnknownRule(Frozen):
    """What follows when nobody knows whether an effect that must not be repeated happened. First match decides."""

    tools: str = "*"
    """Glob over `tool.operation`."""
    action: Literal["ask", "compensate"]
    """`ask`: a person says what happened; `compensate`: it is undone, come what may, and then tried again."""
    reason: str = ""
    """Why, in words."""


class BreakerRule(Frozen):
    """When calls of an operation to one host are no longer tried for a while. The first rule that matches decides."""

    tools: str = "*"
    """Glob over `tool.operation`."""
    failures: int = Field(default=10, ge=1)
    """Transport failures in a row after which it opens."""
    rate: float = Field(default=0.8, gt=0, le=1)
    """Share of calls that failed in transport, within `window`, from which on it opens."""
    calls: int = Field(default=20, ge=1)
    """Calls within `window` before the share counts."""
    window: float = Field(default=60.0, gt=0)
    """Seconds."""
    delay: float = Field(default=10.0, gt=0)
    """Seconds until one call is let through as a probe; doubled, up to ten times this, as long as probes fail."""


class FallbackRule(Frozen):
    """Which operations may take each other's place where one is down. The first rule that an operation meets holds."""

    capability: str = Field(min_length=1)
    """What all of them can do: a tag of their `capabilities`."""
    operations: tuple[str, ...] = Field(min_length=1)
    """Globs over `tool.operation`, the one to be preferred first: an operation is followed only by those after it;
    those of one glob follow each other by name."""
    reason: str = ""
    """Why, in words."""


DEFAULT_FLOWS: tuple[FlowRule, ...] = (
    FlowRule(
        roles=("control", "sink"),
        effects=("write", "external", "irreversible"),
        integrity=("untrusted",),
        action="deny",
        reason="data read from outside must not decide what is done or where something goes",
    ),
    FlowRule(
        roles=("data", "control", "sink"),
        effects=("external", "irreversible"),
        confidentiality=("tenant", "secret"),
        action="deny",
        reason="confidential data must not leave",
    ),
)


class Policy(Frozen):
    """Rules, flows, budgets and the places that may be reached; versioned by its hash."""

    name: str
    """Name of the policy."""
    rules: tuple[Rule, ...] = ()
    """Over calls; the first match decides."""
    defaults: dict[Effect, Action] = Field(
        default_factory=lambda: {"read": "allow", "write": "allow", "external": "deny", "irreversible": "deny"}
    )
    """What happens to a call that no rule matches, by its effect."""
    flows: tuple[FlowRule, ...] = DEFAULT_FLOWS
    """Over data; the first match decides, and what none matches is allowed."""
    budget: Budget = Budget()
    """Limits of a run."""
    allowed_hosts: tuple[str, ...] = ()
    """Hosts (`host` or `host:port`, globs allowed) that tools may reach: HTTP APIs, workers, brokers, MCP servers."""
    allowed_paths: tuple[str, ...] = ("*",)
    """Globs over paths inside the run's folder that files may have."""
    rollbacks: tuple[RollbackRule, ...] | None = None
    """What must be able to undo the steps of a plan; None demands nothing."""

    constants: Literal["stated"] | None = None
    """`stated`: a constant that the goal's text does not state is untrusted; None: all constants are trusted."""
    releases: tuple[ReleaseRule, ...] | None = None
    """Which operations may endorse and declassify as they declare; where nothing is said, a person is asked."""
    allowed_commands: tuple[str, ...] | None = None
    """Commands (as a shell would take them, globs allowed) that may be run as MCP servers; None: no command."""
    sandbox: Isolation | None = None
    """The weakest sandbox that code may run in; None is `landlock`. `limits` keeps code neither from the network
    nor from files."""

    rollback: RollbackWhen | None = None
    """When the steps of a run that fails for good are undone, as far as they name `compensate`; None: automatic."""
    unknown_outcomes: tuple[UnknownRule, ...] | None = None
    """What follows an effect of unknown outcome; where no rule matches, a person is asked."""
    breakers: tuple[BreakerRule, ...] | None = None
    """When an operation is no longer tried for a while; where no rule matches, the defaults of such a rule hold."""

    fallbacks: tuple[FallbackRule, ...] | None = None
    """Which operations may take another's place; None: none ever does."""

    cedar: str | None = None
    """Cedar policies that must permit each call, too (extra `cedar`; `validation.cedar` says what they see)."""

    @cached_property
    def hash(self) -> Sha256:
        """SHA-256 of the canonical content."""
        return sha256(self)


DEFAULT_POLICY = Policy(name="default")
"""Reads and writes inside the run's folder are allowed; everything beyond is denied."""


def load_policy(path: Path) -> Policy:
    """Reads a policy from a YAML or JSON file.

    Raises:
        PolicyError: the file cannot be read or is not a policy; says where and what.
    """
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Policy.model_validate(data)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PolicyError(f"policy {str(path)!r} cannot be read: {error}") from error
    except ValidationError as error:
        lines = "".join(f"\n  {fault}" for fault in faults(error, Policy))
        raise PolicyError(f"policy {str(path)!r} is not a policy:{lines}") from error
