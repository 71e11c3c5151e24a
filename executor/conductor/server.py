"""A local Conductor server: one process on the loopback interface, with SQLite behind it.

Its folder holds `state.json` (process, port), `server.log`, `conductor.db`. The jar is unpacked
once beside it; the first server that is stopped in good order leaves an archive of loaded classes,
which more than halves the time that the next one needs to start.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Literal

import psutil
from pydantic import ValidationError

from dagwright.exceptions import InputError, TimedOut, TransportError, Unreachable
from dagwright.model import Frozen
from executor.conductor.jar import OnProgress, cache_folder, fetch
from executor.conductor.java import find_java
from executor.lock import FileLock

PORT = 18080
"""The port that is taken where it is free and no other was asked for."""

START_SECONDS = 180.0
"""How long a server may take to become healthy."""

STOP_SECONDS = 30.0
"""How long a server may take to end before it is killed."""

_OPTIONS = (
    "--server.address=127.0.0.1",
    "--conductor.integrations.ai.enabled=false",
    "--conductor.scheduler.enabled=false",
    "--conductor.secrets.type=noop",
    "--conductor.environment.type=noop",
    "--conductor.app.systemTaskWorkerCallbackDuration=1s",
    "--conductor.app.workflowOffsetTimeout=5s",
    # joins look again after 50 ms instead of 150 ms, for as long as before (600 times) before they slow down
    "--conductor.app.systemTaskQueuePopTimeout=0ms",
    "--conductor.app.systemTaskPostponeThreshold=600",
    "--management.health.elasticsearch.enabled=false",
)
# IMMEDIATE: a transaction that reads first and writes later fails where another wrote in between, and the server
# tries again only after 50 ms, 100 ms, 200 ms and so on; one that is to write from the start just waits its turn.
_DATABASE_OPTIONS = "busy_timeout=15000&journal_mode=WAL&synchronous=NORMAL&transaction_mode=IMMEDIATE"
_JAVA_OPTIONS = ("-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xlog:disable")

_children: dict[int, subprocess.Popen[bytes]] = {}  # servers that this process started


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


class _State(Frozen):
    pid: int
    created: float
    port: int
    archive: str | None = None
    """Where it will leave its archive of classes; None where there is one already."""


def server_folder(home: Path | None = None) -> Path:
    """Gives the folder of a server's state: `home`, or `server` in the cache folder."""
    return home.absolute() if home is not None else cache_folder() / "server"


def up(on_progress: OnProgress, *, port: int | None = None, home: Path | None = None) -> ServerStatus:
    """Fetches the server if need be, starts it and waits until it is healthy.

    A server that is up already is left as it is. Without `port` it is 18080, or any free one
    where that is taken. Takes 5 s to 15 s once the jar is there.

    Raises:
        InputError: the port is taken, no Java is new enough, or the disk refuses.
        ContentError: the jar has the wrong checksum.
        TransportError: the jar cannot be fetched, or the server does not start; quotes its log.
    """
    folder = server_folder(home)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the server's folder {str(folder)!r} cannot be made: {error}") from error
    lock = FileLock.take(folder / "up.lock", what=f"the Conductor server in {str(folder)!r}")
    try:
        found = _read(folder)
        if found is None:
            jar = fetch(on_progress)
            found = _start(_unpacked(jar, on_progress), folder, _free_port(port))
        return _wait(found, folder, on_progress)
    finally:
        lock.release()


def down(home: Path | None = None) -> ServerStatus:
    """Stops the server and gives its state, `down`; does nothing where there is none."""
    folder = server_folder(home)
    state = _read(folder)
    if state is not None:
        try:
            process = psutil.Process(state.pid)
            process.terminate()
            ended = _ends(process, STOP_SECONDS)
            if not ended:
                process.kill()
                _ends(process, STOP_SECONDS)
            _keep_classes(state, keep=ended)
        except psutil.NoSuchProcess:
            pass
        _children.pop(state.pid, None)
    (folder / "state.json").unlink(missing_ok=True)
    return ServerStatus(state="down")


def status(home: Path | None = None) -> ServerStatus:
    """Gives whether the server is up; a process that is gone counts as down."""
    folder = server_folder(home)
    state = _read(folder)
    if state is None:
        return ServerStatus(state="down")
    return _status(state, folder)


