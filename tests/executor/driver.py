"""A process that runs, or goes on with, one run whose steps leave a trace outside it. Meant to be killed."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

from dagwright.tool import Retry
from executor.archive.archive import Archive
from executor.engine.embedded import EmbeddedEngine
from executor.worker.worker import GuardedWorker
from executor.workflow.compile import compile_workflow

AFTER = {f"s{i}": [f"s{b}" for b in {i - 1 - i % 3, i // 2} if 0 <= b < i] for i in range(16)}


def builders() -> Any:
    spec = importlib.util.spec_from_file_location("building", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["building"] = module
    spec.loader.exec_module(module)
    return module


def main(home: Path, seed: int, idempotent: bool) -> None:
    building = builders()
    pause = random.Random(seed)
    operation = building.operation("mail.send", effect="write", idempotent=idempotent, retry=Retry(attempts=2, delay=0))
    program = building.program_of(AFTER, specs=dict.fromkeys(AFTER, operation))
    trace = os.open(home / "effects", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def send(spec: Any, arguments: Any, context: Any) -> Any:
        time.sleep(pause.random() * 0.02)
        os.write(trace, f"{context.step}\n".encode())
        time.sleep(pause.random() * 0.02)
        return {"by": context.step}

    fresh = not (home / "runs" / "run" / "archive.db").exists()
    with Archive.create(home, "run") if fresh else Archive.open(home, "run") as archive:
        if not list(archive.events("workflow")):
            building.record(archive, program)
        print("ready", flush=True)
        result = EmbeddedEngine(workers=4).run(
            compile_workflow(program),
            run="run",
            program=program.hash,
            worker=GuardedWorker(program, archive, {"python": send}),
            archive=archive,
            cancelled=threading.Event(),
            on_progress=lambda progress: None,
        )
    kinds = {step: [error.kind for error in feedback.errors] for step, feedback in result.feedback.items()}
    print(json.dumps({"status": result.status, "outputs": sorted(result.outputs), "errors": kinds}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "idempotent")
