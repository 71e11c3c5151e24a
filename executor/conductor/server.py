"""A local Conductor server: one process on the loopback interface, with SQLite or PostgreSQL behind it.

Its folder holds `state.json` (process, port), `server.log`, and with SQLite `conductor.db`. SQLite is for one
server; several on one PostgreSQL database stand in for each other.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Literal

from dagwright.exceptions import InputError, TimedOut, TransportError, Unreachable
from dagwright.model import Frozen
from executor.archive.lock import FileLock
from executor.conductor import process
from executor.conductor.jar import OnProgress, cache_folder, fetch
from executor.conductor.postgres import Postgres
from executor.conductor.process import ServerProcess

PORT = 18080
"""The port that is taken where it is free and no other was asked for."""

START_SECONDS = 180.0
"""How long a server may take to become healthy."""


class ServerStatus(Frozen):
    """What is known about the local server."""

    state: Literal["up", "starting", "down"]
    """`starting`: the process is there, but it does not answer as healthy."""
    url: str | None = None
    """Address of its API."""
    pid: int | None = None
    """Its process."""
    port: int | None = None
    """Its port on the loopback interface."""
    log: str | None = None
    """Its log file."""
    database: str | None = None
    """What it keeps workflows in: `sqlite`, or the address of a PostgreSQL database."""


def server_folder(home: Path | None = None) -> Path:
    """Gives the folder of a server's state: `home`, or `server` in the cache folder."""
    return home.absolute() if home is not None else cache_folder() / "server"


def up(
    on_progress: OnProgress, *, port: int | None = None, home: Path | None = None, postgres: str | None = None
) -> ServerStatus:
    """Fetches the server if need be, starts it and waits until it is healthy.

    A server that is up already is left as it is. Without `port` it is 18080, or any free one
    where that is taken. Takes 5 s to 15 s once the jar is there. `postgres` is the address of a
    database, `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`; without it workflows are kept in SQLite.

    Raises:
        InputError: the port is taken, no Java is new enough, the disk refuses, `postgres` is no such
            address, or a server with another database is up.
        ContentError: the jar has the wrong checksum.
        TransportError: the jar cannot be fetched, or the server does not start; quotes its log.
    """
    folder = server_folder(home)
    database = Postgres.at(postgres) if postgres else None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the server's folder {str(folder)!r} cannot be made: {error}") from error
    lock = FileLock.take(folder / "up.lock", what=f"the Conductor server in {str(folder)!r}")
    try:
        running = process.found(folder)
        if running is None:
            jar = process.unpacked(fetch(on_progress), on_progress)
            running = process.start(jar, folder, _free_port(port), database)
        _check_database(running, database)
        return _wait(running, folder, on_progress)
    finally:
        lock.release()


def down(home: Path | None = None) -> ServerStatus:
    """Stops the server and gives its state, `down`; does nothing where there is none."""
    folder = server_folder(home)
    running = process.found(folder)
    if running is not None:
        process.stop(running, folder)
    else:
        process.forget(folder)
    return ServerStatus(state="down")


def status(home: Path | None = None) -> ServerStatus:
    """Gives whether the server is up; a process that is gone counts as down."""
    folder = server_folder(home)
    running = process.found(folder)
    return _status(running, folder) if running else ServerStatus(state="down")


def require(home: Path | None = None) -> str:
    """Gives the address of the running server.

    Raises:
        Unreachable: there is none; says which command starts it.
    """
    found = status(home)
    if found.state != "up" or found.url is None:
        raise Unreachable("the Conductor server", f"it is {found.state}", remedy="dagwright conductor up")
    return found.url


def _check_database(running: ServerProcess, wanted: Postgres | None) -> None:
    if wanted is not None and running.database != wanted.address:
        raise InputError(
            f"the Conductor server that is up (process {running.pid}) keeps workflows in {running.database}, not in "
            f"{wanted.address}; stop it first: dagwright conductor down"
        )


def _status(running: ServerProcess, folder: Path) -> ServerStatus:
    url = f"http://127.0.0.1:{running.port}/api"
    healthy = "up" if _healthy(running.port) else "starting"
    return ServerStatus(
        state=healthy,
        url=url,
        pid=running.pid,
        port=running.port,
        log=str(folder / "server.log"),
        database=running.database,
    )


def _wait(running: ServerProcess, folder: Path, on_progress: OnProgress) -> ServerStatus:
    begun = time.monotonic()
    while (waited := time.monotonic() - begun) < START_SECONDS:
        found = _status(running, folder)
        if found.state == "up":
            return found
        if process.found(folder) is None:
            raise TransportError(f"the Conductor server ended while it started; its log says:\n{_tail(folder)}")
        on_progress(int(waited), 15, "starting")
        time.sleep(0.2)
    raise TimedOut(f"the Conductor server was not healthy after {START_SECONDS:.0f} s; its log says:\n{_tail(folder)}")


def _healthy(port: int) -> bool:
    import httpx

    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/actuator/health", timeout=5.0, trust_env=False)
        return answer.is_success
    except httpx.HTTPError:
        return False


def _free_port(wanted: int | None) -> int:
    for port in (wanted or PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if wanted:
                    raise InputError(f"port {wanted} cannot be used: {error}; choose another one") from error
            else:
                return int(probe.getsockname()[1])
    raise InputError("no port is free on the loopback interface")


def _tail(folder: Path) -> str:
    try:
        return (folder / "server.log").read_text(encoding="utf-8", errors="replace")[-2_000:]
    except OSError:
        return "nothing"
