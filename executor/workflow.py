"""`WorkflowDef`: Conductor's own workflow JSON, the subset that the compiler emits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from dagwright.model import Frozen


class WorkflowTask(Frozen):
    """One task of a workflow, in Conductor's field names."""

    name: str
    """Name of the TaskDef: `{tool}.{operation}` for steps, `fork`, `join`, `done` for control."""
    task_reference_name: str = Field(alias="taskReferenceName")
    """Unique in the workflow; a step's id for steps."""
    type: Literal["SIMPLE", "FORK_JOIN", "JOIN", "NOOP"]
    """Type in Conductor."""
    input_parameters: dict[str, JsonValue] = Field(default_factory=dict, alias="inputParameters")
    """For steps `{run, program, step}`: references, never values."""
    fork_tasks: tuple[tuple[WorkflowTask, ...], ...] = Field(default=(), alias="forkTasks")
    """Branches of a FORK_JOIN."""
    join_on: tuple[str, ...] = Field(default=(), alias="joinOn")
    """Markers that a JOIN waits for."""
    optional: bool = False
    """Whether the workflow goes on when it fails."""


class TaskDef(Frozen):
    """How a step's task is retried and timed, in Conductor's field names (seconds)."""

    name: str
    retry_count: int = Field(default=0, alias="retryCount")
    retry_logic: Literal["FIXED", "EXPONENTIAL_BACKOFF", "LINEAR_BACKOFF"] = Field(
        default="EXPONENTIAL_BACKOFF", alias="retryLogic"
    )
    retry_delay_seconds: int = Field(default=1, alias="retryDelaySeconds")
    backoff_scale_factor: int = Field(default=2, alias="backoffScaleFactor")
    timeout_seconds: int = Field(alias="timeoutSeconds")
    response_timeout_seconds: int = Field(alias="responseTimeoutSeconds")
    poll_timeout_seconds: int = Field(alias="pollTimeoutSeconds")
    timeout_policy: Literal["RETRY", "TIME_OUT_WF"] = Field(default="RETRY", alias="timeoutPolicy")
    owner_email: str = Field(default="dagwright@localhost.localdomain", alias="ownerEmail")


class WorkflowDef(Frozen):
    """A workflow as Conductor takes it, with the TaskDefs that it needs beside it."""

    name: str
    description: str = ""
    version: int = 1
    schema_version: int = Field(default=2, alias="schemaVersion")
    tasks: tuple[WorkflowTask, ...]
    input_parameters: tuple[str, ...] = Field(default=("run", "program"), alias="inputParameters")
    output_parameters: dict[str, JsonValue] = Field(default_factory=dict, alias="outputParameters")
    timeout_policy: Literal["TIME_OUT_WF", "ALERT_ONLY"] = Field(default="TIME_OUT_WF", alias="timeoutPolicy")
    timeout_seconds: int = Field(default=0, alias="timeoutSeconds")
    owner_email: str = Field(default="dagwright@localhost.localdomain", alias="ownerEmail")
    restartable: bool = True
    task_defs: tuple[TaskDef, ...] = Field(default=(), alias="taskDefs")
    """Registered beside the workflow; not part of Conductor's WorkflowDef itself."""
