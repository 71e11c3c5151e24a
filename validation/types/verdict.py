"""`Verdict`: the three answers of the type relation, with a reason and a place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from validation.types.schema import pointer_of

Answer = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether values of one schema fit another."""

    answer: Answer
    """`yes`: every value fits; `no`: none fits (see `assignable`); `unknown`: neither is proven."""
    reason: str = ""
    """Why not `yes`, in words."""
    path: str = ""
    """JSON Pointer of the place inside the value that decided; `*` stands for any item or member."""

    def under(self, token: str | int) -> Verdict:
        """Gives the same verdict, seen from the value that holds this one as a part."""
        return replace(self, path=pointer_of(token) + self.path)

    def in_doubt(self) -> Verdict:
        """Gives the same verdict as `unknown`, for a part that need not be there; `yes` stays."""
        return replace(self, answer="unknown") if self.answer == "no" else self


YES = Verdict("yes")


def no(reason: str) -> Verdict:
    """Gives the verdict that no value fits."""
    return Verdict("no", reason)


def unknown(reason: str) -> Verdict:
    """Gives the verdict that some values may not fit."""
    return Verdict("unknown", reason)
