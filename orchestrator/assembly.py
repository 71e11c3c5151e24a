"""From names on a command line to a `Setup`: catalogue, policy, model, engine, store."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dagwright.catalogue import Catalogue, load_catalogue
from dagwright.exceptions import CatalogueError, InputError, PolicyError
from dagwright.llm.model import Model
from dagwright.policy import DEFAULT_POLICY, Policy, load_policy
from orchestrator.setup import OpenStore, Setup, no_store

if TYPE_CHECKING:
    from executor.bindings.human import Asker
    from executor.bindings.runner import Runners
    from executor.engine.engine import Engine
    from knowledge.store import KnowledgeStore
    from orchestrator.approval import Approver
    from orchestrator.listener import Listener
    from orchestrator.strategy.strategy import PlanningStrategy

CONDUCTOR_URL = "http://127.0.0.1:18080/api"
"""Where `dagwright conductor up` starts a server unless told otherwise."""


@dataclass(frozen=True, kw_only=True)
class Names:
    """What a person names; everything else follows."""

    model: str = ""
    """Model specification; empty picks a hosted model whose key is set, else the local one."""
    catalogues: tuple[str, ...] = ()
    """Packs or files; none means the default toolchest."""
    policy: str = ""
    """Policy file; empty means the default policy."""
    engine: str = "embedded"
    """`embedded` or `conductor`."""
    strategy: str = ""
    """`interleaved`, `cited` or `plan_first`; empty picks by model."""
    rules: tuple[str, ...] = ()
    """Python files or entry points with rules of your own."""

    def settings(self) -> dict[str, str]:
        """Gives the names as a run's archive keeps them."""
        rules = {"rules": "\n".join(_absolute(name) for name in self.rules)} if self.rules else {}
        return {
            "model": self.model,
            "catalogues": "\n".join(_absolute(name) for name in self.catalogues),
            "policy": _absolute(self.policy),
            "engine": self.engine,
            "strategy": self.strategy,
            **rules,
        }

    @classmethod
    def of(cls, settings: dict[str, str]) -> Names:
        """Gives the names that a run's archive kept."""
        return cls(
            model=settings.get("model", ""),
            catalogues=tuple(filter(None, settings.get("catalogues", "").split("\n"))),
            policy=settings.get("policy", ""),
            engine=settings.get("engine", "embedded"),
            strategy=settings.get("strategy", ""),
            rules=tuple(filter(None, settings.get("rules", "").split("\n"))),
        )


@dataclass(frozen=True, kw_only=True)
class People:
    """Who is asked and who watches."""

    approver: Approver
    approver_name: str
    ask: Asker | None
    listener: Listener = field(default_factory=lambda: _silent())


def home() -> Path:
    """Gives the folder of all runs: DAGWRIGHT_HOME, else `.dagwright` here."""
    return Path(os.environ.get("DAGWRIGHT_HOME") or ".dagwright").absolute()


def assemble(names: Names, people: People, *, at: Path | None = None) -> Setup:
    """Puts a setup together. Nothing heavy is loaded and nothing is reached yet.

    Raises:
        InputError: an unknown model, engine or strategy.
        CatalogueError, PolicyError: a file is not one; an unknown pack.
        RuleError: rules of your own cannot be loaded.
    """
    from dagwright.llm import default_spec, open_model
    from orchestrator.ledgers import Shared
    from orchestrator.rules import open_rules

    catalogue = open_catalogue(names.catalogues)
    policy = open_policy(names.policy)
    model = open_model(names.model or default_spec())
    return Setup(
        home=at or home(),
        model=model,
        strategy=open_strategy(names.strategy, model),
        catalogue=catalogue,
        engine=open_engine(names.engine),
        runners=_runners(people.ask),
        store=_store(catalogue, people.listener),
        policy=policy,
        rules=open_rules(names.rules),
        approver=people.approver,
        approver_name=people.approver_name,
        secrets=secret,
        tenant=os.environ.get("DAGWRIGHT_TENANT") or "default",
        shared=Shared.of(dict(os.environ)),
        listener=people.listener,
        settings=names.settings(),
    )


