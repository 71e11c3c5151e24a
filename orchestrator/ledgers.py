"""Which ledger a run's effects are entered in: the one in its archive, or also one that many runs share."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from dagwright.exceptions import InputError
from executor.archive.archive import Archive
from executor.ledger.ledger import EffectLedger, Ledger

ADDRESS, SCOPE = "DAGWRIGHT_LEDGER", "DAGWRIGHT_LEDGER_SCOPE"
"""Environment variables: the database's address, which may hold a password, and the scope."""


@dataclass(frozen=True, kw_only=True)
class Shared:
    """A ledger in PostgreSQL, in which an operation with the same arguments happens once in all runs of a scope."""

    address: str
    """`postgresql://…`, or `host=… dbname=…`."""
    scope: str
    """E.g. `payroll-2026-01`."""

    @classmethod
    def of(cls, environment: dict[str, str]) -> Shared | None:
        """Gives what the environment names; None where it names nothing.

        Raises:
            InputError: it names an address without a scope, or a scope without an address.
        """
        address, scope = environment.get(ADDRESS, ""), environment.get(SCOPE, "")
        if bool(address) != bool(scope):
            raise InputError(f"{ADDRESS} and {SCOPE} belong together; {ADDRESS if scope else SCOPE} is missing")
        return cls(address=address, scope=scope) if address else None


@contextmanager
def opened_ledger(shared: Shared | None, archive: Archive) -> Generator[EffectLedger]:
    """Gives the ledger of a run for as long as the context lasts.

    Raises:
        InputError: the run was executed with another scope; its effects would not be found and done again.
        Unreachable: the database is not there.
    """
    scope, before = shared.scope if shared else "", scope_of(archive)
    if before is not None and before != scope:
        named = f"in scope {before!r}; set {ADDRESS} and {SCOPE}" if before else f"by itself; unset {SCOPE}"
        raise InputError(f"run {archive.run!r} was begun with its effects {named}, else they could happen twice")
    if shared is None:
        yield Ledger(archive)
        return
    from executor.ledger.shared_ledger import SharedLedger

    ledger = SharedLedger(archive, shared.address, scope=shared.scope)
    try:
        yield ledger
    finally:
        ledger.close()


def scope_of(archive: Archive) -> str | None:
    """Gives the scope in which a run was executed; empty for its own; None where it was not executed yet."""
    bodies = (event.body for event in archive.events("workflow") if isinstance(event.body, dict))
    return next((str(body.get("scope", "")) for body in bodies if body.get("state") == "compiled"), None)
