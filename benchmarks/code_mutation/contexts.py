"""A plugin of pytest that tells coverage which test runs, so that each line has the tests that reach it.

Used as `coverage run -m pytest -p benchmarks.code_mutation.contexts`; DURATIONS names the file that gets
the seconds of each test function.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from time import perf_counter

import coverage
import pytest

_SECONDS: defaultdict[str, float] = defaultdict(float)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Switches coverage's context to the test function, whatever its parameters."""
    name = item.nodeid.partition("[")[0]
    measured = coverage.Coverage.current()
    if measured is not None:
        measured.switch_context(name)
    begun = perf_counter()
    try:
        return (yield)
    finally:
        _SECONDS[name] += perf_counter() - begun


def pytest_sessionfinish() -> None:
    """Writes how long each test function took."""
    Path(os.environ["DURATIONS"]).write_text(json.dumps(_SECONDS), encoding="utf-8")
