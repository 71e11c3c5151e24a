"""Citations: the words of a goal that ask for a step, quoted by the model, clause by clause, in their order.

A grammar admits nothing but runs of the goal's own words that lie in one clause and behind what was
quoted before. So a plan has a step only where the goal has words for it, and it comes to an end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dagwright.llm.gbnf import literal
from dagwright.llm.model import Message, Model, ModelRequest

END = "end"
"""What a model writes when nothing that the goal asks for is left."""
CITATION_TOKENS = 80
"""Tokens of the longest citation."""
LONGEST_WORD = 60
"""Characters of a word, or of a quoted text, that a citation may hold; longer ones are data."""

_WORD = re.compile(r"""'[^'\n]{1,4000}'(?!\w)|"[^"\n]{1,4000}"|\S+""")
_MARKS = ".;?!:,"
_BETWEEN = frozenset(("and", "then"))
"""Words that lie between clauses."""
_DATA = re.compile(r"""^['"]|\w[./]\w|\d""")
"""A quoted text, an address, a file, a number."""
_ALONE = re.compile(r"[^\W\d_]{4,}")
"""A word that may be a clause by itself (`translate, summarize and print it`)."""


@dataclass(frozen=True)
class Clauses:
    """The words of a goal, and where its clauses end."""

    words: tuple[str, ...]
    """With their punctuation; a quoted text is one word."""

    @classmethod
    def of(cls, text: str) -> Clauses:
        """Gives the words of a text."""
        return cls(tuple(match.group(0) for match in _WORD.finditer(text)))

    def grammar(self, start: int, *, may_end: bool) -> str | None:
        """Gives the GBNF of a citation from word `start` on; None where no words are left to quote.

        Args:
            start: number of the first word that may be quoted.
            may_end: whether `end` is a choice.
        """
        first = [index for index in range(start, len(self.words)) if self._begins(index)]
        if not first:
            return None
        choices = [f"b{index}" for index in first] + ([literal(END)] if may_end else [])
        rules = [f'root ::= " " ( {" | ".join(choices)} ) "\\n"']
        for index in range(start, len(self.words)):
            if self._is_quotable(index):
                more = f"{literal(self._gap(index))} w{index + 1}" if self._goes_on(index) else ""
                rules.append(f"w{index} ::= {literal(self._plain(index))}{f' ( {more} )?' if more else ''}")
                if index in first:
                    rules.append(f"b{index} ::= {literal(self._plain(index))}{f' {more}' if more else ''}")
        return "\n".join(rules) + "\n"

    def after(self, citation: str, start: int) -> int:
        """Gives the number of the word behind a citation; `start` where it is none."""
        quoted = [match.group(0).rstrip(_MARKS) for match in _WORD.finditer(citation)]
        plain = [self._plain(index) for index in range(len(self.words))]
        for index in range(start, len(plain) - len(quoted) + 1):
            if plain[index : index + len(quoted)] == quoted:
                return index + len(quoted)
        return start

    @staticmethod
    def asking(citation: str) -> str:
        """Gives the words of a citation that ask: without quoted texts, addresses and files, which are data."""
        asking = [word for word in _WORD.findall(citation) if not _DATA.search(word)]
        return " ".join(asking) if len(asking) > 1 else citation

    def _plain(self, index: int) -> str:
        return self.words[index].rstrip(_MARKS)

    def _gap(self, index: int) -> str:
        return self.words[index][len(self._plain(index)) :] + " "

    def _is_quotable(self, index: int) -> bool:
        plain = self._plain(index)
        return 0 < len(plain) <= LONGEST_WORD and plain.lower() not in _BETWEEN

    def _goes_on(self, index: int) -> bool:
        """Whether a citation may hold the next word too."""
        ends = self.words[index][-1] in _MARKS
        return not ends and index + 1 < len(self.words) and self._is_quotable(index + 1)

    def _begins(self, index: int) -> bool:
        if not self._is_quotable(index):
            return False
        return self._goes_on(index) or self._stands_alone(index)

    def _stands_alone(self, index: int) -> bool:
        """Whether a word is a clause that another one follows: `translate, sort and print it`."""
        begins = index == 0 or not self._is_quotable(index - 1) or not self._goes_on(index - 1)
        following = self.words[index + 1].lower() if index + 1 < len(self.words) else ""
        followed = self.words[index].endswith(",") or following in _BETWEEN
        return begins and followed and _ALONE.fullmatch(self._plain(index)) is not None


def cite(
    model: Model,
    opening: Sequence[Message],
    lines: Sequence[str],
    grammar: str,
    *,
    seed: int = 0,
    temperature: float = 0.0,
) -> str:
    """Gives the words of the goal that the next step is for, or `end`.

    Raises:
        ModelAnswerError: the model gave nothing.
        TransportError: the model cannot be reached.
    """
    so_far = "".join(f"{line}\n" for line in lines)
    request = ModelRequest(
        messages=(*opening, Message(role="assistant", content=f"{so_far}#")),
        grammar=grammar,
        seed=seed,
        temperature=temperature,
        max_tokens=CITATION_TOKENS,
        stop=("\n",),
        continues=True,
        stable=len(opening) - 1,
    )
    return model.complete(request).text.strip()
