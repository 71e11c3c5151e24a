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
    "the one who speaks is no name": Case("could I have it", names=()),
    "a part of a number is no name": Case("the level of PM2.5", names=()),
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
        ("for children", "child", True),
        ("in all cities", "city", True),
        ("one comic", "comics", True),
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
        pytest.param("at least 3 of them", {">="}, id="at least"),
        pytest.param("no more than 3", {"<="}, id="no more"),
        pytest.param("not older than 30", {"<="}, id="not older"),
        pytest.param("over 5 and under 10", {"<", ">"}, id="both"),
        pytest.param("the under-30s", {"<"}, id="in one word"),
        pytest.param("over in 10 minutes", {">"}, id="a word near the number"),
        pytest.param("equal to 10", set(), id="none"),
        pytest.param("four-star hotels, 4 beds", set(), id="only a number"),
        pytest.param("rounder than 300 pages", {"<", "<=", ">", ">="}, id="a word that is not known"),
        pytest.param("more than the mean", {"<", "<=", ">", ">="}, id="no number"),
    ],
)
def test_words_say_on_which_side_of_a_number_things_lie(text: str, sides: set[str]) -> None:
    assert ground(text).sides == sides


@pytest.mark.parametrize(
    ("text", "column", "touched"),
    [
        pytest.param("how many kilometres", "distance_km", True, id="its unit"),
        pytest.param("the windiest place", "wind_kmh", True, id="a word that begins with it"),
        pytest.param("the distance", "distance_km", True, id="its word"),
        pytest.param("when it rains", "rainfall_mm", True, id="a word that begins it"),
        pytest.param("what was never renewed", "renewals", True, id="a word that begins as it does"),
        pytest.param("the orders that were rated", "rating", True, id="another form of the verb"),
        pytest.param("the distribution", "district", False, id="a word that goes on otherwise"),
        pytest.param("how long", "distance_km", False, id="neither"),
        pytest.param("the image", "age", False, id="part of another word"),
    ],
)
def test_a_goal_touches_columns(text: str, column: str, touched: bool) -> None:
    assert ground(text).touches(column, ()) is touched


def test_choices_of_operations_are_no_names() -> None:
    assert ground("The Pearson coefficient for Oslo", choices={"pearson"}).names == ("Oslo",)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("nothing but members", ("yes", "no")),
        ("members, yes", ("yes", "no")),
        ("members and non-members", ("yes", "no")),
        ("non-members only", ("no",)),
        ("people who are not members", ("no",)),
    ],
)
def test_yes_and_no_are_said_by_their_column(text: str, values: tuple[str, ...]) -> None:
    assert categories(ground(text), "member", ["yes", "no"]) == values
    assert categories(ground("no trips"), "member", ["yes", "no"]) == ()


@pytest.mark.parametrize(
    ("goal", "orders"),
    [
        ("sorted by age", True),
        ("the dearest first", True),
        ("beginning with the longest", True),
        ("the most expensive at the top", True),
        ("how many orders", False),
    ],
)
def test_a_goal_says_in_which_order_rows_stand(goal: str, orders: bool) -> None:
    assert ground(goal).orders is orders


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("two figures, please", ()),
        ("these three short facts", ()),
        ("the longest one at the top", ()),
        ("two cups", (2,)),
        ("one cup of it", (1,)),
    ],
)
def test_numbers_of_answers_are_no_amounts(text: str, numbers: tuple[int, ...]) -> None:
    assert ground(text).numbers == numbers


def test_amounts_are_numbers_in_the_unit_of_a_column() -> None:
    assert ground("trips of over an hour", numeric=("minutes",)).numbers == (60,)


@pytest.mark.parametrize(
    ("text", "column", "none"),
    [
        ("days with no rain", "rainfall_mm", True),
        ("when it did not rain at all", "rain_mm", True),
        ("loans without a fine", "fine", True),
        ("days with rain", "rain_mm", False),
        ("no days with more rain than that", "rain_mm", False),
    ],
)
def test_a_goal_says_that_there_is_nothing_of_something(text: str, column: str, none: bool) -> None:
    assert ground(text).says_none_of(column) is none


def test_a_value_that_says_an_order_is_no_value() -> None:
    assert categories(ground("fullest train first"), "class", ["first", "second"]) == ()
    assert categories(ground("first class only"), "class", ["first", "second"]) == ("first",)


@pytest.mark.parametrize(
    ("text", "values"),
    [("ended in a referral", ("referred",)), ("all of them", ()), ("prefer it", ())],
)
def test_a_value_may_be_said_in_another_form(text: str, values: tuple[str, ...]) -> None:
    assert categories(ground(text), "outcome", ["referred", "healed"]) == values


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        pytest.param("a dozen copies", (12,), id="a dozen"),
        pytest.param("twenty-five of them", (25,), id="two words"),
        pytest.param("the under-30s", (30,), id="ages"),
        pytest.param("aged sixty or more", (60,), id="tens"),
        pytest.param("a 3-step plan", (), id="a compound"),
    ],
)
def test_numbers_are_read_in_digits_and_words(text: str, numbers: tuple[float, ...]) -> None:
    assert ground(text).numbers == numbers
