"""The process of a local Conductor server: how it is started and ended, and the file that remembers it.

The jar is unpacked once; the first server that is stopped in good order leaves an archive of loaded
classes, which more than halves the time that the next one needs to start.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import psutil
from pydantic import ValidationError

from dagwright.model import Frozen
from executor.conductor.jar import OnProgress
from executor.conductor.java import find_java
from executor.conductor.postgres import Postgres

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
    # a connection that fails at everything is gone after a minute, not half an hour
    "--spring.datasource.hikari.max-lifetime=60000",
)
# IMMEDIATE: a transaction that reads first and writes later fails where another wrote in between, and the server
# tries again only after 50 ms, 100 ms, 200 ms and so on; one that is to write from the start just waits its turn.
_DATABASE_OPTIONS = "busy_timeout=300000&journal_mode=WAL&synchronous=NORMAL&transaction_mode=IMMEDIATE"
_JAVA_OPTIONS = ("-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xlog:disable")

_children: dict[int, subprocess.Popen[bytes]] = {}  # servers that this process started


class ServerProcess(Frozen):
    """A server that was started: its process, and where it answers."""

    pid: int
    """Its process."""
    created: float
    """When that began (seconds since 1970); process ids are used again, start times not."""
    port: int
    """Its port on the loopback interface."""
    database: str = "sqlite"
    """What it keeps workflows in: `sqlite` (a file in its folder), or the address of a PostgreSQL database."""
    archive: str | None = None
    """Where it will leave its archive of classes; None where there is one already."""


def found(folder: Path) -> ServerProcess | None:
    """Gives the process that a folder remembers, if it is still there."""
    try:
        state = ServerProcess.model_validate_json((folder / "state.json").read_text(encoding="utf-8"))
        process = psutil.Process(state.pid)
        if abs(process.create_time() - state.created) > 1 or process.status() == psutil.STATUS_ZOMBIE:
            return None
    except (OSError, ValidationError, psutil.Error):
        return None
    return state


def unpacked(jar: Path, on_progress: OnProgress) -> Path:
    """Gives a jar in its unpacked form, which starts faster; the jar itself where unpacking fails."""
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


def start(jar: Path, folder: Path, port: int, postgres: Postgres | None = None) -> ServerProcess:
    """Starts a server with its state, log and, without PostgreSQL, database in a folder; remembers it there."""
    java = find_java()
    known = hashlib.sha256(f"{java.resolve()} {java.resolve().stat().st_mtime} {jar}".encode()).hexdigest()[:12]
    classes = jar.parent / f"classes-{known}.jsa"
    unfinished = classes.with_suffix(f".{os.getpid()}")
    share = f"-XX:SharedArchiveFile={classes}" if classes.is_file() else f"-XX:ArchiveClassesAtExit={unfinished}"
    command = [str(java), *_JAVA_OPTIONS, share, "-jar", str(jar), f"--server.port={port}", *_OPTIONS]
    command += postgres.options if postgres else [f"--spring.datasource.url={_sqlite(folder)}"]
    environment = os.environ | (postgres.environment if postgres else {})
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _let_go()
    _children[process.pid] = process
    created = psutil.Process(process.pid).create_time()
    archive = None if classes.is_file() else str(unfinished)
    database = postgres.address if postgres else "sqlite"
    state = ServerProcess(pid=process.pid, created=created, port=port, database=database, archive=archive)
    part = folder / "state.json.part"
    part.write_text(state.model_dump_json(), encoding="utf-8")
    part.replace(folder / "state.json")
    return state


def _sqlite(folder: Path) -> str:
    return f"jdbc:sqlite:{folder / 'conductor.db'}?{_DATABASE_OPTIONS}"


def stop(process: ServerProcess, folder: Path) -> None:
    """Ends a server in good order, or kills it where it does not end within `STOP_SECONDS`; the folder forgets it."""
    try:
        running = psutil.Process(process.pid)
        running.terminate()
        ended = _ends(running, STOP_SECONDS)
        if not ended:
            running.kill()
            _ends(running, STOP_SECONDS)
        _keep_classes(process, keep=ended)
    except psutil.NoSuchProcess:
        pass
    _children.pop(process.pid, None)
    forget(folder)


def forget(folder: Path) -> None:
    """Removes what a folder remembers of a server."""
    _let_go()
    (folder / "state.json").unlink(missing_ok=True)


def _let_go() -> None:
    """Forgets servers of this process that have ended by themselves."""
    for ended in [pid for pid, child in _children.items() if child.poll() is not None]:
        del _children[ended]


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


def _keep_classes(process: ServerProcess, *, keep: bool) -> None:
    """Puts the archive of classes where the next start looks for it; a half-written one is removed."""
    if process.archive is None:
        return
    unfinished = Path(process.archive)
    if keep and unfinished.is_file():
        unfinished.replace(unfinished.with_suffix(".jsa"))
    else:
        unfinished.unlink(missing_ok=True)
