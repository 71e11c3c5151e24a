"""What runs between this process and code in a sandbox: limits, confinement, and a warden that outlives the code.

It is started as a program of its own, because between fork and exec a process with threads can do nothing
safely. It imports the standard library only. The warden waits for the code, ends all that it left behind, and
ends it when whoever started the warden is gone; code under Landlock cannot signal it.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from executor.sandbox.account import become

_DEATH_SIGNAL, _SUBREAPER, _NO_NEW_PRIVILEGES = 1, 36, 38
END_SECONDS = 5.0
"""How long the warden tries to end what the code left behind."""


class Order(TypedDict):
    """What is to be run, and how; it travels as JSON."""

    argv: list[str]
    """Program and arguments."""
    limits: list[tuple[int, int, int]]
    """`RLIMIT_*`, soft, hard."""
    status: int
    """Descriptor on which an error before the program's start is told."""
    told: bool
    """Whether the program itself tells on that descriptor; otherwise it does not get it."""
    parent: int
    """Process that started this one; if it is not the parent any more, nothing is run."""
    warden: bool
    """Whether a warden stays; where there are namespaces, their end is the end of all processes in them."""
    user: int | None
    """User that the program gets, where this is root."""
    readable: list[str] | None
    """For Landlock: what may be read; None: no Landlock and no filter."""
    writable: list[str]
    """For Landlock: what may be written."""


class _Stopped(BaseException):
    """Raised in the warden by SIGTERM."""


def main() -> None:
    """Runs the order in the first argument; never returns."""
    order: Order = json.loads(sys.argv[1])
    try:
        os.set_inheritable(order["status"], order["told"])
        if order["warden"]:
            _guard(order)
        _run(order)
    except Exception as error:  # noqa: BLE001 - whoever started this is told, whatever it is
        os.write(order["status"], str(error).encode()[:1_000])
        os._exit(70)


def _guard(order: Order) -> None:
    """Runs the order in a child and stays until nothing of it is left; the child returns."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    _prctl(_SUBREAPER, 1)
    _prctl(_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != order["parent"]:
        os._exit(70)
    child = os.fork()
    if not child:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        return
    _let_go(order["status"])
    os._exit(_ended(child))


def _let_go(status: int) -> None:
    """Closes the warden's ends of the pipes, so that their end is the code's end."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(status)


def _ended(child: int) -> int:
    """Waits for the code, then ends its group and all orphans; gives the exit code, 128 and more for a signal."""
    signal.signal(signal.SIGTERM, _stop)
    code = 128 + signal.SIGTERM
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        code = _awaited(child)
    except _Stopped:
        pass
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _end_all(child)
    return code


def _stop(number: int, frame: object) -> None:
    raise _Stopped


def _awaited(child: int) -> int:
    """Waits for the code and reaps orphans meanwhile; the code itself stays a zombie, so that its id stays its own."""
    while True:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        if found is None:
            continue
        if found.si_pid == child:
            return found.si_status if found.si_code == os.CLD_EXITED else 128 + found.si_status
        os.waitpid(found.si_pid, 0)


def _end_all(group: int) -> None:
    """Kills the code's group and every process that it started, wherever it went, until there is none."""
    until = time.monotonic() + END_SECONDS
    _kill(-group)
    while time.monotonic() < until:
        for process in descendants(os.getpid()):
            _kill(process)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def descendants(process: int) -> list[int]:
    """Gives the processes that a process started, and those that these started (Linux)."""
    found: list[int] = []
    waiting = [process]
    while waiting:
        children = _children(waiting.pop())
        found += children
        waiting += children
    return found


def _children(process: int) -> list[int]:
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{process}/task"):
            found += map(int, Path(f"/proc/{process}/task/{thread}/children").read_bytes().split())
    except OSError:  # it has ended
        return found
    return found


def _run(order: Order) -> None:
    """Becomes the program."""
    if order["warden"]:
        become(order["user"])
        _prctl(_NO_NEW_PRIVILEGES, 1)
        _prctl(_DEATH_SIGNAL, signal.SIGKILL)  # of the warden; a change of the user would undo it
    if order["readable"] is not None:
        _confine(order["readable"], order["writable"])
    for kind, soft, hard in order["limits"]:
        most = resource.getrlimit(kind)[1]
        bound = hard if most == resource.RLIM_INFINITY else min(hard, most)
        resource.setrlimit(kind, (min(soft, bound), bound))
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.execv(order["argv"][0], order["argv"])  # noqa: S606 - no shell is meant


def _confine(readable: Sequence[str], writable: Sequence[str]) -> None:
    from executor.sandbox.landlock import confine
    from executor.sandbox.seccomp import install, program
    from executor.sandbox.syscalls import machine

    here = machine()
    if here is None:
        raise OSError(f"system calls of {os.uname().machine!r} are not known")
    confine(readable, writable)
    install(program(here, metadata=False))


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    if libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero):
        raise OSError(ctypes.get_errno(), f"prctl {option} failed")
