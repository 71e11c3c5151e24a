"""Phase 5: a certified program on an engine, every step through the guarded worker."""

from __future__ import annotations

from pydantic import JsonValue

from dagwright.llm.model import Model
from dagwright.program import Program
from executor.archive.archive import Archive
from executor.engine.engine import EngineResult
from orchestrator.approval import standing
from orchestrator.ledgers import opened_ledger
from orchestrator.setup import Setup


def execute(program: Program, setup: Setup, archive: Archive, model: Model) -> EngineResult:
    """Runs a program to its end; steps that the archive shows as finished are not run again.

    Raises:
        Unreachable: the engine is not there, or the ledger that runs share.
        InputError: the run was begun with its effects in another scope.
    """
    from executor.bindings import close
    from executor.worker.worker import GuardedWorker
    from executor.workflow.compile import compile_workflow

    with opened_ledger(setup.shared, archive) as ledger:
        workflow = compile_workflow(program)
        compiled: dict[str, JsonValue] = {"program": program.hash, "workflow": archive.put(workflow)}
        scope: dict[str, JsonValue] = {"scope": setup.shared.scope} if setup.shared else {}
        archive.append("workflow", {**compiled, "state": "compiled", **scope})
        runners = setup.runners(model)
        worker = GuardedWorker(
            program,
            archive,
            runners,
            approvals=standing(archive.events()),
            secrets=setup.secrets,
            breakers=setup.breakers,
            ledger=ledger,
            tenant=setup.tenant,
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
            close(runners)
