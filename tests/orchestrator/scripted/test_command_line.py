"""Bad input at the command line: a clear error, the right exit code, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from orchestrator.cli.app import app
from orchestrator.pipeline import plan_goal

NOWHERE = "http://127.0.0.1:1/v1#none"


def tool(operation: str, **other: Any) -> dict[str, Any]:
    return {
        "tool_name": "shop",
        "operation": operation,
        "description": "Something.",
        "input_schema": {"type": "object", "properties": {}},
        "output_schema": {"type": "object", "properties": {}},
        "effect": "read",
        "binding": {"kind": "python", "callable": "nowhere:nothing"},
        **other,
    }


FILES: dict[str, bytes] = {
    "empty.csv": b"",
    "binary.csv": b"\x7fELF\x01\x02\x03,\n\x00\x01",
    "page.csv": b"<!DOCTYPE html><html></html>",
    "ragged.csv": b"a,b\n1\n",
    "cut.json": b'{"a":',
    "not.db": b"x",
    "broken.yaml": b"name: [1,\n b",
    "wrong.yaml": b"name: p\nrules: [{tools: '*', action: maybe}]\ncolour: red\n",
    "key.yaml": b"name: p\nrulez: []\n",
    "twice.json": json.dumps({"name": "c", "tools": [tool("a"), tool("a")]}).encode(),
    "schema.json": json.dumps({"name": "c", "tools": [tool("a", input_schema={"type": "array"})]}).encode(),
    "bad.json": json.dumps({"name": "c", "tools": [tool("a b", effect="magic")]}).encode(),
}

CASES: dict[str, tuple[list[str], str]] = {
    "no goal": (["run", ""], "a goal is missing"),
    "missing file": (["run", "x", "-i", "a=@nowhere.csv"], "there is no file 'nowhere.csv'"),
    "folder": (["run", "x", "-i", "a=@."], "is a folder"),
    "empty": (["run", "x", "-i", "a=@empty.csv"], "is empty"),
    "binary": (["run", "x", "-i", "a=@binary.csv"], "a binary file"),
    "HTML page": (["run", "x", "-i", "a=@page.csv"], "an HTML page"),
    "ragged": (["run", "x", "-i", "a=@ragged.csv"], "line 2 has 1 fields"),
    "200 MB": (["run", "x", "-i", "a=@big.csv"], "has 200 MB; the limit is 64 MB"),
    "cut off JSON": (["run", "x", "-i", "a=@cut.json"], "not a JSON file"),
    "no database": (["run", "x", "-i", "a=@not.db"], "not a SQLite database"),
    "no name": (["run", "x", "-i", "a"], "is not NAME=VALUE"),
    "name twice": (["run", "x", "-i", "a=1", "-i", "a=2"], "given twice"),
    "unknown pack": (["run", "x", "-c", "cooking"], "packs are: code, data"),
    "unknown model": (["run", "x", "--model", "oracle"], "Allowed are"),
    "model file missing": (["run", "x", "--model", "local:no.gguf"], "there is no model file 'no.gguf'"),
    "unknown engine": (["run", "x", "--engine", "steam"], "engines are: embedded, conductor"),
    "unknown strategy": (["run", "x", "--strategy", "hope"], "strategies are: interleaved, cited, plan_first"),
    "missing policy": (["run", "x", "--policy", "no.yaml"], "there is no policy file"),
    "broken policy": (["run", "x", "--policy", "broken.yaml"], "cannot be read"),
    "wrong policy": (["run", "x", "--policy", "wrong.yaml"], "at /rules/0/action"),
    "unknown key of a policy": (["run", "x", "--policy", "key.yaml"], "at /rulez: there is no such key here; did you"),
    "missing catalogue": (["tools", "list", "-c", "no.yaml"], "No such file"),
    "broken catalogue": (["tools", "list", "-c", "broken.yaml"], "cannot be used"),
    "tool twice": (["tools", "list", "-c", "twice.json"], "'shop.a' is defined 2 times"),
    "schema of a list": (["tools", "list", "-c", "schema.json"], "input_schema must have type 'object'"),
    "no tool": (["tools", "list", "-c", "bad.json"], "at /tools/0/effect"),
    "no OpenAPI": (["tools", "import", "twice.json", "-o", "out.json"], "openapi"),
    "missing proposal": (["check", "no.json"], "cannot be read"),
    "unknown run": (["runs", "show", "no-such"], "there is no run 'no-such'"),
    "unknown run to resume": (["run", "--resume", "no-such"], "there is no run 'no-such'"),
    "run that is a path": (["verify", "../../etc"], "is no name of a run"),
    "unknown verb": (["chek", "p.json"], "Did you mean 'check'?"),
    "unknown option": (["run", "x", "--inptu", "a=1"], "No such option: --inptu"),
    "no argument": (["check"], "Missing argument"),
    "nowhere to write": (["plan", "x", "-o", "no/such/p.json", "--model", NOWHERE], "there is no folder"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    with (tmp_path / "big.csv").open("wb") as big:
        big.truncate(200_000_000)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("arguments", "said"), CASES.values(), ids=CASES)
def test_bad_input_is_refused_and_nothing_is_left(
    folder: Path, home: Path, dagwright: Any, arguments: list[str], said: str
) -> None:
    ran = dagwright(*arguments, *(["--model", NOWHERE] if arguments[0] == "run" and "--model" not in arguments else []))
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert not list(home.glob("runs/*"))
    told = dagwright(
        *arguments, "--json", *(["--model", NOWHERE] if "--model" not in arguments and arguments[0] == "run" else [])
    )
    assert said in told.json["message"]


def test_an_engine_that_is_not_there_is_exit_5(
    bench: Any, sales: Path, dagwright: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGWRIGHT_HOME", str(bench.home))
    line = 'aggregate(table=sales, column="price", function="mean")'
    run, _ = plan_goal("What is the mean price?", {"sales": sales}, bench.setup(line, "answer(s1)"))
    ran = dagwright("run", "--resume", run, "--engine", "http://127.0.0.1:1")
    assert ran.code == 5
    assert "dagwright conductor up" in ran.err
    assert f"dagwright run --resume {run}" in ran.err
    assert dagwright("run", "--resume", run).code == 0


def test_a_model_that_is_not_there_is_exit_5(
    sales: Path, home: Path, dagwright: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagwright.llm.transport.FIRST_DELAY", 0.01)
    ran = dagwright("run", "What is the mean price?", "-i", f"sales=@{sales}", "--model", NOWHERE)
    assert ran.code == 5
    assert "not reachable" in ran.err
    (run,) = (path.name for path in home.glob("runs/*"))
    assert f"dagwright run --resume {run}" in ran.err


FAULTS: dict[str, Any] = {
    "plan": {"dag_id": "p", "nodes": [
        {"task_id": "t1", "description": "", "dependencies": ["t2"]},
        {"task_id": "t2", "description": "", "dependencies": ["t1", "t9"]},
    ]},
    "goal": {"goal_id": "g", "text": "x", "inputs": {}},
    "decompositions": [
        {"task_id": "t1", "steps": [
            {"step_id": "s1", "action": "a", "tool_intent": {"tool_name": "data", "operation": "no_such"}},
            {"step_id": "s2", "action": "a", "tool_intent": {
                "tool_name": "data", "operation": "count_rows",
                "required_inputs": {"table": {"from": "s9", "path": "/table"}, "extra": {"literal": 1}}}},
        ]},
        {"task_id": "t3", "steps": []},
    ],
    "answer": {},
}  # fmt: skip


def test_check_reports_all_faults_at_once(tmp_path: Path, dagwright: Any) -> None:
    path = tmp_path / "proposal.json"
    path.write_text(json.dumps(FAULTS), encoding="utf-8")
    ran = dagwright("check", str(path), "--json")
    failed = ran.json["validation_result"]["checks_failed"]
    assert ran.code == 1
    assert len({finding["code"] for finding in failed}) >= 6
    shown = dagwright("check", str(path))
    assert shown.code == 1
    assert all(finding["code"] in shown.out for finding in failed)
    for verb in ("compile", "execute"):
        assert dagwright(verb, str(path)).code == 1


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"plan": 1}'])
def test_what_is_no_proposal_is_rejected(tmp_path: Path, dagwright: Any, content: str) -> None:
    path = tmp_path / "proposal.json"
    path.write_text(content, encoding="utf-8")
    ran = dagwright("check", str(path), "--json")
    assert ran.code == 1
    assert ran.json["validation_result"]["checks_failed"]


def verbs(command: Any, name: str = "dagwright") -> Iterator[tuple[str, Any]]:
    """Gives the commands that do something, by their full names."""
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
    for key, child in (below or {}).items():
        yield from verbs(child, f"{name} {key}")


def test_every_command_has_json_and_says_what_it_does() -> None:
    found = dict(verbs(get_command(app)))
    assert len(found) > 30
    assert not [name for name, verb in found.items() if all("--json" not in item.opts for item in verb.params)]
    assert not [name for name, verb in found.items() if not verb.help]


def test_what_is_stopped_outside_of_a_run_says_so(dagwright: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_on_progress: object) -> None:
        error = KeyboardInterrupt()
        error.add_note("what was fetched so far stays")
        raise error

    monkeypatch.setattr("dagwright.llm.transfer.pull", stopped)
    ran = dagwright("model", "pull")
    assert (ran.code, ran.out) == (130, "")
    assert ran.err == "dagwright: stopped\nwhat was fetched so far stays\n"


def test_how_far_a_download_is_stands_in_a_log_at_every_tenth(dagwright: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def pull(on_progress: Callable[[int, int, str], None]) -> Path:
        for done in (0, 1, 2, 10, 9, 11, 20):
            on_progress(done * 10_000_000, 200_000_000, f"fetching part {done}")
        return Path("model.gguf")

    monkeypatch.setattr("dagwright.llm.transfer.pull", pull)
    lines = dagwright("model", "pull").out.splitlines()
    assert [line.rpartition(" part ")[2] for line in lines] == [
        "0 0 of 200 MB",
        "2 20 of 200 MB",
        "10 100 of 200 MB",
        "20 200 of 200 MB",
        "model.gguf",
    ]


def completion(text: str) -> str:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return json.dumps(
        {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    )


def interrupted(home: Path, until: Path, *arguments: str) -> tuple[int, str]:
    """Starts a command in a process of its own, sends Ctrl-C once a file is there, gives exit code and output."""
    entry = "from orchestrator.cli.app import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", entry, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "DAGWRIGHT_HOME": str(home)},
    )
    deadline = time.monotonic() + 60
    while not until.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    return process.returncode, out


posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")


@posix
@pytest.mark.slow
def test_ctrl_c_while_the_model_hangs_and_then_going_on(
    tmp_path: Path, sales: Path, served: Any, dagwright: Any, home: Path
) -> None:
    asked, over = tmp_path / "asked", threading.Event()
    lines = iter(['aggregate(table=sales, column="price", function="mean")', "answer(s1)"])

    def answer(method: str, path: str) -> tuple[int, str]:
        if not asked.exists():
            asked.touch()
            over.wait(30)
        return 200, completion(next(lines))

    with served(answer) as url:
        goal = ("run", "What is the mean price?", "-i", f"sales=@{sales}")
        code, out = interrupted(home, asked, *goal, "--model", f"{url}/v1#m", "--strategy", "interleaved")
        (run,) = (path.name for path in home.glob("runs/*"))
        assert code == 130
        assert f"dagwright run --resume {run}" in out
        ran = dagwright("run", "--resume", run, "--json")
        over.set()
    assert ran.code == 0
    assert list(ran.json["answer"].values()) == [4.0]


@posix
@pytest.mark.slow
def test_ctrl_c_while_a_step_runs_and_then_going_on(
    tmp_path: Path, bench: Any, served: Any, shop_of: Any, dagwright: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGWRIGHT_HOME", str(bench.home))
    asked, over = tmp_path / "asked", threading.Event()
    calls: list[str] = []

    def answer(method: str, path: str) -> tuple[int, str]:
        calls.append(path)
        if path == "/items/SLOW" and not asked.exists():
            time.sleep(0.5)  # the other step is finished by now
            asked.touch()
            over.wait(30)
        return 200, '{"stock": 7}'

    with served(answer) as url:
        catalogue, policy = shop_of(url)
        lines = ('getStock(id="QUICK")', 'getStock(id="SLOW")', "answer(s1.body.stock, s2.body.stock)")
        setup = bench.setup(*lines, catalogue=catalogue, policy=policy)
        run, _ = plan_goal('How many "QUICK" and "SLOW" are in stock?', {}, setup)
        code, out = interrupted(bench.home, asked, "run", "--resume", run)
        assert code == 130
        assert f"dagwright run --resume {run}" in out
        ran = dagwright("run", "--resume", run, "--json")
        over.set()
    assert ran.code == 0
    assert list(ran.json["answer"].values()) == [7, 7]
    assert calls.count("/items/QUICK") == 1
