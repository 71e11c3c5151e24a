"""A disk that takes nothing more: an error that says what and where, exit 3, and a run that goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.pipeline import plan_goal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")

LIMITED = (
    "import resource, signal, sys\n"
    "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    "most = int(sys.argv.pop(1)); resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))\n"
    "from orchestrator.cli.app import main\n"
    "main()\n"
)
"""`dagwright`, with files of so many bytes at most; what goes beyond fails as on a full disk."""

GOAL = "What is the mean price?"
LINES = ('aggregate(table=sales, column="price", function="mean")', "answer(s1)")


def limited(most: int, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DAGWRIGHT_HOME": str(home)}
    command = [sys.executable, "-c", LIMITED, str(most), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)


@pytest.fixture
def long_sales(tmp_path: Path) -> Path:
    path = tmp_path / "sales.csv"
    path.write_text("city,price\n" + "Rome,3\n" * 20_000, encoding="utf-8")
    return path


def test_a_run_stops_with_exit_3_and_goes_on_when_there_is_room(bench: Any, long_sales: Path) -> None:
    run, _ = plan_goal(GOAL, {"sales": long_sales}, bench.setup(*LINES))
    stopped = limited(300_000, bench.home, "run", "--resume", run, "--model", "http://127.0.0.1:1/v1#none")
    assert stopped.returncode == 3, stopped.stderr
    assert f"the archive of run '{run}' cannot be written, the disk refuses" in stopped.stderr
    assert f"make room in '{bench.home / 'runs' / run}'" in stopped.stderr
    assert f"nothing is lost; go on with: dagwright run --resume {run}" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    again = limited(50_000_000, bench.home, "run", "--resume", run, "--model", "http://127.0.0.1:1/v1#none", "--json")
    assert again.returncode == 0, again.stderr
    assert list(json.loads(again.stdout)["answer"].values()) == [3]


def test_a_disk_that_is_full_from_the_start_leaves_no_run(bench: Any, long_sales: Path) -> None:
    arguments = ("run", GOAL, "-i", f"sales=@{long_sales}", "--model", "http://127.0.0.1:1/v1#none", "--json")
    for most in (0, 100_000):  # no lock; no copy of the input
        full = limited(most, bench.home, *arguments)
        assert full.returncode == 3, full.stderr
        told = json.loads(full.stdout)
        assert told["error"] == "DiskError"
        assert "the disk refuses" in told["message"]
        assert bench.runs() == []
