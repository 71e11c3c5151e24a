"""Archives prove themselves: verify finds any changed byte, replay makes everything again, export travels."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dagwright.event import Event
from dagwright.exceptions import ArchiveError, ToolUnavailable
from dagwright.goal import Goal, GoalInput
from dagwright.program import Program
from dagwright.tool import Retry
from executor.archive.archive import Archive
from executor.archive.export import export, import_run
from executor.replay.replay import replay
from executor.replay.verify import verify

AFTER = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


def made(build: Any, **more: Any) -> Program:
    specs = {
        "c": build.operation("test.shaky", retry=Retry(attempts=2, delay=0)),
        "d": build.operation("file.write", effect="write", writes=("file:{path}",)),
    }
    inputs = {"b": {"x": {"from": "a", "path": "/n"}}, "d": {"path": {"literal": "d.txt"}}}
    answer = {"n": {"from": "b", "path": "/n"}, "two": {"literal": 2}}
    return build.program(AFTER, specs=specs, inputs=inputs, answer=answer, **more)


def described(path: str, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    return {"path": path, "sha256": digest, "bytes": len(content), "media_type": "text/plain"}


def run(program: Program, archive: Archive, build: Any, cancelled: threading.Event | None = None) -> str:
    def runner(spec: Any, arguments: Any, context: Any) -> Any:
        if context.step == "c" and context.attempt == 1:
            raise ToolUnavailable("503")
        if context.step == "d":
            (context.files / arguments["path"]).write_text("text")
            return {"file": described("files/d.txt", b"text")}
        return {"n": 7, "step": context.step}

    return str(build.executed(program, archive, {"python": runner}, cancelled=cancelled).status)


@pytest.fixture
def home(tmp_path: Path, build: Any) -> Path:
    """Gives a home with one finished run, whose step `c` needed a second attempt."""
    program = made(build)
    with Archive.create(tmp_path, "run") as archive:
        (archive.inputs / "in.csv").write_text("a,b\n1,2\n")
        given = GoalInput(value=described("inputs/in.csv", b"a,b\n1,2\n"), schema_={"type": "object"})
        goal = Goal(goal_id="g", text="a goal", inputs={"in": given})
        archive.append("goal", {"goal": archive.put(goal)})
        build.record(archive, program)
        assert run(program, archive, build) == "completed"
        archive.append("outcome", {"status": "done", "answer": {"n": 7, "two": 2}})
    return tmp_path


@pytest.fixture
def certified(build: Any) -> Callable[[Archive, Event], Program]:
    """Gives what certifying the archived proposal again gives."""
    return lambda archive, event: made(build)


def problems(home: Path, build: Any) -> tuple[str, ...]:
    with Archive.open(home, "run", read_only=True) as archive:
        return verify(archive, recertify=lambda archive, event: made(build).hash)


def edit(home: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(home / "runs" / "run" / "archive.db")) as connection, connection:
        assert connection.execute(statement, values).rowcount > 0


def test_an_untouched_archive_is_whole(home: Path, build: Any) -> None:
    assert problems(home, build) == ()


def cells(home: Path) -> list[tuple[str, str, Any, Any]]:
    """Gives table, column, row id and value of every cell that holds what was recorded."""
    wanted = {"event": ("seq", ("time", "kind", "body", "prev", "hash")), "artefact": ("sha256", ("data",))}
    wanted["ledger"] = ("key", ("step", "operation", "state", "output"))
    with closing(sqlite3.connect(home / "runs" / "run" / "archive.db")) as connection:
        return [
            (table, column, row[0], row[1])
            for table, (key, columns) in wanted.items()
            for column in columns
            for row in connection.execute(f"SELECT {key}, {column} FROM {table}").fetchall()
        ]


@pytest.mark.parametrize(
    "every", [pytest.param(1, marks=pytest.mark.slow(reason="some 150 verifications")), 12], ids=["all", "some"]
)
def test_any_changed_byte_is_found(home: Path, build: Any, every: int) -> None:
    """Changes a byte of each recorded cell, one at a time, and puts it back."""
    keys = {"event": "seq", "artefact": "sha256", "ledger": "key"}
    for number, (table, column, key, value) in enumerate(cells(home)[::every]):
        data = value if isinstance(value, bytes) else str(value).encode()
        at = number * 7 % len(data)
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        statement = f"UPDATE {table} SET {column} = ? WHERE {keys[table]} = ?"
        edit(home, statement, changed if isinstance(value, bytes) else changed.decode(), key)
        assert problems(home, build), f"{table}.{column} of {key}: byte {at} changed, and nothing noticed"
        edit(home, statement, value, key)
    assert problems(home, build) == ()


TAMPERED = {
    "an event removed": ("DELETE FROM event WHERE seq = 3", "event 3 is missing"),
    "an event exchanged": ("UPDATE event SET body = '{}' WHERE seq = 3", "event 3 .* is not what was written"),
    "white space in an event": ("UPDATE event SET body = body || ' ' WHERE seq = 3", "is not what was written"),
    "an artefact exchanged": ("UPDATE artefact SET data = x'7b7d'", "another hash"),
    "an artefact removed": ("DELETE FROM artefact", "names an artefact that is missing"),
    "a ledger that says otherwise": ("UPDATE ledger SET state = 'intended'", "the ledger does not say"),
    "a ledger that was emptied": ("DELETE FROM ledger", "the ledger does not say"),
    "another run's name": ("UPDATE run SET id = 'other'", "event 0 .* is not what was written"),
}


@pytest.mark.parametrize(("statement", "message"), TAMPERED.values(), ids=TAMPERED.keys())
def test_verify_says_what_is_wrong(home: Path, build: Any, statement: str, message: str) -> None:
    import re

    edit(home, statement)
    assert any(re.search(message, problem) for problem in problems(home, build))


def test_a_proposal_that_certifies_to_something_else_is_found(home: Path) -> None:
    with Archive.open(home, "run", read_only=True) as archive:
        (problem,) = verify(archive, recertify=lambda archive, event: "0" * 64)
    assert "again gives program 000" in problem


@pytest.mark.parametrize("name", ["inputs/in.csv", "files/d.txt"])
def test_files_are_what_was_recorded(home: Path, build: Any, name: str) -> None:
    path = home / "runs" / "run" / name
    path.write_text(path.read_text() + " ")
    assert problems(home, build) == (f"file {name!r} is not what was recorded: its bytes have another hash",)
    path.unlink()
    assert problems(home, build) == (f"file {name!r} is missing",)


# -------------------------------------------------------------------------------------- replay


def test_a_run_is_reproduced(home: Path, certified: Any) -> None:
    with Archive.open(home, "run", read_only=True) as archive:
        found = replay(archive, certified=certified)
    assert found.reproduced, found.divergence
    assert (found.programs, found.decisions) == (1, 5)
    assert str(found).startswith("reproduced")


def test_the_first_divergence_is_reported(home: Path, build: Any) -> None:
    with Archive.open(home, "run", read_only=True) as archive:
        found = replay(archive, certified=lambda archive, event: made(build, version=2))
    assert not found.reproduced
    assert "certifies to" in found.divergence


def with_event(kind: str, body: Callable[[Program], Any]) -> Callable[[Archive, Program], None]:
    return lambda archive, program: archive.append(kind, body(program)) and None  # type: ignore[arg-type]


DIVERGING = {
    "a step that was never due": (
        with_event("task.scheduled", lambda p: {"program": p.hash, "step": "d", "attempt": 9}),
        "attempt 9 at step 'd' .* recorded, but not decided",
    ),
    "another workflow": (
        with_event("workflow", lambda p: {"program": p.hash, "workflow": "0" * 64}),
        "another workflow",
    ),
    "another end": (
        with_event("workflow", lambda p: {"program": p.hash, "state": "ended", "status": "failed", "failed_step": "a"}),
        "ended as failed",
    ),
}


@pytest.mark.parametrize(("act", "message"), DIVERGING.values(), ids=DIVERGING.keys())
def test_what_cannot_have_happened_is_found(
    home: Path, build: Any, certified: Any, act: Callable[[Archive, Program], None], message: str
) -> None:
    with Archive.open(home, "run") as archive:
        act(archive, made(build))
        found = replay(archive, certified=certified)
    import re

    assert re.search(message, found.divergence)


def test_another_answer_is_found(tmp_path: Path, build: Any, certified: Any) -> None:
    program = made(build)
    with Archive.create(tmp_path, "run") as archive:
        build.record(archive, program)
        run(program, archive, build)
        archive.append("outcome", {"status": "done", "answer": {"n": 8, "two": 2}})
        assert "differs in ['n']" in replay(archive, certified=certified).divergence


def test_a_run_that_was_stopped_and_resumed_is_reproduced(tmp_path: Path, build: Any, certified: Any) -> None:
    program, stop = made(build), threading.Event()
    stop.set()
    with Archive.create(tmp_path, "run") as archive:
        build.record(archive, program)
        assert run(program, archive, build, stop) == "cancelled"
        assert replay(archive, certified=certified).reproduced
        assert run(program, archive, build) == "completed"
        assert replay(archive, certified=certified).reproduced


# -------------------------------------------------------------------------------------- export


def test_an_exported_run_verifies_and_replays_elsewhere(home: Path, build: Any, certified: Any, tmp_path: Path) -> None:
    export(home, "run", tmp_path / "run.zip")
    elsewhere = tmp_path / "elsewhere"
    assert import_run(tmp_path / "run.zip", elsewhere) == "run"
    assert problems(elsewhere, build) == ()
    with Archive.open(elsewhere, "run") as archive, Archive.open(home, "run", read_only=True) as here:
        assert archive.head == here.head
        assert replay(archive, certified=certified).reproduced
        assert (archive.files / "d.txt").read_text() == "text"
        assert (archive.inputs / "in.csv").read_text() == "a,b\n1,2\n"


def test_a_run_is_exported_while_it_is_open(home: Path, tmp_path: Path, build: Any) -> None:
    with Archive.open(home, "run") as archive:
        archive.append("feedback", {"late": True})
        export(home, "run", tmp_path / "run.zip")
    import_run(tmp_path / "run.zip", tmp_path / "elsewhere")
    with Archive.open(tmp_path / "elsewhere", "run") as archive:
        assert [event.body for event in archive.events("feedback")] == [{"late": True}]


def test_a_run_is_imported_once(home: Path, tmp_path: Path) -> None:
    export(home, "run", tmp_path / "run.zip")
    with pytest.raises(ArchiveError, match="exists already"):
        import_run(tmp_path / "run.zip", home)


BUNDLES = {
    "leads out of its folder": ["run/archive.db", "run/../../x"],
    "absolute": ["/run/archive.db"],
    "two folders": ["run/archive.db", "other/x"],
    "without an archive": ["run/files/x"],
    "empty": [],
}


@pytest.mark.parametrize("names", BUNDLES.values(), ids=BUNDLES.keys())
def test_a_bundle_that_is_no_run_is_refused(tmp_path: Path, names: list[str]) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as bundle:
        for name in names:
            bundle.writestr(name, "x")
    with pytest.raises(ArchiveError, match="not an exported run"):
        import_run(tmp_path / "x.zip", tmp_path / "home")
    assert not list((tmp_path / "home").rglob("*x*"))


def test_export_leaves_nothing_half_written(home: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="cannot be exported"):
        export(home, "run", tmp_path / "no" / "folder" / "run.zip")
    with pytest.raises(ArchiveError, match="there is no run"):
        export(home, "other", tmp_path / "other.zip")
    assert not list(tmp_path.glob("*.zip*"))
