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
        ("by species", ["Adelie", "Gentoo"], ()),
        ("with a species", ["yes", "no"], ("yes", "no")),
        ("nothing of it", ["yes", "no"], ()),
    ],
    ids=["mentioned", "only the column", "only the column, of two", "only the column, two values", "neither"],
)
def test_categories_of_the_column_species(text: str, values: list[str], expected: tuple[str, ...]) -> None:
    assert categories(ground(text), "species", values) == expected


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        pytest.param("less than 10 minutes", {"<"}, id="less"),
        pytest.param("a salary above 60000", {">"}, id="above"),
        pytest.param("at least 3 of them", {">"}, id="at least"),
        pytest.param("no more than 3", {"<"}, id="no more"),
        pytest.param("not older than 30", {"<"}, id="not older"),
        pytest.param("over 5 and under 10", {"<", ">"}, id="both"),
        pytest.param("over in 10 minutes", {">"}, id="a word near the number"),
        pytest.param("equal to 10", {"<", ">"}, id="none"),
        pytest.param("more than the mean", {"<", ">"}, id="no number"),
    ],
)
def test_words_say_on_which_side_of_a_number_things_lie(text: str, sides: set[str]) -> None:
    assert ground(text).sides == sides


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        pytest.param("How many trips were made?", True, id="rows"),
        pytest.param("How many minutes did it take?", False, id="what a column holds"),
        pytest.param("How many trips were made, and how many minutes did they take?", True, id="both"),
        pytest.param("How many cups on average?", False, id="a statistic of something"),
        pytest.param("Count them.", True, id="count"),
        pytest.param("How long did it take?", False, id="neither"),
    ],
)
def test_a_goal_counts_rows(text: str, counts: bool) -> None:
    assert ground(text, numeric=("minutes",)).counts is counts


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("sorted by age", True),
        ("the dearest first", True),
        ("best paid first, please", True),
        ("beginning with the longest", True),
        ("from the oldest to the youngest", True),
        ("in alphabetical order", True),
        ("the first three", False),
        ("how many orders", False),
    ],
)
def test_a_goal_says_in_which_order_rows_stand(text: str, orders: bool) -> None:
    assert ground(text).orders is orders


@pytest.mark.parametrize(
    ("text", "one"),
    [
        ("which team is largest?", True),
        ("the longest trip", True),
        ("one of them", True),
        ("all of them, longest first", False),
        ("everything beginning with the longest", False),
        ("the mean", False),
    ],
)
def test_a_goal_asks_for_one_of_many(text: str, one: bool) -> None:
    assert ground(text).asks_one is one


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("the three shops", {3}),
        ("the 5 largest shops", {5}),
        ("the three most popular shops", {3}),
        ("three cities", set()),
        ("shops with 3 seats", set()),
    ],
)
def test_numbers_of_rows_are_known(text: str, wanted: set[int]) -> None:
    assert ground(text, rows=("shop",)).wanted_rows == wanted


@pytest.mark.parametrize(
    ("text", "extreme"),
    [("the heaviest", True), ("which is sold most often", False), ("heaviest first", False), ("at most", False)],
)
def test_a_goal_asks_for_an_extreme(text: str, extreme: bool) -> None:
    assert ground(text).asks_extreme is extreme


@pytest.mark.parametrize(
    ("text", "column", "touched"),
    [
        pytest.param("how many kilometres", "distance_km", True, id="its unit"),
        pytest.param("the windiest place", "wind_kmh", True, id="a word that begins with it"),
        pytest.param("the distance", "distance_km", True, id="its word"),
        pytest.param("how long", "distance_km", False, id="neither"),
        pytest.param("the image", "age", False, id="part of another word"),
    ],
)
def test_a_goal_touches_columns(text: str, column: str, touched: bool) -> None:
    assert ground(text).touches(column, ()) is touched


def test_choices_of_operations_are_no_names() -> None:
    assert ground("The Pearson coefficient for Oslo", choices={"pearson"}).names == ("Oslo",)


@pytest.mark.parametrize("text", ["nothing but members", "no members", "members, yes"])
def test_yes_and_no_are_said_by_their_column(text: str) -> None:
    assert categories(ground(text), "member", ["yes", "no"]) == ("yes", "no")
    assert categories(ground("no trips"), "member", ["yes", "no"]) == ()
