"""States of stable openings on disk: found again, never trusted when damaged, bounded, and nothing else in them."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dagwright.llm.prefix import ABANDONED, LEAST, PrefixCache, PrefixStore

OPENING = "rules " * LEAST
KEY = "a" * 64


@dataclass
class Words:
    """A reader whose state is the words that it read, as a file of text."""

    folder: Path
    identity: str = "weights 1"
    state: list[str] = field(default_factory=list[str])
    read_so_far: list[str] = field(default_factory=list[str])
    left_over: int = 0
    """Tokens of earlier requests that a faulty engine would save too."""

    def read(self, prompt: str, *, timeout: float, cancelled: threading.Event) -> int:
        assert timeout > 0
        assert not cancelled.is_set()
        self.read_so_far.append(prompt)
        self.state = prompt.split()
        return len(self.state)

    def save(self, name: str) -> int | None:
        try:
            (self.folder / name).write_text(" ".join(self.state))
        except OSError:
            return None
        return len(self.state) + self.left_over

    def restore(self, name: str) -> bool:
        self.state = (self.folder / name).read_text().split()
        return True


def prepared(reader: Words, opening: str = OPENING, store: PrefixStore | None = None) -> int:
    """What a fresh process reads for an opening."""
    cache = PrefixCache(reader, store or PrefixStore(reader.folder))
    return cache.prepare(opening, timeout=1.0, cancelled=threading.Event())


def kept(store: PrefixStore, content: str, *, key: str = KEY, used: float | None = None) -> Path:
    name = store.begin(key)
    (store.folder / name).write_text(content)
    store.finish(name)
    found = store.find(key)
    assert found is not None
    path = store.folder / found
    if used is not None:
        os.utime(path, (used, used))
    return path


def test_the_next_process_takes_up_what_the_first_one_read(tmp_path: Path) -> None:
    first, second = Words(tmp_path), Words(tmp_path)
    assert prepared(first) == LEAST
    assert prepared(second) == 0
    assert (second.read_so_far, second.state) == ([], first.state)


def test_one_process_reads_an_opening_once_and_takes_it_up_after_another(tmp_path: Path) -> None:
    reader = Words(tmp_path)
    cache = PrefixCache(reader, PrefixStore(tmp_path))
    other = "others " * LEAST
    for opening in (OPENING, OPENING, other, OPENING, other):
        cache.prepare(opening, timeout=1.0, cancelled=threading.Event())
        assert reader.state == opening.split()
    assert reader.read_so_far == [OPENING, other]


@pytest.mark.parametrize("opening", ["", "x" * (LEAST - 1)], ids=["none", "short"])
def test_short_openings_are_left_to_the_request(tmp_path: Path, opening: str) -> None:
    reader = Words(tmp_path)
    assert prepared(reader, opening) == 0
    assert (reader.read_so_far, list(tmp_path.iterdir())) == ([], [])


def test_other_weights_or_another_build_read_for_themselves(tmp_path: Path) -> None:
    prepared(Words(tmp_path))
    assert prepared(Words(tmp_path, identity="weights 2")) == LEAST


def test_another_opening_is_read_for_itself(tmp_path: Path) -> None:
    prepared(Words(tmp_path))
    assert prepared(Words(tmp_path), OPENING + "and one more") > LEAST


@pytest.mark.parametrize("damage", [b"", b"rubbish", None], ids=["emptied", "replaced", "cut"])
def test_a_damaged_state_is_removed_and_read_again(tmp_path: Path, damage: bytes | None) -> None:
    prepared(Words(tmp_path))
    (state,) = tmp_path.iterdir()
    state.write_bytes(state.read_bytes()[:-1] if damage is None else damage)
    assert prepared(Words(tmp_path)) == LEAST
    assert prepared(Words(tmp_path)) == 0


def test_a_state_with_more_in_it_than_the_opening_is_not_kept(tmp_path: Path) -> None:
    assert prepared(Words(tmp_path, left_over=3)) == LEAST
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_means_reading_each_time(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    reader = Words(file / "below")
    assert prepared(reader) == LEAST
    assert prepared(reader) == LEAST


def test_only_the_user_may_look_into_the_folder(tmp_path: Path) -> None:
    store = PrefixStore(tmp_path / "new" / "prefix")
    assert store.folder.stat().st_mode & 0o077 == 0


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    store = PrefixStore(tmp_path, most=30)
    now = time.time()
    old, older = kept(store, "x" * 10, key="b" * 64, used=now - 10), kept(store, "y" * 10, key="c" * 64, used=now - 20)
    assert store.find("c" * 64), "finding is using"
    new = kept(store, "z" * 10)
    newest = kept(store, "0" * 10, key="d" * 64)
    assert {path.name for path in tmp_path.iterdir()} == {older.name, new.name, newest.name}
    assert not old.exists()


def test_what_killed_processes_left_is_removed_but_not_what_others_are_writing(tmp_path: Path) -> None:
    store = PrefixStore(tmp_path)
    left, others = tmp_path / store.begin(KEY), tmp_path / store.begin(KEY)
    for path in (left, others):
        path.write_text("unfinished")
    long_ago = time.time() - ABANDONED - 1
    os.utime(left, (long_ago, long_ago))
    kept(store, "whole", key="b" * 64)
    assert store.find(KEY) is None
    assert (left.exists(), others.exists()) == (False, True)
