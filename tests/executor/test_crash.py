"""kill -9 at random points: nothing is lost, and nothing that must not happen twice does."""

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
from executor.replay.verify import verify

pytestmark = [
    pytest.mark.slow(reason="starts and kills some ten processes"),
    pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX"),
]

DRIVER = Path(__file__).with_name("driver.py")
STEPS = 16


def until_killed(home: Path, seed: int, idempotent: str, seconds: float | None) -> dict[str, Any] | None:
    """Runs the driver; kills it `seconds` after it is ready, or lets it end and gives what it says."""
    arguments = [sys.executable, str(DRIVER), str(home), str(seed), idempotent]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if seconds is not None:
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
        said = process.stdout.readline()
        process.wait(timeout=60)
    return json.loads(said) if said else None


def completed_in(home: Path) -> set[str]:
    with Archive.open(home, "run", read_only=True) as archive:
        return {str(e.body["step"]) for e in archive.events("task.completed") if isinstance(e.body, dict)}


@pytest.mark.parametrize("idempotent", ["once", "idempotent"])
@pytest.mark.parametrize("seed", range(4))
def test_kill_at_any_moment(tmp_path: Path, seed: int, idempotent: str) -> None:
    moments, done, kept = random.Random(seed), None, set[str]()
    for _ in range(8):
        done = until_killed(tmp_path, seed, idempotent, moments.random() * 0.15)
        if done is not None:
            break
        now = completed_in(tmp_path)
        assert kept <= now, "what was finished is finished"
        kept = now
    done = done or until_killed(tmp_path, seed, idempotent, None)
    assert done is not None

    effects = Counter((tmp_path / "effects").read_text().split())
    unknown = {step for step, kinds in done["errors"].items() if "unknown_outcome" in kinds}
    assert set(done["outputs"]) == completed_in(tmp_path)
    for step in done["outputs"]:
        assert effects[step] >= 1, f"{step} is said to be done, and is not"
    if idempotent == "once":
        assert all(count == 1 for count in effects.values()), "an effect happened twice"
        assert (done["status"] == "failed") == bool(unknown)
    else:
        assert done["status"] == "completed"
        assert set(effects) == set(done["outputs"])
        assert len(effects) == STEPS
    with Archive.open(tmp_path, "run", read_only=True) as archive:
        assert verify(archive, recertify=lambda archive, event: str(event.body["program"])) == ()  # type: ignore[index,call-overload]
