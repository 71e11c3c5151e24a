"""`bench crash`: kill -9 at random moments of runs whose effects an outside process counts.

Sets: `embedded` kills the process of the embedded engine and its workers, `tools` the process of a worker that
steps are sent to, `server` the Conductor server, `workers` the process of the Conductor engine and its workers.
What was killed is started again at once. A run that asks what happened to an effect is told what the observer
saw, and goes on. Conductor's sets are left out where no server can be started.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, cast

from pydantic import JsonValue

from benchmarks.crash_driver import begun
from benchmarks.crash_observer import Observer
from benchmarks.crash_victim import Conductor, Driver, Server, Worker
from benchmarks.crash_world import ONCE, Case, case_of, summed
from benchmarks.statistics import Metric, middle, share
from benchmarks.suite import Options, Progress, Record
from dagwright.exceptions import InputError, TimedOut, Unreachable
from executor.archive.archive import Archive
from executor.ledger.effects import effects_of
from executor.replay.verify import verify
from orchestrator.settlement import settle


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How one set is measured."""

    runs: int
    kills: int
    """In each run, as long as it lives."""
    within: float
    """Seconds within which the next kill comes, at random, after the start or after a random number of steps."""
    pause: float
    """Most seconds before and after each operation."""
    at_a_time: int = 1
    """Runs that go on at the same time."""
    acts: tuple[str, ...] = ("add", "add", "put", "sum")
    """What steps are drawn from."""


SETS: dict[str, Plan] = {
    "embedded": Plan(runs=45, kills=6, within=0.15, pause=0.08, at_a_time=3),
    "tools": Plan(runs=12, kills=4, within=0.15, pause=0.08, at_a_time=3, acts=("away", "away", "add", "sum")),
    "server": Plan(runs=14, kills=3, within=1.0, pause=0.3),
    "workers": Plan(runs=12, kills=4, within=1.0, pause=0.3, at_a_time=2),
}

LIVES = 25
"""How often a run is gone on with before it counts as lost."""


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives one record per run; `limit` is the most runs of each set."""
    sets = {name: plan for name, plan in SETS.items() if not options.sets or name in options.sets}
    total = sum(min(plan.runs, options.limit or plan.runs) for plan in sets.values())
    done = 0
    with tempfile.TemporaryDirectory() as folder, Observer(Path(folder)) as observer:
        for name, plan in sets.items():
            numbers = range(min(plan.runs, options.limit or plan.runs))
            asked = [number for number in numbers if f"{name}/{number}" not in options.skip]
            done += len(numbers) - len(asked)
            try:
                for record in _measured(name, asked, observer, options.seed):
                    done += 1
                    on_progress(done, total, f"{record['item']}: {record['end']}, {record['kills']} kills")
                    yield record
            except (Unreachable, InputError) as error:
                on_progress(done, total, f"{name}: left out, {error}")


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives kills, what was lost, doubled and wrong, and how long it took to go on; over all and by set."""
    metrics = _scored(records, seed)
    for name in dict.fromkeys(str(record["set"]) for record in records):
        of_set = [record for record in records if record["set"] == name]
        metrics |= {f"{name}.{figure}": metric for figure, metric in _scored(of_set, seed).items()}
    return metrics


def _scored(records: Sequence[Mapping[str, JsonValue]], seed: int) -> dict[str, Metric]:
    def total(field: str) -> int:
        return sum(cast("int", record[field]) for record in records)

    n = len(records)
    waits = [wait for record in records for wait in cast("list[float]", record["resume_seconds"])]
    metrics = {
        "kills": Metric(value=total("kills"), n=n),
        "lost": share(sum(record["end"] == "lost" for record in records), n),
        "duplicated_effects": share(total("duplicated"), max(1, total("effects"))),
        "wrong": share(sum(record["end"] == "wrong" for record in records), n),
        "damaged": share(sum(bool(record["damaged"]) for record in records), n),
        "asked": share(sum(bool(record["asked"]) for record in records), n),
        "questions": Metric(value=total("asked"), n=n),
    }
    return metrics | ({"resume_seconds": middle(waits, seed=seed)} if waits else {})


