"""The exception tree: as drawn in the module's docstring; content and transport never mix."""

from __future__ import annotations

import inspect
import re

import pytest

from dagwright import exceptions
from dagwright.exceptions import ContentError, DagwrightError, TransportError

CLASSES = {
    name: value
    for name, value in vars(exceptions).items()
    if inspect.isclass(value) and issubclass(value, DagwrightError)
}


def drawn() -> dict[str, str]:
    """Gives each class of the docstring's tree with its parent."""
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in (exceptions.__doc__ or "").splitlines():
        found = re.match(r"^([│├└─ ]*)([A-Z]\w+)(\s|$)", line)
        if not found or (not found[1] and found[2] != "DagwrightError"):
            continue
        depth = len(found[1])
        while above and above[-1][0] >= depth:
            above.pop()
        if above:
            parents[found[2]] = above[-1][1]
        above.append((depth, found[2]))
    return parents


def test_the_tree_is_the_one_that_is_drawn() -> None:
    assert drawn() == {name: value.__bases__[0].__name__ for name, value in CLASSES.items() if name != "DagwrightError"}


def test_content_and_transport_never_share_a_class() -> None:
    both = [
        name for name, value in CLASSES.items() if issubclass(value, ContentError) and issubclass(value, TransportError)
    ]
    assert both == []


@pytest.mark.parametrize("name", CLASSES)
def test_each_class_says_when_and_has_a_documented_exit_code(name: str) -> None:
    assert CLASSES[name].__doc__
    assert CLASSES[name].exit_code in (1, 2, 3, 4, 5, 130)


def test_exit_codes_are_those_of_the_command_line() -> None:
    codes = {name: value.exit_code for name, value in CLASSES.items()}
    assert codes["ProposalRejected"] == codes["ModelAnswerError"] == 1
    assert codes["InputError"] == codes["CatalogueError"] == codes["PolicyError"] == 2
    assert codes["ToolRejected"] == codes["GuardViolation"] == 3
    assert codes["ApprovalRequired"] == 4
    assert codes["Unreachable"] == 5
