"""One suite for both ledgers, and what only the shared one promises: at most once in all runs of a scope."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dagwright.exceptions import ToolUnavailable, Unreachable
from executor.archive.archive import Archive
from executor.engine.engine import Activation, StepResult
from executor.ledger.ledger import EffectLedger, Ledger
from executor.replay.verify import verify
from executor.worker.worker import GuardedWorker

PROGRAMS = ("initdb", "pg_ctl", "createdb")
POSTGRES = all(map(shutil.which, PROGRAMS))

slow = pytest.mark.slow(reason="starts a PostgreSQL server")
postgres = [slow, pytest.mark.skipif(not POSTGRES, reason="initdb, pg_ctl and createdb are not installed")]


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """A throw-away cluster on a Unix socket of its own; as root it runs under the user `postgres`, or `nobody`."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:
        home = Path(folder)
        user = (
            "postgres" if root and subprocess.run(["id", "postgres"], capture_output=True).returncode == 0 else "nobody"
        )
        as_user = ["setpriv", f"--reuid={user}", "--clear-groups"] if root else []
        if root:
            shutil.chown(home, user)

        def command(*arguments: str) -> None:
            subprocess.run([*as_user, *arguments], check=True, capture_output=True, timeout=60, cwd=folder)

        data = str(home / "data")
        command("initdb", "-D", data, "-U", "dagwright", "-A", "trust", "-N")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        command("pg_ctl", "-D", data, "-o", options, "-l", str(home / "log"), "-w", "start")
        try:
            yield f"host={folder} user=dagwright dbname=postgres"
        finally:
            command("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


Open = Callable[..., EffectLedger]
"""Opens the ledger of an archive."""


@pytest.fixture(params=["archive", pytest.param("postgres", marks=postgres)])
def open_ledger(request: pytest.FixtureRequest) -> Iterator[Open]:
    opened: list[Any] = []

    def made(archive: Archive, scope: str = "scope") -> EffectLedger:
        if request.param == "archive":
            return Ledger(archive)
        from executor.ledger.shared_ledger import SharedLedger

        address = request.getfixturevalue("address")
        opened.append(SharedLedger(archive, address, scope=f"{scope} {archive.folder.parents[1]}"))
        return opened[-1]

    yield made
    for ledger in opened:
        ledger.close()


def intended(ledger: EffectLedger, archive: Archive, item: str = "x") -> str:
    key = ledger.key(archive.run, "a", "shop.order", {"item": item})
    ledger.intend(key, "a", "shop.order", durable=True)
    return key


def state(ledger: EffectLedger, key: str) -> str | None:
    entry = ledger.find(key)
    return entry.state if entry else None


def test_an_effect_that_was_never_meant_is_not_known(open_ledger: Open, archive: Archive) -> None:
    ledger = open_ledger(archive)
    assert ledger.find(ledger.key("run", "a", "shop.order", {"item": "y"})) is None


def test_what_was_done_has_its_output(open_ledger: Open, archive: Archive) -> None:
    ledger, output = open_ledger(archive), archive.put({"id": 1})
    key = intended(ledger, archive)
    assert state(ledger, key) == "intended"
    ledger.done(key, output, durable=True)
    entry = ledger.find(key)
    assert entry is not None
    assert (entry.state, entry.output, entry.step, entry.operation) == ("done", output, "a", "shop.order")
    assert verify(archive) == ()


@pytest.mark.parametrize("end", ["not_done", "unknown"])
def test_what_was_not_done_or_is_not_known_may_be_meant_again(open_ledger: Open, archive: Archive, end: str) -> None:
    ledger = open_ledger(archive)
    key = intended(ledger, archive)
    getattr(ledger, end)(key)
    assert state(ledger, key) == end
    assert intended(ledger, archive) == key
    assert state(ledger, key) == "intended"


def test_what_was_undone_is_tried_under_another_key(open_ledger: Open, archive: Archive) -> None:
    ledger, output = open_ledger(archive), archive.put({})
    key = intended(ledger, archive)
    assert ledger.current(key) == (key, ledger.find(key))
    ledger.done(key, output, durable=True)
    ledger.undone(key, by="k" * 64)
    following, entry = ledger.current(key)
    assert following != key
    assert entry is None
    assert ledger.find(following) is None


def test_what_a_person_says_did_not_happen_is_tried_under_another_key(open_ledger: Open, archive: Archive) -> None:
    ledger = open_ledger(archive)
    key = intended(ledger, archive)
    ledger.unknown(key)
    Ledger(archive).settle(key, "not_happened", by="me")
    other, entry = ledger.current(key)
    assert (other != key, entry, state(ledger, key)) == (True, None, "not_happened")
    assert verify(archive) == ()


def test_what_its_tool_says_was_not_done_is_tried_under_the_same_key(open_ledger: Open, archive: Archive) -> None:
    ledger = open_ledger(archive)
    key = intended(ledger, archive)
    ledger.not_done(key)
    assert ledger.current(key)[0] == key


def test_what_was_written_is_there_when_it_is_opened_again(open_ledger: Open, tmp_path: Path) -> None:
    with Archive.create(tmp_path, "r") as archive:
        key = intended(open_ledger(archive), archive)
    with Archive.open(tmp_path, "r") as archive:
        assert state(open_ledger(archive), key) == "intended"


def test_arguments_and_operations_make_different_effects(open_ledger: Open, archive: Archive) -> None:
    ledger = open_ledger(archive)
    assert len({ledger.key("run", step, "shop.order", {"item": step}) for step in "abc"}) == 3


# ------------------------------------------------------------------------------- the shared one


@pytest.fixture
def shared(address: str, tmp_path: Path) -> Iterator[Callable[[Archive], Any]]:
    from executor.ledger.shared_ledger import SharedLedger

    opened: list[SharedLedger] = []

    def made(archive: Archive) -> SharedLedger:
        opened.append(SharedLedger(archive, address, scope=str(tmp_path)))
        return opened[-1]

    yield made
    for ledger in opened:
        ledger.close()


def pay(home: Path, run: str, shared: Any, build: Any, tool: Any) -> StepResult:
    """Gives how one run's only step ended: a payment that must happen once, whichever run makes it."""
    spec = build.operation("bank.pay", effect="write", idempotent=False)
    program = build.program({f"s_{run}": []}, specs={f"s_{run}": spec}, inputs={f"s_{run}": {"to": {"literal": "x"}}})
    fresh = not (home / "runs" / run).exists()
    with Archive.create(home, run) if fresh else Archive.open(home, run) as archive:
        worker = GuardedWorker(program, archive, {"python": tool}, ledger=shared(archive))
        try:
            return worker(Activation(run=run, program=program.hash, step=f"s_{run}", attempt=1))
        finally:
            worker.close()


def code(result: StepResult) -> str:
    return result.feedback.errors[-1].code if result.feedback.errors else result.status


@pytest.mark.slow(reason="starts a PostgreSQL server")
@pytest.mark.skipif(not POSTGRES, reason="initdb, pg_ctl and createdb are not installed")
class TestShared:
    def test_what_was_done_between_looking_and_claiming_is_taken_over(
        self, tmp_path: Path, shared: Any, build: Any
    ) -> None:
        """Another run does the effect after this run has found that nobody did, and before it claims it."""
        made: list[int] = []

        def tool(*_: Any) -> Any:
            made.append(1)
            return {"receipt": len(made)}

        def opened(archive: Archive) -> EffectLedger:
            ledger, looked = shared(archive), []
            find = ledger.find

            def late(key: str) -> Any:
                found = find(key)
                looked.append(key)
                if len(looked) == 1:  # the worker has asked for the current key and what is known of it
                    assert found is None
                    assert code(pay(tmp_path, "other", shared, build, tool)) == "completed"
                return found

            ledger.find = late
            return ledger

        result = pay(tmp_path, "late", opened, build, tool)
        assert (code(result), made) == ("completed", [1])
        with Archive.open(tmp_path, "late", read_only=True) as archive:
            assert archive.get(result.output) == {"receipt": 1}
            assert verify(archive) == ()

    def test_what_one_run_did_the_next_takes_over(self, tmp_path: Path, shared: Any, build: Any) -> None:
        made: list[int] = []

        def tool(*_: Any) -> Any:
            made.append(1)
            return {"receipt": len(made)}

        results = [pay(tmp_path, f"r{number}", shared, build, tool) for number in range(3)]
        assert [result.status for result in results] == ["completed"] * 3
        assert {result.output for result in results} == {results[0].output}
        assert len(made) == 1
        for number in range(3):
            with Archive.open(tmp_path, f"r{number}", read_only=True) as archive:
                assert verify(archive) == ()

    def test_of_runs_at_the_same_time_one_does_it(self, tmp_path: Path, shared: Any, build: Any) -> None:
        made: list[int] = []
        begun = threading.Barrier(8)

        def tool(*_: Any) -> Any:
            made.append(1)
            return {}

        def one(number: int) -> str:
            begun.wait(10)
            return code(pay(tmp_path, f"r{number}", shared, build, tool))

        with ThreadPoolExecutor(8) as pool:
            ends = list(pool.map(one, range(8)))
        assert len(made) == 1
        assert set(ends) <= {"completed", "held_elsewhere"}
        assert "completed" in ends

    def test_a_run_that_died_keeps_its_claim(self, tmp_path: Path, shared: Any, build: Any) -> None:
        with Archive.create(tmp_path, "died") as archive:
            ledger = shared(archive)
            key = ledger.key("died", "s_died", "bank.pay", {"to": "x"})
            ledger.intend(key, "s_died", "bank.pay", durable=True)
        tool = lambda *_: {}  # noqa: E731 - a tool in a word
        assert code(pay(tmp_path, "other", shared, build, tool)) == "held_elsewhere"
        assert code(pay(tmp_path, "died", shared, build, tool)) == "unknown_outcome"
        with Archive.open(tmp_path, "died") as archive:
            Ledger(archive).settle(key, "not_happened", by="me")
        assert code(pay(tmp_path, "died", shared, build, tool)) == "completed"
        assert code(pay(tmp_path, "other", shared, build, tool)) == "completed"

    def test_an_end_that_was_not_stated_is_stated_later(self, tmp_path: Path, shared: Any, build: Any) -> None:
        with Archive.create(tmp_path, "died") as archive:
            ledger = shared(archive)
            key = ledger.key("died", "s_died", "bank.pay", {"to": "x"})
            ledger.intend(key, "s_died", "bank.pay", durable=True)
            Ledger(archive).done(key, archive.put({"receipt": 1}), durable=True)  # and dies here
        tool = lambda *_: {}  # noqa: E731 - a tool in a word
        assert code(pay(tmp_path, "other", shared, build, tool)) == "held_elsewhere"
        assert code(pay(tmp_path, "died", shared, build, tool)) == "completed"
        assert code(pay(tmp_path, "other", shared, build, tool)) == "completed"

    def test_a_claim_cannot_be_taken_twice(self, tmp_path: Path, shared: Any) -> None:
        with Archive.create(tmp_path, "a") as one, Archive.create(tmp_path, "b") as other:
            key = intended(shared(one), one)
            with pytest.raises(ToolUnavailable, match="held by run 'a'"):
                shared(other).intend(key, "a", "shop.order", durable=True)


def test_a_database_that_is_not_there_is_said(archive: Archive) -> None:
    from executor.ledger.shared_ledger import SharedLedger

    with pytest.raises(Unreachable, match="shared ledger"):
        SharedLedger(archive, "host=127.0.0.1 port=1 user=x dbname=x", scope="s")