def _measured(name: str, numbers: Sequence[int], observer: Observer, seed: int) -> Generator[Record, None, None]:
    """Gives the records of a set as its runs end, several of which go on at a time."""
    with ExitStack() as stack:
        conductor = None
        if name in ("server", "workers") and numbers:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            conductor = stack.enter_context(closing(Conductor(folder)))
        pool = ThreadPoolExecutor(SETS[name].at_a_time)
        stack.callback(pool.shutdown, cancel_futures=True)
        begun_ones = [pool.submit(_record, name, number, observer, seed, conductor) for number in numbers]
        for ended in as_completed(begun_ones):
            yield ended.result()


def _record(name: str, number: int, observer: Observer, seed: int, conductor: Conductor | None) -> Record:
    plan, trial = SETS[name], f"{name}/{number}"
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        server = cast("Server | None", conductor)
        if name == "tools":
            server = stack.enter_context(closing(Worker(observer.port, trial, Path(home), plan.pause)))
        url = conductor.url if conductor else "embedded"
        return _Trial(name, number, seed, Path(home), observer, url, server).measured()


class _Trial:
    """One run and the person beside it; `server` is what is killed, where that is not the driver."""

    def __init__(
        self, name: str, number: int, seed: int, home: Path, observer: Observer, engine: str, server: Server | None
    ) -> None:
        self.plan, self.item, self.set, self.home, self.observer = SETS[name], f"{name}/{number}", name, home, observer
        self.seed, self._random = seed * 1_000 + number, Random(f"{seed} {name} {number}")
        self.case: Case = case_of(self.seed, self.plan.acts)
        self.server, self._worker = server, server.port if isinstance(server, Worker) else 0
        self.kills = self.asked = self.lives = self.broken = 0
        self.waits: list[float] = []
        self._arguments = [str(home), "--trial", self.item, "--seed", str(self.seed), "--engine", engine]
        self._arguments += ["--acts", ",".join(self.plan.acts), "--pause", str(self.plan.pause)]
        self._arguments += ["--observer", str(observer.port), "--worker", str(self._worker)]
        self._killed_at: float | None = None
        self._back_at = 0.0

    def measured(self) -> Record:
        """Runs the plan to its end, through all kills and questions."""
        begun_at = time.monotonic()
        outcome = self._to_end()
        return {**self._judged(outcome), "seconds": round(time.monotonic() - begun_at, 3)}

    def _to_end(self) -> dict[str, Any] | None:
        while self.lives < LIVES:
            self.lives += 1
            try:
                outcome = self._life()
            except TimedOut:
                return None
            if outcome is not None and outcome["status"] != "waiting":
                return outcome
            if outcome is not None:
                self._answer(outcome["run"])
        return None

    def _life(self) -> dict[str, Any] | None:
        """Gives the outcome that one process came to, or None."""
        kills = self.kills
        driver = Driver(self._arguments, self.home / "errors", fresh=self.kills >= self.plan.kills)
        if driver.wait_for("ready") and self.set in ("embedded", "workers"):
            self._kill_driver(driver)
        elif self.server is not None:
            self._kill_server(driver)
        outcome = driver.outcome()
        self._note(driver)
        self.broken += outcome is None and self.kills == kills
        return outcome

    def _kill_driver(self, driver: Driver) -> None:
        if self.kills >= self.plan.kills:
            return
        self._wait(driver)
        if driver.kill():
            self.kills += 1
            self._killed_at = self._back_at = time.monotonic()

    def _kill_server(self, driver: Driver) -> None:
        assert self.server is not None
        while self.kills < self.plan.kills:
            self._wait(driver)
            if not driver.is_alive():
                return
            self._note(driver)
            self._killed_at = time.monotonic()
            self.server.kill()
            self.kills, self._back_at = self.kills + 1, time.monotonic()

    def _wait(self, driver: Driver) -> None:
        """Waits for a random moment."""
        steps = self._random.randint(0, 4)
        begun_before = sum("running" in line for line in driver.said)
        if steps:
            driver.wait_for("running", begun_before + steps)
        time.sleep(self._random.random() * self.plan.within)

    def _note(self, driver: Driver) -> None:
        """Notes how long the run stood still after the last kill, if it has gone on; where tools died, it did not.

        Of killed drivers only those that a fresh process goes on for count: the interpreter's start is part of it.
        """
        if self._killed_at is not None and (driver.is_fresh or self.set == "server") and self.set != "tools":
            went_on = driver.begins_after(self._back_at)
            if went_on is not None:
                self.waits.append(round(went_on - self._killed_at, 3))
                self._killed_at = None

    def _answer(self, run: str) -> None:
        """Says of each effect in doubt what the observer saw."""
        counts = self.observer.counts(self.item)
        with Archive.open(self.home, run, read_only=True) as archive:
            open_ = [(effect, archive.get(effect.arguments)) for effect in effects_of(archive) if effect.is_open]
        for effect, arguments in open_:
            happened = counts[effect.entry.operation.partition(".")[2], effect.entry.step] > 0
            given = cast("dict[str, JsonValue]", arguments)
            outputs: JsonValue = {"value": summed([given["number"], given["after"]])} if happened else None
            answer = "happened" if happened else "not_happened"
            settle(self.home, run, effect.entry.step, answer, by="observer", outputs=outputs)
            self.asked += 1

    def _judged(self, outcome: Mapping[str, Any] | None) -> Record:
        counts, run = self.observer.counts(self.item), begun(self.home)
        once = {key: count for key, count in counts.items() if key[0] in ONCE}
        given_up, damaged = set[str](), True
        if run is not None:
            with Archive.open(self.home, run, read_only=True) as archive:
                given_up = _given_up(self.case, archive)
                damaged = bool(verify(archive))
        return {
            "item": self.item,
            "set": self.set,
            "blocks": list[JsonValue](block.kind for block in self.case.blocks),
            "kills": self.kills,
            "lives": self.lives,
            "broken": self.broken,
            "asked": self.asked,
            "effects": len(once),
            "duplicated": sum(count - 1 for count in once.values()),
            "given_up": list[JsonValue](sorted(given_up)),
            "status": outcome["status"] if outcome else None,
            "reason": outcome["reason"][:300] if outcome else self._errors(),
            "end": self._end(outcome, counts, given_up),
            "damaged": damaged,
            "resume_seconds": cast("JsonValue", self.waits),
        }

    def _end(self, outcome: Mapping[str, Any] | None, counts: Mapping[tuple[str, str], int], given_up: set[str]) -> str:
        """Gives `right`, `wrong` or `lost`."""
        if outcome is None or outcome["status"] != "done":
            return "lost"
        due = {(block.operation, step): block.name for block, step in self.case.effects()}
        happened = all(key in counts or name in given_up for key, name in due.items())
        right = outcome["answer"] == {"value": self.case.right(given_up)}
        return "right" if right and happened and set(counts) <= set(due) else "wrong"

    def _errors(self) -> str:
        path = self.home / "errors"
        return path.read_text(encoding="utf-8", errors="replace")[-300:] if path.exists() else ""


def _given_up(case: Case, archive: Archive) -> set[str]:
    """Gives the optional blocks whose effect failed for good, as where nobody knew of it: the plan goes on without."""
    optional = {block.name for block in case.blocks if block.kind == "optional"}
    bodies = [cast("dict[str, JsonValue]", event.body) for event in archive.events("task.failed")]
    return {str(body["step"]) for body in bodies if body["for_good"]} & optional
