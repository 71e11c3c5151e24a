"""The worker of `bench crash` in a process of its own: the template of `examples/worker`, with `away` for it to do."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.crash_observer import do
from benchmarks.crash_world import summed

TEMPLATE = Path(__file__).parents[1] / "examples" / "worker" / "worker.py"
VALUE = {"type": "object", "properties": {"value": {"type": "integer"}}, "required": ["value"]}


def serve(port: int, observer: int, trial: str, keys: Path, pause: float) -> None:
    """Serves until it is killed; the keys of what it was asked lie in a file, as a worker's should."""
    template, random = _template(), Random()
    worker = template.Worker(keys)

    @worker.operation("away", arguments={"type": "object"}, outputs=VALUE)
    def away(arguments: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
        time.sleep(random.random() * pause)
        do(observer, trial, "away", request["step"])
        time.sleep(random.random() * pause)
        return {"value": summed([arguments["number"], arguments["after"]])}

    worker.serve(port=port)


def _template() -> Any:
    spec = importlib.util.spec_from_file_location("worker_template", TEMPLATE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["worker_template"] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]), float(sys.argv[5]))
