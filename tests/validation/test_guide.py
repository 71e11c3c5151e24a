"""The guide: every code has one, and its examples are what it says they are."""

from __future__ import annotations

from pathlib import Path

import pytest

import validation.guide
from validation import CODES
from validation.guide import Change, Example, case_of, findings_of, guide_of
from validation.patch import patched

BASE = Example(says="the base")


def test_every_code_has_a_guide_and_every_guide_a_code() -> None:
    folder = Path(validation.guide.__file__).parent
    assert {path.stem for path in folder.glob("*.yaml")} == {*CODES, "base"}


def test_nothing_is_wrong_with_the_base() -> None:
    assert findings_of("", BASE) == ()


@pytest.mark.parametrize("code", CODES)
def test_the_failing_example_gives_exactly_its_code_at_its_place(code: str) -> None:
    example = guide_of(code).failing
    found = findings_of(code, example)
    assert {finding.code for finding in found} == {code}, found
    assert example.at in {finding.path for finding in found}


@pytest.mark.parametrize("code", CODES)
def test_nothing_is_wrong_with_the_passing_example(code: str) -> None:
    assert findings_of(code, guide_of(code).passing) == ()


@pytest.mark.parametrize("code", CODES)
def test_applying_the_fixes_that_are_offered_settles_the_failing_example(code: str) -> None:
    example = guide_of(code).failing
    fixes = [finding.fix for finding in findings_of(code, example) if finding.fix]
    if not fixes:
        pytest.skip("no fix is certain")
    for fix in fixes:
        change = tuple(
            Change(op=operation.op, path=f"/proposal{operation.path}", value=operation.value) for operation in fix
        )
        assert findings_of(code, Example(says="fixed", patch=(*example.patch, *change))) == ()


@pytest.mark.parametrize("code", CODES)
def test_examples_differ_from_the_base_and_from_each_other(code: str) -> None:
    guide = guide_of(code)
    assert guide.why
    assert guide.failing.says != guide.passing.says
    assert case_of(guide.failing) not in (case_of(BASE), case_of(guide.passing))


def test_a_text_that_repeats_is_written_out() -> None:
    change = Change.model_validate({"op": "replace", "path": "/a", "repeat": {"text": "ab", "times": 3}})
    assert patched({"a": ""}, [change.operation]) == {"a": "ababab"}


def test_a_code_that_there_is_not_has_no_guide() -> None:
    with pytest.raises(FileNotFoundError):
        guide_of("Z999")
