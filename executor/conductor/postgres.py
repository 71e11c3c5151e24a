"""`Postgres`: the PostgreSQL database that Conductor servers share, as their options."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from dagwright.exceptions import InputError
from dagwright.hosts import bracketed

FORM = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
"""What an address looks like; password and port may be left out."""

CONNECTIONS = 12
"""Connections that one server holds at most; a new PostgreSQL takes 100."""

LEASE_SECONDS = 15
"""For how long a server may decide an execution; one that dies meanwhile keeps the others from it so long."""

_KINDS = ("db", "queue", "indexing", "workflow-execution-lock")


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """Where a database is, and who asks."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(default="", repr=False)

    @classmethod
    def at(cls, url: str) -> Postgres:
        """Reads an address.

        Raises:
            InputError: it is none; what is wrong is named, without the password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or 5432
        except ValueError as error:
            raise InputError(f"the address of the PostgreSQL database is no URL: {error}; it must be {FORM}") from error
        database = unquote(parts.path.strip("/"))
        missing = [name for name, given in (("host", parts.hostname), ("database", database)) if not given]
        if parts.scheme not in ("postgresql", "postgres"):
            raise InputError(f"the address of the PostgreSQL database begins with {parts.scheme!r}; it must be {FORM}")
        if missing:
            raise InputError(f"the address of the PostgreSQL database names no {missing[0]}; it must be {FORM}")
        if parts.query or parts.fragment or "/" in database:
            raise InputError(f"the address of the PostgreSQL database says more than {FORM}")
        user = unquote(parts.username or "postgres")
        password = unquote(parts.password or "")
        return cls(host=parts.hostname or "", port=port, database=database, user=user, password=password)

    @property
    def address(self) -> str:
        """The address without the password."""
        return f"postgresql://{self.user}@{self._place}"

    @property
    def options(self) -> list[str]:
        """What a server's command line says; neither user nor password."""
        return [
            *(f"--conductor.{kind}.type=postgres" for kind in _KINDS),
            f"--spring.datasource.url=jdbc:postgresql://{self._place}",
            "--spring.datasource.driverClassName=org.postgresql.Driver",
            f"--conductor.app.lockLeaseTime={LEASE_SECONDS}s",
            f"--spring.datasource.hikari.maximum-pool-size={CONNECTIONS}",
        ]

    @property
    def environment(self) -> dict[str, str]:
        """What other processes are not to see on the command line."""
        return {"SPRING_DATASOURCE_USERNAME": self.user, "SPRING_DATASOURCE_PASSWORD": self.password}

    @property
    def _place(self) -> str:
        return f"{bracketed(self.host)}:{self.port}/{quote(self.database, safe='')}"
