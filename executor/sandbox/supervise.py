"""`run_code`: runs a job in a sandbox of one strength, to its own end or to the first limit that it reaches."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from dagwright.exceptions import ToolUnavailable
from dagwright.policy import Isolation
from executor.sandbox.job import Folder, Job, Outcome
from executor.sandbox.launch import END_SECONDS, descendants
from executor.sandbox.orders import Prepared, order_for
from executor.sandbox.watch import LOOK_SECONDS, Reached, Watch

GRACE_SECONDS = END_SECONDS + 1.0
"""What the warden gets to end all before it is ended itself."""

_ROOT = Path(__file__).resolve().parents[2]
_LAUNCH = "import sys; sys.path.append({root!r}); from executor.sandbox.launch import main; main()"
_CPU = 128 + signal.SIGXCPU
_FILE = 128 + signal.SIGXFSZ
_NO_MEMORY = (b"MemoryError", b"Cannot allocate memory", b"Out of memory")
_NO_PROCESS = (b"can't start new thread", b"annot fork", b"BlockingIOError: [Errno 11]")
"""How programs complain that the kernel gave them no more; it ends none for that."""


def run_code(job: Job, folder: Folder, isolation: Isolation, *, cancelled: threading.Event | None = None) -> Outcome:
    """Runs a job in its folder. When it gives back, no process of it is left.

    Args:
        job: What is run.
        folder: Its folder, from `folder_of`.
        isolation: The strength; it must work here (`strength.problem`).
        cancelled: Ends it when set.

    Raises:
        ToolUnavailable: `sandbox_failed`: the sandbox could not be made this time.
    """
    until = time.monotonic() + job.seconds
    with _started(job, folder, isolation) as run:
        reached = _attended(run, job, folder, cancelled or threading.Event(), until)
        code = run.end()
        run.check()
    reached = reached or _judged(code, run, job, folder)
    bound, detail = reached or (None, "")
    most = job.limits.output
    return Outcome(
        exit_code=code,
        stdout=bytes(run.stdout[:most]),
        stderr=bytes(run.stderr[:most]),
        bound=bound,
        detail=detail,
    )


@dataclass
class _Run:
    """A sandbox at work."""

    process: subprocess.Popen[bytes]
    isolation: Isolation
    status: int
    """Where the launcher tells an error, or bubblewrap how the code ended."""
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)

    @property
    def written(self) -> int:
        return len(self.stdout) + len(self.stderr)

    def end(self) -> int:
        """Ends whatever still runs; gives the exit code."""
        process = self.process
        if process.poll() is None and self.isolation != "bubblewrap":
            process.terminate()  # the warden then ends all others and itself
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)
        if process.poll() is None:
            self._kill()
        code = process.wait(END_SECONDS)
        if sys.platform != "linux":  # no warden has ended the others
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return code if code >= 0 else 128 - code

    def _kill(self) -> None:
        """Kills bubblewrap, with which its namespaces end; or a warden that could not do its work, and all below."""
        below = descendants(self.process.pid) if self.isolation != "bubblewrap" and sys.platform == "linux" else []
        for pid in (*below, self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def check(self) -> None:
        """Raises `ToolUnavailable` where the code has not been started."""
        told = b"".join(iter(lambda: os.read(self.status, 4096), b""))
        problem = told.decode(errors="replace")
        if told.startswith(b"{"):  # bubblewrap's own
            said = self.stderr.decode(errors="replace").strip()
            problem = said if said.startswith("bwrap: ") and b'"exit-code"' not in told else ""
        if problem:
            raise ToolUnavailable(f"the sandbox {self.isolation!r} could not be made: {problem}", code="sandbox_failed")


@contextmanager
def _started(job: Job, folder: Folder, isolation: Isolation) -> Generator[_Run]:
    """Starts a job; nothing of it is left afterwards."""
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as data, tempfile.TemporaryFile() as filter_:
        data.write(job.data)
        data.seek(0)
        prepared = order_for(job, folder, isolation, status=writing, filter_=filter_)
        try:
            process = _launched(prepared, folder, data)
        finally:
            os.close(writing)
    run = _Run(process, isolation, reading)
    try:
        yield run
    finally:
        run.end()
        os.close(reading)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _launched(prepared: Prepared, folder: Folder, data: IO[bytes]) -> subprocess.Popen[bytes]:
    program = _LAUNCH.format(root=str(_ROOT))
    return subprocess.Popen(  # noqa: S603 - the interpreter that runs this
        [sys.executable, "-I", "-S", "-c", program, json.dumps(prepared.order)],
        stdin=data,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder.work,
        env=prepared.environment,
        pass_fds=prepared.descriptors,
        start_new_session=True,
    )


def _attended(run: _Run, job: Job, folder: Folder, cancelled: threading.Event, until: float) -> Reached | None:
    """Reads what the code writes until it has ended; gives the limit that it reached meanwhile."""
    own = 1 if run.isolation == "bubblewrap" else 0
    watch = Watch(job.limits, run.process.pid, folder.root, own=own)
    with selectors.DefaultSelector() as selector:
        for stream, target in ((run.process.stdout, run.stdout), (run.process.stderr, run.stderr)):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                selector.register(stream.fileno(), selectors.EVENT_READ, target)
        look_at = 0.0
        while True:
            ended = run.process.poll() is not None
            _read(selector, 0.0 if ended else LOOK_SECONDS, run, job.limits.output)
            if run.written > job.limits.output:
                return "output_limit", f"more than {job.limits.output:,} bytes on standard output and error"
            if ended:
                return None
            if cancelled.is_set():
                return "cancelled", "it was stopped"
            now = time.monotonic()
            if now >= until:
                return "time_limit", f"{job.seconds:g} s of wall time"
            if now >= look_at:
                look_at = now + LOOK_SECONDS
                if reached := watch.look():
                    return reached


def _read(selector: selectors.BaseSelector, seconds: float, run: _Run, most: int) -> None:
    """Reads what is there, but not much more than the limit; waits for something, and where all is closed, too."""
    if not selector.get_map():
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.process.wait(seconds)
        return
    while run.written <= most and (ready := selector.select(seconds)):
        seconds = 0.0
        for key, _ in ready:
            chunk = os.read(key.fd, 65_536)
            if chunk:
                key.data.extend(chunk)
            else:
                selector.unregister(key.fd)
        if not selector.get_map():
            return


def _judged(code: int, run: _Run, job: Job, folder: Folder) -> Reached | None:
    """Gives the limit that the kernel stopped the code at, and limits on files that it is over at its end."""
    last = run.stderr.rstrip().rpartition(b"\n")[2]
    if code == _CPU:
        return "cpu_limit", f"{job.limits.cpu_seconds} s of processor time"
    if code == _FILE or (code and b"File too large" in last):
        return "file_limit", f"a file of more than {job.limits.file:,} bytes"
    if code and any(words in last for words in _NO_MEMORY):
        return "memory_limit", f"more memory than one process may have, {2 * job.limits.memory:,} bytes"
    if code and any(words in last for words in _NO_PROCESS):
        return "process_limit", f"more processes and threads than {job.limits.processes}"
    return _over(job, folder)


def _over(job: Job, folder: Folder) -> Reached | None:
    sizes = [path.lstat().st_size for path in folder.written()]
    if len(sizes) > job.limits.files:
        return "disk_limit", f"{len(sizes)} files, at most {job.limits.files}"
    if sum(sizes) > job.limits.disk:
        return "disk_limit", f"{sum(sizes):,} bytes in files, at most {job.limits.disk:,}"
    return None
