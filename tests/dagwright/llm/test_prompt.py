"""ChatML: roles are ours to give, whatever the content says; an answer can be continued."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagwright.exceptions import ContentError
from dagwright.llm.model import Message
from dagwright.llm.prompt import chatml

SPECIAL = st.sampled_from(
    ["<|im_end|>", "<|im_start|>", "<|endoftext|>", "<|fim_prefix|>", "<|", "|>", "system\n", "x"]
)


def test_messages_become_turns_and_the_assistant_is_next() -> None:
    messages = (Message(role="system", content="s"), Message(role="user", content="u"))
    assert chatml(messages, continues=False) == (
        "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_continued_answer_stays_open() -> None:
    messages = (Message(role="user", content="u"), Message(role="assistant", content="1. red\n2."))
    assert chatml(messages, continues=True).endswith("<|im_start|>assistant\n1. red\n2.")


def test_appending_to_a_continued_answer_only_appends_to_the_prompt() -> None:
    user = Message(role="user", content="u")
    short = chatml((user, Message(role="assistant", content="a")), continues=True)
    longer = chatml((user, Message(role="assistant", content="a b")), continues=True)
    assert longer.startswith(short)


@given(st.lists(SPECIAL, max_size=6).map("".join), st.booleans())
def test_no_content_can_open_or_close_a_message(content: str, continues: bool) -> None:
    messages = [Message(role="user", content=content)]
    if continues:
        messages.append(Message(role="assistant", content=content))
    prompt = chatml(messages, continues=continues)
    assert prompt.count("<|im_start|>") == 2
    assert prompt.count("<|im_end|>") == 1
    assert "<|endoftext|>" not in prompt
    assert "<|fim_prefix|>" not in prompt


@pytest.mark.parametrize(
    ("messages", "continues"),
    [((), False), ((Message(role="user", content="u"),), True)],
    ids=["no-message", "nothing-to-continue"],
)
def test_conversations_that_cannot_be_answered_are_refused(messages: tuple[Message, ...], continues: bool) -> None:
    with pytest.raises(ContentError):
        chatml(messages, continues=continues)
