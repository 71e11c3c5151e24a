"""The judge: right answers in any sensible form pass, wrong and heaped ones do not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from struct import pack

import pytest
from pydantic import JsonValue

from benchmarks.goal import (
    Check,
    DemoGoal,
    FileCheck,
    NumberCheck,
    PictureCheck,
    ReportCheck,
    TableCheck,
    WordCheck,
)
from benchmarks.judge import faults
from benchmarks.matching import numbers_in, same_number

MEANS: list[JsonValue] = [
    {"team": "A", "mean_pay": 3.5},
    {"team": "B", "mean_pay": 9.25},
    {"team": "C", "mean_pay": 7.0},
]
RANKED = sorted(MEANS, key=lambda row: -row["mean_pay"])
FILE: JsonValue = {"path": "a.csv", "sha256": "0" * 64, "bytes": 9, "media_type": "text/csv"}
PAY = TableCheck(rows=(("A", 3.5), ("B", 9.25), ("C", 7.0)))
TOP = TableCheck(rows=(("B", 9.25), ("C", 7.0)), ordered=True)
CROSS = TableCheck(rows=(("A", "x", 1.5), ("A", "y", 2.5), ("B", "x", 3.5)))


@dataclass(frozen=True)
class Case:
    id: str
    expected: tuple[Check, ...]
    answer: dict[str, JsonValue]
    right: bool
    files: dict[str, bytes] = field(default_factory=dict)


def png(side: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + pack(">I4sII", 13, b"IHDR", side, side) + bytes(200)


CASES = [
    Case("number", (NumberCheck(value=9.25),), {"mean": 9.25}, True),
    Case("rounded number", (NumberCheck(value=5076.01626),), {"mean": 5076.02}, True),
    Case("number as text", (NumberCheck(value=9.25),), {"mean": "9.25"}, True),
    Case("number in a single row", (NumberCheck(value=9.25),), {"top": [{"team": "B", "mean_pay": 9.25}]}, True),
    Case("number beside another", (NumberCheck(value=9.25),), {"mean": 9.25, "count": 3}, True),
    Case("other number", (NumberCheck(value=9.25),), {"mean": 9.3}, False),
    Case("count off by one", (NumberCheck(value=344),), {"count": 343}, False),
    Case("count nearly right", (NumberCheck(value=10_000),), {"count": 10_001}, False),
    Case("sign matters", (NumberCheck(value=-0.572),), {"r": 0.572}, False),
    Case("true is not one", (NumberCheck(value=1),), {"answer": True}, False),
    Case("no answer", (NumberCheck(value=9.25),), {}, False),
    Case("nothing", (NumberCheck(value=0),), {"mean": None}, False),
    Case("number somewhere in a table", (NumberCheck(value=9.25),), {"table": RANKED}, False),
    Case("number in a list of several", (NumberCheck(value=9.25),), {"values": [9.25, 7.0]}, False),
    Case("number as the size of a file", (NumberCheck(value=9),), {"file": FILE}, False),
    Case("heap of values", (NumberCheck(value=9.25),), {"a": 1, "b": 2, "c": 3, "d": 9.25}, False),
    Case(
        "month of the first row",
        (NumberCheck(value=6, winner=True),),
        {"t": [{"m": 6, "n": 9}, {"m": 1, "n": 4}]},
        True,
    ),
    Case(
        "month of unordered rows",
        (NumberCheck(value=1, winner=True),),
        {"t": [{"m": 1, "n": 4}, {"m": 2, "n": 9}, {"m": 3, "n": 5}]},
        False,
    ),
    Case("word", (WordCheck(value="B"),), {"team": "B"}, True),
    Case("word in other letters", (WordCheck(value="Gentoo"),), {"species": " gentoo"}, True),
    Case("word of a row", (WordCheck(value="B"),), {"row": {"team": "B", "mean_pay": 9.25}}, True),
    Case("winner of a sorted table", (WordCheck(value="B"),), {"table": RANKED}, True),
    Case("word of a list of one", (WordCheck(value="B"),), {"teams": ["B"]}, True),
    Case("other word", (WordCheck(value="B"),), {"team": "A"}, False),
    Case("word in unsorted table", (WordCheck(value="A"),), {"table": MEANS}, False),
    Case("loser of a sorted table", (WordCheck(value="A"),), {"table": RANKED}, False),
    Case("word inside a longer text", (WordCheck(value="B"),), {"text": "It may be A or B."}, False),
    Case("list of all words", (WordCheck(value="A"),), {"teams": ["A", "B", "C"]}, False),
    Case("table", (PAY,), {"table": MEANS}, True),
    Case("table in another order", (PAY,), {"table": RANKED}, True),
    Case("table under other names", (PAY,), {"t": [{"v": r["mean_pay"], "k": r["team"]} for r in MEANS]}, True),
    Case("table with a row too few", (PAY,), {"table": MEANS[:2]}, False),
    Case("table with a row too many", (PAY,), {"table": [*MEANS, {"team": "D", "mean_pay": 1.0}]}, False),
    Case(
        "table with values swapped",
        (PAY,),
        {"t": [{"team": "A", "v": 9.25}, {"team": "B", "v": 3.5}, {"team": "C", "v": 7.0}]},
        False,
    ),
    Case("table without the values", (PAY,), {"table": [{"team": t} for t in "ABC"]}, False),
    Case("number instead of a table", (PAY,), {"value": 3.5}, False),
    Case("top rows", (TOP,), {"table": RANKED[:2]}, True),
    Case("top rows in the wrong order", (TOP,), {"table": RANKED[1::-1]}, False),
    Case("all rows instead of the top", (TOP,), {"table": RANKED}, False),
    Case("cross table", (CROSS,), {"t": [{"k": "A", "x": 1.5, "y": 2.5}, {"k": "B", "x": 3.5, "y": None}]}, True),
    Case(
        "cross table with another cell",
        (CROSS,),
        {"t": [{"k": "A", "x": 1.5, "y": 2.5}, {"k": "B", "x": 3.6, "y": None}]},
        False,
    ),
    Case("two answers", (WordCheck(value="B"), NumberCheck(value=0.5)), {"team": "B", "r": 0.5}, True),
    Case("one of two answers", (WordCheck(value="B"), NumberCheck(value=0.5)), {"team": "B"}, False),
    Case(
        "file",
        (FileCheck(path="t.csv", columns=("id", "n"), rows=((1, 9.5), (2, 8.0))),),
        {"file": FILE},
        True,
        {"t.csv": b"id,n,more\n2,8.0,x\n1,9.5,\n"},
    ),
    Case(
        "file under another name",
        (FileCheck(path="t.csv", columns=("id",), rows=((1,),)),),
        {},
        False,
        {"u.csv": b"id\n1\n"},
    ),
    Case(
        "file without a column",
        (FileCheck(path="t.csv", columns=("id", "n"), rows=((1,),)),),
        {},
        False,
        {"t.csv": b"id\n1\n"},
    ),
    Case(
        "file with another row",
        (FileCheck(path="t.csv", columns=("id",), rows=((1,),)),),
        {},
        False,
        {"t.csv": b"id\n2\n"},
    ),
    Case(
        "file in the wrong order",
        (FileCheck(path="t.csv", columns=("id",), rows=((1,), (2,)), ordered=True),),
        {},
        False,
        {"t.csv": b"id\n2\n1\n"},
    ),
    Case("empty file", (FileCheck(path="t.csv", columns=("id",), rows=((1,),)),), {}, False, {"t.csv": b""}),
    Case("picture", (PictureCheck(path="c.png"),), {"file": FILE}, True, {"c.png": png(400)}),
    Case("no picture", (PictureCheck(path="c.png"),), {}, False),
    Case("text as picture", (PictureCheck(path="c.png"),), {}, False, {"c.png": b"chart"}),
    Case("tiny picture", (PictureCheck(path="c.png"),), {}, False, {"c.png": png(1)}),
    Case(
        "report",
        (ReportCheck(path="r.md", mentions=(0.595, "Gentoo")),),
        {},
        True,
        {"r.md": b"# R\ngentoo, r = 0.5951\n"},
    ),
    Case(
        "report without the number",
        (ReportCheck(path="r.md", mentions=(0.595,)),),
        {},
        False,
        {"r.md": b"r = 0.871 of 595"},
    ),
    Case("report without the word", (ReportCheck(path="r.md", mentions=("Gentoo",)),), {}, False, {"r.md": b"Adelie"}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_judge(case: Case, tmp_path: Path) -> None:
    for name, content in case.files.items():
        (tmp_path / name).write_bytes(content)
    goal = DemoGoal(id="g", text="?", inputs={}, expected=case.expected)
    assert (not faults(goal, case.answer, tmp_path)) is case.right


def test_faults_say_what_is_missing(tmp_path: Path) -> None:
    goal = DemoGoal(id="g", text="?", inputs={}, expected=(NumberCheck(value=1), PictureCheck(path="c.png")))
    assert faults(goal, {"x": 2}, tmp_path) == (
        "no value of the answer is the expected number",
        "picture 'c.png' was not written",
    )


def test_numbers_of_a_text() -> None:
    assert numbers_in("mean 5,076.02 g (n = 123), r = -0.57, 1e-3") == [5076.02, 123, -0.57, 0.001]


@pytest.mark.parametrize(("found", "expected", "same"), [(0.0049, 0.0, False), (0.871, 0.8712, True), (3.0, 3, True)])
def test_rounding(found: float, expected: float, same: bool) -> None:
    assert same_number(found, expected) is same
