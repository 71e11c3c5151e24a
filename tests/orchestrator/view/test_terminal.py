"""Who is asked at the terminal reads what would run, how often, and under which block."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.approval import Question
from orchestrator.view.terminal import ask_approval

ASKED = {
    "each": ["a2: work.effect (write), at most 6 times", "for each row of start/numbers (at most 6)", "x: of a1"],
    "repeat": [
        "a2: work.effect (write), at most 4 times",
        "again until a2/value is more than 3 (at most 4 times, 2 s apart)",
    ],
    "when": ["a2: work.effect (write)\n", "only if start/flag is true"],
}


@pytest.mark.parametrize(("name", "said"), ASKED.items(), ids=ASKED)
def test_a_step_of_a_block_is_asked_about_with_its_block(
    blocks: Any, name: str, said: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = blocks.construct(name)
    monkeypatch.setattr("builtins.input", lambda prompt: "y")
    question = Question(program=program, digest=program.approval_digest("a2"), step=program.by_id["a2"])
    assert ask_approval(question) == "approve"
    printed = capsys.readouterr().out
    assert all(words in printed for words in said)


def test_what_controls_a_block_is_asked_about_in_words(blocks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    program = blocks.construct("when")
    question = Question(program=program, digest="0" * 64, step=program.by_id["when-block"])
    assert str(question) == "the condition of task 'block'"
