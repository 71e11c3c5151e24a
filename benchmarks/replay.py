"""`bench replay`: whether archives replay byte for byte, and whether every kind of change to them is found.

Set `generated` (the default) executes programs drawn over the toolchest and the demo's tables. Set
`found` takes all archives below `--data DIR`, a home or a folder of homes, and is on where that is named.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, cast

from pydantic import JsonValue

from benchmarks.recordings import archives_below, recorded_run
from benchmarks.statistics import Metric, middle, share
from benchmarks.suite import Options, Progress, Record
from benchmarks.tampering import CLASSES, problem, tampered
from dagwright.exceptions import DagwrightError, InputError
from executor.archive.archive import Archive
from executor.replay.replay import replay

RUNS = 100
"""Programs that are drawn and executed."""

TRIES = 2
"""Places that are drawn in each class of changes, for each archive."""


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives one record per archive; `limit` is the most archives of a set.

    Raises:
        InputError: there is no such set, or there are no archives below the folder named.
    """
    sets = options.sets or (("generated", "found") if options.data else ("generated",))
    if unknown := sorted(set(sets) - {"generated", "found"}):
        raise InputError(f"there is no set {unknown[0]!r}; there are: generated, found")
    with tempfile.TemporaryDirectory(prefix="dagwright-bench-") as home:
        numbers = range(min(RUNS, options.limit or RUNS)) if "generated" in sets else range(0)
        others = _found(options) if "found" in sets else []
        total = len(numbers) + len(others)
        for done, (item, folder) in enumerate(_archives(numbers, others, options, Path(home)), start=1):
            record = measured(folder, Random(f"{options.seed}/{item}"), Path(home))
            missed = cast("list[JsonValue]", record["missed"])
            on_progress(done, total, f"{item}: {record['replayed']}, {record['changes']} changes, {len(missed)} missed")
            yield {"item": item, "set": item.partition("/")[0], **record}


def _found(options: Options) -> list[Path]:
    if options.data is None or not options.data.is_dir():
        raise InputError("set 'found' needs --data DIR: a home (DAGWRIGHT_HOME), or a folder of homes")
    found = list(archives_below(options.data))[: options.limit]
    if not found:
        raise InputError(f"there are no archives of runs below {str(options.data)!r}")
    return found


def _archives(numbers: range, others: list[Path], options: Options, home: Path) -> Iterator[tuple[str, Path]]:
    from benchmarks.trial import setup_of

    setup = setup_of("local", home) if numbers else None
    for number in numbers:
        item = f"generated/{number:04}"
        if setup is not None and item not in options.skip:
            outcome = recorded_run(number, options.seed, setup)
            yield item, home / "runs" / outcome.run
    for folder in others:
        item = f"found/{folder.name}"
        if item not in options.skip:
            yield item, folder


def measured(folder: Path, random: Random, scratch: Path) -> Record:
    """Replays an archive, verifies it, and changes copies of it in every way."""
    try:
        with Archive.at(folder, read_only=True) as archive:
            result = replay(archive)
            ended = next((cast("Any", event.body)["status"] for event in archive.events("outcome")), "open")
        replayed, reproduced, executed = str(result), result.reproduced, len(result.executed)
        taken, events = sum(result.taken.values()), result.events
    except DagwrightError as error:
        replayed, reproduced, executed, taken, events, ended = str(error), False, 0, 0, 0, "damaged"
    intact = problem(folder)
    tried = list(_changes(folder, random, scratch)) if not intact else []
    return {
        "ended": ended,
        "events": events,
        "reproduced": reproduced,
        "replayed": replayed,
        "executed": executed,
        "taken": taken,
        "intact": not intact,
        "problem": intact,
        "changes": len(tried),
        "found": {kind: sum(found for other, _, found in tried if other == kind) for kind, _, _ in tried},
        "tried": {kind: sum(other == kind for other, _, _ in tried) for kind, _, _ in tried},
        "missed": [f"{kind}: {done}" for kind, done, found in tried if not found],
    }


def _changes(folder: Path, random: Random, scratch: Path) -> Iterator[tuple[str, str, bool]]:
    for kind in CLASSES:
        for _ in range(TRIES):
            done, found, how = tampered(folder, kind, random, scratch / "tampered")
            if done and how != "harmless":
                yield kind, done, found


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives the shares of archives that replay and of changes that are found, each class by itself too."""
    tried: dict[str, int] = {}
    found: dict[str, int] = {}
    for record in records:
        for kind, count in cast("dict[str, int]", record["tried"]).items():
            tried[kind] = tried.get(kind, 0) + count
            found[kind] = found.get(kind, 0) + cast("dict[str, int]", record["found"])[kind]
    executed = sum(cast("int", record["executed"]) for record in records)
    steps = executed + sum(cast("int", record["taken"]) for record in records)
    metrics = {
        "reproduced": share(sum(bool(record["reproduced"]) for record in records), len(records)),
        "intact": share(sum(bool(record["intact"]) for record in records), len(records)),
        "events": middle([float(cast("int", record["events"])) for record in records], seed=seed),
    }
    if steps:
        metrics["executed_again"] = share(executed, steps)
    if tried:
        metrics["tampering_found"] = share(sum(found.values()), sum(tried.values()))
    return metrics | {f"found.{kind.replace(' ', '_')}": share(found[kind], tried[kind]) for kind in sorted(tried)}
