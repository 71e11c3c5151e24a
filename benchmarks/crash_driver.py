"""The process that `bench crash` kills: begins a run, or goes on with the one that is there.

Writes one JSON object a line: `{"ready": …}` when it is about to begin, `{"running": …}` when a step begins
(both on the clock of `time.monotonic`, which processes of one machine share), `{"outcome": …}` at the end.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from pydantic import JsonValue

from benchmarks.crash_observer import do
from benchmarks.crash_world import case_of, summed, world
from dagwright.exceptions import ArchiveError, ToolRejected
from dagwright.policy import Policy
from dagwright.tool import ToolSpec
from executor.archive.archive import Archive
from executor.archive.folder import runs
from executor.bindings.runner import Runners, ToolContext
from executor.bindings.worker import WorkerRunner
from executor.engine.engine import Progress
from executor.workflow.instance import parts_of
from orchestrator.assembly import open_engine
from orchestrator.listener import Listener
from orchestrator.pipeline import resume_run, run_proposal
from orchestrator.setup import Setup
from orchestrator.strategy.interleaved import Interleaved


def main(argv: Sequence[str]) -> None:
    """Runs one trial's plan as far as this process lives."""
    asked = _parser().parse_args(list(argv))
    case, setup = case_of(asked.seed, asked.acts.split(",")), _setup(asked)
    run = begun(asked.home)
    _say({"ready": time.monotonic()})
    outcome = resume_run(run, setup) if run else run_proposal(case.proposal, setup, folder=asked.home)
    _say({"outcome": outcome.model_dump(mode="json")})


def begun(home: Path) -> str | None:
    """Gives the run whose proposal is written down; one that died before is to be executed anew, as it says itself."""
    for run in runs(home):
        try:
            with Archive.open(home, run, read_only=True) as archive:
                if list(archive.events("proposal")):
                    return run
        except ArchiveError:
            continue
    return None


class _Tool:
    """Runs the operations of the world: time passes before and after each is done."""

    def __init__(self, port: int, trial: str, pause: float) -> None:
        self._port, self._trial, self._pause, self._random = port, trial, pause, Random()

    def __call__(self, spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> dict[str, JsonValue]:
        self._wait()
        if spec.effect != "read":
            do(self._port, self._trial, spec.operation, context.step)
        self._wait()
        if spec.operation == "refuse":
            raise ToolRejected("never", code="http_409")
        if spec.operation == "list":
            return arguments
        if spec.operation == "tick":
            return {"value": parts_of(context.step)[1] or 0}
        return {"value": summed([arguments["number"], arguments["after"]])}

    def _wait(self) -> None:
        time.sleep(self._random.random() * self._pause)


class _Told(Listener):
    def progress(self, progress: Progress) -> None:
        if progress.state == "running":
            _say({"running": time.monotonic()})


def _say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def _setup(asked: argparse.Namespace) -> Setup:
    tool = _Tool(asked.observer, asked.trial, asked.pause)
    runners: Callable[[Any], Runners] = lambda served: {"python": tool, "worker": WorkerRunner()}  # noqa: E731 - a field
    return Setup(
        home=asked.home,
        model=_NoModel(),
        strategy=Interleaved(),
        catalogue=world(asked.worker),
        engine=open_engine(asked.engine),
        runners=runners,
        policy=Policy(name="crash", allowed_hosts=(f"127.0.0.1:{asked.worker}",)),
        listener=_Told(),
    )


class _NoModel:
    """Stands where a model would: nothing here asks one."""

    name = "none"
    accepts_grammar = False

    def complete(self, request: object) -> Any:
        raise AssertionError("no step of this suite asks a model")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--trial", required=True, help="its name with the observer")
    parser.add_argument("--seed", type=int, required=True, help="of the plan")
    parser.add_argument("--acts", required=True, help="what its steps are drawn from")
    parser.add_argument("--engine", required=True, help="embedded, or the URL of a Conductor server")
    parser.add_argument("--observer", type=int, required=True, help="its port")
    parser.add_argument("--worker", type=int, default=0, help="port of the worker that does `away`")
    parser.add_argument("--pause", type=float, required=True, help="most seconds before and after an operation")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
