"""Conductor's own REST API as a second domain: failed runs are found and retried on a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from executor.toolchest import load_pack
from knowledge import import_openapi
from orchestrator.approval import approve_all
from orchestrator.assembly import open_policy
from orchestrator.pipeline import run_goal

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def server(conductor_url: str) -> str:
    """The address of the local server, without `/api`."""
    return conductor_url.removesuffix("/api")


@pytest.fixture
def failed(server: str) -> tuple[str, list[str]]:
    """A workflow of its own, two of whose runs failed: its name, their ids."""
    import httpx

    name = f"orders_{uuid4().hex[:8]}"
    ship = {"name": f"{name}_ship", "retryCount": 0, "responseTimeoutSeconds": 60, "timeoutSeconds": 0}
    step = {"name": ship["name"], "taskReferenceName": "ship", "type": "SIMPLE", "inputParameters": {}}
    definition = {"name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "a@b.org", "timeoutSeconds": 0}
    with httpx.Client(base_url=f"{server}/api", timeout=30, trust_env=False) as client:
        client.post("/metadata/taskdefs", json=[{**ship, "ownerEmail": "a@b.org"}]).raise_for_status()
        client.put("/metadata/workflow", json=[{**definition, "tasks": [step]}]).raise_for_status()
        ids = [client.post(f"/workflow/{name}", json={}).text for _ in range(2)]
        for _ in ids:
            task = client.get(f"/tasks/poll/{ship['name']}", params={"timeout": 2000}).json()
            ended = {"taskId": task["taskId"], "workflowInstanceId": task["workflowInstanceId"], "status": "FAILED"}
            client.post("/tasks", json=ended).raise_for_status()
        states = {client.get(f"/workflow/{run}").json()["status"] for run in ids}
    assert states == {"FAILED"}
    return name, ids


def allowed(server: str) -> Any:
    policy = open_policy(str(EXAMPLES / "conductor-policy.yaml"))
    return policy.model_copy(update={"allowed_hosts": (server.removeprefix("http://"),)})


def catalogue(server: str, folder: Path) -> Any:
    import httpx

    path = folder / "openapi.json"
    path.write_bytes(httpx.get(f"{server}/api-docs", timeout=30, trust_env=False).content)
    return import_openapi(path, name="conductor", base_url=server).catalogue.merged(load_pack("data"))


def states(server: str, runs: list[str]) -> set[str]:
    import httpx

    return {httpx.get(f"{server}/api/workflow/{run}", timeout=30, trust_env=False).json()["status"] for run in runs}


@pytest.mark.conductor
def test_failed_runs_are_found_and_retried(
    bench: Any, tmp_path: Path, server: str, failed: tuple[str, list[str]]
) -> None:
    name, runs = failed
    lines = (
        f"search(query=\"workflowType = '{name}' AND status = 'FAILED'\")",
        'column_values(table=s1.body.results, column="workflowId")',
        "retry_1(body=s2)",
        "answer(s3.body.bulkSuccessfulResults)",
    )
    setup = bench.setup(*lines, catalogue=catalogue(server, tmp_path), policy=allowed(server), approver=approve_all)
    outcome = run_goal(f"Find the failed runs of workflow '{name}' and retry them.", {}, setup)
    assert (outcome.status, outcome.reason) == ("done", "")
    assert sorted(next(iter(outcome.answer.values()))) == sorted(runs)
    assert states(server, runs) == {"RUNNING"}


@pytest.mark.conductor
def test_retrying_waits_for_a_person(bench: Any, tmp_path: Path, server: str, failed: tuple[str, list[str]]) -> None:
    name, runs = failed
    setup = bench.setup(
        f"search(query=\"workflowType = '{name}'\")",
        'column_values(table=s1.body.results, column="workflowId")',
        "retry_1(body=s2)",
        "answer(s3.body.bulkSuccessfulResults)",
        catalogue=catalogue(server, tmp_path),
        policy=allowed(server),
    )
    outcome = run_goal(f"Retry the runs of '{name}'", {}, setup)
    assert outcome.status == "waiting"
    assert states(server, runs) == {"FAILED"}


@pytest.mark.conductor
@pytest.mark.live
@pytest.mark.timeout(600)
def test_the_local_model_plans_the_retry_from_words(
    dagwright: Any,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: str,
    failed: tuple[str, list[str]],
) -> None:
    name, runs = failed
    monkeypatch.setenv("CONDUCTOR_SERVER_URL", f"{server}/api")
    api = str(tmp_path / "conductor.json")
    assert dagwright("tools", "import", "conductor", "--name", "conductor", "-o", api).code == 0
    assert dagwright("knowledge", "add", str(EXAMPLES / "conductor.md")).code == 0
    goal = f"Some runs of the workflow '{name}' have failed. Please retry them."
    policy = str(EXAMPLES / "conductor-policy.yaml")
    options = ("--catalogue", api, "--catalogue", "data", "--policy", policy, "--model", "local")
    waiting = dagwright("run", goal, *options, "--json")
    assert waiting.code == 4
    assert states(server, runs) == {"FAILED"}
    run = waiting.json["run"]
    assert dagwright("approve", run).code == 0
    done = dagwright("run", "--resume", run, "--json")
    assert done.code == 0
    assert sorted(next(iter(done.json["answer"].values()))) == sorted(runs)
    assert states(server, runs) == {"RUNNING"}
