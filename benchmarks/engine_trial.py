"""One timed run of a program on an engine, durable as always."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

from benchmarks.suite import Record
from dagwright.program import Program
from executor.archive.archive import Archive
from executor.bindings.python import PythonRunner
from executor.engine.engine import Engine, Progress
from executor.worker.worker import GuardedWorker
from executor.workflow.compile import compile_workflow


def timed(program: Program, engine: Engine, *, patience: float = 3_600) -> Record:
    """Runs a program in a new archive; gives how it ended and the seconds of the engine's `run`.

    After `patience` seconds it is cancelled.
    """
    cancelled = threading.Event()
    watch = threading.Timer(patience, cancelled.set)
    watch.daemon = True
    workflow = compile_workflow(program)
    with tempfile.TemporaryDirectory() as folder, Archive.create(Path(folder), "bench") as archive:
        worker = GuardedWorker(program, archive, {"python": PythonRunner(("benchmarks.dags",))})
        watch.start()
        begun = time.perf_counter()
        result = engine.run(
            workflow,
            run=archive.run,
            program=program.hash,
            worker=worker,
            archive=archive,
            cancelled=cancelled,
            on_progress=_unseen,
        )
        seconds = time.perf_counter() - begun
        watch.cancel()
        worker.close()
    return {"engine": engine.name, "status": result.status, "seconds": seconds, "steps": len(result.outputs)}


def _unseen(_progress: Progress) -> None:
    return
