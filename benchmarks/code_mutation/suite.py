"""`bench mutation`: a sample of mutants of `validation/`, and how many of them the tests find."""

from __future__ import annotations

import difflib
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import JsonValue

from benchmarks.code_mutation.checkout import ROOT, Checkout
from benchmarks.code_mutation.mutants import Mutant, cosmic_ray, mutants, mutated, reaching, sampled
from benchmarks.statistics import Metric, share
from benchmarks.suite import Options, Progress, Record
from dagwright.exceptions import InputError

SIZE = 320
"""Mutants that are tried."""
MOST = 25.0
"""Seconds of tests, with every line noted, that one mutant is tried on, quickest tests first."""


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives one record per mutant: the change, how many tests reach it, and what became of it.

    Raises:
        InputError: Cosmic Ray's packages have not been fetched, or tests fail without any fault.
    """
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "validation").rglob("*.py"))
    with cosmic_ray() as packages, TemporaryDirectory(prefix="dagwright-mutants-") as folder:
        checkout = Checkout(Path(folder))
        chosen = sampled(mutants(packages, checkout.root, files), SIZE, options.seed)[: options.limit]
        contexts, seconds = checkout.measured()
        if checkout.tried(sorted(seconds), sum(seconds.values()))[0] != "survived":
            raise InputError("the tests must pass before they are tried on faults; run them by: make test")
        for done, mutant in enumerate(chosen, start=1):
            if mutant.item in options.skip:
                continue
            tests = quickest(reaching(mutant, contexts.get(mutant.file, {})), seconds)
            record = _tried(checkout, packages, mutant, tests, sum(seconds.get(test, 0.0) for test in tests))
            on_progress(done, len(chosen), f"{mutant.item}: {record['outcome']}")
            yield record
        checkout.close()


def quickest(tests: Sequence[str], seconds: Mapping[str, float]) -> list[str]:
    """Gives the quickest tests, at least one, that together take no more than MOST."""
    found: list[str] = []
    total = 0.0
    for test in sorted(tests, key=lambda test: seconds.get(test, 0.0)):
        total += seconds.get(test, 0.0)
        if found and total > MOST:
            break
        found.append(test)
    return found


def _tried(checkout: Checkout, packages: Path, mutant: Mutant, tests: Sequence[str], seconds: float) -> Record:
    right = (checkout.root / mutant.file).read_text(encoding="utf-8")
    wrong = mutated(packages, checkout.root, mutant)
    with checkout.holding(mutant.file, wrong):
        outcome, took = checkout.tried(tests, seconds)
    changed = difflib.unified_diff(right.splitlines(), wrong.splitlines(), lineterm="", n=0)
    lines: list[JsonValue] = [line for line in list(changed)[2:] if not line.startswith("@@")]
    return {
        "item": mutant.item,
        "file": mutant.file,
        "line": mutant.start[0],
        "operator": mutant.operator,
        "change": lines,
        "tests": len(tests),
        "outcome": outcome,
        "seconds": round(took, 1),
    }


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives the share of mutants that a test finds, a hang included, and the share that no test reaches."""
    found = sum(record["outcome"] in ("killed", "timeout") for record in records)
    unreached = sum(record["outcome"] == "unreached" for record in records)
    return {"killed": share(found, len(records)), "unreached": share(unreached, len(records))}
