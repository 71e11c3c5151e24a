"""Ways out of a sandbox, each tried in each strength: those that promise so let nothing out.

`limits` promises little, and there most of these must get out: a try that fails everywhere proves nothing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from dagwright.policy import Isolation
from executor.sandbox.job import Outcome

Run = Callable[..., Outcome]

SEND = "import socket; s = socket.socket({family}, socket.SOCK_DGRAM); s.sendto(b'out', {address}); print('ESCAPED')"
LIBC = "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
ORDINARY = os.geteuid() != 0
"""Root's code runs as a user of its own, which some tries do not get past even in `limits`."""


class Try(NamedTuple):
    """Code that prints ESCAPED where it got out, or leaves a trace outside."""

    id: str
    code: str
    succeeds: bool = True
    """Whether `limits` must let it out."""
    metadata: bool = False
    """Whether it may say that it got out under Landlock, as long as nothing has changed."""
    names: bool = False
    """Whether Landlock lets it out, as it says."""


TRIES = [
    Try("TCP", "import socket; socket.create_connection(('127.0.0.1', {tcp}), 5); print('ESCAPED')"),
    Try("UDP", SEND.format(family="socket.AF_INET", address="('127.0.0.1', {udp})")),
    Try(
        "DNS",
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "question = bytes.fromhex('471101000001000000000000') + b'\\6secret\\7example\\0\\0\\1\\0\\1'\n"
        "s.sendto(question, ('127.0.0.1', {udp}))\n"
        "print('ESCAPED')",
    ),
    Try("unix socket", SEND.format(family="socket.AF_UNIX", address="{path!r}")),
    Try("abstract unix socket", SEND.format(family="socket.AF_UNIX", address="{abstract!r}")),
    Try(
        "a socket of a pair, turned to another",
        "import socket; a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); a.sendto(b'out', {path!r})\n"
        "print('ESCAPED')",
    ),
    Try("reads a secret", "print('ESCAPED', open({folder!r} + '/secret.txt').read())"),
    Try(
        "reads it by a link",
        "import os; os.symlink({folder!r}, 'link'); print('ESCAPED', open('link/secret.txt').read())",
    ),
    Try(
        "reads it by a hard link",
        "import os; os.link({folder!r} + '/secret.txt', 'x'); print('ESCAPED')",
        succeeds=ORDINARY,
    ),
    Try("lists a folder", "import os; os.listdir({folder!r}); print('ESCAPED')"),
    Try("writes a file", "open({folder!r} + '/new.txt', 'w').write('x'); print('ESCAPED')"),
    Try("overwrites a file", "open({folder!r} + '/secret.txt', 'w').write('x'); print('ESCAPED')"),
    Try("cuts a file short", "import os; os.truncate({folder!r} + '/secret.txt', 1); print('ESCAPED')"),
    Try("deletes a file", "import os; os.unlink({folder!r} + '/secret.txt'); print('ESCAPED')"),
    Try("moves a file", "import os; os.rename({folder!r} + '/secret.txt', {folder!r} + '/moved'); print('ESCAPED')"),
    Try("makes a folder", "import os; os.mkdir({folder!r} + '/new'); print('ESCAPED')"),
    Try(
        "changes a mode",
        "import os; os.chmod({folder!r} + '/secret.txt', 0o444); print('ESCAPED')",
        succeeds=ORDINARY,
        metadata=True,
    ),
    Try(
        "writes to the system's folder of shared memory", "open('/dev/shm/{mark}', 'w'); print('ESCAPED')", names=False
    ),
    Try("sees names and sizes", "import os; os.stat({folder!r} + '/secret.txt'); print('ESCAPED')", names=True),
    Try("sees processes", "print('ESCAPED', open('/proc/{victim}/cmdline').read()[:0] + str(1))"),
    Try("reads its parent's environment", "print('ESCAPED', open('/proc/{parent}/environ').read())", succeeds=ORDINARY),
    Try("signals a process", "import os; os.kill({victim}, 10); print('ESCAPED')", succeeds=ORDINARY),
    Try(
        "traces a process",
        LIBC + "r = libc.ptrace(0x4206, {victim}, 0, 0)\nprint('ESCAPED' if r == 0 else r)",
        succeeds=False,
    ),
    Try(
        "limits a process",
        "import resource; resource.prlimit({victim}, resource.RLIMIT_CORE, (0, 0)); print('ESCAPED')",
        succeeds=ORDINARY,
    ),
    Try("makes namespaces", LIBC + "print('ESCAPED' if libc.unshare(0x10000000) == 0 else 'no')", succeeds=False),
    Try(
        "uses io_uring",
        LIBC + "p = ctypes.create_string_buffer(256)\nprint('ESCAPED' if libc.syscall(425, 4, p) >= 0 else 'no')",
    ),
    Try(
        "leaves its process group",
        "import os\nif not os.fork():\n    os.setsid(); print('ESCAPED', flush=True)\nelse: os.wait()",
    ),
    Try(
        "keeps memory for later",
        LIBC + "i = libc.shmget(0, 4096, 0o1600)\nlibc.shmctl(i, 0, 0)\nprint('ESCAPED' if i >= 0 else 'no')",
    ),
]


