"""Phase 5: a certified program on an engine, every step through the guarded worker."""

from __future__ import annotations

from dagwright.llm.model import Model
from dagwright.program import Program
from executor.archive import Archive
from executor.engine import EngineResult
from orchestrator.approval import standing
from orchestrator.setup import Setup


def execute(program: Program, setup: Setup, archive: Archive, model: Model) -> EngineResult:
    """Runs a program to its end; steps that the archive shows as finished are not run again.

    Raises:
        Unreachable: the engine is not there.
    """
    from executor.compile import compile_workflow
    from executor.worker import GuardedWorker

    workflow = compile_workflow(program)
    archive.append("workflow", {"program": program.hash, "workflow": archive.put(workflow), "state": "compiled"})
    worker = GuardedWorker(
        program,
        archive,
        setup.runners(model),
        approvals=standing(archive.events()),
        secrets=setup.secrets,
        breakers=setup.breakers,
    )
    setup.listener.executing(program)
    setup.executing.set()
    try:
        return setup.engine.run(
            workflow,
            run=archive.run,
            program=program.hash,
            worker=worker,
            archive=archive,
            cancelled=setup.cancelled,
            on_progress=setup.listener.progress,
        )
    finally:
        setup.executing.clear()
        worker.close()
