"""`ConductorClient`: the part of Conductor's REST API that running workflows takes.

Plain HTTP instead of conductor-python's clients: importing those takes 0.2 s and switches
multiprocessing to spawn for the whole process, its worker threads stalled on SQLite, and none of
its calls takes a deadline. Ten requests are all that is needed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from dagwright.exceptions import ContentError, TimedOut, TransportError, Unreachable

REMEDY = "dagwright conductor up"
"""The command that starts a server."""

ATTEMPTS = 4
"""How often a request is made before the server counts as gone."""

TaskStatus = Literal[
    "SCHEDULED",
    "IN_PROGRESS",
    "COMPLETED",
    "COMPLETED_WITH_ERRORS",
    "FAILED",
    "FAILED_WITH_TERMINAL_ERROR",
    "TIMED_OUT",
    "CANCELED",
    "SKIPPED",
]
WorkflowStatus = Literal["RUNNING", "PAUSED", "COMPLETED", "FAILED", "TIMED_OUT", "TERMINATED"]


class _Answer(BaseModel):
    """What a server says; it may say more than is known here."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class TaskView(_Answer):
    """One attempt at a task."""

    task_id: str
    reference_task_name: str
    task_type: str = ""
    workflow_instance_id: str = ""
    status: TaskStatus
    input_data: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    output_data: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    sub_workflow_id: str | None = None
    """Of a SUB_WORKFLOW that has begun: the execution that it is."""


class WorkflowView(_Answer):
    """One execution of a workflow."""

    workflow_id: str
    status: WorkflowStatus
    tasks: tuple[TaskView, ...] = ()
    reason_for_incompletion: str | None = None


class ConductorRefused(ContentError):
    """Raised when the server answers that a request is wrong."""

    exit_code = 3

    def __init__(self, message: str, *, status: int) -> None:
        self.status = status
        super().__init__(message)


