"""Tools that do not end in time: their attempts go on in another thread, and are told once."""

from __future__ import annotations

import queue
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from dagwright.program import Program
from executor.archive.archive import Archive
from executor.engine.engine import Activation, StepResult
from executor.ledger.ledger import Ledger
from executor.worker.watch import STOP_SECONDS
from executor.worker.worker import GuardedWorker


class Told(queue.SimpleQueue[StepResult | Exception]):
    """What was told of one attempt, and by which threads."""

    def __init__(self) -> None:
        self.by: list[str] = []

    def __call__(self, outcome: StepResult | Exception) -> None:
        self.by.append(threading.current_thread().name)
        self.put(outcome)


class Hanging:
    """A tool that hangs until it is released, whatever it is told."""

    def __init__(self) -> None:
        self.begun, self.released, self.ended = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, spec: Any, arguments: Any, context: Any) -> Any:
        self.begun.set()
        self.released.wait(60)
        self.ended.set()
        return {"value": 1}


def at_once(spec: Any, arguments: Any, context: Any) -> Any:
    return {"value": 1}


def begun(program: Program, archive: Archive, tool: Any, stop: threading.Event) -> tuple[threading.Thread, Told]:
    worker, told = GuardedWorker(program, archive, {"python": tool}), Told()
    activation = Activation(run="run", program=program.hash, step="a", attempt=1, cancelled=stop)
    thread = threading.Thread(target=worker.begin, args=(activation, told), name="attempt", daemon=True)
    thread.start()
    return thread, told


def told_once(told: Told, thread: threading.Thread, tool: Hanging) -> StepResult:
    """Gives the result; lets the tool end and sees that this is told to nobody."""
    result = told.get(timeout=30)
    assert thread.is_alive()
    tool.released.set()
    thread.join(30)
    assert tool.ended.is_set()
    assert told.empty()
    assert told.by != ["attempt"]
    assert isinstance(result, StepResult)
    return result


def test_a_tool_that_ends_is_told_by_the_thread_that_ran_it(archive: Archive, build: Any) -> None:
    thread, told = begun(build.program({"a": []}), archive, at_once, threading.Event())
    result = told.get(timeout=30)
    thread.join(30)
    assert isinstance(result, StepResult)
    assert (result.status, told.by) == ("completed", ["attempt"])
    assert archive.get(result.output or "") == {"value": 1}


def test_an_attempt_whose_time_is_up_goes_on_without_its_thread(archive: Archive, build: Any) -> None:
    tool = Hanging()
    program = build.program({"a": []}, specs={"a": build.operation(timeout=0.2)})
    thread, told = begun(program, archive, tool, threading.Event())
    result = told_once(told, thread, tool)
    assert [error.kind for error in result.feedback.errors] == ["timeout"]


def test_an_attempt_that_is_stopped_goes_on_without_its_thread(archive: Archive, build: Any) -> None:
    tool, stop = Hanging(), threading.Event()
    thread, told = begun(build.program({"a": []}), archive, tool, stop)
    assert tool.begun.wait(30)
    stop.set()
    since = time.monotonic()
    result = told_once(told, thread, tool)
    assert time.monotonic() - since >= STOP_SECONDS
    assert [error.kind for error in result.feedback.errors] == ["cancelled"]


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_late_effect_does_not_become_a_done_one(archive: Archive, build: Any, idempotent: bool) -> None:
    tool = Hanging()
    spec = build.operation("mail.send", effect="write", idempotent=idempotent, timeout=0.2)
    program = build.program({"a": []}, specs={"a": spec}, inputs={"a": {"to": {"literal": "x"}}})
    thread, told = begun(program, archive, tool, threading.Event())
    result = told_once(told, thread, tool)
    (entry,) = Ledger(archive).entries()
    expected = ("failed", "intended") if idempotent else ("failed_for_good", "unknown")
    assert (result.status, entry.state) == expected


def test_whatever_a_tool_raises_is_told(archive: Archive, build: Any) -> None:
    def tool(spec: Any, arguments: Any, context: Any) -> Any:
        raise SystemExit(3)

    _, told = begun(build.program({"a": []}), archive, tool, threading.Event())
    result = told.get(timeout=30)
    assert isinstance(result, StepResult)
    assert [error.code for error in result.feedback.errors] == ["tool_crashed"]


def test_the_watching_thread_ends_when_nothing_runs(archive: Archive, build: Any) -> None:
    worker = GuardedWorker(build.program({"a": []}), archive, {"python": at_once})
    before = {thread for thread in threading.enumerate() if thread.name == "watch"}
    program = build.program({"a": []})
    for number in (1, 2):
        worker(Activation(run="run", program=program.hash, step="a", attempt=number))
    (watching,) = {thread for thread in threading.enumerate() if thread.name == "watch"} - before
    watching.join(30)
    assert not watching.is_alive()
    assert worker(Activation(run="run", program=program.hash, step="a", attempt=3)).status == "completed"


# ------------------------------------------------------------------ outputs that wait for the next transaction


def test_a_kept_output_is_there_at_once_and_written_with_the_next_event(tmp_path: Path) -> None:
    with Archive.create(tmp_path, "r") as archive:
        kept = archive.keep_bytes(b'{"value":1}')
        with Archive.open(tmp_path, "r", read_only=True) as reading:
            assert archive.get(kept) == {"value": 1}
            assert reading.rows("SELECT COUNT(*) FROM artefact") == [(0,)]
            archive.append("goal", {"output": kept})
            assert reading.get(kept) == {"value": 1}


def test_a_kept_output_outlives_a_batch_that_came_to_nothing(tmp_path: Path) -> None:
    with Archive.create(tmp_path, "r") as archive:
        kept = archive.keep_bytes(b"1")
        with pytest.raises(KeyError), archive.batch():
            raise KeyError
    with Archive.open(tmp_path, "r") as again:
        assert again.get(kept) == 1
