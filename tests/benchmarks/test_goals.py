"""The demo goals: their known answers are what pandas says, and tuning cannot touch what measures."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.demo import chosen
from benchmarks.goal import DATA, DemoGoal, FileCheck, NumberCheck, ReportCheck, TableCheck, WordCheck, load_goals
from benchmarks.matching import same_cell, same_rows
from benchmarks.reference import references
from benchmarks.suite import Options
from dagwright.exceptions import InputError

DEVELOPMENT = tuple(goal for part in ("development", "development2", "development3") for goal in load_goals(part))
HELDOUT = {part: load_goals(part) for part in ("heldout", *(f"heldout{number}" for number in range(2, 11)))}
ALL = (*DEVELOPMENT, *(goal for goals in HELDOUT.values() for goal in goals))


def tables(goal: DemoGoal) -> dict[str, pd.DataFrame]:
    return {name: pd.read_csv(path) for name, path in goal.files().items()}


@pytest.mark.parametrize("goal", ALL, ids=lambda goal: goal.id)
def test_expected_values_are_those_of_the_reference(goal: DemoGoal) -> None:
    known = references()[goal.id](tables(goal))
    assert len(known) == len(goal.expected)
    for check, value in zip(goal.expected, known, strict=True):
        match check:
            case NumberCheck():
                assert check.value == pytest.approx(value, abs=1e-5)
            case WordCheck():
                assert check.value == value
            case TableCheck() | FileCheck():
                assert same_rows(value, check.rows, ordered=True)
            case ReportCheck():
                assert all(same_cell(a, b) for a, b in zip(value, check.mentions, strict=True))
            case _:
                assert value is None


def test_every_goal_has_a_name_of_its_own() -> None:
    assert len({goal.id for goal in ALL}) == len(ALL)
    assert {goal.id for goal in ALL} == set(references())


def files(goals: Iterable[DemoGoal]) -> set[str]:
    return {file for goal in goals for file in goal.inputs.values()}


@pytest.mark.parametrize("part", HELDOUT)
def test_there_are_twenty_held_out_goals_over_five_subjects(part: str) -> None:
    assert len(HELDOUT[part]) == 20
    assert len(files(HELDOUT[part])) >= 5


@pytest.mark.parametrize("part", HELDOUT)
def test_held_out_tables_are_never_tuned_on(part: str) -> None:
    assert not files(DEVELOPMENT) & files(HELDOUT[part])


def test_second_development_set_asks_for_all_kinds_of_answers_that_held_out_sets_ask_for() -> None:
    assert set(kinds(load_goals("development2"))) >= set(kinds(HELDOUT["heldout2"]))


def kinds(goals: Iterable[DemoGoal]) -> list[tuple[str, ...]]:
    return sorted(tuple(check.kind for check in goal.expected) for goal in goals)


@pytest.mark.parametrize("part", HELDOUT)
def test_held_out_sets_ask_for_the_same_kinds_of_answers(part: str) -> None:
    assert kinds(HELDOUT[part]) == kinds(HELDOUT["heldout"])


def test_no_two_goals_have_the_same_words() -> None:
    assert len({goal.text.casefold() for goal in ALL}) == len(ALL)


def test_blind_goals_are_the_default() -> None:
    assert [part for part, _ in chosen(Options())] == ["heldout10"] * 20


@pytest.mark.parametrize("part", HELDOUT)
def test_held_out_sets_are_chosen_by_name(part: str) -> None:
    assert [goal for _, goal in chosen(Options(sets=(part,)))] == list(HELDOUT[part])


def test_words_that_are_expected_stand_in_a_text_only_beside_others_to_choose_from() -> None:
    for goal in ALL:
        for check in goal.expected:
            if isinstance(check, WordCheck) and check.value.lower() in goal.text.lower():
                assert any(value.lower() in goal.text.lower() for value in alternatives(goal, check.value))


def alternatives(goal: DemoGoal, word: str) -> set[str]:
    """Gives the other values of the columns that hold a word."""
    held = (set(map(str, table[name])) for table in tables(goal).values() for name in table)
    return {value for values in held if word in values for value in values - {word}}


def test_tables_are_written_the_same_again(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("generate", DATA / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    generate.write_all(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in DATA.glob("*.csv")
    }


def test_unknown_set_is_named_with_those_that_are() -> None:
    with pytest.raises(
        InputError, match="'dev'.*" + ", ".join(("development", "development2", "development3", *sorted(HELDOUT)))
    ):
        load_goals("dev")
