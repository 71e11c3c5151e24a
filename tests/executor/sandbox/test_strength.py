"""Which sandbox code gets, and what is said where there is none that policy lets it have."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagwright.canonical import to_json
from dagwright.exceptions import GuardViolation
from dagwright.policy import DEFAULT_POLICY, Isolation, Policy
from executor.sandbox import bubblewrap, landlock, strength, syscalls


def usable() -> list[Isolation]:
    """Gives the sandboxes that work here, weakest first."""
    return [isolation for isolation in strength.STRENGTHS if strength.problem(isolation) is None]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with neither bubblewrap nor Landlock."""
    monkeypatch.setattr(bubblewrap, "found", lambda: None)
    monkeypatch.setattr(landlock, "version", lambda: 0)
    strength.problem.cache_clear()
    yield
    strength.problem.cache_clear()


def test_the_strongest_that_works_is_taken() -> None:
    assert strength.admitted(Policy(name="p", sandbox="limits")) == usable()[-1]


def test_what_the_machine_offers_works() -> None:
    """A sandbox that is broken must not count as one that is not there."""
    wrapper = bubblewrap.found()
    plain = [wrapper, "--unshare-all", "--ro-bind", "/", "/", "true"]
    offered = {
        "limits": True,
        "landlock": landlock.version() >= landlock.LEAST_VERSION,
        "bubblewrap": wrapper is not None and subprocess.run(plain, check=False, capture_output=True).returncode == 0,
    }
    assert {name for name, there in offered.items() if there} == set(usable())


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (DEFAULT_POLICY, ["'landlock'", "Landlock version 0, not 6", "not installed", "sandbox: limits"]),
        (Policy(name="p", sandbox="bubblewrap"), ["'p'", "'bubblewrap'", "apt-get install bubblewrap"]),
    ],
    ids=["nothing said", "the strongest demanded"],
)
def test_a_sandbox_that_is_too_weak_is_refused(policy: Policy, says: list[str]) -> None:
    with pytest.raises(GuardViolation) as refused:
        strength.admitted(policy)
    assert refused.value.code == "sandbox_too_weak"
    assert [words for words in says if words not in str(refused.value)] == []


@pytest.mark.usefixtures("bare")
def test_what_limits_does_not_protect_against_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    strength._warn.cache_clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert strength.admitted(Policy(name="p", sandbox="limits")) == "limits"
    (said,) = caplog.messages
    assert "does not protect against hostile code" in said
    assert "reaches the network" in said


def test_bubblewrap_that_does_not_work_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    strength.problem.cache_clear()
    assert "No permissions" in str(strength.problem("bubblewrap"))
    strength.problem.cache_clear()


def test_policies_that_say_nothing_keep_their_hash() -> None:
    assert "sandbox" not in str(to_json(DEFAULT_POLICY))


def test_numbers_are_those_of_the_headers() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip(f"{header} is not installed (package linux-libc-dev)")
    known = dict(line.split()[1:3] for line in header.read_text().splitlines() if line.startswith("#define __NR_"))
    stated = {name: pair[0] for name, pair in syscalls.NUMBERS.items() if pair[0] is not None}
    wrong = {name: number for name, number in stated.items() if known.get(f"__NR_{name}", str(number)) != str(number)}
    assert wrong == {}
