"""What only an engine with a server behind it can get wrong."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from dagwright.exceptions import Unreachable
from executor.archive.archive import Archive
from executor.conductor.client import ConductorClient
from executor.conductor.engine import ConductorEngine
from executor.conductor.outbox import Outbox
from executor.workflow.compile import compile_workflow


def run(url: str, archive: Archive, workflow: Any, worker: Any, program: str = "p" * 64) -> Any:
    return ConductorEngine(url).run(
        workflow,
        run=archive.run,
        program=program,
        worker=worker,
        archive=archive,
        cancelled=threading.Event(),
        on_progress=lambda progress: None,
    )


def test_without_a_server_says_how_to_start_one(archive: Archive, build: Any) -> None:
    with pytest.raises(Unreachable, match="dagwright conductor up") as caught:
        run("http://127.0.0.1:1/api", archive, build.workflow(build.simple("a")), None)
    assert caught.value.exit_code == 5


def test_a_correlation_id_is_kept_until_it_is_renewed(archive: Archive) -> None:
    first = Outbox(archive.folder, "run").correlation("p")
    assert Outbox(archive.folder, "run").correlation("p") == first
    assert Outbox(archive.folder, "run").correlation("q") != first
    renewed = Outbox(archive.folder, "run").correlation("p", renew=True)
    assert renewed != first
    assert Outbox(archive.folder, "run").correlation("p") == renewed


@pytest.mark.conductor
def test_a_driver_that_dies_goes_on_with_the_same_execution(conductor_url: str, archive: Archive, build: Any) -> None:
    class Died(Exception):
        pass

    began: list[tuple[str, int]] = []

    def dies(activation: Any) -> Any:
        began.append((activation.step, activation.attempt))
        if activation.step == "b":
            raise Died
        return build.completed(activation.step)

    def works(activation: Any) -> Any:
        began.append((activation.step, activation.attempt))
        return build.completed(activation.step)

    workflow = compile_workflow(build.program({"a": [], "b": ["a"], "c": ["b"]}))
    with pytest.raises(Died):
        run(conductor_url, archive, workflow, dies)
    assert run(conductor_url, archive, workflow, works).status == "completed"
    assert began == [("a", 1), ("b", 1), ("b", 1), ("c", 1)]
    client = ConductorClient(conductor_url)
    found = client.correlated(workflow.name, Outbox(archive.folder, archive.run).correlation("p" * 64))
    client.close()
    assert [view.status for view in found] == ["COMPLETED"]


@pytest.mark.conductor
def test_an_attempt_whose_time_was_up_while_nobody_was_there_is_made_again(
    conductor_url: str, archive: Archive, build: Any
) -> None:
    class Died(Exception):
        pass

    def dies(activation: Any) -> Any:
        raise Died

    workflow = compile_workflow(build.program({"a": []}, specs={"a": build.operation(timeout=1)}))
    with pytest.raises(Died):
        run(conductor_url, archive, workflow, dies)
    client = ConductorClient(conductor_url)
    (begun,) = client.correlated(workflow.name, Outbox(archive.folder, archive.run).correlation("p" * 64))
    for _ in range(40):
        client.decide(begun.workflow_id)
        if client.workflow(begun.workflow_id, tasks=False).status == "TIMED_OUT":
            break
        time.sleep(0.5)
    client.close()
    assert run(conductor_url, archive, workflow, lambda activation: build.completed("a")).status == "completed"


@pytest.mark.conductor
def test_runs_side_by_side_keep_to_their_own_tasks(conductor_url: str, tmp_path: Any, build: Any) -> None:
    workflow = compile_workflow(build.program({"a": [], "b": [], "c": ["a", "b"]}))
    seen: dict[str, list[str]] = {}

    def go(name: str) -> None:
        def worker(activation: Any) -> Any:
            seen.setdefault(name, []).append(activation.run)
            return build.completed(activation.step)

        with Archive.create(tmp_path, name) as archive:
            run(conductor_url, archive, workflow, worker)

    threads = [threading.Thread(target=go, args=(f"run{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {f"run{number}": [f"run{number}"] * 3 for number in range(3)}


@pytest.mark.conductor
def test_expressions_in_a_preview_stay_text(conductor_url: str, archive: Archive, build: Any) -> None:
    from dataclasses import replace

    texts = ["${workflow.input.program}", "$${x}", "${workflow.secrets.KEY}"]

    def worker(activation: Any) -> Any:
        return replace(build.completed(activation.step), preview={"text": texts})

    result = run(conductor_url, archive, compile_workflow(build.program({"a": [], "b": ["a"]})), worker)
    assert result.status == "completed"
    bodies: list[Any] = [event.body for event in archive.events("task.completed")]
    assert [body["preview"]["text"] for body in bodies] == [texts, texts]
