from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.records import read_records, unfinished, write_records
from benchmarks.suite import Record
from dagwright.exceptions import InputError

HEADER: Record = {"suite": "demo", "seed": 0, "model": "local", "limit": None, "sets": []}


def two_then_interrupted() -> Iterator[Record]:
    yield {"item": "a", "right": True}
    yield {"item": "b", "right": False}
    raise KeyboardInterrupt


def interrupted(path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_records(path, HEADER, two_then_interrupted())


def test_complete_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "out" / "demo.jsonl"
    write_records(path, HEADER, iter([{"item": "a", "right": True}]))
    found = read_records(path)
    assert found.header == HEADER
    assert found.items == ({"item": "a", "right": True},)
    assert found.finished


def test_interrupted_run_keeps_what_it_had(tmp_path: Path) -> None:
    path = tmp_path / "demo.jsonl"
    interrupted(path)
    found = read_records(path)
    assert found.done == {"a", "b"}
    assert not found.finished


def test_next_run_goes_on_from_there(tmp_path: Path) -> None:
    path = tmp_path / "demo.jsonl"
    interrupted(path)
    write_records(path, HEADER, iter([{"item": "c"}]), going_on=unfinished(path, HEADER))
    found = read_records(path)
    assert [record["item"] for record in found.items] == ["a", "b", "c"]
    assert found.finished


def test_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "demo.jsonl"
    interrupted(path)
    path.write_text(path.read_text(encoding="utf-8") + '{"item": "c", "ri', encoding="utf-8")
    assert read_records(path).done == {"a", "b"}


def test_damaged_line_in_the_middle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "demo.jsonl"
    path.write_text('{"suite": "demo"}\nnonsense\n{"item": "a"}\n', encoding="utf-8")
    with pytest.raises(InputError, match="line 2"):
        read_records(path)


@pytest.mark.parametrize(
    "changed",
    [{"seed": 1}, {"model": "local:other.gguf"}, {"limit": 3}, {"sets": ["b"]}],
    ids=["seed", "model", "limit", "sets"],
)
def test_another_kind_of_run_does_not_go_on(tmp_path: Path, changed: Record) -> None:
    path = tmp_path / "demo.jsonl"
    interrupted(path)
    assert unfinished(path, HEADER) is not None
    assert unfinished(path, {**HEADER, **changed}) is None


def test_finished_run_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "demo.jsonl"
    write_records(path, HEADER, iter([{"item": "a"}]))
    assert unfinished(path, HEADER) is None


@pytest.mark.parametrize("content", ["", "[1, 2]\n", '{"item": "a"}\n'], ids=["empty", "list", "no header"])
def test_other_files_are_no_records(tmp_path: Path, content: str) -> None:
    path = tmp_path / "demo.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="holds no records"):
        read_records(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no records at .*demo\.jsonl"):
        read_records(tmp_path / "demo.jsonl")
