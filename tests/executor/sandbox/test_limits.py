"""Every limit ends the code and is named; code within its limits ends as it likes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import pytest

from dagwright.binding import CodeLanguage, CodeLimits
from dagwright.policy import Isolation
from executor.sandbox.job import Bound, Job, Outcome, folder_of
from executor.sandbox.supervise import run_code

Run = Callable[..., Outcome]
Gone = Callable[..., bool]

MIB = 2**20


class Case(NamedTuple):
    """Code that goes too far; how far is bounded, so that it does no harm where a protection is missing."""

    id: str
    bound: Bound
    code: str
    limits: CodeLimits = CodeLimits()
    seconds: float = 60.0
    language: CodeLanguage = "python"


CASES = [
    Case("sleeps", "time_limit", "import time; time.sleep(30)", seconds=2),
    Case("spins", "cpu_limit", "while True: pass", CodeLimits(cpu_seconds=1)),
    Case(
        "keeps",
        "memory_limit",
        "kept = [bytearray(b'x' * 2**20) for _ in range(1500)]; import time; time.sleep(9)",
        CodeLimits(memory=128 * MIB),
    ),
    Case("asks for much", "memory_limit", "bytearray(2**33)", CodeLimits(memory=128 * MIB)),
    Case(
        "shares among forks",
        "memory_limit",
        "import os, time\n"
        "for _ in range(6):\n    if not os.fork():\n        kept = b'x' * (60 * 2**20)\n"
        "        time.sleep(9)\n        os._exit(0)\n"
        "time.sleep(9)",
        CodeLimits(memory=200 * MIB),
    ),
    Case(
        "forks",
        "process_limit",
        "import os, time\n"
        "for _ in range(60):\n    try:\n        if not os.fork():\n            time.sleep(9)\n            os._exit(0)\n"
        "    except OSError:\n        pass\n"
        "time.sleep(9)",
        CodeLimits(processes=8),
    ),
    Case(
        "doubles",
        "process_limit",
        "import os, time\nfor _ in range(7):\n    try:\n        os.fork()\n    except OSError:\n        pass\n"
        "time.sleep(9)",
        CodeLimits(processes=8),
    ),
    Case(
        "threads",
        "process_limit",
        "import threading, time\n"
        "for _ in range(60):\n    threading.Thread(target=time.sleep, args=(9,), daemon=True).start()\ntime.sleep(9)",
        CodeLimits(processes=8),
    ),
    Case("a large file", "file_limit", "open('f', 'wb').write(b'x' * 2**23)", CodeLimits(file=MIB)),
    Case(
        "a large file of a shell", "file_limit", "head -c 9000000 /dev/zero > f", CodeLimits(file=MIB), language="shell"
    ),
    Case(
        "many bytes",
        "disk_limit",
        "for i in range(20): open(f'f{i}', 'wb').write(b'x' * 2**20)",
        CodeLimits(file=2 * MIB, disk=5 * MIB),
    ),
    Case("many files", "disk_limit", "for i in range(200): open(f'f{i}', 'w')", CodeLimits(files=50)),
    Case("writes without end", "output_limit", "while True: print('x' * 1000)", CodeLimits(output=10_000)),
    Case(
        "complains without end",
        "output_limit",
        "while :; do echo x >&2; done",
        CodeLimits(output=10_000),
        language="shell",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_limit_ends_the_code_and_is_named(case: Case, run: Run) -> None:
    begun = time.monotonic()
    outcome = run(case.code, language=case.language, limits=case.limits, seconds=case.seconds)
    assert (outcome.bound, bool(outcome.detail)) == (case.bound, True), outcome
    assert time.monotonic() - begun < 60
    assert len(outcome.stdout) + len(outcome.stderr) <= 2 * case.limits.output


@pytest.mark.parametrize(
    ("language", "code", "exit_code"),
    [("python", "raise SystemExit(3)", 3), ("shell", "exit 4", 4), ("shell", "kill -TERM $$", 143), ("python", "", 0)],
)
def test_code_that_ends_of_itself_has_its_exit_code(
    language: CodeLanguage, code: str, exit_code: int, run: Run
) -> None:
    outcome = run(code, language=language)
    assert (outcome.exit_code, outcome.bound) == (exit_code, None), outcome


def test_what_it_reads_and_writes_is_its_own(run: Run) -> None:
    outcome = run("import sys; print(sys.stdin.read()); print('w', file=sys.stderr)", data=b"given")
    assert (outcome.stdout, outcome.stderr, outcome.exit_code) == (b"given\n", b"w\n", 0)


def test_plain_programs_work(run: Run) -> None:
    code = (
        "import asyncio, shutil, sqlite3, subprocess, tempfile, threading\n"
        "open('a', 'w').write('1'); shutil.copy2('a', 'b'); tempfile.NamedTemporaryFile().close()\n"
        "base = sqlite3.connect('base.db'); base.execute('create table t (x)'); base.commit()\n"
        "asyncio.run(asyncio.sleep(0))\n"
        "thread = threading.Thread(target=print); thread.start(); thread.join()\n"
        "print(subprocess.run(['sh', '-c', 'echo works | tr a-z A-Z'], capture_output=True, text=True).stdout)"
    )
    outcome = run(code)
    assert outcome.stdout.split() == [b"WORKS"], outcome


@pytest.mark.parametrize(
    "code",
    [
        "import os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nos.execvp('sleep', ['sleep', '{mark}'])",
        "import os\nif not os.fork():\n    os.execvp('sleep', ['sleep', '{mark}'])\nos._exit(0)",
        "import os\nif not os.fork():\n    try:\n        os.setsid()\n    except OSError:\n        pass\n"
        "    if not os.fork():\n        os.execvp('sleep', ['sleep', '{mark}'])\n    os._exit(0)\n"
        "import time; time.sleep(0.3)",
    ],
    ids=["ignores SIGTERM", "leaves an orphan", "becomes a daemon"],
)
def test_nothing_outlives_the_run(code: str, run: Run, gone: Gone) -> None:
    mark = f"30{time.monotonic_ns()}"
    run(code.format(mark=mark), seconds=3)
    assert gone(mark, seconds=1)


def test_a_run_can_be_cancelled(isolation: Isolation, gone: Gone) -> None:
    mark, cancelled = f"30{time.monotonic_ns()}", threading.Event()
    job = Job(language="shell", code=f"sleep {mark}")
    threading.Timer(0.5, cancelled.set).start()
    with folder_of(job) as folder:
        assert run_code(job, folder, isolation, cancelled=cancelled).bound == "cancelled"
    assert gone(mark, seconds=1)
