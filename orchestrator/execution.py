"""Phase 5: a certified program on an engine, every step through the guarded worker."""

from __future__ import annotations

from dagwright.exceptions import ApprovalRequired
from dagwright.llm.model import Model
from dagwright.program import Program
from executor.archive import Archive
from executor.engine import EngineResult
from orchestrator.approval import Refused, approval_of, open_steps, refusals, standing
from orchestrator.setup import Setup


def approve(program: Program, setup: Setup, archive: Archive) -> None:
    """Gets a person's approval for each step that needs one.

    Raises:
        Refused: a person said no to some step.
        ApprovalRequired: nobody decided yet.
    """
    refused = refusals(archive.events())
    for item in open_steps(program, standing(archive.events())):
        step = item.step.step_id
        digest = program.approval_digest(step)
        if digest in refused:
            raise Refused(f"step {step!r} ({item.spec.name}) was refused by {refused[digest]}")
        archive.append("approval.requested", {"step": step, "digest": digest})
        decision = setup.approver(program, item)
        if decision == "later":
            raise ApprovalRequired(
                f"step {step!r} ({item.spec.name}) waits for approval: dagwright approve {archive.run} {step}"
            )
        if decision == "reject":
            archive.append("approval.refused", {"step": step, "digest": digest, "by": setup.approver_name})
            raise Refused(f"step {step!r} ({item.spec.name}) was refused by {setup.approver_name}")
        given = approval_of(program, step, by=setup.approver_name)
        archive.append("approval.given", given.model_dump(mode="json"))


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
