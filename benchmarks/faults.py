"""`bench faults`: seeded plans with effects outside, by workers that lie, hang, answer badly or fail now and then.

A worker that lies within what the contract and the plan's criteria allow is beyond any engine; those here
give values that contradict one of them. Whoever is asked about an effect of unknown outcome looks at
the observer's file and says what it says; half of the plans run under a policy that has such effects
undone and tried again without asking.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from pydantic import JsonValue

from benchmarks.faults_world import Case, Fault, Faulty, Observer, case_of, world
from benchmarks.statistics import Metric, share
from benchmarks.suite import Options, Progress, Record
from dagwright.feedback import Outcome
from dagwright.policy import Policy, UnknownRule
from executor.archive.archive import Archive
from executor.bindings.runner import Runners
from executor.engine.embedded import EmbeddedEngine
from executor.ledger.effects import Effect, effects_of
from executor.worker.breaker import Breakers
from executor.worker.guard import MAX_OUTPUT_BYTES
from orchestrator.pipeline import resume_run, run_proposal
from orchestrator.rollback import compensate_run
from orchestrator.settlement import settle
from orchestrator.setup import Setup
from orchestrator.strategy.interleaved import Interleaved

SETS: dict[str, tuple[Fault, float, int]] = {
    "honest": ("none", 0, 20),
    "refuses": ("refuses", 0, 20),
    "wrong_type": ("wrong_type", 0, 20),
    "out_of_schema": ("out_of_schema", 0, 20),
    "criterion": ("criterion", 0, 20),
    "malformed": ("malformed", 0, 20),
    "oversized": ("oversized", 0, 10),
    "hang": ("hang", 0, 20),
    "slow": ("slow", 0, 20),
    "flaky_10": ("flaky", 0.1, 40),
    "flaky_30": ("flaky", 0.3, 40),
    "flaky_50": ("flaky", 0.5, 40),
}
"""Fault, share of calls where it is flaky, and plans, by set."""

PASSING = ("slow", "flaky_10", "flaky_30", "flaky_50")
"""Sets whose faults pass, so that the right end can be reached: what `recovered` is about."""

PATIENCE = 5
"""Questions that a person answers before giving up on a run and having it undone."""

ROUNDS = 40
"""Questions that a person answers altogether."""

POLICIES = (
    Policy(name="asking"),
    Policy(name="undoing", unknown_outcomes=(UnknownRule(action="compensate"),)),
)


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives one record per plan; `sets` names faults, `limit` is the most plans of each."""
    planned = [
        (name, number)
        for name in options.sets or SETS
        for number in range(min(SETS[name][2], options.limit or SETS[name][2]))
    ]
    for done, (name, number) in enumerate(planned, start=1):
        if f"{name}/{number}" in options.skip:
            continue
        record = _trial(name, number, options.seed)
        on_progress(done, len(planned), f"{record['item']}: {record['end']}")
        yield record


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives the shares over all plans with a fault, and how each set ended."""
    faulty = [record for record in records if record["injected"]]
    passing = [record for record in faulty if str(record["set"]) in PASSING]
    failed = [record for record in records if record["status"] != "done" and record["done_before"]]
    metrics = {
        "ended_wrong": share(sum(record["end"] == "wrong" for record in records), len(records)),
        "honest": share(sum(record["end"] == "honest" for record in records), len(records)),
    }
    if passing:
        metrics["recovered"] = share(sum(record["end"] == "right" for record in passing), len(passing))
    if failed:
        metrics["rolled_back"] = share(sum(bool(record["rolled_back"]) for record in failed), len(failed))
        alone = sum(bool(record["rolled_back_alone"]) for record in failed)
        metrics["rolled_back_without_a_person"] = share(alone, len(failed))
    for name in dict.fromkeys(str(record["set"]) for record in records):
        of_set = [record for record in records if record["set"] == name]
        for end in ("right", "honest", "wrong"):
            metrics[f"{name}.{end}"] = share(sum(record["end"] == end for record in of_set), len(of_set))
    return metrics


def _trial(name: str, number: int, seed: int) -> Record:
    fault, rate, _ = SETS[name]
    case = case_of(seed * 1_000 + number)
    victim = Random(f"{seed} {name} {number}").choice(sorted(case.operations))
    with tempfile.TemporaryDirectory() as folder:
        observer = Observer(Path(folder) / "observed")
        tool = Faulty(number, fault, rate, victim, observer, most_bytes=MAX_OUTPUT_BYTES + 1)
        trial = _Trial(Path(folder), tool, POLICIES[number % len(POLICIES)])
        outcome = trial.to_end(case)
        alone = not any(observer.stands().values())
        answered = trial.settle_rest(outcome)
        counts, stands = observer.counts(), observer.stands()
        return {
            "item": f"{name}/{number}",
            "set": name,
            "policy": trial.policy.name,
            "victim": case.operations[victim],
            "injected": tool.injected,
            "questions": trial.questions,
            "status": outcome.status,
            "reason": outcome.reason[:300],
            "steps": len(case.operations),
            "done_before": sum(count for (verb, _), count in counts.items() if verb in ("add", "put")),
            "stands": sum(stands.values()),
            "said_to_stand": answered,
            "end": _end(case, outcome, stands, answered),
            "rolled_back": not any(stands.values()),
            "rolled_back_alone": alone,
        }


def _end(case: Case, outcome: Outcome, stands: Mapping[str, int], said: Sequence[str] | JsonValue) -> str:
    """Gives `right`, `honest` or `wrong`, from what the observer saw."""
    effects = {step for step, operation in case.operations.items() if operation != "sum"}
    if outcome.status == "done":
        once = all(stands.get(step, 0) == 1 for step in effects) and set(stands) <= effects
        return "right" if once and outcome.answer == case.right else "wrong"
    named = set(said) if isinstance(said, list) else set[str]()
    left = {step for step, count in stands.items() if count}
    return "honest" if outcome.status == "failed" and left <= named else "wrong"


class _Trial:
    """One run, and the person beside it who looks at what happened outside."""

    def __init__(self, folder: Path, tool: Faulty, policy: Policy) -> None:
        self.folder, self.tool, self.policy = folder, tool, policy
        self.questions = 0

    def to_end(self, case: Case) -> Outcome:
        """Runs the plan; answers what is asked, and resumes."""
        outcome = run_proposal(case.proposal, self._setup(), folder=self.folder)
        while outcome.status == "waiting" and self.questions < PATIENCE:
            self._answer(outcome.run)
            outcome = resume_run(outcome.run, self._setup())
        if outcome.status != "waiting":
            return outcome
        standing = compensate_run(outcome.run, self._setup()).standing
        return outcome.model_copy(update={"status": "failed", "not_undone": standing})

    def settle_rest(self, outcome: Outcome) -> list[JsonValue]:
        """Answers what a failed run left in doubt and has it undone; gives the steps that are said to stand still."""
        standing = outcome.not_undone
        while outcome.status == "failed" and standing and self.questions < ROUNDS:
            self._answer(outcome.run)
            standing = compensate_run(outcome.run, self._setup()).standing
        return [line.partition(" ")[0] for line in standing]

    def _answer(self, run: str) -> None:
        self.questions += 1
        with Archive.open(self.folder, run, read_only=True) as archive:
            open_ = [effect for effect in effects_of(archive) if effect.is_open]
        for effect in open_:
            item = effect.entry.step.removeprefix("undo:")
            stands = self.tool.observer.stands().get(item, 0) > 0
            happened = stands if effect.undoes is None else not stands
            self._said(run, effect, happened=happened)

    def _said(self, run: str, effect: Effect, *, happened: bool) -> None:
        outputs: JsonValue = None
        if happened and effect.undoes is None:
            with Archive.open(self.folder, run, read_only=True) as archive:
                outputs = self.tool.receipt(archive.get(effect.arguments))
        answer: Any = "happened" if happened else "not_happened"
        settle(self.folder, run, effect.entry.step, answer, by="observer", outputs=outputs)

    def _setup(self) -> Setup:
        tools: Runners = {"python": self.tool}
        return Setup(
            home=self.folder,
            model=_NoModel(),
            strategy=Interleaved(),
            catalogue=world(),
            engine=EmbeddedEngine(),
            runners=lambda served: tools,
            policy=self.policy,
            breakers=Breakers(random=Random(self.tool.seed)),  # each command is a process of its own
        )


class _NoModel:
    """Stands where a model would: nothing here asks one."""

    name = "none"
    accepts_grammar = False

    def complete(self, request: object) -> Any:
        raise AssertionError("no step of this suite asks a model")
