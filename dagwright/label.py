"""Security labels: a lattice of integrity × confidentiality × readers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from dagwright.model import Frozen

Integrity = Literal["trusted", "untrusted"]
Confidentiality = Literal["public", "tenant", "secret"]

CONFIDENTIALITY: tuple[Confidentiality, ...] = ("public", "tenant", "secret")
"""Levels, the mildest first."""


class Label(Frozen):
    """What is known about where a value comes from and who may see it."""

    integrity: Integrity = "untrusted"
    """`trusted`: said by the user or assigned by the system; `untrusted`: read from outside."""
    confidentiality: Confidentiality = "public"
    """Who may learn it: anybody, the tenant, or nobody without declassification."""
    readers: tuple[str, ...] | None = None
    """Names of those who may read it; None means no restriction beyond confidentiality."""

    def join(self, other: Label) -> Label:
        """Gives the least label that is at least as strict as both."""
        if self == other:
            return self
        untrusted = "untrusted" in (self.integrity, other.integrity)
        level = max(CONFIDENTIALITY.index(self.confidentiality), CONFIDENTIALITY.index(other.confidentiality))
        if self.readers is None or other.readers is None:
            readers = self.readers if other.readers is None else other.readers
        else:
            readers = tuple(sorted(set(self.readers) & set(other.readers)))
        return Label(
            integrity="untrusted" if untrusted else "trusted",
            confidentiality=CONFIDENTIALITY[level],
            readers=readers,
        )


TRUSTED = Label(integrity="trusted", confidentiality="public")
"""Label of goal text and of literals in a plan: the bottom of the lattice."""


def join_all(labels: Iterable[Label]) -> Label:
    """Gives the join of all labels; `TRUSTED` for none."""
    result = TRUSTED
    for label in labels:
        result = result.join(label)
    return result


class FieldLabel(Frozen):
    """The label of one part of a tool's outputs."""

    path: str
    """JSON Pointer pattern into the outputs; `*` stands for any one token; empty for all."""
    label: Label
    """The label of what lies there."""


class Release(Frozen):
    """What an operation vouches for: an endorsement, a declassification, or both, of one part of its outputs.

    It takes effect where policy allows it or a person approves the step.
    """

    path: str
    """JSON Pointer pattern into the outputs; `*` stands for any one token; covers all inside it."""
    integrity: Literal["trusted"] | None = None
    """`trusted` endorses: whatever was read, this part can be relied on."""
    confidentiality: Confidentiality | None = None
    """The level at most that this part has, whatever was read."""

    def of(self, label: Label) -> Label:
        """Gives what a label becomes."""
        level = label.confidentiality if self.confidentiality is None else self.confidentiality
        lower = min(level, label.confidentiality, key=CONFIDENTIALITY.index)
        return label.model_copy(update={"integrity": self.integrity or label.integrity, "confidentiality": lower})
