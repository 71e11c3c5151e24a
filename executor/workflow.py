"""`WorkflowDef`: Conductor's own workflow JSON, the subset that the compiler emits."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from dagwright.model import Frozen


class Native(Frozen):
    """Base of what goes to Conductor: fields have their Conductor names in JSON."""

    model_config = ConfigDict(alias_generator=to_camel)


class WorkflowTask(Native):
    """One task of a workflow, in Conductor's field names."""

    name: str
    """Name of the TaskDef: `{tool}.{operation}` for steps, `fork`, `join`, `done` for control."""
    task_reference_name: str
    """Unique in the workflow; a step's id for steps."""
    type: Literal["SIMPLE", "FORK_JOIN", "JOIN", "NOOP"]
    """Type in Conductor."""
    input_parameters: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """For steps `{run, program, step}`: references, never values."""
    fork_tasks: tuple[tuple[WorkflowTask, ...], ...] = ()
    """Branches of a FORK_JOIN."""
    join_on: tuple[str, ...] = ()
    """Markers that a JOIN waits for."""
    optional: bool = False
    """Whether the workflow goes on when it fails."""


class TaskDef(Native):
    """How a step's task is retried and timed, in Conductor's field names (seconds)."""

    name: str
    retry_count: int = 0
    retry_logic: Literal["FIXED", "EXPONENTIAL_BACKOFF", "LINEAR_BACKOFF"] = "EXPONENTIAL_BACKOFF"
    retry_delay_seconds: int = 1
    backoff_scale_factor: int = 2
    timeout_seconds: int
    response_timeout_seconds: int
    poll_timeout_seconds: int
    timeout_policy: Literal["RETRY", "TIME_OUT_WF"] = "RETRY"
    owner_email: str = "dagwright@localhost.localdomain"


class WorkflowDef(Native):
    """A workflow as Conductor takes it, with the TaskDefs that it needs beside it."""

    name: str
    description: str = ""
    version: int = 1
    schema_version: int = 2
    tasks: tuple[WorkflowTask, ...]
    input_parameters: tuple[str, ...] = ("run", "program")
    output_parameters: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    timeout_policy: Literal["TIME_OUT_WF", "ALERT_ONLY"] = "TIME_OUT_WF"
    timeout_seconds: int = 0
    owner_email: str = "dagwright@localhost.localdomain"
    restartable: bool = True
    task_defs: tuple[TaskDef, ...] = ()
    """Registered beside the workflow; not part of Conductor's WorkflowDef itself."""
