"""kill -9 while a run fails and is undone: what was done is undone exactly once, whatever dies when."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from executor.archive.archive import Archive
from executor.archive.folder import runs
from executor.ledger.effects import effects_of
from executor.replay.verify import verify
from orchestrator.settlement import settle

pytestmark = [
    pytest.mark.slow(reason="starts and kills some ten processes"),
    pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX"),
]

DRIVER = Path(__file__).with_name("undoer.py")


def until_killed(home: Path, seed: int, seconds: float | None) -> dict[str, Any] | None:
    """Runs the driver; kills it `seconds` after it is ready, or lets it end and gives the outcome."""
    with subprocess.Popen([sys.executable, str(DRIVER), str(home), str(seed)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        if seconds is not None:
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
        said = process.stdout.readline()
        process.wait(timeout=60)
    return json.loads(said) if said else None


def answer(home: Path, run: str) -> None:
    """Says of each effect in doubt what the trace says, as a person would who looks."""
    with Archive.open(home, run, read_only=True) as archive:
        open_ = [(effect, archive.get(effect.arguments)) for effect in effects_of(archive) if effect.is_open]
    trace = (home / "effects").read_text().splitlines()
    for effect, arguments in open_:
        assert isinstance(arguments, dict)
        done = f"{effect.entry.operation.split('.')[1]} {arguments.get('item') or arguments.get('id')}" in trace
        outputs = {"id": int(effect.entry.step.strip("s"))} if effect.undoes is None and done else None
        settle(home, run, effect.entry.step, "happened" if done else "not_happened", by="trace", outputs=outputs)


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment(tmp_path: Path, seed: int) -> None:
    moments, outcome = random.Random(seed), None
    for turn in range(14):
        begun = bool(runs(tmp_path))
        seconds = moments.random() * 0.6 if turn < 6 else None
        outcome = until_killed(tmp_path, seed * 100 + turn, seconds)
        if outcome is not None and outcome["status"] == "failed" and not outcome.get("not_undone"):
            break
        if begun or runs(tmp_path):
            answer(tmp_path, runs(tmp_path)[0])
    assert outcome is not None
    assert outcome["status"] == "failed"
    effects = Counter((tmp_path / "effects").read_text().splitlines())
    pairs = [(f"order s{n}", f"cancel {n}") if n % 2 else (f"note s{n}", f"forget s{n}") for n in range(1, 9)]
    assert effects == Counter(line for pair in pairs for line in pair), "each was done once and undone once"
    with Archive.open(tmp_path, runs(tmp_path)[0], read_only=True) as archive:
        assert verify(archive) == ()
