"""An exported run, byte by byte: a change of any of them is found, or changed nothing that the run recorded."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dagwright.exceptions import ArchiveError
from executor.archive.archive import Archive
from executor.archive.export import export, import_run
from executor.archive.recertify import recertified
from executor.replay.verify import verify

TABLES = ("run", "event", "artefact", "ledger")


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dagwright: Any) -> Path:
    """A run that wrote a file, exported."""
    monkeypatch.chdir(tmp_path)
    intent = {
        "tool_name": "files",
        "operation": "write_text",
        "required_inputs": {"path": {"literal": "a.txt"}, "text": {"literal": "x" * 100}},
    }
    proposal = {
        "goal": {"goal_id": "g", "text": "Write to a.txt."},
        "plan": {"dag_id": "d", "nodes": [{"task_id": "t", "description": "write"}]},
        "decompositions": [{"task_id": "t", "steps": [{"step_id": "s", "action": "write", "tool_intent": intent}]}],
        "answer": {"file": {"from": "s", "path": "/file"}},
    }
    Path("p.json").write_text(json.dumps(proposal))
    ran = dagwright("execute", "p.json", "--json")
    assert ran.code == 0, ran.err
    export(tmp_path / "home", ran.json["run"], tmp_path / "run.zip")
    return tmp_path / "run.zip"


def recorded(database: Path) -> dict[str, list[Any]]:
    """Everything that an archive's tables hold."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        connection.text_factory = bytes
        return {table: sorted(map(repr, connection.execute(f"SELECT * FROM {table}"))) for table in TABLES}


def problems(folder: Path) -> tuple[str, ...]:
    """What is found in an archive; an archive that cannot even be opened is found, too."""
    try:
        with Archive.at(folder, read_only=True) as archive:
            return verify(archive, recertify=recertified)
    except ArchiveError as error:
        return (str(error),)


def unpacked(bundle: Path, target: Path) -> Path:
    return target / "runs" / import_run(bundle, target)


def sampled(size: int, count: int) -> list[int]:
    """Positions: the first hundred bytes, which hold headers, and as many from everywhere."""
    chosen = random.Random(7)
    return sorted({*range(min(100, size)), *(chosen.randrange(size) for _ in range(count))})


COUNT = [pytest.param(2_000, marks=pytest.mark.slow(reason="some 2,000 verifications")), 60]


@pytest.mark.parametrize("count", COUNT, ids=["many", "some"])
def test_a_changed_byte_of_the_database_is_found_or_says_nothing(bundle: Path, tmp_path: Path, count: int) -> None:
    folder = unpacked(bundle, tmp_path / "there")
    database = folder / "archive.db"
    whole, before = database.read_bytes(), recorded(database)
    assert problems(folder) == ()
    found = 0
    for at in sampled(len(whole), count):
        for bit in (0x01, 0x80):
            database.write_bytes(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
            if problems(folder):
                found += 1
            else:
                assert recorded(database) == before, f"byte {at} changed what was recorded, and nothing noticed"
    assert found > count // 4
    database.write_bytes(whole)
    assert problems(folder) == ()


def test_every_changed_byte_of_a_file_is_found(bundle: Path, tmp_path: Path) -> None:
    folder = unpacked(bundle, tmp_path / "there")
    path = folder / "files" / "a.txt"
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert problems(folder) == ("file 'files/a.txt' is not what was recorded: its bytes have another hash",)


@pytest.mark.parametrize("count", COUNT, ids=["many", "some"])
def test_a_changed_byte_of_the_bundle_is_found_or_says_nothing(bundle: Path, tmp_path: Path, count: int) -> None:
    whole, changed = bundle.read_bytes(), tmp_path / "changed.zip"
    before = contents(unpacked(bundle, tmp_path / "there"))
    for number, at in enumerate(sampled(len(whole), count)):
        changed.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            folder = unpacked(changed, tmp_path / f"other{number}")
        except ArchiveError:
            continue
        if not problems(folder):
            assert contents(folder) == before, f"byte {at} of the bundle changed the run, and nothing noticed"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a run by its path in the folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
