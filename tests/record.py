"""Records what the local model answers to the goals of `tests/cassettes/goals.yaml`: all, or those named."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import yaml

from dagwright.feedback import Outcome
from dagwright.llm.cassette import Cassette
from dagwright.llm.local import LocalModel
from orchestrator.approval import approve_all
from orchestrator.assembly import Names, People, assemble
from orchestrator.cli.run import penguins
from orchestrator.pipeline import run_goal

ROOT = Path(__file__).parents[1]
CASSETTES = ROOT / "tests" / "cassettes"


def record(name: str, goal: dict, model: LocalModel, home: Path) -> Outcome:
    """Runs a goal, the model's answers written into its cassette, which begins anew."""
    path = CASSETTES / f"{name}.jsonl"
    path.unlink(missing_ok=True)
    people = People(approver=approve_all, approver_name="recorder", ask=None)
    setup = assemble(Names(model="local", catalogues=tuple(goal.get("catalogues", ()))), people, at=home)
    inputs = {n: penguins() if file == "penguins.csv" else ROOT / file for n, file in goal["inputs"].items()}
    return run_goal(goal["text"], inputs, replace(setup, model=Cassette(path, mode="record", model=model)))


def main(names: list[str]) -> int:
    """Records and says what came out; 1 if a goal was not reached."""
    goals = yaml.safe_load((CASSETTES / "goals.yaml").read_text(encoding="utf-8"))
    model = LocalModel()
    reached = True
    with tempfile.TemporaryDirectory() as home:
        for name in names or goals:
            outcome = record(name, goals[name], model, Path(home))
            print(f"{name}: {outcome.status} {outcome.reason} {outcome.answer} {outcome.seconds:.0f} s", flush=True)
            reached &= outcome.status == "done"
    model.close()
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