def require(home: Path | None = None) -> str:
    """Gives the address of the running server.

    Raises:
        Unreachable: there is none; says which command starts it.
    """
    found = status(home)
    if found.state != "up" or found.url is None:
        raise Unreachable("the Conductor server", f"it is {found.state}", remedy="dagwright conductor up")
    return found.url


def _status(state: _State, folder: Path) -> ServerStatus:
    url = f"http://127.0.0.1:{state.port}/api"
    healthy = "up" if _healthy(state.port) else "starting"
    return ServerStatus(state=healthy, url=url, pid=state.pid, port=state.port, log=str(folder / "server.log"))


def _read(folder: Path) -> _State | None:
    """Gives the state of the process that is still there; process ids are used again, start times not."""
    try:
        state = _State.model_validate_json((folder / "state.json").read_text(encoding="utf-8"))
        process = psutil.Process(state.pid)
        if abs(process.create_time() - state.created) > 1 or process.status() == psutil.STATUS_ZOMBIE:
            return None
    except (OSError, ValidationError, psutil.Error):
        return None
    return state


def _unpacked(jar: Path, on_progress: OnProgress) -> Path:
    """Gives the jar in its unpacked form, which starts faster; the jar itself where unpacking fails."""
    target = jar.parent / jar.stem
    if (target / jar.name).is_file():
        return target / jar.name
    on_progress(0, 1, "unpacking")
    part = target.with_suffix(".unpacking")
    shutil.rmtree(part, ignore_errors=True)
    command = [find_java(), "-Djarmode=tools", "-jar", jar, "extract", "--destination", part]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=120, stdin=subprocess.DEVNULL)  # noqa: S603
        part.replace(target)
    except (OSError, subprocess.SubprocessError):
        shutil.rmtree(part, ignore_errors=True)
        return jar
    return target / jar.name


def _start(jar: Path, folder: Path, port: int) -> _State:
    java = find_java()
    known = hashlib.sha256(f"{java.resolve()} {java.resolve().stat().st_mtime} {jar}".encode()).hexdigest()[:12]
    classes = jar.parent / f"classes-{known}.jsa"
    unfinished = classes.with_suffix(f".{os.getpid()}")
    share = f"-XX:SharedArchiveFile={classes}" if classes.is_file() else f"-XX:ArchiveClassesAtExit={unfinished}"
    database = f"jdbc:sqlite:{folder / 'conductor.db'}?{_DATABASE_OPTIONS}"
    command = [str(java), *_JAVA_OPTIONS, share, "-jar", str(jar), f"--server.port={port}", *_OPTIONS]
    command.append(f"--spring.datasource.url={database}")
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    for ended in [pid for pid, child in _children.items() if child.poll() is not None]:
        del _children[ended]
    _children[process.pid] = process
    created = psutil.Process(process.pid).create_time()
    archive = None if classes.is_file() else str(unfinished)
    state = _State(pid=process.pid, created=created, port=port, archive=archive)
    part = folder / "state.json.part"
    part.write_text(state.model_dump_json(), encoding="utf-8")
    part.replace(folder / "state.json")
    return state


def _wait(state: _State, folder: Path, on_progress: OnProgress) -> ServerStatus:
    begun = time.monotonic()
    while (waited := time.monotonic() - begun) < START_SECONDS:
        found = _status(state, folder)
        if found.state == "up":
            return found
        if _read(folder) is None:
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


def _ends(process: psutil.Process, seconds: float) -> bool:
    child = _children.get(process.pid)
    try:
        if child is not None:
            child.wait(seconds)
        else:
            process.wait(seconds)
    except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
        return False
    return True


def _keep_classes(state: _State, *, keep: bool) -> None:
    """Puts the archive of classes where the next start looks for it; a half-written one is removed."""
    if state.archive is None:
        return
    unfinished = Path(state.archive)
    if keep and unfinished.is_file():
        unfinished.replace(unfinished.with_suffix(".jsa"))
    else:
        unfinished.unlink(missing_ok=True)


def _tail(folder: Path) -> str:
    try:
        return (folder / "server.log").read_text(encoding="utf-8", errors="replace")[-2_000:]
    except OSError:
        return "nothing"
