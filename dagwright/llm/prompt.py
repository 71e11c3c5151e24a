"""Conversations as ChatML text, the format that Qwen models were trained on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dagwright.exceptions import ContentError
from dagwright.llm.model import Message

END = "<|im_end|>"
"""Ends every message."""

_SPECIAL = re.compile(r"<\|(\w+)\|>")


def chatml(messages: Sequence[Message], *, continues: bool) -> str:
    """Gives the prompt after which the assistant writes.

    Texts that look like special tokens are broken up, so that no content can open a message of its
    own. With `continues`, the last message is the beginning of the answer and stays open.

    Raises:
        ContentError: there is no message, or `continues` without a last assistant message.
    """
    check_continues(messages, continues=continues)
    closed = messages[:-1] if continues else messages
    opening = plain(messages[-1].content) if continues else ""
    return f"{chatml_opening(closed)}<|im_start|>assistant\n{opening}"


def chatml_opening(messages: Sequence[Message]) -> str:
    """Gives finished messages: what every prompt that goes on from them begins with."""
    return "".join(f"<|im_start|>{message.role}\n{plain(message.content)}{END}\n" for message in messages)


def plain(text: str) -> str:
    """Gives the text with special tokens broken up: `<|im_end|>` becomes `<| im_end |>`."""
    return _SPECIAL.sub(r"<| \1 |>", text)


def check_continues(messages: Sequence[Message], *, continues: bool) -> None:
    """Checks that the conversation is one that can be answered.

    Raises:
        ContentError: there is no message, or `continues` without a last assistant message.
    """
    if not messages:
        raise ContentError("a request needs at least one message")
    if continues and messages[-1].role != "assistant":
        raise ContentError("'continues' needs an assistant message last: the beginning of the answer")
