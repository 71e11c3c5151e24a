"""Phase 5: a certified program on an engine, every step through the guarded worker."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeVar

from pydantic import JsonValue

from dagwright.canonical import Sha256
from dagwright.llm.model import Model
from dagwright.program import Program
from executor.archive.archive import Archive
from executor.engine.engine import EngineResult
from orchestrator.approval import DECISIONS, standing
from orchestrator.ledgers import opened_ledger
from orchestrator.setup import Setup

if TYPE_CHECKING:
    from executor.worker.worker import GuardedWorker

_Worker = TypeVar("_Worker", bound="GuardedWorker")


def execute(program: Program, setup: Setup, archive: Archive, model: Model) -> EngineResult:
    """Runs a program to its end; steps that the archive shows as finished are not run again.

    Raises:
        Unreachable: the engine is not there, or the ledger that runs share.
        InputError: the run was begun with its effects in another scope.
    """
    from executor.worker.worker import GuardedWorker
    from executor.workflow.compile import compile_workflow

    with working(GuardedWorker, (program,), setup, archive, model) as workers:
        workflow = compile_workflow(program)
        compiled: dict[str, JsonValue] = {"program": program.hash, "workflow": archive.put(workflow)}
        scope: dict[str, JsonValue] = {"scope": setup.shared.scope} if setup.shared else {}
        archive.append("workflow", {**compiled, "state": "compiled", **scope})
        setup.listener.executing(program)
        return setup.engine.run(
            workflow,
            run=archive.run,
            program=program.hash,
            worker=workers[program.hash],
            archive=archive,
            cancelled=setup.cancelled,
            on_progress=setup.listener.progress,
        )


@contextmanager
def working(
    kind: type[_Worker], programs: Iterable[Program], setup: Setup, archive: Archive, model: Model
) -> Generator[dict[Sha256, _Worker]]:
    """Gives a worker for each program, by its hash, with all that it needs, for as long as the context lasts.

    Raises:
        Unreachable: the ledger that runs share is not there.
        InputError: the run was begun with its effects in another scope.
    """
    from executor.bindings import close

    with opened_ledger(setup.shared, archive) as ledger, ExitStack() as leaving:
        runners, approvals = setup.runners(model), standing(archive.events(*DECISIONS))
        leaving.callback(close, runners)
        found: dict[Sha256, _Worker] = {}
        for program in programs:
            found[program.hash] = kind(
                program,
                archive,
                runners,
                approvals=approvals,
                secrets=setup.secrets,
                breakers=setup.breakers,
                ledger=ledger,
                tenant=setup.tenant,
            )
            leaving.callback(found[program.hash].close)
        setup.executing.set()
        leaving.callback(setup.executing.clear)
        yield found
