"""`bench plancompiler`: data pipelines in explicit words over CSV, JSON and SQLite files.

Tasks and criteria: PlanCompiler (arXiv 2604.13092, Apache-2.0). `right` is their own judgement: the
file is there, has the columns, has so many rows. `strict` is ours: the file holds the very table that
independent pandas code makes of the task's words. Published for set a (three runs, all must pass):
PlanCompiler with gpt-4o-mini 100 %, GPT-4.1 writing code 76 %, Claude Sonnet 4.6 60 %.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from benchmarks.demo import rejections
from benchmarks.pipeline_words import Expected, expected_of, read_table
from benchmarks.sources import folder_of, read_source
from benchmarks.statistics import Metric, mean, middle, share
from benchmarks.suite import Options, Progress, Record
from benchmarks.trial import Laboratory
from dagwright.exceptions import InputError

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_SETS = ("a",)
TOLERANCE = 1e-9
"""Relative difference up to which two numbers of a table are one."""


class FileExists(BaseModel):
    """The file was written."""

    type: Literal["file_exists"]
    path: str


class FileHasColumn(BaseModel):
    """The file's table has a column."""

    type: Literal["file_has_column"]
    path: str
    column: str


class FileRowCount(BaseModel):
    """The file's table has so many rows."""

    type: Literal["file_row_count"]
    path: str
    expected: int


Criterion = Annotated[FileExists | FileHasColumn | FileRowCount, Field(discriminator="type")]


class PipelineTask(BaseModel):
    """A task in the suite's own format."""

    model_config = ConfigDict(frozen=True)

    task_id: str
    description: str
    fixtures: dict[str, str]
    """Paths in the original repository by the names that the task uses."""
    success_criteria: tuple[Criterion, ...]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A task with its fixtures."""

    part: str
    task: PipelineTask
    fixtures: dict[str, Path]


def load_tasks(folder: Path, part: str) -> Iterator[Loaded]:
    """Gives the tasks of a set.

    Raises:
        InputError: the set or a fixture is not there, or the file is not a list of tasks.
    """
    path = folder / "tasks" / f"tasks_set_{part}.json"
    if not path.is_file():
        known = ", ".join(sorted(found.stem.removeprefix("tasks_set_") for found in path.parent.glob("*.json")))
        raise InputError(f"there is no set {part!r} of PlanCompiler tasks; there are: {known or 'none'}")
    try:
        tasks = TypeAdapter(list[PipelineTask]).validate_json(read_source(path))
    except ValidationError as error:
        raise InputError(f"{path.name} is not a list of PlanCompiler tasks: {error}") from error
    for task in tasks:
        fixtures = {name: folder / "fixtures" / Path(origin).name for name, origin in task.fixtures.items()}
        for fixture in fixtures.values():
            if not fixture.is_file():
                raise InputError(f"task {task.task_id!r} needs the fixture {str(fixture)!r}, which is not there")
        yield Loaded(part=part, task=task, fixtures=fixtures)


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives one record per task."""
    folder = folder_of("plancompiler", options.data)
    chosen = [one for part in options.sets or DEFAULT_SETS for one in list(load_tasks(folder, part))[: options.limit]]
    with Laboratory(options.model) as laboratory:
        for number, loaded in enumerate(chosen, start=1):
            item = loaded.task.task_id
            if item in options.skip:
                continue
            record = measured(loaded, laboratory)
            verdict = "right" if record["right"] else f"wrong: {record['faults'] or record['reason']}"
            on_progress(number, len(chosen), f"{item}: {verdict}, strict {record['strict']} ({record['seconds']} s)")
            yield {"item": item, **record}


def measured(loaded: Loaded, laboratory: Laboratory) -> Record:
    """Carries a task out as a goal and judges its files."""
    task = loaded.task
    with tempfile.TemporaryDirectory(prefix="dagwright-fixtures-") as folder:
        inputs = {Path(name).stem: Path(folder) / name for name in loaded.fixtures}
        for name, fixture in loaded.fixtures.items():
            shutil.copyfile(fixture, Path(folder) / name)
        trial = laboratory.carry_out(task.description, inputs)
    done = trial.outcome.status == "done"
    found = list(faults(task, trial.files)) if done else []
    expected = expected_of(task.description, loaded.fixtures)
    return {
        **trial.record(),
        "set": loaded.part,
        "text": task.description,
        "faults": cast("JsonValue", found),
        "right": done and not found,
        "strict": None if expected is None else done and holds(expected, trial.files),
    }


def faults(task: PipelineTask, files: Path) -> Iterator[str]:
    """Gives the suite's criteria that the files do not meet."""
    for criterion in task.success_criteria:
        path = files / criterion.path
        if not path.is_file():
            yield f"{criterion.path} was not written"
            continue
        if isinstance(criterion, FileExists):
            continue
        try:
            table = read_table(path)
        except InputError as error:
            yield str(error)
            continue
        if isinstance(criterion, FileHasColumn) and criterion.column not in table.columns:
            yield f"{criterion.path} has no column {criterion.column!r}"
        if isinstance(criterion, FileRowCount) and len(table) != criterion.expected:
            yield f"{criterion.path} has {len(table)} rows, not {criterion.expected}"


def holds(expected: Expected, files: Path) -> bool:
    """Whether the expected file was written, with the very columns and rows, in order where a task sorts."""
    try:
        found = read_table(files / expected.target)
    except InputError:
        return False
    wanted = expected.table
    if set(found.columns) != set(wanted.columns) or len(found) != len(wanted):
        return False
    found = found[list(wanted.columns)]
    if expected.sorted_by is not None and not _same_column(found[expected.sorted_by], wanted[expected.sorted_by]):
        return False
    ours, theirs = _in_order(found), _in_order(wanted)
    return all(_same_column(ours[name], theirs[name]) for name in wanted.columns)


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(list(table.columns), key=lambda column: column.astype(str)).reset_index(drop=True)


def _same_column(found: pd.Series[float], wanted: pd.Series[float]) -> bool:
    import pandas as pd

    ours, theirs = pd.to_numeric(found, errors="coerce"), pd.to_numeric(wanted, errors="coerce")
    for left, right, a, b in zip(ours, theirs, found, wanted, strict=True):
        if pd.isna(left) or pd.isna(right):
            if not (pd.isna(a) and pd.isna(b)) and str(a) != str(b):
                return False
        elif abs(left - right) > TOLERANCE * max(abs(left), abs(right)):
            return False
    return True


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives the shares judged right by the suite's criteria and by the strict table, and what it took."""
    strict = [bool(record["strict"]) for record in records if record["strict"] is not None]
    parts = list(dict.fromkeys(str(record["set"]) for record in records))
    each = {f"right_{part}": [bool(r["right"]) for r in records if r["set"] == part] for part in parts}
    return {
        "right": share(sum(bool(record["right"]) for record in records), len(records)),
        **({"strict": share(sum(strict), len(strict))} if strict else {}),
        "executed": share(sum(bool(record["executed"]) for record in records), len(records)),
        "tokens": mean([float(cast("int", record["tokens"])) for record in records], seed=seed),
        "seconds": middle([float(cast("float", record["seconds"])) for record in records], seed=seed),
        **({name: share(sum(hits), len(hits)) for name, hits in each.items()} if len(parts) > 1 else {}),
        **rejections(records),
    }
