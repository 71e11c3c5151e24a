"""`Verdict`: the three answers of the type relation, with a reason and a place."""

from __future__ import annotations

from collections.abc import Iterable
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


def of_all(verdicts: Iterable[Verdict]) -> Verdict:
    """Gives the verdict on a value that must fulfil everything."""
    worst = YES
    for verdict in verdicts:
        if verdict.answer == "no":
            return verdict
        if verdict.answer == "unknown" and worst.answer == "yes":
            worst = verdict
    return worst


def of_choice(verdicts: Iterable[Verdict]) -> Verdict:
    """Gives the verdict on a value that must fulfil one of several schemas."""
    best: Verdict | None = None
    for verdict in verdicts:
        if verdict.answer == "yes":
            return verdict
        if best is None or (best.answer == "no" and verdict.answer == "unknown"):
            best = verdict
    return best or no("nothing is allowed")


def of_union(verdicts: Iterable[Verdict]) -> Verdict:
    """Gives the verdict on a value that is one of several: all must agree."""
    found = list(verdicts)
    worst = next((verdict for verdict in found if verdict.answer != "yes"), YES)
    if not found or worst.answer == "yes" or all(verdict.answer == "no" for verdict in found):
        return worst
    refused = next((verdict for verdict in found if verdict.answer == "no"), worst)
    return Verdict("unknown", refused.reason, refused.path)
