"""`dagwright bench`: list, run, go on, score again, and clear words for bad input."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import JsonValue

from benchmarks.command import main, run_suite
from benchmarks.environment import measured_here
from benchmarks.statistics import Metric, share
from benchmarks.suite import SUITES, Entry, Options, Progress, Record, SuiteResult
from dagwright.exceptions import Cancelled, InputError


class Coins(ModuleType):
    """A suite of coin throws that can be interrupted."""

    interrupt_at: int | None = None
    interrupt: type[BaseException] = KeyboardInterrupt

    def run(self, options: Options, on_progress: Progress) -> Generator[Record, None, None]:
        total = options.limit or 4
        for number in range(total):
            if number == self.interrupt_at:
                raise self.interrupt
            if f"throw {number}" not in options.skip:
                on_progress(number + 1, total, f"throw {number}")
                yield {"item": f"throw {number}", "heads": (number + options.seed) % 2 == 0}

    def score(self, records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
        return {"heads": share(sum(bool(record["heads"]) for record in records), len(records))}


@pytest.fixture
def coins(monkeypatch: pytest.MonkeyPatch) -> Coins:
    suite = Coins("coins")
    monkeypatch.setitem(sys.modules, "coins", suite)
    monkeypatch.setitem(SUITES, "coins", Entry(module="coins", description="throws of a coin"))
    return suite


def test_list_names_every_suite(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) >= {
        "demo", "plancompiler", "taskbench", "validate", "makespan", "engine",
    }  # fmt: skip
    assert main(["list"]) == 0
    assert "demo" in capsys.readouterr().out


def test_json_is_one_object_of_the_documented_shape(
    coins: Coins, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "coins", "--limit", "6", "--seed", "3", "--out", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"suite", "n", "seed", "model", "metrics", "records", "environment"}
    assert (found["suite"], found["n"], found["seed"], found["model"]) == ("coins", 6, 3, None)
    assert set(found["metrics"]["heads"]) == {"value", "low", "high", "n"}
    assert found["records"] == str(tmp_path / "coins.jsonl")


def test_stored_result_names_no_folder(coins: Coins, tmp_path: Path) -> None:
    run_suite("coins", Options(out=tmp_path), quiet=True)
    text = (tmp_path / "coins.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert SuiteResult.model_validate_json(text).records == "coins.jsonl"


def test_table_is_for_people(coins: Coins, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "coins", "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert "coins: n = 4, seed 0" in shown.out
    assert "0.5  0.15 to 0.85" in shown.out
    assert "[4/4] throw 3" in shown.err


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, Cancelled])
def test_interrupted_run_is_gone_on_with(
    interrupt: type[BaseException], coins: Coins, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coins.interrupt_at, coins.interrupt = 2, interrupt
    assert main(["run", "coins", "--out", str(tmp_path)]) == 130
    assert not (tmp_path / "coins.json").exists()
    coins.interrupt_at = None
    assert "the same command goes on" in capsys.readouterr().err
    assert main(["run", "coins", "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert "2 items are done" in shown.err
    assert "throw 0" not in shown.err
    assert "coins: n = 4" in shown.out


def test_fresh_begins_anew(coins: Coins, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    coins.interrupt_at = 2
    main(["run", "coins", "--out", str(tmp_path)])
    coins.interrupt_at = None
    assert main(["run", "coins", "--out", str(tmp_path), "--fresh"]) == 0
    assert "throw 0" in capsys.readouterr().err


def test_metrics_come_from_the_records_alone(coins: Coins, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_suite("coins", Options(out=tmp_path), quiet=True)
    path = tmp_path / "coins.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("false", "true"), encoding="utf-8")
    assert main(["score", "coins", "--out", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["heads"]["value"] == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nonsense"], "there is no suite 'nonsense'; there are: demo"),
        (["score", "coins"], "there are no records at"),
        (["run", "plancompiler", "--data", "/nowhere"], "the files of suite 'plancompiler' are missing"),
        (["run", "demo", "--sets", "nonsense", "--model", "local"], "there is no set 'nonsense' of demo goals"),
    ],
    ids=["suite", "records", "data", "set"],
)
def test_bad_input_is_explained(
    arguments: list[str], message: str, coins: Coins, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--out", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_limit_is_a_whole_number_from_one_on(limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["run", "demo", f"--limit={limit}"])
    assert stopped.value.code == 2
    assert "must be a whole number from 1 on" in capsys.readouterr().err


def test_suite_without_items_is_an_error(coins: Coins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coins, "run", lambda _options, _progress: (record for record in ()))
    with pytest.raises(InputError, match="gave no records"):
        run_suite("coins", Options(out=tmp_path), quiet=True)


def test_environment_says_what_matters_and_names_no_machine() -> None:
    import socket

    found = measured_here()
    assert found.cores >= 1
    assert found.packages["pydantic"]
    assert socket.gethostname() not in found.model_dump_json()
