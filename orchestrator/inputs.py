"""The files of a goal that was stated elsewhere: found by their hash, copied into the run's folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from dagwright.canonical import sha256_bytes
from dagwright.exceptions import InputError
from dagwright.goal import Goal


def bring_inputs(goal: Goal, into: Path, folder: Path, home: Path) -> None:
    """Copies the goal's files into `into`, from `folder` or from the runs below `home`.

    Raises:
        InputError: one is nowhere to be found with the hash that the goal names.
    """
    for name, given in goal.inputs.items():
        value = given.value
        if not isinstance(value, dict) or "sha256" not in value or "path" not in value:
            continue
        file = Path(str(value["path"])).name
        source = next((p for p in _places(file, folder, home) if sha256_bytes(p.read_bytes()) == value["sha256"]), None)
        if source is None:
            raise InputError(
                f"input {name!r}: the file {file!r} that the proposal was made for "
                f"(sha256 {str(value['sha256'])[:12]}…) is neither in {str(folder)!r} nor in a run below {str(home)!r}"
            )
        shutil.copyfile(source, into / file)


def _places(file: str, folder: Path, home: Path) -> Iterator[Path]:
    yield from (path for path in (folder / file, folder / "inputs" / file) if path.is_file())
    yield from (path for path in sorted(home.glob(f"runs/*/inputs/{file}"), reverse=True) if path.is_file())
