"""`ConductorEngine`: runs a workflow on a Conductor server; the tools run here, under the same guard."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from dagwright.exceptions import TransportError
from executor.archive.archive import Archive
from executor.conductor.attempts import Run
from executor.conductor.client import ConductorClient
from executor.conductor.drive import Drive, ServerFailed
from executor.conductor.native import Answers, native_passes, native_tasks, native_workflow
from executor.conductor.outbox import Outbox
from executor.engine.decide import Execution
from executor.engine.engine import Activation, EngineResult, Progress, StepResult, Worker
from executor.engine.history import History
from executor.workflow.definition import WorkflowDef
from executor.workflow.instance import Instance, parts_of

EXECUTIONS = 4
"""How many executions one call of `run` begins at most, one after the other, where the server fails them."""


class ConductorEngine:
    """The engine for many runs, or for those who have Conductor anyway."""

    name = "conductor"

    def __init__(self, url: str, *, workers: int = 32) -> None:
        """Runs at most `workers` attempts at a time.

        `url` is the address of the API, `http://HOST:PORT/api`, or several, separated by commas, of servers on
        one database: where one does not answer, the next is asked.
        """
        if workers < 1:
            raise ValueError(f"an engine needs at least 1 worker, not {workers}")
        self._url = url
        self._workers = workers

    def run(
        self,
        workflow: WorkflowDef,
        *,
        run: str,
        program: str,
        worker: Worker,
        archive: Archive,
        cancelled: threading.Event,
        on_progress: Callable[[Progress], None],
    ) -> EngineResult:
        """Runs the workflow to its end, going on with the execution that an earlier call left on the server.

        Raises:
            Unreachable: the server is not there, or was away for longer than a minute.
            ConductorRefused: the server does not take the workflow.
            ServerFailed: the server failed one execution after the other for reasons of its own.
            InputError: the workflow is not one that can end.
            ArchiveError: the disk is full or broken.
        """

        def call(step: Instance, attempt: int, stop: threading.Event) -> StepResult:
            name, number = parts_of(step)
            return worker(
                Activation(run=run, program=program, step=name, number=number, attempt=attempt, cancelled=stop)
            )

        client = ConductorClient(self._url)
        outbox = Outbox(archive.folder, run)

        def followed() -> EngineResult:
            job = Run(
                workflow=workflow,
                execution=Execution(workflow),
                history=History.shared(archive, program),
                archive=archive,
                answers=Answers(workflow, run),
                call=call,
                on_progress=on_progress,
                workers=self._workers,
            )
            return Drive(job, client, lambda: _begin(client, workflow, outbox, run, program)).to_end(cancelled)

        try:
            for _ in range(EXECUTIONS - 1):
                with suppress(ServerFailed):
                    return followed()
            return followed()
        finally:
            client.close()


def _begin(client: ConductorClient, workflow: WorkflowDef, outbox: Outbox, run: str, program: str) -> tuple[str, str]:
    """Gives id and domain of the execution that is to be followed: one that runs or has completed, or a new one."""
    correlation = outbox.correlation(program)
    client.check()
    found = client.correlated(workflow.name, correlation)
    for view in found:
        if view.status in ("RUNNING", "PAUSED", "COMPLETED"):
            return view.workflow_id, correlation
    if found:
        correlation = outbox.correlation(program, renew=True)
    definition = native_workflow(workflow)
    client.register([definition, *native_passes(workflow)], native_tasks(workflow))
    try:
        return client.start(definition, correlation, {"run": run, "program": program}), correlation
    except TransportError:  # its answer may be what was lost
        begun = client.correlated(workflow.name, correlation)
        if not begun:
            raise
        return begun[0].workflow_id, correlation
