"""`dagwright explain`: every code, its table, and codes that there are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from validation import CODES
from validation.guide import guide_of


def test_a_code_is_explained_with_what_validation_says_of_its_example(dagwright: Any) -> None:
    told = dagwright("explain", "d305")
    assert told.code == 0
    said = " ".join(told.out.split())
    for text in (CODES["D305"].title, guide_of("D305").failing.says, "doesn't wait for task 'article'", '"op": "add"'):
        assert text in said


@pytest.mark.parametrize("code", CODES)
def test_each_code_can_be_explained_to_people_and_to_programs(code: str, dagwright: Any) -> None:
    assert CODES[code].title in dagwright("explain", code).out
    told = json.loads(dagwright("explain", code, "--json").out)
    assert told["code"] == told["finding"]["code"] == code
    assert told["why"] == guide_of(code).why


def test_without_a_code_all_are_listed(dagwright: Any) -> None:
    told = dagwright("explain")
    assert told.code == 0
    assert all(code in told.out for code in CODES)
    assert [row["code"] for row in json.loads(dagwright("explain", "--json").out)["codes"]] == list(CODES)


@pytest.mark.parametrize(("word", "meant"), [("D3O5", "D305"), ("cycle", "D301"), ("quota", "R503"), ("x", "lists")])
def test_an_unknown_code_gets_the_nearest_ones(word: str, meant: str, dagwright: Any) -> None:
    told = dagwright("explain", word)
    assert told.code == 2
    assert f"no code {word!r}" in told.err
    assert meant in told.err


def test_check_says_once_how_to_learn_more(dagwright: Any, tmp_path: Path) -> None:
    proposal = tmp_path / "proposal.json"
    proposal.write_text("{}", encoding="utf-8")
    told = dagwright("check", str(proposal))
    assert told.out.count("dagwright explain ") == 1
    assert "dagwright explain S1" in told.out
