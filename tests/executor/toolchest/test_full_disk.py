"""Operations that write, on a disk without room: the file of before stays, and no other plan is asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dagwright.exceptions import DiskError
from executor.bindings.runner import ToolContext, may_have_acted

from .conftest import run_tool

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")

ROWS = [{"n": number, "text": "x" * 50} for number in range(500)]
WRITES: dict[str, dict[str, Any]] = {
    "data.write_csv": {"table": ROWS, "path": "out.csv"},
    "data.write_json": {"table": ROWS, "path": "out.json"},
    "data.write_sqlite": {"table": ROWS, "path": "out.db", "name": "t"},
    "files.write_text": {"text": "x" * 20_000, "path": "out.txt"},
}


@contextmanager
def room_for(most: int) -> Iterator[None]:
    """No file may grow beyond so many bytes: writing further fails as on a full disk."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", WRITES)
def test_a_full_disk_is_no_fault_of_the_plan(name: str, context: ToolContext) -> None:
    path = context.files / WRITES[name]["path"]
    path.write_bytes(b"")
    with room_for(5_000), pytest.raises(DiskError, match=r"the disk refuses .*make room in") as caught:
        run_tool(context, name, **WRITES[name])
    assert not may_have_acted(caught.value)
    assert [found.name for found in context.files.iterdir()] == [path.name]
    assert path.read_bytes() == b""
    run_tool(context, name, **WRITES[name])
    assert path.stat().st_size > 5_000
