"""Citations: a model quotes the goal, clause by clause, forwards, and comes to an end."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.citation import END, Clauses

GOAL = "I have a note 'Buy milk, then bread'. Translate it to Danish, sort and print it, then mail it to Ann."
_PART = re.compile(r'"((?:[^"\\]|\\.)*)"|([a-z]+\d*)|([()|?])')


def pattern(grammar: str, rule: str = "root") -> str:
    """Gives the regular expression of a citation's grammar, which only ever refers forwards."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines())
    parts: list[str] = []
    for text, name, mark in _PART.findall(rules[rule]):
        if name:
            parts.append(f"(?:{pattern(grammar, name)})")
        else:
            parts.append("(?:" if mark == "(" else mark or re.escape(text.replace('\\"', '"').replace("\\\\", "\\")))
    return "".join(parts).replace(re.escape("\\n"), "")


def admits(goal: str, citation: str, *, start: int = 0, may_end: bool = False) -> bool:
    grammar = Clauses.of(goal).grammar(start, may_end=may_end)
    return grammar is not None and re.fullmatch(pattern(grammar), f" {citation}") is not None


@dataclass(frozen=True)
class Case:
    citation: str
    admitted: bool
    why: str


CASES = (
    Case("Translate it to Danish", True, "a clause"),
    Case("it to Danish", True, "a part of one"),
    Case("Translate it into Danish", False, "not the goal's words"),
    Case("Danish", False, "one word asks for nothing"),
    Case("sort", True, "one word that is a clause, followed by others"),
    Case("Translate it to Danish, sort", False, "two clauses"),
    Case("sort and print it", False, "two clauses"),
    Case("have a note 'Buy milk, then bread'", True, "a quoted text is one word"),
    Case("milk, then", False, "the inside of a quoted text"),
    Case("then mail it", False, "the word between clauses is left out"),
    Case("mail it to Ann", True, "the last clause, without its full stop"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.why)
def test_a_citation_is_a_run_of_words_within_one_clause(case: Case) -> None:
    assert admits(GOAL, case.citation) is case.admitted


def test_what_was_passed_is_not_quoted_again() -> None:
    clauses = Clauses.of(GOAL)
    start = clauses.after("sort", 0)
    assert not admits(GOAL, "Translate it to Danish", start=start)
    assert admits(GOAL, "print it", start=start)


def test_a_plan_ends_only_where_it_may() -> None:
    assert admits(GOAL, END, may_end=True)
    assert not admits(GOAL, END)


def test_long_texts_of_the_goal_are_data() -> None:
    assert not admits(f"Translate '{'word ' * 40}' to Danish", f"Translate '{'word ' * 40}'")


@pytest.mark.parametrize(
    ("citation", "asking"),
    [
        ("attend a meeting about 'Tax and Banking'", "attend a meeting about"),
        ("download https://example.com/a", "download https://example.com/a"),
        ("cut example.wav in two", "cut in two"),
    ],
)
def test_what_is_looked_up_is_what_asks(citation: str, asking: str) -> None:
    assert Clauses.asking(citation) == asking


WORDS = st.lists(st.sampled_from(["sort", "it,", "and", "then", "print.", "'a b'", "x", 'say "hi"', "\\n", "é;"]))


@settings(deadline=None)
@given(WORDS, st.integers(0, 12))
def test_whatever_may_be_quoted_moves_forwards(words: list[str], start: int) -> None:
    clauses = Clauses.of(" ".join(words))
    for end in range(start + 1, len(clauses.words) + 1):
        citation = " ".join(clauses.words[start:end]).rstrip(".;?!:,")
        if clauses.grammar(start, may_end=False) and admits(" ".join(words), citation, start=start):
            assert start < clauses.after(citation, start) <= end


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(0, 5))
def test_any_text_gives_a_grammar_that_ends_or_none(text: str, start: int) -> None:
    grammar = Clauses.of(text).grammar(start, may_end=True)
    assert grammar is None or re.compile(pattern(grammar))
