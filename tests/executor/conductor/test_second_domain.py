"""Another domain than tables, with no code of ours in it: the API that a running Conductor server describes.

The live OpenAPI document becomes a catalogue; a proposal over it and the toolchest finds the runs
that failed and asks the server to retry them. Whether they were retried, the server is asked.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from dagwright.catalogue import Catalogue
from dagwright.exceptions import ProposalRejected
from dagwright.policy import DEFAULT_POLICY, Policy, Rule
from dagwright.proposal import Proposal
from executor.archive.archive import Archive
from executor.bindings import runners
from executor.conductor.client import ConductorClient, TaskView
from executor.replay.verify import verify
from executor.toolchest import default_catalogue
from knowledge import import_openapi
from validation import certify

pytestmark = [pytest.mark.conductor, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def catalogue(conductor_url: str) -> Catalogue:
    """The toolchest, and every operation that the server describes."""
    host = conductor_url.removesuffix("/api")
    document = httpx.get(f"{host}/api-docs", trust_env=False, timeout=60).json()
    found = import_openapi(document, name="conductor", base_url=host)
    return found.catalogue.merged(default_catalogue())


@pytest.fixture
def client(conductor_url: str) -> Iterator[ConductorClient]:
    opened = ConductorClient(conductor_url)
    yield opened
    opened.close()


class Fleet:
    """Runs of a workflow of one task, whose worker is the test."""

    def __init__(self, client: ConductorClient) -> None:
        self.client = client
        self.name = f"export_{uuid4().hex[:8]}"
        owner = {"ownerEmail": "tests@localhost.localdomain"}
        limits = {"timeoutSeconds": 0, "responseTimeoutSeconds": 600, "retryCount": 0}
        task = {"name": self.name, "taskReferenceName": "export", "type": "SIMPLE"}
        self.definition: Any = {"name": self.name, "version": 1, "schemaVersion": 2, "tasks": [task], **owner}
        client.register([self.definition], [{"name": self.name, **limits, **owner}])

    def start(self, label: str) -> str:
        return self.client.start(self.definition, label, {})

    def answer(self, label: str, status: Any) -> TaskView:
        for _ in range(100):
            for task in self.client.poll(self.name, label, "tests", count=1, milliseconds=100):
                self.client.update(task, status, output={}, reason=f"{label}: {status}")
                return task
        raise AssertionError(f"the server handed out no task of {label!r} in 10 s")

    def ended(self, label: str, status: Any) -> str:
        run = self.start(label)
        self.answer(label, status)
        return run

    def status(self, run: str) -> str:
        return self.client.workflow(run).status


def step(name: str, operation: str, **arguments: Any) -> dict[str, Any]:
    tool, _, verb = operation.rpartition(".")
    intent = {"tool_name": tool, "operation": verb, "required_inputs": arguments}
    return {"step_id": name, "action": operation, "tool_intent": intent}


def proposal(workflow: str) -> Proposal:
    """Gives: search the runs of a workflow, keep those that failed, list their ids, retry these."""
    steps = [
        step("found", "conductor.search", query={"literal": f"workflowType = '{workflow}'"}),
        step(
            "failed",
            "data.filter_rows",
            table={"from": "found", "path": "/body/results"},
            column={"literal": "status"},
            op={"literal": "=="},
            value={"literal": "FAILED"},
        ),
        step("ids", "data.column_values", table={"from": "failed", "path": "/table"}, column={"literal": "workflowId"}),
        step("retried", "conductor.retry_1", body={"from": "ids", "path": "/values"}),
    ]
    return Proposal.model_validate(
        {
            "goal": {"goal_id": "retry", "text": f"retry the failed runs of {workflow}"},
            "plan": {"dag_id": "retry", "nodes": [{"task_id": "t", "description": "find failed runs, retry them"}]},
            "decompositions": [{"task_id": "t", "steps": steps}],
            "answer": {"retried": {"from": "retried", "path": "/body/bulkSuccessfulResults"}},
        }
    )


def asking(url: str) -> Policy:
    """Gives a policy that lets this server be reached, and bulk retries after a person has agreed."""
    rule = Rule(tools="conductor.retry_1", action="ask", reason="runs begin anew")
    host = url.removeprefix("http://").removesuffix("/api")
    return Policy(name="operations", rules=(rule,), allowed_hosts=(host,))


def until_indexed(client: ConductorClient, workflow: str, count: int) -> None:
    """The server indexes ended runs a moment after they end."""
    url = f"{client.url}/workflow/search"
    for _ in range(100):
        found = httpx.get(url, params={"query": f"workflowType = '{workflow}'"}, trust_env=False).json()
        if sum(item["status"] == "FAILED" for item in found["results"]) == count:
            return
        time.sleep(0.1)
    raise AssertionError(f"{count} failed runs were not indexed in 10 s")


def test_responses_keep_their_columns(catalogue: Catalogue) -> None:
    search = catalogue.get("conductor.search")
    assert search is not None
    columns = search.output_schema["properties"]["body"]["properties"]["results"]["items"]["properties"]
    assert {"workflowId", "status", "workflowType"} <= set(columns)
    assert "FAILED" in columns["status"]["enum"]


def test_failed_runs_are_retried_and_no_others(
    conductor_url: str, client: ConductorClient, catalogue: Catalogue, tmp_path: Path, build: Any
) -> None:
    fleet = Fleet(client)
    failed = {label: fleet.ended(label, "FAILED_WITH_TERMINAL_ERROR") for label in ("monday", "tuesday", "friday")}
    done, waiting = fleet.ended("sunday", "COMPLETED"), fleet.start("today")
    until_indexed(client, fleet.name, len(failed))

    program = certify(
        proposal(fleet.name),
        catalogue=catalogue,
        policy=asking(conductor_url),
        workers=frozenset({"python", "http"}),
    )
    assert program.by_id["retried"].needs_approval
    with Archive.create(tmp_path, "run") as archive:
        build.record(archive, program)
        result = build.executed(program, archive, runners(), approvals={program.approval_digest("retried")})
        assert result.status == "completed", result.feedback
        answered: Any = archive.get(result.outputs["retried"])
        assert verify(archive) == ()

    assert set(answered["body"]["bulkSuccessfulResults"]) == set(failed.values())
    assert {fleet.status(item) for item in failed.values()} == {"RUNNING"}
    assert (fleet.status(done), fleet.status(waiting)) == ("COMPLETED", "RUNNING")
    for label, item in failed.items():  # and they run: their task is handed out once more, as a new attempt
        before = {task.task_id for task in client.workflow(item).tasks if task.status == "FAILED_WITH_TERMINAL_ERROR"}
        assert fleet.answer(label, "COMPLETED").task_id not in before
        assert fleet.status(item) == "COMPLETED"


def test_without_a_person_nothing_is_retried(
    conductor_url: str, client: ConductorClient, catalogue: Catalogue, tmp_path: Path, build: Any
) -> None:
    fleet = Fleet(client)
    failed = fleet.ended("monday", "FAILED_WITH_TERMINAL_ERROR")
    until_indexed(client, fleet.name, 1)
    program = certify(
        proposal(fleet.name), catalogue=catalogue, policy=asking(conductor_url), workers=frozenset({"python", "http"})
    )
    with Archive.create(tmp_path, "run") as archive:
        build.record(archive, program)
        result = build.executed(program, archive, runners())
    assert (result.status, result.failed_step) == ("failed", "retried")
    assert [error.code for error in result.feedback["retried"].errors] == ["approval_required"]
    assert fleet.status(failed) == "FAILED"


@pytest.mark.parametrize(
    ("index", "changed"),
    [
        (1, {"table": {"from": "found", "path": "/body/totalHits"}}),
        (3, {"body": {"from": "failed", "path": "/table"}}),
        (3, {"body": {"from": "found", "path": "/body/results/0/workflowId"}}),
    ],
    ids=["a number where rows are wanted", "rows where ids are wanted", "one id where a list is wanted"],
)
def test_what_does_not_fit_the_described_schemas_is_not_certified(
    conductor_url: str, catalogue: Catalogue, index: int, changed: dict[str, Any]
) -> None:
    given = proposal("export").model_dump(mode="json", by_alias=True)
    given["decompositions"][0]["steps"][index]["tool_intent"]["required_inputs"].update(changed)
    with pytest.raises(ProposalRejected, match=next(iter(changed))):
        certify(given, catalogue=catalogue, policy=asking(conductor_url), workers=frozenset({"python", "http"}))


def test_the_default_policy_lets_no_request_out(catalogue: Catalogue) -> None:
    with pytest.raises(ProposalRejected, match=r"conductor\.retry_1"):
        certify(proposal("export"), catalogue=catalogue, policy=DEFAULT_POLICY, workers=frozenset({"python", "http"}))
