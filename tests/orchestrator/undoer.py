"""A process that runs, or goes on with, a run that fails and is undone, with a trace outside. Meant to be killed."""

from __future__ import annotations

import importlib.util
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

from dagwright.exceptions import ToolRejected
from executor.archive.folder import runs


def shop() -> Any:
    spec = importlib.util.spec_from_file_location("shop", Path(__file__).with_name("test_rollback.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["shop"] = module
    spec.loader.exec_module(module)
    return module


def main(home: Path, seed: int) -> None:
    building, pause = shop(), random.Random(seed)
    trace = os.open(home / "effects", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    class Traced(building.Shop):
        def __call__(self, spec: Any, arguments: Any, context: Any) -> Any:
            if context.step == "last":
                raise ToolRejected("sold out", code="http_409")
            time.sleep(pause.random() * 0.03)
            os.write(trace, f"{spec.operation} {arguments.get('item') or arguments.get('id')}\n".encode())
            time.sleep(pause.random() * 0.03)
            return {"id": int(context.step.strip("s"))} if spec.operation in ("order", "note") else {}

    bench = building.Bench(home, Traced())
    rows = [(f"s{n}", "order" if n % 2 else "note", "compensate", [f"s{n - 1}"] if n > 1 else []) for n in range(1, 9)]
    rows.append(("last", "order", "none", ["s8"]))
    print("ready", flush=True)
    known = runs(home)
    outcome = bench.resume(known[0]) if known else bench.run(*rows)
    if outcome.not_undone:  # it has ended; what was in doubt has been answered since
        again = building.compensate_run(outcome.run, bench.setup())
        outcome = outcome.model_copy(update={"undone": again.undone, "not_undone": again.standing})
    print(outcome.model_dump_json(), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
