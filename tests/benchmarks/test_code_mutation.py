"""Mutants of source files: which there are, which are drawn, which tests are tried on them, what is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.code_mutation import mutants as module
from benchmarks.code_mutation.mutants import Mutant, mutants, reaching, sampled
from benchmarks.code_mutation.suite import MOST, quickest, score

SOURCE = '''"""A file."""
LIMIT: int | None = 3


def least(value: int | None) -> int | None:
    return value if value > LIMIT and value else None
'''


def mutant(file: str, line: int, number: int = 0) -> Mutant:
    return Mutant(file, "AddNot", number, (line, 4), (line, 9))


def test_annotations_have_no_mutants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_text(SOURCE)
    places = [((2, 11), (2, 12)), ((2, 20), (2, 21)), ((5, 21), (5, 22)), ((5, 36), (5, 37)), ((6, 26), (6, 27))]
    lines = "".join(
        f'{{"file": "a.py", "operator": "X", "number": {n}, "start": {list(start)}, "end": {list(end)}}}\n'
        for n, (start, end) in enumerate(places)
    )
    monkeypatch.setattr(module, "_asked", lambda *_: lines)
    assert [item.start for item in mutants(tmp_path, tmp_path, ["a.py"])] == [(2, 20), (6, 26)]


def test_each_file_is_drawn_from_as_its_share_is_and_the_same_seed_draws_the_same() -> None:
    every = [mutant("a.py", line, number) for line in range(90) for number in range(5)]
    every += [mutant("b.py", line) for line in range(10)] + [mutant("c.py", 1)]
    chosen = sampled(every, 20, 7)
    files = [item.file for item in chosen]
    assert (files.count("a.py"), files.count("b.py"), files.count("c.py")) == (18, 2, 1)
    assert len({(item.file, item.start) for item in chosen}) == len(chosen)
    assert sampled(every, 20, 7) == chosen
    assert sampled(every, 20, 8) != chosen


def test_the_tests_of_a_line_are_tried_and_of_a_line_that_loading_runs_those_of_the_file() -> None:
    contexts = {3: ["one", "two"], 4: [""], 5: ["", "three"]}
    assert reaching(mutant("a.py", 3), contexts) == ["one", "two"]
    assert reaching(mutant("a.py", 4), contexts) == ["one", "three", "two"]
    assert reaching(mutant("a.py", 5), contexts) == ["three"]
    assert reaching(mutant("a.py", 9), contexts) == []


def test_the_quickest_tests_come_first_and_there_is_always_one() -> None:
    assert quickest(["a", "b", "c"], {"a": 3.0, "b": 1.0, "c": MOST}) == ["b", "a"]
    assert quickest(["c"], {"c": 2 * MOST}) == ["c"]
    assert quickest([], {}) == []


def test_a_hang_counts_as_found() -> None:
    metrics = score([{"outcome": outcome} for outcome in ("killed", "timeout", "survived", "unreached")])
    assert (metrics["killed"].value, metrics["killed"].n, metrics["unreached"].value) == (0.5, 4, 0.25)