def open_catalogue(names: Sequence[str], *, to_run: bool = True) -> Catalogue:
    """Gives the catalogues of packs and files as one; the default toolchest for none.

    Args:
        names: packs, and files that end in .yaml, .yml or .json.
        to_run: whether plans are to be executed; if not, operations need no binding.

    Raises:
        CatalogueError: a file is not a catalogue, a pack is unknown, or two tools have one name.
    """
    from executor.toolchest import default_catalogue, load_pack, packs

    if not names:
        return default_catalogue()
    opened: list[Catalogue] = []
    for name in names:
        path = Path(name)
        if path.suffix in {".yaml", ".yml", ".json"}:
            opened.append(load_catalogue(path, to_run=to_run))
        elif name in packs():
            opened.append(load_pack(name))
        else:
            known = ", ".join(packs())
            raise CatalogueError(name, [f"no such pack, and no .yaml or .json file; packs are: {known}"])
    return opened[0].merged(*opened[1:]) if len(opened) > 1 else opened[0]


def open_policy(name: str) -> Policy:
    """Gives the policy of a file; the default policy for an empty name.

    Raises:
        PolicyError: the file cannot be read or is not a policy, or the extra for its Cedar policies is not installed.
    """
    if not name or name == "default":
        return DEFAULT_POLICY
    if not Path(name).is_file():
        raise PolicyError(f"there is no policy file {name!r}; without --policy the default policy holds")
    policy = load_policy(Path(name))
    if policy.cedar is not None:
        from validation.cedar import parsed

        parsed(policy.cedar)
    return policy


def open_engine(name: str) -> Engine:
    """Gives the engine of that name.

    Raises:
        InputError: there is none.
    """
    if name == "embedded":
        from executor.engine.embedded import EmbeddedEngine

        return EmbeddedEngine()
    if name == "conductor" or name.startswith(("http://", "https://")):
        from executor.conductor.engine import ConductorEngine

        return ConductorEngine(conductor_url() if name == "conductor" else ",".join(map(_api, name.split(","))))
    raise InputError(f"there is no engine {name!r}; engines are: embedded, conductor, or the URL of a Conductor server")


def conductor_url() -> str:
    """Gives the address of the Conductor server: CONDUCTOR_SERVER_URL, else the one started here."""
    from executor.conductor import server

    return os.environ.get("CONDUCTOR_SERVER_URL") or server.status().url or CONDUCTOR_URL


def _api(url: str) -> str:
    """Gives the address of the API of a server that was named by its host alone."""
    from urllib.parse import urlsplit

    return f"{url.rstrip('/')}/api" if urlsplit(url).path in ("", "/") else url


def open_strategy(name: str, model: Model) -> PlanningStrategy:
    """Gives the strategy of that name; by default `interleaved` under a grammar, else `plan_first`.

    Raises:
        InputError: there is none.
    """
    from orchestrator.strategy.cited import Cited
    from orchestrator.strategy.interleaved import Interleaved
    from orchestrator.strategy.plan_first import PlanFirst

    chosen = name or ("interleaved" if model.accepts_grammar else "plan_first")
    found = {strategy.name: strategy for strategy in (Interleaved(), Cited(), PlanFirst())}
    if chosen not in found:
        raise InputError(f"there is no strategy {chosen!r}; strategies are: {', '.join(found)}")
    return found[chosen]


def secret(name: str) -> str | None:
    """Gives a credential: the environment variable DAGWRIGHT_SECRET_{NAME}."""
    return os.environ.get(f"DAGWRIGHT_SECRET_{name.upper().replace('-', '_')}")


def _runners(ask: Asker | None) -> Callable[[Model], Runners]:
    def made(model: Model) -> Runners:
        from executor.bindings import runners

        return runners(model=model, ask=ask)

    return made


def _store(catalogue: Catalogue, listener: Listener) -> OpenStore:
    from orchestrator.evidence import SHOWN_WHOLE

    if len(catalogue.tools) <= SHOWN_WHOLE:
        return no_store

    def opened() -> AbstractContextManager[KnowledgeStore]:
        from orchestrator.indexing import indexed

        return indexed(catalogue, listener.reading)

    return opened


def _silent() -> Listener:
    from orchestrator.listener import Listener

    return Listener()


def _absolute(name: str) -> str:
    return str(Path(name).absolute()) if name and Path(name).suffix else name
