"""Any data as JSON: what is wrong with it is found, whether one quick look sees it or the look at each value."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagwright.finding import Report
from dagwright.plan import Plan
from dagwright.proposal import Proposal
from validation import text
from validation.salvage import MAX_ERRORS
from validation.text import MAX_DEPTH, MAX_VALUES, parse_proposal, text_findings

Json = dict[str, Any]
Judge = Callable[..., Report]
STRANGE = st.sampled_from(
    ["${", "\x00", "a\tb\n", "\u202e", "\ud800", "é", "\u200b", float("nan"), float("-inf"), 10**400]
)
KEYS = st.text(max_size=3) | st.sampled_from(["\x07", "${k}", "\udfff"])
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | STRANGE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.integers(0, 3), inner, max_size=3),
    max_leaves=8,
)


def nested(levels: int, innermost: object) -> object:
    for _ in range(levels):
        innermost = [innermost]
    return innermost


@given(DATA)
@settings(max_examples=200, deadline=None)
def test_the_quick_look_passes_nothing_that_the_close_one_finds(data: Any) -> None:
    found = text_findings(data)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(text, "_is_clean", lambda data: False)
        assert text_findings(data) == found


@pytest.mark.parametrize("innermost", [1, "a", [], {}], ids=repr)
def test_a_value_may_lie_so_deep_and_no_deeper(innermost: object) -> None:
    assert text_findings(nested(MAX_DEPTH, innermost)) == []
    assert [item.code for item in text_findings(nested(MAX_DEPTH + 1, innermost))] == ["S108"]


def test_there_may_be_so_many_values_and_no_more() -> None:
    assert text_findings([0] * (MAX_VALUES - 1)) == []
    assert [item.code for item in text_findings([0] * MAX_VALUES)] == ["S108"]
    assert [item.code for item in text_findings([b"", *[0] * MAX_VALUES])] == ["S108"]


def test_a_text_with_too_many_values_is_not_read() -> None:
    read = parse_proposal(f"[{'0,' * MAX_VALUES}0]")
    assert read.data is None
    assert [item.code for item in read.findings] == ["S108"]
    assert parse_proposal(json.dumps(["," * MAX_VALUES])).data is not None


@pytest.mark.parametrize("key", [1, None, True, (1, 2)], ids=repr)
def test_keys_are_texts(key: object) -> None:
    (found,) = text_findings({"a": {key: 1}})
    assert (found.code, found.path) == ("S101", "/a")


@pytest.mark.parametrize(
    "value", [b"a", {1}, object(), 1j, datetime(2026, 1, 1, tzinfo=UTC)], ids=lambda value: type(value).__name__
)
def test_a_value_that_is_no_json_is_named(value: object) -> None:
    (found,) = text_findings({"a": [value]})
    assert (found.code, found.path) == ("S101", "/a/0")
    assert type(value).__name__ in found.message


def test_a_model_is_a_proposal_or_no_json(good: Json, judge: Judge) -> None:
    plan = Plan.model_validate(good["plan"])
    assert {item.code for item in judge(plan).findings} == {"S101"}
    good["plan"] = plan
    assert {item.code for item in judge(good).findings} == {"S101"}


def test_a_proposal_given_as_model_gets_the_same_report(good: Json, judge: Judge) -> None:
    good["plan"]["metadata"] = {"planning_timestamp": "2026-02-03T04:05:06Z", "confidence_score": 0.5}
    assert text_findings(Proposal.model_validate(good)) == []
    good["plan"]["nodes"][0]["description"] = "Read\x00 it"
    good["decompositions"][0]["steps"][0]["action"] = "${it}"
    report = judge(good)
    assert {"S109"} <= {item.code for item in report.findings}
    assert judge(Proposal.model_validate(good)).findings == report.findings


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("a\x00b", "ab"), ("\x00", None), ("\u202ea", "a"), ("a\x00" * 50_001, None)],
    ids=["one", "nothing left", "direction", "too long"],
)
def test_unwanted_characters_of_a_text_can_be_taken_out(value: str, wanted: str | None) -> None:
    (found,) = text_findings({"a": value})
    assert found.code == "S109"
    assert [operation.value for operation in found.fix or ()] == ([] if wanted is None else [wanted])


def test_unwanted_characters_of_a_name_can_not() -> None:
    (found,) = text_findings({"a\x00": 1})
    assert (found.code, found.fix) == ("S109", None)


def test_so_many_places_that_do_not_fit_are_told_and_no_more(good: Json, judge: Judge) -> None:
    def strange(count: int) -> Report:
        return judge({**good, **{f"field{number}": 1 for number in range(count)}})

    assert [item.code for item in strange(MAX_ERRORS).findings].count("S103") == MAX_ERRORS
    (found,) = [item for item in strange(MAX_ERRORS + 1).findings if item.level == "syntactic"]
    assert found.code == "S108"
    assert f"{MAX_ERRORS + 1} places" in found.message