class ConductorClient:
    """Talks to one server, or to several on one database: where one does not answer, the next is asked.

    Thread-safe; every request has a time-out and a bounded number of attempts.
    """

    def __init__(self, url: str, *, timeout: float = 20.0) -> None:
        """`url` is the address of the API, `http://HOST:PORT/api`, or several separated by commas.

        `timeout` is in seconds a request.
        """
        self._urls = [part.strip().rstrip("/") for part in url.split(",") if part.strip()]
        if not self._urls:
            raise ValueError("a client needs the address of a server")
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=32)
        self._http = httpx.Client(timeout=timeout, limits=limits, trust_env=False)

    @property
    def url(self) -> str:
        """The address of the server that is asked now."""
        return self._urls[0]

    def close(self) -> None:
        """Closes all connections."""
        self._http.close()

    def register(self, workflows: Sequence[Mapping[str, JsonValue]], tasks: Sequence[Mapping[str, JsonValue]]) -> None:
        """Registers workflows and their tasks; what is there under the same names is replaced."""
        if tasks:
            self._send("POST", "/metadata/taskdefs", json=list(tasks))
        answer = self._send("PUT", "/metadata/workflow", json=list(workflows)).json()
        failed = answer.get("bulkErrorResults") if isinstance(answer, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if failed:
            names = ", ".join(repr(workflow["name"]) for workflow in workflows)
            raise ConductorRefused(f"Conductor refused one of the workflows {names}: {failed}", status=400)

    def check(self) -> None:
        """Makes one attempt to reach each server, until one answers.

        Raises:
            Unreachable: none is there.
        """
        self.poll("dagwright.none", "none", "dagwright", count=1, milliseconds=0, attempts=len(self._urls))

    def start(self, definition: Mapping[str, JsonValue], correlation: str, inputs: Mapping[str, JsonValue]) -> str:
        """Starts a workflow, with its correlation id as the domain of its tasks, and gives its id.

        Not repeated when its answer is lost: look it up instead.
        """
        body = {
            "name": definition["name"],
            "version": definition["version"],
            "workflowDef": definition,
            "correlationId": correlation,
            "input": dict(inputs),
            "taskToDomain": {"*": correlation},
        }
        return self._send("POST", "/workflow", json=body, attempts=1).text.strip().strip('"')

    def correlated(self, name: str, correlation: str) -> list[WorkflowView]:
        """Gives the executions of a workflow with this correlation id, ended ones too."""
        path = f"/workflow/{quote(name, safe='')}/correlated/{quote(correlation, safe='')}"
        answer = self._send("GET", path, params={"includeClosed": True, "includeTasks": False}).json()
        return [WorkflowView.model_validate(item) for item in answer]

    def workflow(self, workflow_id: str, *, tasks: bool = True) -> WorkflowView:
        """Gives an execution, with all attempts at its tasks."""
        answer = self._send("GET", f"/workflow/{workflow_id}", params={"includeTasks": tasks})
        return WorkflowView.model_validate(answer.json())

    def decide(self, workflow_id: str) -> None:
        """Makes the server look at an execution now: time-outs, joins, what is next."""
        self._send("PUT", f"/workflow/decide/{workflow_id}")

    def terminate(self, workflow_id: str, reason: str) -> None:
        """Ends an execution; harmless where it has ended."""
        try:
            self._send("DELETE", f"/workflow/{workflow_id}", params={"reason": reason})
        except ConductorRefused:
            if self.workflow(workflow_id, tasks=False).status in ("RUNNING", "PAUSED"):
                raise

    def poll(
        self, task: str, domain: str, worker: str, *, count: int, milliseconds: int, attempts: int = ATTEMPTS
    ) -> list[TaskView]:
        """Takes up to `count` scheduled tasks of a type; waits at most that long for the first, by steps of 100."""
        params: dict[str, Any] = {"workerid": worker, "domain": domain, "count": count, "timeout": milliseconds}
        answer = self._send("GET", f"/tasks/poll/batch/{quote(task, safe='')}", params=params, attempts=attempts)
        if not answer.content:
            return []
        return [TaskView.model_validate(item) for item in answer.json()]

    def update(
        self, task: TaskView, status: TaskStatus, *, output: Mapping[str, JsonValue], reason: str = "", worker: str = ""
    ) -> None:
        """Says how an attempt ended. That it returns does not mean that the server took it: read it back."""
        body: dict[str, Any] = {
            "taskId": task.task_id,
            "workflowInstanceId": task.workflow_instance_id,
            "status": status,
            "outputData": dict(output),
            "reasonForIncompletion": reason[:500],
            "workerId": worker,
        }
        self._send("POST", "/tasks", json=body)

    def extend(self, task: TaskView) -> None:
        """Starts an attempt's response time-out anew (a heartbeat)."""
        body = {
            "taskId": task.task_id,
            "workflowInstanceId": task.workflow_instance_id,
            "status": "IN_PROGRESS",
            "extendLease": True,
        }
        self._send("POST", "/tasks", json=body)

    def _send(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, Any] | None = None,
        attempts: int = ATTEMPTS,
    ) -> httpx.Response:
        error: Exception | None = None
        for attempt in range(attempts):
            if attempt:
                time.sleep(0.25 * 2**attempt)
            url = self.url
            try:
                answer = self._http.request(method, f"{url}{path}", json=json, params=params)
            except httpx.TimeoutException as late:
                error = TimedOut(f"Conductor did not answer {method} {path} in time: {late}")
            except (httpx.TransportError, RuntimeError) as broken:  # the latter where the client was closed meanwhile
                error = Unreachable("the Conductor server", f"{url}: {broken}", remedy=REMEDY)
            else:
                if answer.status_code < 500:
                    return _accepted(answer, f"{method} {path}")
                error = TransportError(f"Conductor failed at {method} {path}: {answer.text[:500]}")
            self._turn_from(url)
        assert error is not None
        raise error

    def _turn_from(self, url: str) -> None:
        """Puts a server that did not answer last, unless another thread has just done so."""
        if self._urls[0] == url:
            self._urls = [*self._urls[1:], url]


def _accepted(answer: httpx.Response, what: str) -> httpx.Response:
    if answer.is_success:
        return answer
    raise ConductorRefused(f"Conductor refused {what}: {answer.text[:500]}", status=answer.status_code)
