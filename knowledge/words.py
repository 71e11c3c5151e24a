"""Names and sentences: how identifiers become words, and prose becomes sentences."""

from __future__ import annotations

import re

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)\s+(?=[A-Z0-9`\"'(\[])|\n+")


def split_name(name: str) -> str:
    """Gives an identifier as lower-case words: `listReposByUserID` is `list repos by user id`."""
    return " ".join(part.lower() for part in _BOUNDARY.split(name) if part)


def sentences(text: str) -> list[str]:
    """Gives the sentences of a text, white space collapsed, empty ones left out."""
    return [sentence for part in _SENTENCE_END.split(text) if (sentence := " ".join(part.split()))]


def first_sentence(text: str, *, limit: int = 200) -> str:
    """Gives the first sentence of a text, cut at a word after `limit` characters; "" for none."""
    found = sentences(text)
    if not found:
        return ""
    sentence = found[0]
    return sentence if len(sentence) <= limit else sentence[:limit].rsplit(" ", 1)[0] + " …"
