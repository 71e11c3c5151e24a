"""Traps of a real server: what the obvious encoding runs into, and that ours does not.

Each trap is shown twice: with a workflow as one would write it by hand, driven over plain HTTP, and
with what the compiler emits and the engine drives. Where the first part fails, the server has
changed, and what is done against the trap may no longer be needed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest

from executor.archive.archive import Archive
from executor.conductor import server
from executor.conductor.client import ConductorClient, TaskView
from executor.conductor.engine import ConductorEngine
from executor.conductor.native import native_tasks, native_workflow
from executor.conductor.outbox import Outbox
from executor.worker.worker import GuardedWorker
from executor.workflow.compile import compile_workflow

pytestmark = [pytest.mark.conductor, pytest.mark.timeout(240)]

Json = dict[str, Any]


@pytest.fixture
def client(conductor_url: str) -> Iterator[ConductorClient]:
    opened = ConductorClient(conductor_url)
    yield opened
    opened.close()


class ByHand:
    """One execution whose tasks the test itself takes and answers; nothing nudges the server."""

    def __init__(self, client: ConductorClient, definition: Json, tasks: list[Any]) -> None:
        self.client, self.domain = client, uuid4().hex
        self.types = dict(steps_of(definition["tasks"]))
        client.register([definition], tasks)
        self.id = client.start(definition, self.domain, {"run": "r", "program": "p"})

    def take(self, step: str) -> Json:
        """Gives the attempt at a step that the server hands out, as it does; empty where the execution ends instead."""
        url = f"{self.client.url}/tasks/poll/batch/{self.types[step]}"
        until = time.monotonic() + 30
        while time.monotonic() < until:
            answer = httpx.get(url, params={"domain": self.domain, "count": 1, "timeout": 0}, trust_env=False)
            if answer.content and answer.json():
                return answer.json()[0]
            if self.status != "RUNNING":
                return {}
            time.sleep(0.02)
        raise AssertionError(f"the server handed out no {step!r} in 30 s")

    def answer(self, step: str, status: Any = "COMPLETED", **output: Any) -> None:
        """Takes the attempt at a step and answers it; does nothing where the execution has ended."""
        task = self.take(step)
        if task:
            self.client.update(TaskView.model_validate(task), status, output=output)

    @property
    def status(self) -> str:
        return self.client.workflow(self.id, tasks=False).status

    def attempts(self, step: str) -> list[str]:
        """Gives the statuses of the attempts at a step."""
        return [task.status for task in self.client.workflow(self.id).tasks if task.reference_task_name == step]


def steps_of(tasks: list[Json]) -> Iterator[tuple[str, str]]:
    for task in tasks:
        if task["type"] == "SIMPLE":
            yield task["taskReferenceName"], task["name"]
        for branch in task.get("forkTasks", []):
            yield from steps_of(branch)


def step(name: str, **inputs: Any) -> Json:
    return {"name": f"{name}_{uuid4().hex[:8]}", "taskReferenceName": name, "type": "SIMPLE", "inputParameters": inputs}


def join(name: str, *on: str) -> Json:
    return {"name": "join", "taskReferenceName": name, "type": "JOIN", "joinOn": list(on)}


def fork(*branches: list[Json]) -> Json:
    return {"name": "fork", "taskReferenceName": "fork", "type": "FORK_JOIN", "forkTasks": list(branches)}


def naive(client: ConductorClient, *tasks: Json, retries: int = 0, seconds: int = 60) -> ByHand:
    """Starts a workflow as one would write it by hand."""
    owner = {"ownerEmail": "tests@localhost.localdomain"}
    definition: Json = {"name": f"naive_{uuid4().hex[:8]}", "version": 1, "schemaVersion": 2, "tasks": list(tasks)}
    limits = {"retryCount": retries, "retryDelaySeconds": 0, "retryLogic": "FIXED"}
    limits |= {"timeoutSeconds": 10 * seconds, "responseTimeoutSeconds": seconds, "timeoutPolicy": "RETRY"}
    defs = [{"name": kind, **limits, **owner} for _, kind in steps_of(definition["tasks"])]
    return ByHand(client, definition | owner, defs)


def ours(client: ConductorClient, build: Any, after: dict[str, list[str]], *, retries: int = 0) -> ByHand:
    """Starts what the compiler emits for the same order."""
    specs = {name: build.operation(f"test.{name}_{uuid4().hex[:8]}") for name in after}
    workflow = compile_workflow(build.program(after, specs=specs))
    again = {"retry_count": retries, "retry_delay_seconds": 0, "retry_logic": "FIXED"}
    workflow = workflow.model_copy(
        update={
            "name": f"ours_{uuid4().hex[:8]}",
            "task_defs": tuple(found.model_copy(update=again) for found in workflow.task_defs),
        }
    )
    return ByHand(client, native_workflow(workflow), list(native_tasks(workflow)))


def drive(url: str, archive: Archive, workflow: Any, worker: Any, program: str = "p" * 64) -> Any:
    return ConductorEngine(url).run(
        workflow,
        run=archive.run,
        program=program,
        worker=worker,
        archive=archive,
        cancelled=threading.Event(),
        on_progress=lambda progress: None,
    )


WAITING = {"a": [], "c": ["a"], "b": [], "d": ["b", "a"]}


def test_lazy_decide_a_task_that_is_joined_on_holds_up_its_own_successor(client: ConductorClient) -> None:
    def stalls() -> bool:
        run = naive(
            client,
            fork([step("a"), step("c")], [step("b"), join("wait", "a"), step("d")]),
            join("all", "c", "d"),
        )
        run.answer("a")
        stalled = run.attempts("c") == []
        client.decide(run.id)
        assert run.attempts("c") == ["SCHEDULED"]  # nothing but the decision was missing
        return stalled

    assert any(stalls() for _ in range(3))  # a sweep of the server's own may come in between


def test_lazy_decide_with_markers_the_successor_is_there_at_once(client: ConductorClient, build: Any) -> None:
    run = ours(client, build, WAITING)
    run.answer("a")
    assert run.attempts("c") == ["SCHEDULED"]


def races(start: Callable[[], ByHand], runs: int) -> Iterator[str]:
    """Gives how runs end in which `a` succeeds with its second attempt, while `b` is waited for."""
    for _ in range(runs):
        run = start()
        run.answer("b")
        run.answer("a", "FAILED")
        run.answer("a")
        until = time.monotonic() + 30
        while run.status == "RUNNING" and time.monotonic() < until:
            run.client.decide(run.id)
            time.sleep(0.02)
        yield run.status


def test_retry_race_a_join_on_a_task_fails_although_retries_are_left(client: ConductorClient) -> None:
    def start() -> ByHand:
        return naive(client, fork([step("a")], [step("b")]), join("all", "a", "b"), retries=2)

    assert "FAILED" in races(start, 60)  # about two of five do


def test_retry_race_a_join_on_markers_waits_for_the_retry(client: ConductorClient, build: Any) -> None:
    assert set(races(lambda: ours(client, build, {"a": [], "b": []}, retries=2), 10)) == {"COMPLETED"}


def test_a_missing_path_becomes_null_and_the_task_runs_with_it(client: ConductorClient) -> None:
    run = naive(client, fork([step("a"), step("b", x="${a.output.rows.total}")], [step("c")]), join("all", "b", "c"))
    run.answer("a", rows={"count": 3})
    run.client.decide(run.id)
    assert run.take("b")["inputData"] == {"x": None}


def test_a_missing_path_stops_the_step_before_its_tool(conductor_url: str, archive: Archive, build: Any) -> None:
    called: list[str] = []

    def tool(spec: Any, arguments: Any, context: Any) -> Any:
        called.append(context.step)
        return {"rows": {"count": 3}}

    given = {"b": {"x": {"from": "a", "path": "/rows/total"}}}
    program = build.program({"a": [], "b": ["a"], "c": []}, inputs=given)
    worker = GuardedWorker(program, archive, {"python": tool})
    result = drive(conductor_url, archive, compile_workflow(program), worker, program.hash)
    assert (result.status, result.failed_step) == ("failed", "b")
    assert [error.code for error in result.feedback["b"].errors] == ["missing_reference"]
    assert "b" not in called


TEXTS = ["${workflow.input.run}", "$${x}", "${workflow.secrets.KEY}", "${a.output.nothing}", "costs $5 {or} ${more"]


def test_an_expression_in_a_literal_or_an_output_is_expanded(client: ConductorClient) -> None:
    run = naive(client, step("a"), step("b", literal=TEXTS[0], output="${a.output.text}"))
    run.answer("a", text="${workflow.secrets.KEY}")
    run.client.decide(run.id)
    given = run.take("b")["inputData"]
    assert given["literal"] == "r"
    assert given["output"] != "${workflow.secrets.KEY}"


def test_expressions_reach_our_tools_as_the_text_that_they_are(
    conductor_url: str, archive: Archive, build: Any
) -> None:
    seen: dict[str, Any] = {}

    def tool(spec: Any, arguments: Any, context: Any) -> Any:
        seen[context.step] = arguments
        return {"texts": TEXTS}

    given = {"a": {"x": {"literal": TEXTS}}, "b": {"x": {"from": "a", "path": "/texts"}}}
    program = build.program({"a": [], "b": ["a"]}, inputs=given)
    worker = GuardedWorker(program, archive, {"python": tool})
    assert drive(conductor_url, archive, compile_workflow(program), worker, program.hash).status == "completed"
    assert seen == {"a": {"x": TEXTS}, "b": {"x": TEXTS}}


def until_timed_out(client: ConductorClient, task: TaskView) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        client.decide(task.workflow_instance_id)
        for found in client.workflow(task.workflow_instance_id).tasks:
            if found.task_id == task.task_id and found.status == "TIMED_OUT":
                return
        time.sleep(0.1)
    raise AssertionError("the attempt did not time out in 30 s")


def test_a_late_answer_is_accepted_in_words_and_dropped(client: ConductorClient) -> None:
    run = naive(client, step("a"), retries=1, seconds=1)
    task = TaskView.model_validate(run.take("a"))
    until_timed_out(client, task)
    client.update(task, "COMPLETED", output={"answer": 42})  # 200
    assert run.attempts("a") == ["TIMED_OUT", "SCHEDULED"]
    assert run.status == "RUNNING"


def test_a_late_answer_is_given_again_and_its_step_does_not_run_again(
    conductor_url: str, archive: Archive, build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = ConductorClient.update
    late: list[str] = []

    def slow(self: ConductorClient, task: TaskView, *given: Any, **more: Any) -> None:
        if not late:
            late.append(task.task_id)
            until_timed_out(self, task)
        update(self, task, *given, **more)

    monkeypatch.setattr(ConductorClient, "update", slow)
    began: list[tuple[str, int]] = []

    def worker(activation: Any) -> Any:
        began.append((activation.step, activation.attempt))
        return build.completed(activation.step)

    definitions = [build.definition(timeout=1, retry_count=1), build.definition("test.other")]
    workflow = build.workflow(build.simple("a"), build.simple("b", "test.other"), definitions=definitions)
    assert drive(conductor_url, archive, workflow, worker).status == "completed"
    assert began == [("a", 1), ("b", 1)]
    with_server = ConductorClient(conductor_url)
    (found,) = with_server.correlated(workflow.name, Outbox(archive.folder, archive.run).correlation("p" * 64))
    tasks = with_server.workflow(found.workflow_id).tasks
    with_server.close()
    assert [task.status for task in tasks if task.reference_task_name == "a"] == ["TIMED_OUT", "COMPLETED"]
    assert tasks[0].task_id == late[0]


def test_a_server_that_is_killed_in_the_middle_of_a_run_is_waited_for(
    tmp_path: Path, archive: Archive, build: Any
) -> None:
    def ignore(done: int, total: int, what: str) -> None:
        return

    began: list[str] = []
    home = tmp_path / "server"
    first = server.up(ignore, home=home)
    assert first.url is not None

    def worker(activation: Any) -> Any:
        began.append(activation.step)
        if activation.step == "b":
            process = psutil.Process(first.pid)
            process.kill()
            process.wait(30)
            assert server.up(ignore, port=first.port, home=home).pid != first.pid
        return replace(build.completed(activation.step), preview={"step": activation.step})

    try:
        workflow = compile_workflow(build.program({"a": [], "b": ["a"], "c": ["b"], "d": []}))
        assert drive(first.url, archive, workflow, worker).status == "completed"
    finally:
        server.down(home)
    assert sorted(began) == ["a", "b", "c", "d"]
