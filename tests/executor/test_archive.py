"""The archive: hash-chained, content-addressed, one writer, nothing half-written."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from dagwright.canonical import sha256
from dagwright.event import GENESIS
from dagwright.exceptions import ArchiveError
from executor.archive.archive import Archive
from executor.archive.folder import runs


def test_events_are_a_chain(archive: Archive) -> None:
    for number in range(5):
        archive.append("task.started", {"n": number, "text": "ü\u2028", "x": 0.1})
    events = list(archive.events())
    assert [event.seq for event in events] == [0, 1, 2, 3, 4]
    assert [event.prev for event in events] == [GENESIS, *(event.hash for event in events[:-1])]
    assert all(event.computed_hash() == event.hash for event in events)
    assert archive.head == events[-1].hash


def test_an_event_comes_back_as_it_was_given(archive: Archive) -> None:
    given = archive.append("goal", {"b": [1, 2.5, None, True], "a": {"ü": ""}})
    assert list(archive.events()) == [given]
    assert list(archive.events("goal")) == [given]
    assert list(archive.events("outcome")) == []
    assert list(archive.events(after=0)) == []


def test_artefacts_are_known_by_their_hash(archive: Archive) -> None:
    value = {"z": [1, 2], "a": "text"}
    assert archive.put(value) == archive.put({"a": "text", "z": [1, 2]}) == sha256(value)
    assert archive.get(sha256(value)) == value
    name = archive.put_bytes(b"\x00\xff")
    assert archive.get_bytes(name) == b"\x00\xff"
    with pytest.raises(ArchiveError, match="not JSON"):
        archive.get(name)
    with pytest.raises(ArchiveError, match="not in the archive"):
        archive.get("0" * 64)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_is_not_json_is_refused_and_harms_nothing(archive: Archive, value: Any) -> None:
    archive.append("goal", 1)
    with pytest.raises(ValueError):
        archive.append("goal", {"x": value})
    with pytest.raises(ValueError):
        archive.put(value)
    archive.append("goal", 2)
    assert [event.body for event in archive.events()] == [1, 2]


def test_a_batch_is_all_or_nothing(archive: Archive) -> None:
    kept = archive.put("before")
    with pytest.raises(KeyError), archive.batch():  # noqa: PT012 - the point is what happens before it raises
        archive.append("goal", 1)
        raise KeyError
    assert list(archive.events()) == []
    assert archive.head == GENESIS
    assert archive.get(kept) == "before"
    with archive.batch(), archive.batch():
        archive.append("goal", 1)
        archive.append("goal", 2)
    assert [event.seq for event in archive.events()] == [0, 1]


def test_threads_may_share_it(archive: Archive) -> None:
    def work(name: int) -> None:
        for number in range(50):
            with archive.batch(durable=False):
                archive.append("task.started", {"by": name, "n": number, "at": archive.put([name, number])})

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = list(archive.events())
    assert len(events) == 200
    assert [event.prev for event in events[1:]] == [event.hash for event in events[:-1]]


def test_a_run_opens_again_where_it_was(tmp_path: Path) -> None:
    with Archive.create(tmp_path, "r") as first:
        first.append("goal", 1)
        head = first.head
    with Archive.open(tmp_path, "r") as again:
        assert again.head == head
        assert again.append("goal", 2).prev == head
    assert runs(tmp_path) == ("r",)


def test_one_process_writes_and_others_may_read(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from executor.archive.archive import Archive\n"
        "a = Archive.create(Path(sys.argv[1]), 'r'); a.append('goal', 1)\n"
        "print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        with pytest.raises(ArchiveError, match=f"held by process {process.pid}"):
            Archive.open(tmp_path, "r")
        with Archive.open(tmp_path, "r", read_only=True) as reading:
            assert [event.body for event in reading.events()] == [1]
            with pytest.raises(ArchiveError, match="reading only"):
                reading.append("goal", 2)
        process.kill()
    with Archive.open(tmp_path, "r") as freed:
        assert [event.body for event in freed.events()] == [1]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_a_full_disk_is_a_clear_error_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from executor.archive.archive import Archive; from dagwright.exceptions import DiskError\n"
        "a = Archive.create(Path(sys.argv[1]), 'r'); a.append('goal', 1)\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "try:\n"
        "    with a.batch(): a.append('goal', 2); a.put_bytes(b'x' * 1_000_000)\n"
        "except DiskError as error: print(error)\n"
        "try: a.append('goal', 3)\n"
        "except DiskError as error: print(error)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try: Archive.create(Path(sys.argv[1]), 'new')\n"
        "except DiskError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    first, second, third = done.stdout.splitlines()
    assert "the archive of run 'r' cannot be written, the disk refuses" in first
    assert f"make room in '{tmp_path / 'runs' / 'r'}'" in first
    assert second == first
    assert "the archive of run 'new' cannot be written, the disk refuses" in third
    assert runs(tmp_path) == ("r",)
    with Archive.open(tmp_path, "r") as mended:
        assert [event.body for event in mended.events()] == [1]
        mended.append("goal", 2)


def broken(folder: Path) -> Path:
    (folder / "runs" / "bad").mkdir(parents=True)
    (folder / "runs" / "bad" / "archive.db").write_bytes(b"not a database" * 100)
    return folder


REFUSED = {
    "no such run": (lambda home: Archive.open(home, "r"), "there is no run 'r'"),
    "a name that leads elsewhere": (lambda home: Archive.open(home, "../r"), "no name of a run"),
    "an empty name": (lambda home: Archive.create(home, ""), "no name of a run"),
    "a run twice": (
        lambda home: [Archive.create(home, "twice").close(), Archive.create(home, "twice")],
        "exists already",
    ),
    "a file that is no archive": (lambda home: Archive.open(broken(home), "bad"), "'bad' failed"),
    "a file that is no archive, reading": (
        lambda home: Archive.open(broken(home), "bad", read_only=True),
        "'bad' failed",
    ),
}


@pytest.mark.parametrize(("act", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses_with_a_reason(tmp_path: Path, act: Any, message: str) -> None:
    with pytest.raises(ArchiveError, match=message):
        act(tmp_path)


def test_a_closed_archive_takes_nothing(archive: Archive) -> None:
    archive.close()
    with pytest.raises(ArchiveError, match="closed"):
        archive.append("goal", 1)
