"""The store on disk: it lasts, it is held by one process, and it says what is wrong with a directory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dagwright.exceptions import ArchiveError, InputError
from knowledge.opening import open_store
from knowledge.store import Added


def test_what_was_added_is_there_when_it_is_opened_again(open_here, documents, tmp_path):
    first = open_here()
    first.add(documents)
    before = first.search("reading CSV files")
    first.close()
    again = open_here()
    assert again.search("reading CSV files") == before
    assert again.add(documents) == Added(added=0, unchanged=6)
    assert again.stats().path == str(tmp_path / "store")


WRITER = """
import os, sys
from pathlib import Path
from knowledge import Document, open_store
store = open_store(Path(sys.argv[1]), embedder=None)
store.add(Document(doc_id=f"text:{n}", title=f"penguin number {n}") for n in range(300))
print("added", flush=True)
os.kill(os.getpid(), 9)
"""


def test_what_was_added_outlives_a_killed_process(open_here, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(tmp_path / "store")], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.returncode) == ("added\n", -9)
    assert open_here(embedder=None).stats().documents == 300


OPENER = """
import sys
from pathlib import Path
from dagwright.exceptions import ArchiveError
from knowledge import open_store
try:
    open_store(Path(sys.argv[1]), embedder=None)
except ArchiveError as error:
    print(error)
"""


def test_a_second_process_is_told_who_holds_the_directory(open_here, tmp_path, documents):
    store = open_here(embedder=None)
    store.add(documents)
    done = subprocess.run(
        [sys.executable, "-c", OPENER, str(tmp_path / "store")], capture_output=True, text=True, timeout=60
    )
    assert f"'{tmp_path / 'store'}' is held by another process" in done.stdout
    assert store.stats().documents == 6


def test_vectors_of_two_embedders_do_not_mix(open_here, mini_lm):
    open_here(embedder=None).close()
    with pytest.raises(InputError, match=r"embedder None, not 'all-MiniLM-L6-v2-int8"):
        open_here(embedder=mini_lm)


def test_a_directory_with_other_things_is_left_alone(open_here, tmp_path):
    (tmp_path / "diary.txt").write_text("dear diary")
    with pytest.raises(InputError, match="neither empty nor a knowledge store"):
        open_here(path=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["diary.txt"]


def test_a_file_is_no_directory(open_here, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file'"):
        open_here(path=tmp_path / "file")


@pytest.mark.parametrize("damaged", ["knowledge.json", "shard/edge_config.json"])
def test_a_damaged_store_names_its_directory(open_here, tmp_path, documents, damaged):
    store = open_here(embedder=None)
    store.add(documents)
    store.close()
    (tmp_path / "store" / damaged).write_text("{broken")
    with pytest.raises(ArchiveError, match=str(tmp_path / "store")):
        open_here(embedder=None)


def test_the_memory_backend_takes_no_path(tmp_path):
    with pytest.raises(InputError, match="leave out the path"):
        open_store(tmp_path, backend="memory", embedder=None)


def test_an_unknown_backend_is_refused():
    with pytest.raises(InputError, match="use 'edge' or 'memory'"):
        open_store(backend="cloud", embedder=None)
