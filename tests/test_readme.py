"""The README's blocks do what they say: commands run, and the output shown is what they print.

A word after a block's language says what it needs: `live` the local model, `conductor` a server,
`live-conductor` both, `figures` stored results; `parsed` commands need a key or somebody's service, and
are only checked for their syntax. All others run here, in
their order and in one folder, with the local model's recorded answers.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from executor.conductor import server

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
VARYING = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}|[\s│┃]+")


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    line: int
    language: str
    needs: str
    text: str

    def commands(self) -> list[tuple[str, list[str]]]:
        """Gives each command with the output that is shown below it."""
        found: list[tuple[str, list[str]]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:].split("  #")[0].strip(), []))
            elif line.strip():
                found[-1][1].append(line)
        return found


BLOCKS = [
    Block(README[: match.start()].count("\n") + 1, match[1], match[2].strip(), match[3])
    for match in re.finditer(r"^```(\w+)([^\n]*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
]


def blocks(needs: str) -> list[Any]:
    return [pytest.param(block, id=f"line-{block.line}") for block in BLOCKS if block.needs == needs]


def test_every_block_is_of_a_kind_that_is_run() -> None:
    assert {(block.language, block.needs) for block in BLOCKS} == {
        ("console", ""),
        ("python", ""),
        ("console", "live"),
        ("console", "parsed"),
        ("console", "conductor"),
        ("console", "live-conductor"),
        ("console", "figures"),
    }


def shown_in(output: str, shown: str) -> bool:
    """Whether a line of the README stands in an output, blanks and runs' ids aside; `…` stands for anything."""
    parts = [re.escape(VARYING.sub(" ", part).strip()) for part in shown.split("…")]
    return re.search(".*?".join(parts), VARYING.sub(" ", output), re.DOTALL) is not None


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the examples, as a checkout has them."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_needs_no_model_and_no_server_does_what_it_says(
    folder: Path, dagwright: Any, cassette_of: Callable[[list[str]], list[str]]
) -> None:
    run = ""
    for block in (block for block in BLOCKS if not block.needs):
        where = f"README.md, line {block.line}"
        if block.language == "python":
            exec(compile(block.text, where, "exec"), {})
            continue
        for command, shown in block.commands():
            if command.startswith("make "):
                assert re.search(rf"^{command.split()[1]}:.*##", (ROOT / "Makefile").read_text(), re.MULTILINE), where
                continue
            program, *arguments = shlex.split(command)
            assert program == "dagwright", where
            ran = dagwright(*(run if word == "RUN" else word for word in arguments), *cassette_of(arguments))
            waits = any(line.startswith("waiting") for line in shown)
            assert ran.code == (4 if waits else 0), f"{where}: {command}\n{ran.out}\n{ran.err}"
            for line in shown:
                assert shown_in(ran.out, line), f"{where}: {command} does not print {line!r} but\n{ran.out}"
            found = re.findall(r"\d{8}-\d{6}-[0-9a-f]{6}", ran.out)
            run = found[-1] if arguments[0] in {"run", "demo", "execute"} and found else run


def test_the_demo_target_runs_the_demo() -> None:
    recipe = (ROOT / "Makefile").read_text().split("\ndemo:")[1].split("\n\n")[0]
    assert "dagwright demo" in recipe


@pytest.mark.parametrize("block", blocks("parsed"))
def test_commands_for_services_of_others_parse(block: Block) -> None:
    import typer

    from orchestrator.cli.app import app

    group: Any = typer.main.get_command(app)
    for command, _ in block.commands():
        _, verb, *arguments = shlex.split(command)
        context = group.commands[verb].make_context(verb, arguments)
        assert context.params["goal"]


@pytest.mark.live
@pytest.mark.timeout(900)
@pytest.mark.parametrize("block", blocks("live"))
def test_with_the_local_model(block: Block, folder: Path, dagwright: Any) -> None:
    for command, _ in block.commands():
        ran = dagwright(*shlex.split(command)[1:])
        assert ran.code == 0, ran.out + ran.err


@pytest.mark.conductor
@pytest.mark.timeout(900)
@pytest.mark.parametrize("block", blocks("conductor"))
def test_on_a_conductor_server(block: Block, folder: Path, home: Path) -> None:
    before = server.status().state
    try:
        run_outside(block)
    finally:
        if before == "down":
            server.down()


@pytest.mark.live
@pytest.mark.conductor
@pytest.mark.timeout(900)
@pytest.mark.parametrize("block", blocks("live-conductor"))
def test_with_the_local_model_on_a_conductor_server(block: Block, folder: Path, home: Path) -> None:
    run_outside(block)


def run_outside(block: Block) -> None:
    """Runs commands as processes of their own, `make` in the checkout."""
    dagwright = str(Path(sys.executable).parent / "dagwright")
    for command, _ in block.commands():
        program, *arguments = shlex.split(command)
        line = ["make", "-C", str(ROOT), *arguments] if program == "make" else [dagwright, *arguments]
        subprocess.run(line, check=True, stdin=subprocess.DEVNULL, timeout=800)


@pytest.mark.parametrize("block", blocks("figures"))
def test_the_figures_are_printed_by_that_command(block: Block) -> None:
    ((command, _),) = block.commands()
    ran = subprocess.run([sys.executable, *shlex.split(command)[1:]], cwd=ROOT, capture_output=True, text=True)
    stored = any((ROOT / "benchmarks" / "results").glob("*.json"))
    assert (ran.returncode, "| suite |" in ran.stdout) == ((0, True) if stored else (1, False))
