"""Prompts: stable parts first, worked examples only with operations on offer."""

from __future__ import annotations

from dagwright.goal import Goal
from executor.toolchest import default_catalogue
from planner.prompt import cited_prompt, interleaved_prompt
from planner.signature import signature, words_of

OPERATIONS = words_of(default_catalogue().tools)


def test_everything_before_the_goal_is_the_same_for_all_goals() -> None:
    first = interleaved_prompt(Goal(goal_id="a", text="one"), OPERATIONS, ("x: table",), ())
    second = interleaved_prompt(Goal(goal_id="b", text="two"), OPERATIONS, ("y: table",), ("failed",))
    assert first[:-1] == second[:-1]
    assert "one" in first[-1].content


def test_cited_examples_show_that_a_plan_ends() -> None:
    prompt = cited_prompt(Goal(goal_id="a", text="one"), OPERATIONS, (), ())
    written = [message.content for message in prompt if message.role == "assistant"]
    assert len(written) == 3
    assert all(text.splitlines()[-1] == "# end" for text in written)


def test_a_signature_is_one_line() -> None:
    for word, spec in OPERATIONS.items():
        assert "\n" not in signature(word, spec)
    assert signature("top_rows", OPERATIONS["top_rows"]) == "top_rows(table, n) -> table: Keep only the first n rows."
