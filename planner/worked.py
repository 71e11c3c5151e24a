"""Worked plans in a person's own documents: `Goal: …`, and the calls that reached it, one per line."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLAN = re.compile(r"^[ \t]*(Goal: .+)\n((?:[ \t]*s\d+ = .+(?:\n|\Z))+)", re.MULTILINE)
_CALL = re.compile(r"^[ \t]*s\d+ = ([\w.-]+)\(", re.MULTILINE)


@dataclass(frozen=True)
class Note:
    """What a document says, its worked plans apart."""

    text: str
    """Without the plans."""
    plans: tuple[str, ...]
    """Each as one text: the goal's line, then the lines of calls."""

    @classmethod
    def of(cls, text: str) -> Note:
        """Gives a document's text and plans."""
        plans = tuple(_unindented(match.group(0)) for match in _PLAN.finditer(text))
        return cls(text=re.sub(r"\n{3,}", "\n\n", _PLAN.sub("", text)).strip(), plans=plans)


def operations_of(plan: str) -> tuple[str, ...]:
    """Gives the names of the operations that a plan's lines call, as written, without `answer`."""
    return tuple(dict.fromkeys(name for name in _CALL.findall(plan) if name != "answer"))


def _unindented(block: str) -> str:
    return "\n".join(line.strip() for line in block.strip().splitlines())
