"""Inputs of a goal: values, files with the schema of their content, and clear errors for the rest."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from dagwright.exceptions import InputError
from executor.toolchest.reading import read_csv
from orchestrator.ingest import read_input

CSV = "id,city,score,ok,day,code,empty\n1,Oslo,1.5,true,2024-01-31,007,\n2,NA,2,false,2024-02-29,012,\n"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("given", "value", "schema"),
    [
        ("42", 42, {"type": "integer"}),
        ("4.5", 4.5, {"type": "number"}),
        ("true", True, {"type": "boolean"}),
        ("hello", "hello", {"type": "string"}),
        ("NaN", "NaN", {"type": "string"}),
        ('"42"', "42", {"type": "string"}),
        ("[1, 2.5]", [1, 2.5], {"type": "array", "items": {"type": "number"}}),
        (None, None, {"type": "null"}),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_values(tmp_path: Path, given: Any, value: Any, schema: Any) -> None:
    found = read_input("x", given, into=tmp_path)
    assert (found.value, found.schema_) == (value, schema)


def test_rows_given_as_json_are_a_table(tmp_path: Path) -> None:
    found = read_input("x", '[{"a": 1, "b": "x"}]', into=tmp_path)
    jsonschema_rs.validate(found.schema_, found.value)
    items: Any = found.schema_["items"]
    assert items["properties"] == {"a": {"type": "integer", "x-range": [1, 1]}, "b": {"type": "string", "enum": ["x"]}}


def test_a_csv_is_copied_and_its_columns_are_known(tmp_path: Path) -> None:
    source = write(tmp_path, "data.csv", CSV)
    found = read_input("data", source, into=tmp_path / "inputs")
    assert isinstance(found.value, dict)
    assert found.value["path"] == "inputs/data.csv"
    assert (tmp_path / "inputs" / "data.csv").read_text() == CSV
    assert found.description == "data.csv: CSV file with 2 rows and 7 columns"
    jsonschema_rs.validate(found.schema_, found.value)
    content: Any = found.schema_["x-content"]
    assert content["items"]["properties"] == {
        "id": {"type": "integer", "x-range": [1, 2]},
        "city": {"type": ["string", "null"], "enum": ["Oslo", None]},
        "score": {"type": "number", "x-range": [1.5, 2.0]},
        "ok": {"type": "boolean"},
        "day": {"type": "string", "format": "date"},
        "code": {"type": "string", "enum": ["007", "012"]},
        "empty": {"type": "null"},
    }
    jsonschema_rs.validate(content, read_csv(tmp_path / "inputs" / "data.csv").rows)


def test_columns_with_many_texts_have_no_enum(tmp_path: Path) -> None:
    source = write(tmp_path, "t.csv", "few,many\n" + "".join(f"c{n % 12},c{n}\n" for n in range(13)))
    content: Any = read_input("t", source, into=tmp_path / "in").schema_["x-content"]
    assert len(content["items"]["properties"]["few"]["enum"]) == 12
    assert content["items"]["properties"]["many"] == {"type": "string"}


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.csv", "a;b\n1;x,y\n", [{"a": 1, "b": "x,y"}]),
        ("a.tsv", "a\tb\n1\t2\n", [{"a": 1, "b": 2}]),
        ("a.csv", "\ufeffa,b\r\n1,2\r\n\r\n", [{"a": 1, "b": 2}]),
        ("a.csv", "a,b\n", []),
        ("a.csv", 'a,b\n"x\ny","p""q"\n', [{"a": "x\ny", "b": 'p"q'}]),
        ("a.csv", "a,b\n1,1e999\n", [{"a": 1, "b": None}]),
        ("a.csv", "name\ncaf\u00e9\n".encode("cp1252"), [{"name": "café"}]),
        ("a.csv", "a,b\n1,2\n".encode("utf-16"), [{"a": 1, "b": 2}]),
    ],
    ids=["semicolons", "tabs", "mark-and-crlf", "header-only", "quotes", "infinite", "windows", "utf-16"],
)
def test_forms_of_csv(tmp_path: Path, name: str, content: str | bytes, rows: list[Any]) -> None:
    source = write(tmp_path, name, content)
    read_input("a", source, into=tmp_path / "in")
    assert read_csv(source).rows == rows


def test_another_encoding_is_said(tmp_path: Path) -> None:
    source = write(tmp_path, "a.csv", "name\ncaf\u00e9\n".encode("cp1252"))
    assert (
        "not UTF-8 (byte 8); it was read as Windows-1252" in read_input("a", source, into=tmp_path / "in").description
    )


def test_json_that_is_no_table_is_still_an_input(tmp_path: Path) -> None:
    found = read_input("a", write(tmp_path, "a.json", '{"k": 1}'), into=tmp_path / "in")
    assert "x-content" not in found.schema_
    assert "without a table" in found.description


def test_a_database_has_a_schema_per_table(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "d.db")) as connection, connection:
        connection.execute("CREATE TABLE t (id INTEGER, done BOOLEAN, note TEXT)")
        connection.execute("INSERT INTO t VALUES (1, 1, NULL), (2, 0, 'x')")
        connection.execute("CREATE TABLE none (a TEXT)")
    contents: Any = read_input("d", tmp_path / "d.db", into=tmp_path / "in").schema_["x-contents"]
    assert list(contents) == ["none", "t"]
    assert contents["t"]["items"]["properties"] == {
        "id": {"type": "integer", "x-range": [1, 2]},
        "done": {"type": "boolean"},
        "note": {"type": ["string", "null"], "enum": ["x", None]},
    }


def test_two_files_of_one_name_both_stay(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first = read_input("one", write(tmp_path, "a.csv", "a\n1\n"), into=tmp_path / "in")
    second = read_input("two", write(tmp_path / "other", "a.csv", "a\n2\n"), into=tmp_path / "in")
    assert [json.dumps(item.value).count("two-a.csv") for item in (first, second)] == [0, 1]


BAD = [
    ("a.csv", b"", "is empty"),
    ("a.csv", b"  \n\n", "is empty"),
    ("a.csv", b"PK\x03\x04\0\0binary", "a binary file"),
    ("a.csv", b"<!DOCTYPE html><html></html>", "an HTML page"),
    ("a.csv", b"a,b\n1,2\n1,2,3\n", "line 3 has 3 fields, but the header has 2"),
    ("a.csv", b"a,b\n1\n", "line 2 has 1 fields"),
    ("a.csv", b"a,b,a\n1,2,3\n", "more than one column named 'a'"),
    ("a.json", b"[{]", "is not a JSON file"),
    ("a.json", b'{"a": 1}\n{"a": 2\n', "line 2"),
    ("a.json", b"", "is empty"),
    ("a.json", b"\xff\xfe", "not UTF-8"),
    ("a.db", b"not a database", "is not a SQLite database"),
    ("a.db", b"SQLite format 3\0" + b"\1" * 200, "not a sound SQLite database"),
    ("a.csv", b"a\n" + b"1\n" * 1000, "the limit is"),
]


@pytest.mark.parametrize(("name", "content", "words"), BAD, ids=[f"{name}-{words[:18]}" for name, _, words in BAD])
def test_files_that_are_not_what_they_say(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_input("a", write(tmp_path, name, content), into=tmp_path / "in", most_bytes=1000)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="input 'a': there is no file"):
        read_input("a", tmp_path / "no.csv", into=tmp_path / "in")
    with pytest.raises(InputError, match="is a folder"):
        read_input("a", tmp_path, into=tmp_path / "in")


def test_the_limit_is_set_in_megabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path, "a.csv", "a\n" + "1\n" * 1000)
    monkeypatch.setenv("DAGWRIGHT_MAX_INPUT_MB", "0.001")
    with pytest.raises(InputError, match="DAGWRIGHT_MAX_INPUT_MB"):
        read_input("a", source, into=tmp_path / "in")
    monkeypatch.setenv("DAGWRIGHT_MAX_INPUT_MB", "lots")
    with pytest.raises(InputError, match="'lots'"):
        read_input("a", source, into=tmp_path / "in")