@pytest.mark.parametrize("attempt", TRIES, ids=lambda attempt: attempt.id)
def test_nothing_gets_out(attempt: Try, isolation: Isolation, run: Run, outside: Any) -> None:
    before = outside.state()
    mark = f"dagwright-test-{os.getpid()}"
    outcome = run(attempt.code.format(mark=mark, **outside.names))
    changed, heard = outside.state() != before, outside.heard()
    said = b"ESCAPED" in outcome.stdout
    shared = os.path.exists(f"/dev/shm/{mark}")
    if shared:
        os.unlink(f"/dev/shm/{mark}")
    assert outcome.bound is None, outcome
    assert outside.victim.poll() is None or (isolation == "limits" and attempt.id == "signals a process")
    if isolation == "limits":
        assert said or not attempt.succeeds, outcome
        return
    assert not changed
    assert not heard
    assert not shared
    if isolation == "bubblewrap":
        inside = attempt.id == "writes to the system's folder of shared memory"  # it has one of its own
        assert inside or not said or attempt.metadata, outcome
    else:
        assert said == attempt.names or attempt.metadata, outcome


def test_the_environment_is_clean(run: Run, outside: Any) -> None:
    outcome = run("env; cat /proc/self/environ 2>&1", language="shell")
    assert b"planted" not in outcome.stdout
    assert b"HOME=" in outcome.stdout
    assert os.environ["HOME"].encode() + b"\n" not in outcome.stdout


def test_no_descriptor_comes_along(run: Run, outside: Any) -> None:
    with open(outside.secret) as secret:
        os.set_inheritable(secret.fileno(), True)
        code = (
            "import os\nfor n in range(3, 256):\n    try:\n        os.fstat(n)\n        print('open', n)\n"
            "    except OSError:\n        pass"
        )
        assert run(code).stdout == b""


def test_root_is_given_up(run: Run, isolation: Isolation) -> None:
    outcome = run("import os; print(os.geteuid()); os.setuid(0)")
    assert outcome.stdout.strip() != b"0"
    assert outcome.exit_code == 1


@pytest.mark.parametrize("folder", ["/usr/lib", "/etc", "/", "/dev", "{prefix}/lib", "{home}"])
def test_the_system_is_read_only(folder: str, isolation: Isolation, run: Run) -> None:
    if isolation == "limits":
        pytest.skip("'limits' leaves that to file modes")
    where = folder.format(prefix=sys.prefix, home=os.path.expanduser("~"))
    outcome = run(f"open({where!r} + '/dagwright-test', 'w')")
    assert outcome.exit_code == 1
    assert not os.path.exists(f"{where}/dagwright-test")


def test_the_home_folder_is_not_to_be_read(isolation: Isolation, run: Run) -> None:
    if isolation == "limits":
        pytest.skip("'limits' leaves that to file modes")
    names = set(os.listdir(os.path.expanduser("~")))
    outcome = run(f"import os\nprint(*os.listdir({os.path.expanduser('~')!r}), sep='\\n')")
    assert not names & set(outcome.stdout.decode().split()) - {".pyenv", ".venv", ".local"}


def test_the_sandbox_ends_with_whoever_started_it(
    isolation: Isolation, gone: Callable[..., bool], tmp_path: Path
) -> None:
    mark = f"30{time.monotonic_ns()}"
    program = (
        "from executor.sandbox.job import Job, folder_of\nfrom executor.sandbox.supervise import run_code\n"
        "import os\ncode = 'sleep {0} & sleep {0}'.format(os.environ['MARK'])\n"
        "job = Job(language='shell', code=code)\n"
        f"with folder_of(job) as folder: run_code(job, folder, {isolation!r})"
    )
    # The mark is no argument: the parent itself must not be taken for what it has started.
    parent = subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, "MARK": mark, "TMPDIR": str(tmp_path)}
    )
    until = time.monotonic() + 20
    while gone(mark, seconds=0.0) and time.monotonic() < until:
        time.sleep(0.02)
    assert not gone(mark, seconds=0.0)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert gone(mark, seconds=5)
