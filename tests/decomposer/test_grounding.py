"""What a goal's text says literally, and nothing else, may become a constant of a plan."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from decomposer.grounding import categories, ground


@dataclass(frozen=True)
class Case:
    text: str
    numbers: tuple[float, ...] = ()
    files: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    quoted: tuple[str, ...] = ()


CASES = {
    "digits": Case("keep rows above 20 and below 3.5", numbers=(20, 3.5)),
    "thousands": Case("more than 50,000 in all", numbers=(50000,)),
    "percent is also a share": Case("at least 5%", numbers=(5, 0.05)),
    "words": Case("the three longest, twice", numbers=(3, 2)),
    "a compound is no number": Case("using a 4-node workflow", numbers=()),
    "part of a name is no number": Case("column q3 of v2", numbers=()),
    "files": Case("write it to out.csv and plots/a.png", files=("out.csv", "plots/a.png")),
    "numbers in file names are none": Case("write b_07.csv", files=("b_07.csv",)),
    "names": Case("orders from Berlin and New York", names=("Berlin", "New York")),
    "a word that begins a sentence is no name": Case("What is it? Keep Berlin.", names=("Berlin",)),
    "a sentence may begin with a name after a word": Case("In Berlin it rains", names=("Berlin",)),
    "quoted": Case("where status is 'on hold'", quoted=("on hold",)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_goal_says(case: Case) -> None:
    found = ground(case.text)
    assert found.numbers == case.numbers
    assert found.files == case.files
    assert found.names == case.names
    assert found.quoted == case.quoted


def test_its_own_files_are_not_to_be_written() -> None:
    assert ground("read data.csv, write out.csv", given={"data.csv"}).files == ("out.csv",)


@pytest.mark.parametrize(
    ("text", "value", "mentioned"),
    [
        ("all Gentoo penguins", "Gentoo", True),
        ("all gentoos", "Gentoo", True),
        ("the body mass", "body_mass", True),
        ("the body masses", "body_mass", True),
        ("females only", "male", False),
        ("the category", "cat", False),
        ("anything", "", False),
        ("write a file", "A", False),
        ("only category A", "A", True),
    ],
)
def test_a_goal_mentions_whole_words(text: str, value: str, mentioned: bool) -> None:
    assert ground(text).mentions(value) is mentioned


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("only Gentoo", ["Adelie", "Gentoo", "Chinstrap"], ("Gentoo",)),
        ("by species", ["Adelie", "Gentoo", "Chinstrap"], ()),
        ("with a species", ["yes", "no"], ("yes", "no")),
        ("nothing of it", ["yes", "no"], ()),
    ],
    ids=["mentioned", "only the column", "only the column, two values", "neither"],
)
def test_categories_of_the_column_species(text: str, values: list[str], expected: tuple[str, ...]) -> None:
    assert categories(ground(text), "species", values) == expected
