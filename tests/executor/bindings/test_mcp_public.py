"""A public MCP server that others wrote, from npm: imported, certified and called."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platformdirs
import psutil
import pytest

from dagwright.catalogue import Catalogue, load_catalogue
from dagwright.exceptions import TimedOut, ToolRejected
from dagwright.policy import Policy, Rule, load_policy
from executor.bindings.mcp.runner import McpRunner

PACKAGE, VERSION = "@modelcontextprotocol/server-everything", "2026.8.31"
INTEGRITY = "sha512-5U3OZh8Xq0Li4nA26l6uNvV9/1suMDuWSn+NjLZIhzinhMY6N3A4DCrxVecBGPf2PsNFKTEv5krxGPRwzxc7jQ=="

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def command() -> str:
    """The server's command, installed once below the user's cache and checked."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("a public MCP server needs npm; there is none on the path")
    cache = os.environ.get("DAGWRIGHT_CACHE") or platformdirs.user_cache_dir("dagwright")
    folder = Path(cache).absolute() / f"mcp-server-everything-{VERSION}"
    listed = folder / "node_modules" / ".package-lock.json"
    if not listed.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        install = [npm, "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(
            [*install, f"{PACKAGE}@{VERSION}"], capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode:
            pytest.skip(f"npm could not install the server: {done.stderr[-300:]}")
    found = json.loads(listed.read_text(encoding="utf-8"))["packages"][f"node_modules/{PACKAGE}"]
    assert found["integrity"] == INTEGRITY
    return f"{folder / 'node_modules' / '.bin' / 'mcp-server-everything'} stdio"


@pytest.fixture
def imported(command: str, dagwright: Any, tmp_path: Path) -> tuple[Catalogue, Policy]:
    catalogue, policy = tmp_path / "every.json", tmp_path / "every.yaml"
    done = dagwright(
        "tools", "import", f"mcp:{command}", "--name", "every", "-o", str(catalogue), "--policy", str(policy)
    )
    assert done.code == 0, done.err
    assert "assumed:" in done.out
    return load_catalogue(catalogue), load_policy(policy)


@pytest.fixture
def runner() -> Iterator[McpRunner]:
    made = McpRunner()
    yield made
    made.close()
    assert not [process for process in psutil.Process().children(recursive=True) if "mcp-server" in process.name()]


def test_hints_become_effects(imported: tuple[Catalogue, Policy]) -> None:
    catalogue, policy = imported
    effects = {tool.operation: tool.effect for tool in catalogue.tools}
    assert effects["echo"] == "read"
    assert effects["toggle-simulated-logging"] == "external"
    assert {rule.action for rule in policy.rules} == {"ask"}
    assert {rule.tools for rule in policy.rules} == {tool.name for tool in catalogue.tools if tool.effect != "read"}


CALLS: list[tuple[str, dict[str, Any], Any]] = [
    ("echo", {"message": "hello ${x}"}, {"text": "Echo: hello ${x}"}),
    ("get-sum", {"a": 2, "b": 3}, {"text": "The sum of 2 and 3 is 5."}),
    (
        "get-structured-content",
        {"location": "Chicago"},
        {"temperature": 36, "conditions": "Light rain / drizzle", "humidity": 82},
    ),
]


@pytest.mark.parametrize(("operation", "arguments", "outputs"), CALLS, ids=[case[0] for case in CALLS])
def test_calls(imported: Any, runner: McpRunner, attempt: Any, operation: str, arguments: Any, outputs: Any) -> None:
    catalogue, policy = imported
    assert runner(catalogue.by_name[f"every.{operation}"], arguments, attempt(seconds=60, policy=policy)) == outputs


def test_what_is_no_text_is_refused(imported: Any, runner: McpRunner, attempt: Any) -> None:
    catalogue, policy = imported
    found = runner(catalogue.by_name["every.get-tiny-image"], {}, attempt(seconds=60, policy=policy))
    assert set(found) == {"text"}  # the words around the picture
    with pytest.raises(ToolRejected):
        runner(catalogue.by_name["every.get-sum"], {"a": "x", "b": 1}, attempt(seconds=60, policy=policy))


def test_a_long_operation_is_given_up_in_time(imported: Any, runner: McpRunner, attempt: Any) -> None:
    catalogue, policy = imported
    runner(catalogue.by_name["every.echo"], {"message": "awake"}, attempt(seconds=60, policy=policy))
    begun = time.monotonic()
    spec = catalogue.by_name["every.trigger-long-running-operation"]
    with pytest.raises(TimedOut):
        runner(spec, {"duration": 60, "steps": 5}, attempt(seconds=1.5, policy=policy))
    assert time.monotonic() - begun < 6


def test_a_certified_proposal_calls_it(imported: Any, end_to_end: Any) -> None:
    catalogue, policy = imported
    spec = catalogue.by_name["every.get-structured-content"]
    trial = end_to_end(spec, {"location": "Chicago"}, policy)
    assert trial.result.status == "completed"
    assert trial.outputs["humidity"] == 82


def test_without_the_policys_word_nothing_is_certified(imported: Any, end_to_end: Any) -> None:
    catalogue, _ = imported
    allowed = Policy(name="none", rules=(Rule(tools="*", action="allow"),))
    with pytest.raises(Exception, match=r"P409.*would run command"):
        end_to_end(catalogue.by_name["every.echo"], {"message": "x"}, allowed)
