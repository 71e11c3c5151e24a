"""`bench demo`: goals over CSV files with known answers, from words to answer.

Set `heldout10` (the default) only measures, and is blind. The other sets called `heldout` only measure too, but plans
for some of their goals have been read. Sets `development`, `development2` and `development3` are what prompts are
tuned on; their figures say nothing about other goals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from typing import cast

from pydantic import JsonValue

from benchmarks.goal import DemoGoal, load_goals
from benchmarks.judge import faults
from benchmarks.statistics import Metric, mean, middle, share
from benchmarks.suite import Options, Progress, Record
from benchmarks.trial import Laboratory

DEFAULT_SETS = ("heldout10",)


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives one record per goal."""
    goals = chosen(options)
    with Laboratory(options.model) as laboratory:
        for number, (part, goal) in enumerate(goals, start=1):
            item = f"{part}/{goal.id}"
            if item in options.skip:
                continue
            record = measured(goal, laboratory)
            verdict = "right" if record["right"] else f"wrong: {record['faults'] or record['reason']}"
            on_progress(number, len(goals), f"{item}: {verdict} ({record['seconds']} s)")
            yield {"item": item, **record}


def chosen(options: Options) -> list[tuple[str, DemoGoal]]:
    """Gives the goals that are asked for, with their sets."""
    return [(part, goal) for part in options.sets or DEFAULT_SETS for goal in load_goals(part)[: options.limit]]


def measured(goal: DemoGoal, laboratory: Laboratory) -> Record:
    """Carries a goal out and judges it."""
    trial = laboratory.carry_out(goal.text, goal.files())
    done = trial.outcome.status == "done"
    found = faults(goal, trial.outcome.answer, trial.files) if done else ()
    return {**trial.record(), "text": goal.text, "faults": list(found), "right": done and not found}


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives the shares of goals answered rightly and carried out, tokens (mean) and seconds (median)."""
    tokens = [float(cast("int", record["tokens"])) for record in records]
    seconds = [float(cast("float", record["seconds"])) for record in records]
    return {
        "right": share(sum(bool(record["right"]) for record in records), len(records)),
        "executed": share(sum(bool(record["executed"]) for record in records), len(records)),
        "tokens": mean(tokens, seed=seed),
        "seconds": middle(seconds, seed=seed),
        **rejections(records),
    }


def rejections(records: Sequence[Mapping[str, JsonValue]]) -> dict[str, Metric]:
    """Gives, by finding code, in how many goals the validator found it in some proposal."""
    counted = Counter(code for record in records for code in set(cast("list[str]", record["codes"])))
    return {f"with_{code}": share(hits, len(records)) for code, hits in sorted(counted.items())}
