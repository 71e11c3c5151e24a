"""`Remedies`: what became of the errors that were found in proposals, per code, over runs.

A round is one proposal of the model: its errors are found, deterministic fixes are applied, what is left is
reported to the model, and its next proposal shows what it made of that. An error that one round leaves and the
next has still is one error; `found` is always the sum of the other three.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

from dagwright.exceptions import ArchiveError
from dagwright.finding import Report
from dagwright.model import Frozen
from executor.archive.archive import Archive
from executor.archive.export import opened
from executor.archive.folder import runs


class Remedy(Frozen):
    """What became of the errors of one code."""

    code: str
    found: int
    """Errors that were found."""
    by_patch: int
    """Gone after deterministic repair."""
    by_model: int
    """Left to the model, and gone in its next proposal."""
    left: int
    """There when no further proposal came."""


class Remedies(Frozen):
    """What became of the errors in some runs."""

    runs: tuple[str, ...]
    """Runs that were read."""
    damaged: tuple[str, ...]
    """Runs that could not be read."""
    rounds: int
    """Proposals that were judged."""
    unrecorded: int
    """Of these, those whose archive does not say what repair was given (it is older): only what repair left counts."""
    codes: tuple[Remedy, ...]
    """The most frequent first."""


class Round(NamedTuple):
    """One proposal of the model."""

    version: int
    found: Counter[str] | None
    """Errors before repair; None where the archive does not say."""
    left: Counter[str]
    """Errors after it."""


def remedies(home: Path, names: Iterable[str] = ()) -> Remedies:
    """Gives what became of errors in some runs (ids, or exported files), or in all of a home folder.

    Raises:
        ArchiveError: a run that was named cannot be read.
    """
    named = tuple(names)
    read: dict[str, list[Round]] = {}
    damaged: list[str] = []
    for run in named or runs(home):
        try:
            with opened(home, run) as archive:
                read[archive.run] = list(rounds_of(archive))
        except ArchiveError:
            if named:
                raise
            damaged.append(run)
    rounds = [one for found in read.values() for one in found]
    tallies = [tally(found) for found in read.values()]
    return Remedies(
        runs=tuple(read),
        damaged=tuple(damaged),
        rounds=len(rounds),
        unrecorded=sum(one.found is None for one in rounds),
        codes=_summed(tallies),
    )


def rounds_of(archive: Archive) -> Iterator[Round]:
    """Gives the rounds of a run, in order: each begins with a proposal and ends with its report."""
    opening: dict[str, Any] | None = None
    for event in archive.events():
        body = cast("dict[str, Any]", event.body)
        if event.kind == "proposal":
            opening = body if opening is None or "findings" in body else opening
        elif event.kind == "report" and opening is not None:
            left = Counter(finding.code for finding in Report.model_validate(body).errors)
            found = Counter(cast("dict[str, int]", opening["findings"])) if "findings" in opening else None
            yield Round(int(opening.get("version", 1)), found, left)
            opening = None


class Tally(NamedTuple):
    """Errors by code; `found` is the sum of the others."""

    found: Counter[str]
    by_patch: Counter[str]
    by_model: Counter[str]
    left: Counter[str]


def tally(rounds: Iterable[Round]) -> Tally:
    """Gives what became of the errors of one run."""
    total = Tally(Counter(), Counter(), Counter(), Counter())
    open_: Counter[str] = Counter()
    version = 0
    for one in rounds:
        if one.version != version:
            total.left.update(open_)
            open_ = Counter[str]()
            version = one.version
        found = one.left if one.found is None else one.found
        total.by_model.update(open_ - found)
        total.by_patch.update(found - one.left)
        total.found.update(found - open_)
        total.found.update(one.left - found)
        open_ = one.left
    total.left.update(open_)
    return total


def _summed(tallies: Iterable[Tally]) -> tuple[Remedy, ...]:
    sums = Tally(Counter(), Counter(), Counter(), Counter())
    for one in tallies:
        for total, counts in zip(sums, one, strict=True):
            total.update(counts)
    return tuple(
        Remedy(code=code, found=count, by_patch=sums.by_patch[code], by_model=sums.by_model[code], left=sums.left[code])
        for code, count in sorted(sums.found.items(), key=lambda item: (-item[1], item[0]))
    )
