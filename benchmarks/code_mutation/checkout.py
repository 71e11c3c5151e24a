"""A copy of the checkout in which mutants are tried."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Literal

from dagwright.exceptions import InputError

ROOT = Path(__file__).parents[2]
CLOCKED = "tests/validation/test_hostile.py::test_a_report_comes_within_a_second"
"""Left out: with every line noted it may fail by the clock alone."""
TESTS = (
    "tests/validation",
    "tests/orchestrator/test_policy_test.py",
    "tests/orchestrator/scripted/test_explain.py",
    "tests/executor/test_runtime_checks.py",
)
"""The tests of the validator."""
SLACK = 30.0
"""Seconds that a mutant's tests may take beyond three times what they took before."""
WHOLE = 1_800
"""Seconds that all tests may take with every line noted."""

Outcome = Literal["killed", "timeout", "survived", "unreached"]
Contexts = Mapping[str, Mapping[int, Sequence[str]]]
"""Tests by file and line."""


class Checkout:
    """A copy of the sources and tests; what is written into it doesn't touch the checkout."""

    def __init__(self, root: Path) -> None:
        self.root = root
        names = _output(["git", "ls-files", "-co", "--exclude-standard"], ROOT).splitlines()
        for name in names:
            if (ROOT / name).is_file() and not name.startswith("benchmarks/results/"):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, root / name)
        # Compiled once; a file that changes is known by its content, not by the second in which it changed.
        _output([sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "."], root)

    def measured(self) -> tuple[Contexts, dict[str, float]]:
        """Runs all tests once: the tests of each line, and the seconds of each test.

        Raises:
            InputError: tests fail without any fault.
        """
        import coverage

        data, durations = self.root / ".mutation-coverage", self.root / ".mutation-seconds"
        command = [
            sys.executable,
            "-m",
            "coverage",
            "run",
            "--source=validation",
            f"--data-file={data}",
            "-m",
            "pytest",
        ]
        command += ["-q", "-p", "benchmarks.code_mutation.contexts", *_QUIET, *TESTS]
        environment = {**self._environment(), "DURATIONS": str(durations)}
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=WHOLE)  # noqa: S603
        if done.returncode:
            last = [line for line in done.stdout.splitlines() if line.startswith("FAILED")] or ["pytest gave no reason"]
            raise InputError(f"the tests must pass before they are tried on faults; {last[0]}")
        found = coverage.CoverageData(basename=str(data))
        found.read()
        contexts = {
            str(Path(file).resolve().relative_to(self.root.resolve())): found.contexts_by_lineno(file)
            for file in found.measured_files()
        }
        return contexts, json.loads(durations.read_text(encoding="utf-8"))

    def tried(self, tests: Sequence[str], seconds: float) -> tuple[Outcome, float]:
        """Runs tests, which took so many seconds without a fault, until one fails."""
        if not tests:
            return "unreached", 0.0
        assert self._trials.stdin is not None
        assert self._trials.stdout is not None
        self._trials.stdin.write(json.dumps({"tests": tests, "seconds": 3 * seconds + SLACK}) + "\n")
        self._trials.stdin.flush()
        answer = json.loads(self._trials.stdout.readline())
        if answer["status"] is None:
            return "timeout", answer["seconds"]
        if answer["status"] not in _ENDS:
            raise InputError(f"pytest ended with {answer['status']} at {tests[0]!r}")
        return "killed" if answer["status"] else "survived", answer["seconds"]

    @cached_property
    def _trials(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "benchmarks.code_mutation.trial_process"]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.root, env=self._environment(), stdin=pipe, stdout=pipe, text=True)  # noqa: S603

    def close(self) -> None:
        """Ends the process that runs tests."""
        self._trials.communicate(timeout=SLACK)

    @contextmanager
    def holding(self, file: str, source: str) -> Generator[None]:
        """Has a file with a fault in it, for as long as it's asked for."""
        path = self.root / file
        right = path.read_text(encoding="utf-8")
        path.write_text(source, encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(right, encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"}


_ENDS = (0, 1, 2, 4)
"""All passed, one failed, or (2, 4) a file of tests could not even be loaded."""
_QUIET = (f"--deselect={CLOCKED}", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--no-header")


def _output(command: Sequence[str], root: Path) -> str:
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603
    if done.returncode:
        raise InputError(f"{command[0]} failed in {str(root)!r}: {done.stderr.strip()[-300:]}")
    return done.stdout


SECONDS = 300
