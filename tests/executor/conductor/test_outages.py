"""Servers that are killed and networks that are cut, in the middle of runs: each step is done, and done once."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from executor.conductor import drive, server
from executor.conductor.client import ConductorClient, WorkflowView
from executor.conductor.engine import ConductorEngine
from executor.conductor.outbox import Outbox
from executor.workflow.compile import compile_workflow

pytestmark = [pytest.mark.conductor, pytest.mark.timeout(400)]


def silent(done: int, total: int, what: str) -> None:
    return


def kill(home: Path) -> None:
    """kill -9, as a machine that loses power does it."""
    found = server.status(home)
    assert found.pid is not None
    process = psutil.Process(found.pid)
    process.kill()
    process.wait(10)  # until its last thread has let go of its port
    until = time.monotonic() + 10
    while server.status(home).state != "down" and time.monotonic() < until:
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("state", "seconds"), [("cut", 3.0), ("cut", 0.2), ("stalled", 3.0), ("deaf", 2.0)], ids=lambda value: str(value)
)
def test_a_network_that_fails_for_seconds(journey: Any, proxy: Any, state: Any, seconds: float) -> None:
    happenings: dict[int, Callable[[], object]] = {begun: lambda: proxy.disturb(state, seconds) for begun in (2, 8)}
    journey.assert_whole(journey.run(proxy.url, happenings))


def test_a_network_that_loses_the_answer_to_the_start(
    journey: Any, proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = ConductorClient.start

    def lost(self: ConductorClient, *arguments: Any) -> str:
        proxy.state = "deaf"
        threading.Timer(1.0, setattr, (proxy, "state", "whole")).start()
        return start(self, *arguments)

    monkeypatch.setattr(ConductorClient, "start", lost)
    journey.assert_whole(journey.run(proxy.url, {}))


def test_an_execution_that_the_server_fails_is_begun_anew(journey: Any, conductor_url: str) -> None:
    outbox = Outbox(journey.archive.folder, journey.archive.run)

    def fail_a_task() -> None:
        time.sleep(0.2)
        fail_on_server(conductor_url, compile_workflow(journey.build.program(journey.order())).name, outbox)

    journey.assert_whole(journey.run(conductor_url, {5: fail_a_task}))


def fail_on_server(url: str, name: str, outbox: Outbox) -> None:
    """Fails what runs: a server that was killed has failed executions; here somebody else's answer does it."""
    with closing(ConductorClient(url)) as client:
        [view] = client.correlated(name, outbox.correlation("p" * 64))
        tasks = client.workflow(view.workflow_id).tasks
        task = next(task for task in tasks if task.status == "IN_PROGRESS" and task.task_type != "JOIN")
        client.update(task, "FAILED_WITH_TERMINAL_ERROR", output={}, reason="Error scheduling tasks")


def test_what_failed_and_was_gone_on_without_is_not_waited_for_in_a_new_execution(
    archive: Any, build: Any, conductor_url: str
) -> None:
    """The server asks the new execution for a step that has failed for good, which nothing here runs again."""
    workflow = build.workflow(build.simple("a"), build.simple("perhaps", optional=True), build.simple("last"))
    outbox, began = Outbox(archive.folder, archive.run), list[str]()

    def work(activation: Any) -> Any:
        began.append(activation.step)
        if activation.step == "last":
            fail_on_server(conductor_url, workflow.name, outbox)
        return build.failed("perhaps", for_good=True) if activation.step == "perhaps" else build.completed("a")

    result = ConductorEngine(conductor_url).run(
        workflow,
        run=archive.run,
        program="p" * 64,
        worker=work,
        archive=archive,
        cancelled=threading.Event(),
        on_progress=lambda progress: None,
    )
    assert (result.status, began) == ("completed", ["a", "perhaps", "last"])
    assert result.outputs.keys() == {"a", "last"}


@pytest.mark.slow(reason="starts a server three times")
def test_a_server_that_is_killed_and_started_again(journey: Any, tmp_path: Path) -> None:
    home = tmp_path / "server"
    url = server.up(silent, home=home).url
    assert url is not None
    port = server.status(home).port

    def fall_and_rise() -> None:
        kill(home)
        time.sleep(1)
        server.up(silent, home=home, port=port)

    try:
        journey.assert_whole(journey.run(url, {2: fall_and_rise, 9: fall_and_rise}))
    finally:
        server.down(home)


def reserve(home: Path) -> int:
    """Leaves what the server was about to look at reserved for an hour, as a kill in the middle of a look does."""
    with closing(sqlite3.connect(home / "conductor.db", isolation_level=None)) as database:
        later = "popped = 1, offset_time_seconds = 3600, deliver_on = strftime('%Y-%m-%d %H:%M:%f', 'now', '+1 hour')"
        return database.execute(f"UPDATE queue_message SET {later} WHERE queue_name = 'JOIN'").rowcount


@pytest.mark.slow(reason="starts a server twice and waits")
def test_an_execution_that_a_killed_server_forgot_is_begun_anew(
    journey: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drive, "STILL_SECONDS", 8.0)
    home, reserved = tmp_path / "server", list[int]()
    url = server.up(silent, home=home).url
    assert url is not None
    port = server.status(home).port

    def fall_and_forget() -> None:
        kill(home)
        reserved.append(reserve(home))
        server.up(silent, home=home, port=port)

    try:
        journey.assert_whole(journey.run(url, {9: fall_and_forget}))
        [view] = [view for view in forgotten(url, journey) if view.status == "TERMINATED"]
        assert view.reason_for_incompletion == "dagwright: it stood still for 8 s"
    finally:
        server.down(home)
    assert sum(reserved) > 0


def forgotten(url: str, journey: Any) -> list[WorkflowView]:
    """Gives the executions that a journey has had, whatever their correlation id."""
    with closing(ConductorClient(url)) as client:
        name = compile_workflow(journey.build.program(journey.order())).name
        found = httpx.get(f"{url}/workflow/search", params={"query": f'workflowType="{name}"'}, timeout=20).json()
        return [client.workflow(item["workflowId"]) for item in found["results"]]


@pytest.mark.slow(reason="starts a PostgreSQL and two servers")
def test_of_two_servers_on_one_database_one_is_killed(journey: Any, tmp_path: Path, postgres_url: str) -> None:
    homes = [tmp_path / "one", tmp_path / "other"]
    try:
        found = [server.up(silent, home=home, postgres=postgres_url) for home in homes]
        assert all(status.database and "quiet" not in status.database for status in found)
        assert not any("quiet" in word for status in found for word in psutil.Process(status.pid).cmdline())
        url = ",".join(str(status.url) for status in found)
        journey.assert_whole(journey.run(url, {4: lambda: kill(homes[0])}))
    finally:
        for home in homes:
            server.down(home)


@pytest.mark.slow(reason="waits for longer than a server's patience used to be")
def test_a_database_that_another_process_holds_for_long(journey: Any, tmp_path: Path) -> None:
    """A connection of the server that gave up waiting for a lock failed at everything that came after."""
    try:
        url = server.up(silent, home=tmp_path).url
        assert url is not None

        def hold() -> None:
            with closing(sqlite3.connect(tmp_path / "conductor.db", timeout=10, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                time.sleep(20)
                other.execute("ROLLBACK")

        journey.assert_whole(journey.run(url, {3: hold}))
        assert "cannot rollback" not in (tmp_path / "server.log").read_text(encoding="utf-8", errors="replace")
    finally:
        server.down(tmp_path)
