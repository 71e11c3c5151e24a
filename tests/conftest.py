"""The command line as a person uses it, with the local model's recorded answers; a Conductor server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from executor.conductor.server import down, up
from orchestrator.cli.app import main
from orchestrator.cli.run import penguins

ROOT = Path(__file__).parents[1]
CASSETTES = ROOT / "tests" / "cassettes"
GOALS: dict[str, dict[str, Any]] = yaml.safe_load((CASSETTES / "goals.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Ran:
    """What a command gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on standard output."""
        return json.loads(self.out)


Dagwright = Callable[..., Ran]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own; no key of a hosted model is set."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "CONDUCTOR_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DAGWRIGHT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def dagwright(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Dagwright:
    """Gives a function that runs a command line in this process."""

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["dagwright", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Ran(int(ended.value.code or 0), printed.out, printed.err)

    return run


def arguments_of(name: str) -> list[str]:
    """The goal of that name, its inputs and its recorded model, as arguments of `dagwright run` and `plan`."""
    goal = GOALS[name]
    found = [str(goal["text"]), "--model", f"cassette:{CASSETTES / name}.jsonl"]
    for key, file in goal["inputs"].items():
        found += ["--input", f"{key}=@{penguins() if file == 'penguins.csv' else ROOT / file}"]
    for catalogue in goal.get("catalogues", ()):
        found += ["--catalogue", catalogue]
    return found


@pytest.fixture
def cassette_of() -> Callable[[list[str]], list[str]]:
    """Gives `--model` with the recorded answers, for a command line that plans a recorded goal."""

    def found(arguments: list[str]) -> list[str]:
        named = [name for name, goal in GOALS.items() if goal["text"] in arguments[1:2]]
        if arguments[0] == "demo":
            named = ["demo"]
        return ["--model", f"cassette:{CASSETTES / named[0]}.jsonl"] if named else []

    return found


@pytest.fixture
def recorded() -> Callable[[str], list[str]]:
    """Gives the arguments of a recorded goal, by its name."""
    return arguments_of


@pytest.fixture(scope="session")
def conductor_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Conductor server, started once and stopped at the end."""
    home = tmp_path_factory.mktemp("conductor")
    try:
        found = up(lambda done, total, what: None, home=home)
        assert found.url is not None
        yield found.url
    finally:
        down(home)
