"""PlanCompiler's format, its criteria and the strict reference, on files of our own in its format."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.pipeline_words import expected_of, read_table
from benchmarks.plancompiler import Loaded, PipelineTask, faults, holds, load_tasks, score
from benchmarks.sources import folder_of
from dagwright.exceptions import InputError

STAFF = "name,team,pay\nAda,red,30\nBob,blue,\nCyd,red,50\nCyd,red,50\nDot,blue,40\n"


def task(words: str, *criteria: dict[str, object]) -> dict[str, object]:
    return {
        "task_id": "t1",
        "description": words,
        "fixtures": {"data.csv": "benchmark/fixtures/staff.csv"},
        "success_criteria": list(criteria),
        "timeout_seconds": 40,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures" / "staff.csv").write_text(STAFF, encoding="utf-8")
    return tmp_path


def words_to_table(words: str, folder: Path) -> list[list[object]]:
    expected = expected_of(words, {"data.csv": folder / "fixtures" / "staff.csv"})
    assert expected is not None
    return expected.table.to_numpy(dtype=object).tolist()


@pytest.mark.parametrize(
    ("phrases", "rows"),
    [
        pytest.param(
            "drop null values",
            [["Ada", "red", 30], ["Cyd", "red", 50], ["Cyd", "red", 50], ["Dot", "blue", 40]],
            id="nulls",
        ),
        pytest.param(
            "remove duplicate rows, drop null values",
            [["Ada", "red", 30], ["Cyd", "red", 50], ["Dot", "blue", 40]],
            id="duplicates",
        ),
        pytest.param(
            "filter rows where pay is greater than 40", [["Cyd", "red", 50], ["Cyd", "red", 50]], id="greater"
        ),
        pytest.param("filter rows where pay is less than 40", [["Ada", "red", 30]], id="less"),
        pytest.param(
            "filter rows where team equals blue, select only name and pay, drop null values", [["Dot", 40]], id="equals"
        ),
        pytest.param(
            "select name, team, and pay, drop null values, sort by pay descending, select name",
            [["Cyd"], ["Cyd"], ["Dot"], ["Ada"]],
            id="sorted",
        ),
        pytest.param("validate the schema, group by team and count rows", [["blue", 2], ["red", 3]], id="counted"),
        pytest.param(
            "store into a SQLite database called x.db in table t, run a SQL query to retrieve all rows, "
            "drop null values, remove duplicate rows, select name",
            [["Ada"], ["Cyd"], ["Dot"]],
            id="through SQLite",
        ),
    ],
)
def test_words_are_carried_out(phrases: str, rows: list[list[object]], folder: Path) -> None:
    words = f"Using a 9-node workflow, read data.csv, {phrases}, then export to out.csv."
    assert words_to_table(words, folder) == rows


@pytest.mark.parametrize(
    "words",
    [
        "Using a 3-node workflow, read data.csv, sing a song, then export to out.csv.",
        "Using a 3-node workflow, read data.csv, drop null values and sing, then export to out.csv.",
        "Using a 3-node workflow, read other.csv, drop null values, then export to out.csv.",
        "Sort data.csv by pay.",
    ],
)
def test_words_that_are_not_understood_give_no_reference(words: str, folder: Path) -> None:
    assert expected_of(words, {"data.csv": folder / "fixtures" / "staff.csv"}) is None


SORT = "Using a 4-node workflow, read data.csv, drop null values, sort by pay descending, then export to out.csv."


def sorted_staff(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "fixtures" / "staff.csv").dropna().sort_values("pay", ascending=False)


@pytest.mark.parametrize(
    ("change", "right"),
    [
        pytest.param(lambda table: table, True, id="as asked"),
        pytest.param(lambda table: table[["pay", "team", "name"]], True, id="columns in another order"),
        pytest.param(lambda table: table.sort_values("pay"), False, id="rows in another order"),
        pytest.param(lambda table: table.head(3), False, id="a row missing"),
        pytest.param(lambda table: table.drop(columns="team"), False, id="a column missing"),
        pytest.param(lambda table: table.assign(more=1), False, id="a column too many"),
        pytest.param(lambda table: table.replace({"pay": {40: 41}}), False, id="a number changed"),
        pytest.param(lambda table: table.replace({"name": {"Dot": "Dee"}}), False, id="a name changed"),
    ],
)
def test_strict_wants_the_very_table(
    change: Callable[[pd.DataFrame], pd.DataFrame], right: bool, folder: Path, tmp_path: Path
) -> None:
    expected = expected_of(SORT, {"data.csv": folder / "fixtures" / "staff.csv"})
    assert expected is not None
    change(sorted_staff(folder)).to_csv(tmp_path / "out.csv", index=False)
    assert holds(expected, tmp_path) is right


def test_strict_wants_the_file(folder: Path) -> None:
    expected = expected_of(SORT, {"data.csv": folder / "fixtures" / "staff.csv"})
    assert expected is not None
    assert not holds(expected, folder)


@pytest.mark.parametrize("name", ["out.csv", "out.json", "out.db"])
@pytest.mark.parametrize(
    ("criterion", "met"),
    [
        ({"type": "file_exists"}, True),
        ({"type": "file_has_column", "column": "pay"}, True),
        ({"type": "file_has_column", "column": "age"}, False),
        ({"type": "file_row_count", "expected": 5}, True),
        ({"type": "file_row_count", "expected": 4}, False),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_criteria(name: str, criterion: dict[str, object], met: bool, folder: Path) -> None:
    table = pd.read_csv(folder / "fixtures" / "staff.csv")
    path = folder / name
    if name.endswith("csv"):
        table.to_csv(path, index=False)
    elif name.endswith("json"):
        table.to_json(path, orient="records")
    else:
        with closing(sqlite3.connect(path)) as database:
            table.to_sql("staff", database, index=False)
    parsed = PipelineTask.model_validate(task("?", {**criterion, "path": name}))
    assert (not list(faults(parsed, folder))) is met


def test_missing_and_unreadable_files_meet_nothing(folder: Path) -> None:
    (folder / "bad.json").write_text("{", encoding="utf-8")
    (folder / "bad.db").write_bytes(b"no database at all, only words")
    criteria = [
        {"type": "file_exists", "path": "none.csv"},
        {"type": "file_row_count", "path": "bad.json", "expected": 0},
        {"type": "file_has_column", "path": "bad.db", "column": "name"},
    ]
    found = list(faults(PipelineTask.model_validate(task("?", *criteria)), folder))
    assert [fault.split(" ")[0].strip("'") for fault in found] == ["none.csv", "bad.json", "bad.db"]


def test_tasks_are_loaded_with_their_fixtures(folder: Path) -> None:
    (folder / "tasks" / "tasks_set_a.json").write_text(
        json.dumps([task(SORT, {"type": "file_exists", "path": "out.csv"})]), encoding="utf-8"
    )
    (loaded,) = load_tasks(folder, "a")
    assert loaded.fixtures == {"data.csv": folder / "fixtures" / "staff.csv"}
    assert len(read_table(loaded.fixtures["data.csv"])) == 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps([task(SORT, {"type": "file_smells", "path": "out.csv"})]), "is not a list of PlanCompiler tasks"),
        ("{}", "is not a list of PlanCompiler tasks"),
        (json.dumps([{**task(SORT), "fixtures": {"data.csv": "x/gone.csv"}}]), r"needs the fixture .*gone\.csv"),
    ],
    ids=["unknown criterion", "no list", "fixture missing"],
)
def test_broken_tasks_are_refused(content: str, message: str, folder: Path) -> None:
    (folder / "tasks" / "tasks_set_a.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        list(load_tasks(folder, "a"))


def test_unknown_set_is_refused(folder: Path) -> None:
    (folder / "tasks" / "tasks_set_b.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match=r"no set 'a' .*there are: b"):
        list(load_tasks(folder, "a"))


def test_missing_data_says_where_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGWRIGHT_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"prnvh/plancompiler at commit 002b9d3.*--data or DAGWRIGHT_DATA"):
        folder_of("plancompiler", None)
    (tmp_path / "plancompiler").mkdir()
    assert folder_of("plancompiler", None) == tmp_path / "plancompiler"
    with pytest.raises(InputError):
        folder_of("plancompiler", tmp_path / "elsewhere")


def test_score_counts_strict_only_where_there_is_a_reference() -> None:
    common = {"executed": True, "tokens": 100, "seconds": 2.0, "codes": []}
    records = [
        {**common, "set": "a", "right": True, "strict": True},
        {**common, "set": "a", "right": True, "strict": False, "codes": ["D305", "D305"]},
        {**common, "set": "b", "right": False, "strict": None, "executed": False},
    ]
    found = score(records)
    assert {name: (round(metric.value, 3), metric.n) for name, metric in found.items()} == {
        "right": (0.667, 3),
        "strict": (0.5, 2),
        "executed": (0.667, 3),
        "tokens": (100.0, 3),
        "seconds": (2.0, 3),
        "right_a": (1.0, 2),
        "right_b": (0.0, 1),
        "with_D305": (0.333, 3),
    }


def published() -> list[Loaded]:
    try:
        folder = folder_of("plancompiler", None)
    except InputError:
        return []
    return [loaded for part in "abe" for loaded in load_tasks(folder, part)]


@pytest.mark.skipif(not published(), reason="the suite's files are not part of this repository")
def test_every_published_task_is_understood_and_its_reference_meets_its_criteria(tmp_path: Path) -> None:
    for loaded in published():
        expected = expected_of(loaded.task.description, loaded.fixtures)
        assert expected is not None, loaded.task.description
        target = tmp_path / expected.target
        if target.suffix == ".csv":
            expected.table.to_csv(target, index=False)
        else:
            expected.table.to_json(target, orient="records")
        assert not list(faults(loaded.task, tmp_path)), loaded.task.task_id
        assert holds(expected, tmp_path), loaded.task.task_id
