"""Runs to be replayed: programs drawn over the toolchest and real tables, executed by the whole pipeline."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, cast

from pydantic import JsonValue

from benchmarks.goal import load_goals, table_path
from benchmarks.proposals import Call, Json, proposal_of, sources_of
from dagwright.canonical import to_json
from dagwright.exceptions import ToolUnavailable
from dagwright.feedback import Outcome
from dagwright.llm.model import Model
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec
from executor.bindings.runner import Runners, ToolContext
from executor.engine.engine import Progress
from executor.toolchest import default_catalogue
from executor.toolchest.reading import read_csv
from orchestrator.ingest import read_input
from orchestrator.listener import Listener
from orchestrator.setup import Setup

STEPS = (4, 10)
"""Steps of a program, besides the one that loads its table."""

STOPPED, FLAKY = 3, 4
"""Of five runs, which is stopped and resumed, and which has tools that fail."""

DRAWS = 40
"""Calls that are tried for each step; the validator refuses most, for a column or a type that is not there."""

LEFT_OUT = frozenset(("data.load_csv", "data.load_json", "data.load_sqlite", "files.read_text", "data.join_tables"))
"""Operations that need a file of their own, or a second table."""


def tables() -> list[Path]:
    """Gives the tables of the demo's goals, each once."""
    files = {file for part in ("development", "heldout") for goal in load_goals(part) for file in goal.inputs.values()}
    return [table_path(file) for file in sorted(files)]


class _Stop(Listener):
    """Stops a run as soon as so many steps were completed."""

    def __init__(self, after: int, cancelled: threading.Event) -> None:
        self._left, self._cancelled = after, cancelled

    def progress(self, progress: Progress) -> None:
        """Counts."""
        self._left -= progress.state == "completed"
        if self._left <= 0:
            self._cancelled.set()


def recorded_run(number: int, seed: int, setup: Setup) -> Outcome:
    """Draws a program, executes it in a new run and gives how it ended.

    Of five runs, one is stopped on its way and resumed, and one has tools that fail now and then.

    Raises:
        InputError: the table cannot be read.
    """
    from orchestrator.pipeline import resume_run, run_proposal

    random = Random(f"{seed}/{number}")
    folder = setup.home / "drawn" / f"{number:04}"
    (folder / "inputs").mkdir(parents=True)
    sources = tables()
    proposal = Proposal.model_validate(drawn(random, sources[number % len(sources)], folder, setup))
    if number % 5 == FLAKY:
        return run_proposal(proposal, replace(setup, runners=_flaky(setup, random)), folder=folder)
    if number % 5 == STOPPED:
        cancelled = threading.Event()
        stopping = replace(setup, listener=_Stop(random.randint(1, 4), cancelled), cancelled=cancelled)
        outcome = run_proposal(proposal, stopping, folder=folder)
        return resume_run(outcome.run, setup) if outcome.status == "cancelled" else outcome
    return run_proposal(proposal, setup, folder=folder)


def _flaky(setup: Setup, random: Random) -> Callable[[Model], Runners]:
    """Gives runners whose Python tools are not available in one of ten calls."""

    def made(model: Model) -> Runners:
        found = setup.runners(model)

        def runner(spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> dict[str, JsonValue]:
            if random.random() < 0.1:
                raise ToolUnavailable("it is not available now")
            return found["python"](spec, arguments, context)

        return {**found, "python": runner}

    return made


def drawn(random: Random, source: Path, folder: Path, setup: Setup) -> Json:
    """Gives a valid proposal of calls that were drawn one by one and kept where the validator has no error."""
    from orchestrator.planning import check

    given = read_input("table", source, into=folder / "inputs")
    columns = list(read_csv(source).columns)
    calls = [Call(step_id="s0", operation="data.load_csv", inputs={"file": {"input": "table"}}, task_id="t0")]
    whole = _whole(calls, to_json(given))
    specs = [spec for spec in default_catalogue().tools if spec.name not in LEFT_OUT]
    for place in range(1, random.randint(*STEPS) + 1):
        for _ in range(DRAWS):
            tried = [*calls, _call(random, place, calls, random.choice(specs), columns)]
            proposal = _whole(tried, to_json(given))
            if check(proposal, setup).is_valid:
                calls, whole = tried, proposal
                break
    return whole


def _whole(calls: list[Call], given: Any) -> Json:
    proposal = proposal_of("drawn", "Do what was drawn.", calls, inputs={"table": given})
    used = {str(value.get("from")) for call in calls for value in call.inputs.values()}
    used |= {
        str(item.get("from")) for call in calls for value in call.inputs.values() for item in value.get("list", ())
    }
    proposal["answer"] = {call.step_id: {"from": call.step_id} for call in calls if call.step_id not in used}
    return proposal


def _call(random: Random, place: int, calls: list[Call], spec: ToolSpec, columns: list[str]) -> Call:
    schema = cast("Json", spec.input_schema)
    required = set(schema.get("required", ()))
    names = [name for name in schema["properties"] if name in required or random.random() < 0.3]
    inputs = {name: _value(random, name, schema["properties"][name], place, calls, columns) for name in names}
    before = any(True for value in inputs.values() for _ in sources_of(value))
    return Call(step_id=f"s{place}", operation=spec.name, inputs=inputs, task_id=f"t{place}" if before else "t0")


def _value(random: Random, name: str, schema: Json, place: int, calls: list[Call], columns: list[str]) -> Json:
    if name == "table":
        return {"from": random.choice(calls).step_id, "path": "/table"}
    if name == "items":
        some = random.sample(calls, min(len(calls), 2))
        return {"list": [{"from": call.step_id, "path": random.choice(("/table", "/value"))} for call in some]}
    return {"literal": _literal(random, name, schema, place, columns)}


def _literal(random: Random, name: str, schema: Json, place: int, columns: list[str]) -> Any:
    kind = schema.get("type")
    if schema.get("enum"):
        return random.choice(schema["enum"])
    if "x-column-of" in schema:
        chosen = random.sample(columns, min(len(columns), random.randint(1, 3)))
        return (
            {column: f"{column}_{place}" for column in chosen}
            if kind == "object"
            else chosen
            if kind == "array"
            else chosen[0]
        )
    if name == "path":
        return f"out{place}.{random.choice(('csv', 'json', 'txt', 'md', 'png', 'svg', 'db'))}"
    if name == "edges":
        return sorted(random.sample(range(1, 200), 2))
    if name == "labels":
        return ["low", "middle", "high"]
    if kind in ("integer", "number"):
        return random.randint(1, 40)
    if kind == "boolean":
        return random.random() < 0.5
    return random.choice((7, 40.5, "a", f"n{place}")) if isinstance(kind, list) else f"n{place}"


def archives_below(folder: Path) -> Iterator[Path]:
    """Gives the folders of all runs below a folder, in order."""
    yield from sorted(path.parent for path in folder.rglob("archive.db"))
