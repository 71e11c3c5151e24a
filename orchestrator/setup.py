"""`Setup`: everything that a run needs besides its goal, put together once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from dagwright.catalogue import Catalogue
from dagwright.llm.model import Model
from dagwright.policy import DEFAULT_POLICY, Policy
from executor.bindings.runner import Runners
from executor.engine.engine import Engine
from executor.worker.breaker import PROCESS, Breakers
from knowledge.store import KnowledgeStore
from orchestrator.approval import Approver, approve_later
from orchestrator.ledgers import Shared
from orchestrator.listener import Listener
from orchestrator.strategy.strategy import PlanningStrategy
from validation.rules import OwnRule


def no_secret(_name: str) -> str | None:
    """Gives None: no credential is known."""
    return None


OpenStore = Callable[[], AbstractContextManager[KnowledgeStore | None]]
"""Opens a store for as long as the context lasts."""


def no_store() -> AbstractContextManager[None]:
    """Gives no store."""
    return nullcontext()


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Model, catalogue, policy, engine and the people around a run."""

    home: Path
    """Folder of all runs' folders."""
    model: Model
    """Writes plans, and runs quarantined `llm` steps."""
    strategy: PlanningStrategy
    """How it writes them."""
    catalogue: Catalogue
    """What plans may use."""
    engine: Engine
    """What executes."""
    runners: Callable[[Model], Runners]
    """Gives the runners of all kinds of binding, `llm` steps with the model given."""
    store: OpenStore = no_store
    """Opens the documents of the catalogue while evidence is gathered; none where it can be shown whole."""
    policy: Policy = DEFAULT_POLICY
    """What is allowed."""
    rules: tuple[OwnRule, ...] = ()
    """Rules of your own that plans must obey too."""
    approver: Approver = approve_later
    """Who is asked."""
    approver_name: str = "nobody"
    """Under whose name approvals are recorded."""
    secrets: Callable[[str], str | None] = no_secret
    """Credentials by name; only workers call it."""
    tenant: str = "default"
    """For whom; what workers of several tenants are told."""
    shared: Shared | None = None
    """A ledger that effects are also entered in, so that they happen once in many runs; None: the archive's alone."""
    breakers: Breakers = PROCESS
    """Keep operations that fail again and again from being called; runs that share them fail and recover together."""
    listener: Listener = field(default_factory=Listener)
    """Told of everything."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set when the person stops it."""
    executing: threading.Event = field(default_factory=threading.Event)
    """Set while an engine runs, which then looks at `cancelled` itself."""
    settings: dict[str, str] = field(default_factory=dict[str, str])
    """What `run --resume` needs to put the same setup together again: names, never secrets."""
